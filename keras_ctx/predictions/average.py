"""Averages the predictions of several models of one task."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_ctx.predictions.run_task import RunTask, read_task

_TEXTS = ("classification", "multi_label", "regression")


def average_logits(kind: str, logits: Sequence[np.ndarray]) -> np.ndarray:
    """Returns the logits of the mean of the models' probabilities.

    Args:
        kind: "classification", whose probabilities are a softmax,
            "multi_label", a sigmoid of each, or "regression", whose numbers
            are averaged.
        logits: For each model `(n, K)`.

    Returns:
        `(n, K)`, in float64.

    Raises:
        ValueError: `kind` is another one.

    Example:
        >>> first, second = np.log([[0.8, 0.2]]), np.log([[0.4, 0.6]])
        >>> np.exp(average_logits("classification", [first, second])).round(3)
        array([[0.6, 0.4]])

    Source:
        Howard and Ruder 2018, section 3.3, https://arxiv.org/abs/1801.06146:
        the mean of a forward and a backward classifier.
    """
    if kind not in _TEXTS:
        raise ValueError(
            f"`kind` must be one of {', '.join(_TEXTS)}. Received: {kind!r}"
        )
    x = np.stack(logits).astype("float64")
    if kind == "regression":
        return x.mean(axis=0)
    # In logarithms: the probability of an unlikely class may be 0 in floats.
    no = np.zeros_like(x)
    total = np.logaddexp.reduce(x, axis=-1, keepdims=True)
    if kind == "multi_label":
        total = np.logaddexp(x, no)
    yes = np.logaddexp.reduce(x - total, axis=0) - np.log(len(x))
    if kind == "classification":
        return yes
    return yes - (np.logaddexp.reduce(no - total, axis=0) - np.log(len(x)))


def read_same_tasks(folders: Sequence[str | Path]) -> list[RunTask]:
    """Loads several runs of one task.

    Args:
        folders: Folders of runs; see `read_task`.

    Raises:
        FileNotFoundError, ValueError: See `read_task`; or there are fewer than
            two, one has no texts to classify, or they differ in task, labels
            or columns.

    Example:
        >>> read_same_tasks(["runs/one"])
        Traceback (most recent call last):
        ValueError: `folders` must be two or more. ...
    """
    if len(folders) < 2:
        raise ValueError(
            "`folders` must be two or more. "
            f"Received: {[str(x) for x in folders]}"
        )
    tasks = [read_task(folder) for folder in folders]
    first = tasks[0]
    for folder, task in zip(folders, tasks, strict=True):
        if task.kind not in _TEXTS:
            raise ValueError(
                "`folders` must be runs of finetune_classifier.py. Received: "
                f"{str(folder)!r}, a run for {task.kind}"
            )
        pairs = {
            "task": (first.kind, task.kind),
            "labels": (first.labels, task.labels),
            **{
                name: (first.settings.get(name), task.settings.get(name))
                for name in ("columns", "pair", "label_separator")
            },
        }
        for name, (wanted, found) in pairs.items():
            if wanted != found:
                raise ValueError(
                    f"`folders` must be runs of one task: {folders[0]} has the "
                    f"{name} {wanted!r}. Received: {folder} with {found!r}"
                )
    return tasks
