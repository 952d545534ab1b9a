"""Translation: beam search, greedy, without averaging, nearest sentence.

Command   python benchmarks/translation.py --corpus multi30k --data MULTI30K
          python benchmarks/translation.py --corpus cmn_eng --data cmn.txt.gz
Data      The files of Multi30k, task 1, English and German (train, val,
          test_2016_flickr and test_2017_flickr, .en.gz and .de.gz); or the
          English and Chinese pairs of Tatoeba from manythings.org, tabs
          between. Of these a twentieth of the English sentences is for
          development and one for test, by their hashes, each with all of its
          translations in that part.
Output    OUTPUT/CORPUS/: the parts, both trained runs, the translations,
          table.md. A killed run resumes.

The nearest sentence is that of the training text with the highest cosine of
its TF-IDF vector of words to the test text; its translation is the answer.
"""

import gzip
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro
from sklearn.feature_extraction.text import TfidfVectorizer

from harness.recipes import ended_run, run_recipe
from keras_ctx import data, evaluation, training
from keras_ctx.files.whole_file import write_text

SETTINGS = {
    "epochs": 9,
    "steps-per-epoch": 110,
    "tokens-per-batch": 4096,
    "warmup-steps": 500,
    "dropout": 0.1,
    "average-checkpoints": 4,
}
Parts = dict[str, tuple[Path, Path]]


@dataclass(frozen=True)
class Config:
    data: Path
    """Folder of Multi30k, or the file of pairs."""
    corpus: Literal["multi30k", "cmn_eng"] = "multi30k"
    """Corpus to train on."""
    output: Path = Path("runs/translation")
    """Folder for all corpora."""
    last: bool = True
    """Whether to train once more, without averaging."""


def multi30k(folder: Path) -> Parts:
    """Returns the files of each part; those of tests begin with "test"."""
    names = ("train", "val", "test_2016_flickr", "test_2017_flickr")
    return {
        name: (folder / f"{name}.en.gz", folder / f"{name}.de.gz")
        for name in names
    }


def cmn_eng(path: Path, folder: Path) -> Parts:
    """Splits the pairs into parts, by their English sentence."""
    parts: dict[str, list[tuple[str, str]]] = {
        "train": [],
        "val": [],
        "test": [],
    }
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            english, chinese, _ = line.rstrip("\n").split("\t")
            number = int(hashlib.sha256(english.encode()).hexdigest(), 16) % 20
            name = {0: "test", 1: "val"}.get(number, "train")
            parts[name].append((english, chinese))
    found = {}
    for name, pairs in parts.items():
        if name == "test":  # one reference for each sentence
            pairs = list(dict(pairs).items())
        found[name] = (folder / f"{name}.en", folder / f"{name}.zh")
        for path, texts in zip(
            found[name], zip(*pairs, strict=True), strict=True
        ):
            if not path.exists():
                write_text(path, "".join(f"{text}\n" for text in texts))
    return found


def trained(folder: Path, parts: Parts, **changed: int) -> Path:
    """Trains a translator, if it is not there."""
    return ended_run(
        "train_translator",
        folder,
        **{"train": parts["train"], "dev": parts["val"]},
        **{**SETTINGS, **changed},
    )


def translated(run: Path, source: Path, beams: int) -> list[str]:
    """Translates a file by a run, if it is not there."""
    name = source.name.removesuffix(".gz")
    target = run / f"{name}.beams-{beams}.txt"
    if not target.exists():
        run_recipe(
            "translate", model=run, input=source, beams=beams, output=target
        )
    return list(data.read_lines(target, keep_blank=True))


def nearest(train: tuple[Path, Path], texts: Sequence[str]) -> list[str]:
    """Returns the translation of the most similar training sentence."""
    pairs = data.read_parallel(*train)
    vectors = TfidfVectorizer()
    known = vectors.fit_transform(pairs.sources)
    found = (vectors.transform(texts) @ known.T).tocsr()
    return [pairs.targets[found[row].argmax()] for row in range(len(texts))]


def main(config: Config) -> str:
    folder = config.output / config.corpus
    folder.mkdir(parents=True, exist_ok=True)
    chinese = config.corpus == "cmn_eng"
    parts = cmn_eng(config.data, folder) if chinese else multi30k(config.data)
    runs = {"": trained(folder / "run", parts)}
    if config.last:
        last = trained(folder / "last", parts, **{"average-checkpoints": 1})
        runs[", last checkpoint alone"] = last
    tests = {name: x for name, x in parts.items() if name.startswith("test")}
    rows: dict[str, list[float]] = {}
    signature = ""
    for source, target in tests.values():
        texts, right = (
            list(data.read_lines(x, keep_blank=True)) for x in (source, target)
        )
        answered = {"greedy": translated(runs[""], source, 1)}
        for name, run in runs.items():
            answered[f"beam search{name}"] = translated(run, source, 4)
        answered["nearest training sentence"] = nearest(parts["train"], texts)
        for name, answers in answered.items():
            score = evaluation.bleu(answers, right, "zh" if chinese else "13a")
            rows.setdefault(name, []).append(score["bleu"])
            signature = score["bleu_signature"]
    minutes = training.read_metrics(runs[""])[-1]["seconds"] / 60
    table = f"| | {' | '.join(tests)} |\n|---|{'---:|' * len(tests)}\n"
    for name, scores in rows.items():
        table += f"| {name} | {' | '.join(f'{x:.1f}' for x in scores)} |\n"
    table += f"\n`{signature}`; training took {minutes:.0f} minutes.\n"
    write_text(folder / "table.md", table)
    print(table)
    return table


if __name__ == "__main__":
    main(tyro.cli(Config))
