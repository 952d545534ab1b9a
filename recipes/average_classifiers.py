"""Averages the probabilities of several classifiers of texts, and scores them.

Data      A table like those of finetune_classifier.py, with labels.
Output    OUTPUT/predictions.tsv, OUTPUT/report.txt and OUTPUT/confusion.png of
          the mean of all models; OUTPUT/results.json with the scores of each
          and of the mean.
Command   ULMFiT's pair of a forward and a backward model:
          python recipes/average_classifiers.py --models runs/a runs/b \
              --test held_out.tsv --output runs/both
Expected  The mean scores higher than each model: in ULMFiT's paper by 0.5 to
          0.7 points of accuracy.

The models may have encoders of different kinds; their labels must be the same.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import closing, run_command

from keras_ctx import data, fine_tuning, predictions, training


@dataclass(frozen=True, kw_only=True)
class Config:
    models: tuple[Path, ...]
    """Folders of runs of finetune_classifier.py, or of their seeds, such as
    RUN/pretrained/seed_2; two or more."""
    test: Path
    """Labelled examples to score on, in the format of the training files."""
    output: Path
    """Folder to write to."""
    metric: str | None = None
    """Score to report first. If not given: the usual one of the task."""
    batch_size: int = 128
    """Texts per batch."""

    def __post_init__(self):
        training.check_run_numbers(self)
        training.check_output(self)
        if len({path.resolve() for path in self.models}) < len(self.models):
            raise ValueError(
                "`models` must be different folders. Received: "
                f"{', '.join(map(str, self.models))}"
            )


def read_rows(config: Config, task: predictions.RunTask) -> data.LabelledTexts:
    """Reads the table as the first run has read its own."""
    table = data.TableFormat(**task.settings.get("table", {}))
    columns = task.settings.get("columns", ("0", "1"))
    wanted = [int(x) if x.isdecimal() else x for x in columns]
    return data.read_labelled_texts(
        config.test, wanted, table, task.settings.get("no_label")
    )


@training.writes_folder
def main(config: Config) -> dict[str, Any]:
    start = time.monotonic()
    tasks = predictions.read_same_tasks(config.models)
    rows = read_rows(config, tasks[0])
    meaning = predictions.text_task(tasks[0])
    targets = meaning.targets(rows)
    metric = config.metric or meaning.metrics[0]
    if metric not in meaning.metrics:
        raise ValueError(
            f"`metric` must be one of {', '.join(meaning.metrics)}. "
            f"Received: metric={metric!r}"
        )
    logits = [
        fine_tuning.predict_texts(
            *(each.model, rows, meaning, each.text_inputs, config.batch_size)
        )
        for each in tasks
    ]
    average = predictions.average_logits(tasks[0].kind, logits)
    data.save_predictions(meaning, rows, average, config.output)
    scores = [meaning.scores(targets, each) for each in logits]
    results = {
        "metric": metric,
        "num_test": len(rows),
        "average": meaning.scores(targets, average),
        "models": {
            str(folder): each
            for folder, each in zip(config.models, scores, strict=True)
        },
        "seconds": time.monotonic() - start,
    }
    training.save_results(config, results)
    closing(
        [
            ["", metric],
            *(
                [str(x), each[metric]]
                for x, each in zip(config.models, scores, strict=True)
            ),
            ["mean of all", results["average"][metric]],
        ],
        config.output,
    )
    return results


if __name__ == "__main__":
    run_command(main, Config)
