"""Converts texts and labels in any common form to training examples."""

import math
import warnings
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import tensorflow as tf

from keras_ctx import data
from keras_ctx.evaluation.questions import SquadAnswer, SquadQuestion
from keras_ctx.predictions.answer_lines import DEFAULTS
from keras_ctx.predictions.run_task import RunTask
from keras_ctx.text_model.texts.label_names import check_name
from keras_ctx.text_model.texts.rows import decoded_items, rows_of
from keras_ctx.text_model.texts.tagged_words import tagged_words

KINDS = {"tagging": "words", "question_answering": "question"}


def text_kind(task: RunTask) -> str:
    """Returns the kind of rows that a model reads, for `rows_of`."""
    if task.kind in KINDS:
        return KINDS[task.kind]
    return "pair" if task.settings.get("pair") else "text"


def labelled_rows(
    task: RunTask, texts: Any, labels: Any
) -> tuple[list[Any], list[Any]]:
    """Returns the rows of texts, and one label for each.

    For a tagger they are words and tags, also if texts with spans were given.

    Raises:
        ValueError: Their numbers differ or are 0, or the model lacks a label.
    """
    rows = list(rows_of(texts, text_kind(task)))
    listed = _listed(labels)
    if not rows or len(rows) != len(listed):
        raise ValueError(
            "`labels` must hold an entry for each text, and there must be "
            f"one at least. Received: {len(rows)} texts, {len(listed)} labels"
        )
    if task.kind == "tagging":
        return tagged_words(task, rows, listed)
    checks = {
        "classification": check_name,
        "multi_label": _check_set,
        "regression": _check_number,
        "question_answering": _check_answers,
    }
    if task.kind not in checks:
        raise ValueError(
            "`fit` and `evaluate` are for models with a task: "
            f"{', '.join([*checks, 'tagging'])}. Put a head of "
            "`keras_ctx.models` on `.encoder`. Received: a model for "
            f"{task.kind}"
        )
    for row, label in enumerate(listed):
        checks[task.kind](task, label, row)
    return rows, listed


def _listed(labels: Any) -> list[Any]:
    """Converts a list, an array, a tensor or a column to a list."""
    if isinstance(labels, tf.data.Dataset | tf.Tensor | tf.RaggedTensor):
        return list(decoded_items(labels))
    if (
        isinstance(labels, str | bytes | Mapping)
        or hasattr(labels, "columns")  # a table yields its column names
        or not hasattr(labels, "__iter__")
    ):
        raise ValueError(
            "`labels` must be a list, with an entry for each text. "
            f"Received: a {type(labels).__name__}"
        )
    return labels.tolist() if hasattr(labels, "tolist") else list(labels)


def dataset_of(
    task: RunTask,
    rows: Sequence[Any],
    labels: Sequence[Any],
    *,
    batch_size: int,
    training: bool,
    seed: int = 0,
) -> tuple[tf.data.Dataset, int]:
    """Returns the dataset for `model.fit`, and the batches per epoch.

    Args:
        task: Task of the model.
        rows: See `labelled_rows`.
        labels: See `labelled_rows`.
        batch_size: Texts, or windows of contexts, per batch; if there are
            fewer, all are one batch.
        training: Whether the dataset is shuffled and repeats without end, or is
            one pass in order.
        seed: Seed of the order.
    """
    arguments: dict[str, Any] = {
        "batch_size": min(batch_size, len(rows)),
        "training": training,
        "seed": seed,
        "bucket_batches": 8,
    }
    inputs, number = task.text_inputs, len(rows)
    if task.kind == "tagging":
        ids = [data.label_ids(tags, task.labels) for tags in labels]
        words = [row[0] for row in rows]
        dataset = data.tagging_dataset(words, ids, inputs, **arguments)
    elif task.kind == "question_answering":
        if not training:
            raise ValueError(
                "`validation_data` is for labels of texts: windows without "
                "an answer have no loss. Call `evaluate` on the questions. "
                "Received: questions"
            )
        made = data.question_windows(
            questions_of(rows, labels),
            inputs,
            training=True,
            **{k: task.settings.get(k, v) for k, v in DEFAULTS.items()},
        )
        number = len(made.windows)
        _check_findings(made.findings, number)
        arguments["batch_size"] = max(1, min(batch_size, number))
        dataset = data.squad_dataset(made, inputs, **arguments)
    else:
        second = [row[1] for row in rows] if len(rows[0]) == 2 else None
        dataset = data.classification_dataset(
            [row[0] for row in rows],
            targets(task, labels),
            inputs,
            text_pairs=second,
            **arguments,
        )
    return dataset, max(1, number // arguments["batch_size"])


def targets(task: RunTask, labels: Sequence[Any]) -> Any:
    """Returns class ids, rows of zeros and ones, or numbers."""
    if task.kind == "classification":
        return data.label_ids(labels, task.labels)
    if task.kind == "multi_label":
        return data.multi_hot([list(x) for x in labels], task.labels)
    return [float(x) for x in labels]


def questions_of(
    rows: Sequence[tuple[str, str]], labels: Sequence[Any]
) -> list[SquadQuestion]:
    """Returns questions with their answers; ids are row numbers."""
    return [
        SquadQuestion(
            str(number),
            question,
            context,
            tuple(_answers(label)),
            is_impossible=not _answers(label),
        )
        for number, ((question, context), label) in enumerate(
            zip(rows, labels, strict=True)
        )
    ]


def _answers(label: Any) -> list[SquadAnswer]:
    """Returns the answers of a label: texts, or texts with offsets."""
    if label is None or label == "":
        return []
    if isinstance(label, str):
        return [SquadAnswer(label, -1)]
    if isinstance(label, tuple):
        return [SquadAnswer(label[0], int(label[1]))]
    return [answer for each in label for answer in _answers(each)]


def _check_findings(findings: Any, num_windows: int) -> None:
    """Reports which answers cannot be used for training."""
    skipped = findings.counts["skipped questions"]
    if not num_windows:
        raise ValueError(
            "`labels` must hold an answer that its context holds, or None. "
            f"Received: {findings.report()}"
        )
    if skipped:
        warnings.warn(
            f"`labels`: {skipped:,} questions are left out, since no answer "
            "is found in the context (a question is named by its row). "
            f"{findings.report()}",
            UserWarning,
            stacklevel=2,
        )


def _check_set(task: RunTask, label: Any, row: int) -> None:
    if isinstance(label, str) or not hasattr(label, "__iter__"):
        raise ValueError(
            "`labels` must hold a list of names for each text, since it may "
            f"have several. Received: {label!r} in row {row}"
        )
    for each in label:
        check_name(task, each, row)


def _check_number(task: RunTask, label: Any, row: int) -> None:
    is_number = isinstance(label, Real) and not isinstance(label, bool)
    if not is_number or not math.isfinite(label):
        raise ValueError(
            f"`labels` must be finite numbers. Received: {label!r} in row {row}"
        )


def _check_answers(task: RunTask, label: Any, row: int) -> None:
    for answer in label if isinstance(label, list) else [label]:
        # `Answer` is a tuple, too.
        is_place = (
            isinstance(answer, tuple)
            and len(answer) >= 2
            and isinstance(answer[0], str)
            and isinstance(answer[1], Integral)
        )
        if not (answer is None or isinstance(answer, str) or is_place):
            raise ValueError(
                "`labels` must hold an answer for each question: its text, "
                "(text, start), a list of these, or None where the context "
                f"has no answer. Received: {answer!r} in row {row}"
            )
