"""Skip-gram on novels beside gensim, for equal minutes.

Command   python benchmarks/word_vectors.py --novels 100_english_novels.tar.xz
Data      The parts of `elmo_perplexity.py --corpus novels`.
Needs     `.venv-bench` with the extra `bench` (`make bench` makes it), which
          has gensim, and two cores without other work.
Output    OUTPUT/: our run, gensim's vectors, table.md.
Expected  Losses within 2 % of each other.

Both have 100 features, a window of 5, 5 negatives, words that occur 5 times,
and a subsampling share of 1e-3. gensim gets as many passes as fit into the
seconds that our training took. The loss is that of negative sampling on the
held-out novels, computed here from the input and output vectors of both, with
the same windows and negatives; the overlap is the share of the 10 nearest
words that both have, over 1,000 words among the 10,000 most frequent.
"""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

import elmo_perplexity
from harness.recipes import ended_run
from keras_ctx import convert, data, text, training
from keras_ctx.files.model_file import load_model
from keras_ctx.files.whole_file import write_text

ROOT = Path(__file__).resolve().parents[1]
WINDOW, NEGATIVES, SUBSAMPLE, MIN_COUNT = 5, 5, 1e-3, 5
QUESTIONS = ("house", "river", "king", "walked", "happy")


@dataclass(frozen=True)
class Config:
    novels: Path
    """Tar file of novels."""
    parts: Path = Path("runs/perplexity")
    """Output of elmo_perplexity.py, for the text."""
    output: Path = Path("runs/word_vectors_of_novels")
    """Folder of this benchmark."""
    epochs: int = 3
    """Passes of our training over the novels."""
    bench_python: Path = ROOT / ".venv-bench" / "bin" / "python"
    """Python with gensim."""


@dataclass(frozen=True)
class Tables:
    """Vectors of words, as inputs and as targets."""

    words: list[str]
    inputs: np.ndarray
    targets: np.ndarray
    seconds: float
    words_per_second: float


def ours(config: Config, train: Path) -> Tables:
    run = ended_run(
        "train_word_vectors",
        config.output / "run",
        corpus=train,
        epochs=config.epochs,
        window=WINDOW,
        num_negatives=NEGATIVES,
        min_count=MIN_COUNT,
        subsample=SUBSAMPLE,
    )
    results = json.loads((run / "results.json").read_text("utf-8"))["results"]
    vectors = convert.load_word_vectors(run / "vectors.txt")
    model = load_model(run / "trainer.keras", compile=False)
    return Tables(
        list(vectors.words),
        vectors.vectors,
        np.asarray(model.get_layer("negative_sampling").kernel),
        training.read_metrics(run)[-1]["seconds"],
        results["words_per_second"],
    )


def gensims(config: Config, train: Path, words: list[str], seconds: float):
    """Returns the vectors of gensim, trained for as long in a process."""
    folder = config.output / "gensim"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "seconds.json").exists():
        text.save_vocabulary(words, folder / "words.txt")
        script = Path(__file__).parent / "peers/gensim_word_vectors.py"
        command = [config.bench_python, script, train, folder, seconds]
        subprocess.run([str(x) for x in command], check=True)
    found = json.loads((folder / "seconds.json").read_text("utf-8"))
    return Tables(
        words,
        np.load(folder / "inputs.npy"),
        np.load(folder / "targets.npy"),
        found["seconds"],
        found["words_per_second"],
    )


def held_out_loss(tables: Tables, counts: np.ndarray, path: Path) -> float:
    """Returns the mean loss of a pair, with fixed windows and negatives."""
    draw = np.random.default_rng(0)
    index = {word: i for i, word in enumerate(tables.words)}
    shares = data.kept_shares(counts, SUBSAMPLE)
    bounds = np.cumsum(counts**0.75)
    bounds /= bounds[-1]
    losses = []
    for line in data.read_lines(path):
        ids = np.array([index[x] for x in line.split() if x in index], int)
        ids = ids[draw.random(len(ids)) < shares[ids]]
        sizes = draw.integers(1, WINDOW + 1, len(ids))
        for place, size in enumerate(sizes):
            near = np.r_[
                ids[max(place - size, 0) : place], ids[place + 1 :][:size]
            ]
            drawn = np.searchsorted(bounds, draw.random((len(near), NEGATIVES)))
            vectors = tables.inputs[near]
            right = vectors @ tables.targets[ids[place]]
            wrong = np.einsum("pd,pnd->pn", vectors, tables.targets[drawn])
            others = drawn != ids[place]
            losses.append(
                np.logaddexp(0, -right)
                + (others * np.logaddexp(0, wrong)).sum(1)
            )
    return float(np.concatenate(losses).mean())


def neighbours(tables: Tables, ids: np.ndarray) -> np.ndarray:
    """Returns the 10 nearest words of each word, `(N, 10)`."""
    rows = tables.inputs / np.linalg.norm(tables.inputs, axis=1)[:, None]
    cosines = rows[ids] @ rows.T
    cosines[np.arange(len(ids)), ids] = -np.inf
    return np.argsort(-cosines, axis=1)[:, :10]


def main(config: Config) -> str:
    of_text = elmo_perplexity.Config("novels", config.novels, config.parts)
    paths = elmo_perplexity.write_parts(
        of_text, config.parts / "novels" / "text"
    )
    first = ours(config, paths["train"])
    second = gensims(config, paths["train"], first.words, first.seconds)
    counted = text.word_counts(data.read_lines(paths["train"]), None, MIN_COUNT)
    counts = np.array([counted[word] for word in first.words], "float64")
    table = (
        "| | minutes | words a second | held-out loss |\n|---|---:|---:|---:|\n"
    )
    for name, x in (("keras_ctx", first), ("gensim", second)):
        loss = held_out_loss(x, counts, paths["test"])
        table += f"| {name} | {x.seconds / 60:.1f} "
        table += f"| {x.words_per_second:,.0f} | {loss:.3f} |\n"
    ids = np.random.default_rng(1).choice(10_000, 1000, replace=False)
    both = [neighbours(x, ids) for x in (first, second)]
    same = np.mean([len({*a} & {*b}) / 10 for a, b in zip(*both, strict=True)])
    table += f"\nOf the 10 nearest words both have {100 * same:.0f} %.\n"
    for question in QUESTIONS:
        place = np.array([first.words.index(question)])
        for name, x in (("keras_ctx", first), ("gensim", second)):
            found = [x.words[i] for i in neighbours(x, place)[0, :6]]
            table += f"\n* {question}, {name}: {', '.join(found)}"
    write_text(config.output / "table.md", table + "\n")
    print(table)
    return table


if __name__ == "__main__":
    main(tyro.cli(Config))
