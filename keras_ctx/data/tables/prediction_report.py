"""Files with the predictions and scores of labelled texts."""

from pathlib import Path

import numpy as np

from keras_ctx.data.tables.labelled_texts import LabelledTexts
from keras_ctx.data.tables.text_tasks import (
    Classification,
    MultiLabel,
    Regression,
    TextTask,
)
from keras_ctx.evaluation.classification import (
    class_scores,
    confusion_matrix,
    is_constant,
)
from keras_ctx.evaluation.confusion_picture import save_confusion
from keras_ctx.evaluation.score_tables import confusion_table, score_table
from keras_ctx.files.json_text import json_text
from keras_ctx.files.whole_file import write_text

PREDICTIONS = "predictions.tsv"
REPORT = "report.txt"
CLASSES = "classes.json"
CONFUSION = "confusion.png"


def save_predictions(
    task: TextTask,
    rows: LabelledTexts,
    logits: np.ndarray,
    folder: str | Path,
) -> list[str]:
    """Writes predictions, a report, and a picture of the confusion matrix.

    Args:
        task: The task, which knows the meaning of the labels.
        rows: The texts and their labels.
        logits: The logits of the texts, in the same order, `(n, K)`.
        folder: The folder to write to. It is created if it does not exist.
            `predictions.tsv` has a line per text: its label, the prediction
            and the logits. `report.txt` has all scores, the scores of each
            class, and confusions. `classes.json` has the scores of each class.
            For one class per text, `confusion.png` shows the confusions.

    Returns:
        The names of the files that were written.

    Raises:
        ValueError: The logits are not finite, or their number is not that of
            the texts.
        ModuleNotFoundError: `scikit-learn`, `scipy` or `matplotlib` is not
            installed.

    Example:
        >>> from keras_ctx.data import Classification
        >>> rows = LabelledTexts(Path("a.tsv"), [1, 2], ["x", "y"], None,
        ...                      ["no", "yes"])
        >>> save_predictions(
        ...     Classification(["no", "yes"]), rows, np.eye(2), "report")
        ['predictions.tsv', 'report.txt', 'classes.json', 'confusion.png']
        >>> print(Path("report/predictions.tsv").read_text().splitlines()[1])
        no	no	1.0000	0.0000
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if len(logits) != len(rows) or not np.isfinite(logits).all():
        raise ValueError(
            "`logits` must hold a row of finite numbers for each text. "
            f"Received: {logits.shape} for {len(rows)} texts, "
            f"{int((~np.isfinite(logits)).sum())} numbers that are not finite"
        )
    predicted = task.predictions(logits)
    _write_lines(task, rows, logits, predicted, folder / PREDICTIONS)
    written = [PREDICTIONS, REPORT]
    targets = task.targets(rows)
    scores = task.scores(targets, logits)
    report = ["\n".join(f"{k:<18} {v:.4f}" for k, v in scores.items())]
    if not isinstance(task, Regression):
        written.append(CLASSES)
        single = isinstance(task, Classification)
        chosen = logits.argmax(-1) if single else logits > 0
        classes = class_scores(targets, chosen, task.labels)
        text = json_text(classes, indent=2)
        write_text(folder / CLASSES, text + "\n")
        report.append(score_table(classes))
        if single:
            written.append(CONFUSION)
            matrix = confusion_matrix(targets, chosen, len(task.labels))
            report.append(confusion_table(matrix, task.labels))
            if not save_confusion(matrix, task.labels, folder / CONFUSION):
                report.append(
                    f"{CONFUSION} numbers the classes from 0, in the order "
                    "above: no installed font has their characters."
                )
    if len(rows) > 1:
        report += _remark(task, logits, predicted)
    write_text(folder / REPORT, "\n\n".join(report) + "\n")
    return written


def _remark(
    task: TextTask, logits: np.ndarray, predicted: list[str]
) -> list[str]:
    if isinstance(task, Regression) and is_constant(logits[:, 0]):
        return [
            f"All predictions are {predicted[0]}: a correlation with them is "
            "undefined and reported as 0."
        ]
    if len(set(predicted)) == 1:
        return [f"All predictions are {predicted[0]!r}."]
    return []


def _write_lines(
    task: TextTask,
    rows: LabelledTexts,
    logits: np.ndarray,
    predicted: list[str],
    path: Path,
) -> None:
    lines = ["\t".join(["label", "prediction", *task.labels])]
    labels = rows.labels
    if isinstance(task, MultiLabel):
        labels = task.written(rows)
    for label, best, numbers in zip(labels, predicted, logits, strict=True):
        shown = [f"{x:.4f}" for x in numbers] if task.labels else []
        lines.append("\t".join([label, best, *shown]))
    write_text(path, "\n".join(lines) + "\n")
