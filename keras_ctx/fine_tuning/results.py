"""Saves a run: the files of its first seed, and its results."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_ctx import text, training
from keras_ctx.fine_tuning.options.shared import FineTuningOptions


def save_run(
    options: FineTuningOptions,
    first: str | Path,
    names: Sequence[str],
    text_inputs: text.TextInputs,
    task: Mapping[str, Any],
    results: Mapping[str, Any],
    labels: Sequence[str] = (),
) -> None:
    """Completes the run in `options.output`, for `keras_ctx.load`.

    Args:
        options: Options of the recipe.
        first: Folder of the first seed.
        names: Names or patterns of files in it to copy; missing files are
            skipped.
        text_inputs: The text inputs of the encoder, for `text_inputs.json`.
        task: What the labels mean and the file format, as JSON, for
            `task.json`.
        results: Figures as JSON, for `results.json`, which is written last.
        labels: Labels for `labels.txt`; if empty, the file is not written.

    Example:
        >>> _ = Path("seed_1").mkdir(), Path("runs/one").mkdir(parents=True)
        >>> _ = Path("seed_1/report.txt").write_text("fine")
        >>> save_run(
        ...     FineTuningOptions(output=Path("runs/one")), "seed_1",
        ...     ["*.txt", "confusion.png"], text.ElmoInputs(max_characters=5),
        ...     {"task": "classification"}, {"f1": 0.5}, ["no", "yes"])
        >>> sorted(path.stem for path in Path("runs/one").iterdir())
        ['labels', 'report', 'results', 'task', 'text_inputs']
    """
    output = options.output
    if labels:
        text.save_vocabulary(labels, output / "labels.txt")
    for name in names:
        for path in sorted(Path(first).glob(name)):
            shutil.copy(path, output / path.name)
    text.save_inputs(text_inputs, output / "text_inputs.json")
    training.save_json(dict(task), output / "task.json")
    training.save_results(options, dict(results))


def score_rows(results: Mapping[str, Any]) -> list[list[Any]]:
    """Returns the rows of a closing table: each encoder, and the majority.

    Args:
        results: Results of a recipe that compares a pretrained with an
            untrained encoder: "metric", "majority", and the mean score of each.

    Example:
        >>> score_rows(
        ...     {"metric": "f1", "majority": 0.1, "pretrained": 0.5})
        [['', 'f1'], ['pretrained encoder', 0.5], ['majority (no model)', 0.1]]
    """
    names = {
        "pretrained": "pretrained encoder",
        "untrained": "untrained encoder",
        "majority": "majority (no model)",
    }
    rows = [[name, results[x]] for x, name in names.items() if x in results]
    return [["", results["metric"]], *rows]
