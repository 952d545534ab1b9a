"""Trains a text model on labelled texts, and scores it."""

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from keras_ctx import data, training
from keras_ctx.checks import check_at_least
from keras_ctx.evaluation.tag_schemes.schemes import span_tags, tag_spans
from keras_ctx.evaluation.tag_schemes.spelling import PLAIN
from keras_ctx.predictions.run_task import RunTask
from keras_ctx.text_model.asking.decode import tag_scheme
from keras_ctx.text_model.fit_arguments import check_fit_arguments
from keras_ctx.text_model.texts.labelled import (
    dataset_of,
    labelled_rows,
    questions_of,
    targets,
)


def fitted(
    task: RunTask,
    texts: Any,
    labels: Any,
    *,
    batch_size: int,
    epochs: int,
    learning_rate: float,
    validation_data: tuple[Any, Any] | None,
    seed: int,
    steps_per_epoch: int | None = None,
    **arguments: Any,
) -> keras.callbacks.History:
    """Fits the model, compiled as in a recipe unless the user compiled it."""
    model = task.model
    compiles = not model.compiled or compiled_here(model)
    check_fit_arguments(
        model,
        None if compiles else model.optimizer,
        epochs=epochs,
        learning_rate=learning_rate,
        validation_data=validation_data,
        arguments=arguments,
    )
    rows, listed = labelled_rows(task, texts, labels)
    dataset, steps = dataset_of(
        task, rows, listed, batch_size=batch_size, training=True, seed=seed
    )
    validation = None
    if validation_data is not None:
        validation, _ = dataset_of(
            task,
            *labelled_rows(task, *validation_data),
            batch_size=batch_size,
            training=False,
        )
    if steps_per_epoch is not None:
        check_at_least(1, steps_per_epoch=steps_per_epoch)
        steps = steps_per_epoch
    if compiles:
        kind: Any = task.kind
        crf = kind == "tagging" and "tags" in model.output
        model.compile(
            training.bert_optimizer(learning_rate, epochs * steps),
            **training.task_loss(kind, crf=crf),
            jit_compile=False,
        )
        mark_compiled(model)
    return model.fit(
        dataset,
        epochs=epochs,
        steps_per_epoch=steps,
        validation_data=validation,
        shuffle=False,
        **arguments,
    )


# The optimizers of models compiled here. Their rates fall to 0 within one call
# of `fit`, so the next call creates new ones, from any `TextModel`.
_COMPILED_HERE: Any = weakref.WeakSet()


def compiled_here(model: Any) -> bool:
    """Returns whether `fit` compiled the model, and no one has since."""
    optimizer = getattr(model, "optimizer", None)
    return optimizer is not None and optimizer in _COMPILED_HERE


def mark_compiled(model: Any) -> None:
    """Lets the next `fit` compile the model again."""
    if getattr(model, "optimizer", None) is not None:
        _COMPILED_HERE.add(model.optimizer)


def evaluated(
    task: RunTask,
    texts: Any,
    labels: Any,
    predict: Callable[[Sequence[Any]], list[Any]],
    predict_tags: Callable[[Sequence[Any]], list[list[str]]],
) -> dict[str, float]:
    """Returns the scores of the recipes for the results of `predict`."""
    rows, listed = labelled_rows(task, texts, labels)
    if task.kind == "tagging":
        return _tagging_scores(task, listed, predict_tags(rows))
    if task.kind == "question_answering":
        questions = questions_of(rows, listed)
        found = predict(rows)
        metrics = data.answer_metrics(data.find_language(questions))
        best = {str(number): each.text for number, each in enumerate(found)}
        return data.squad_scores(questions, best, metrics.exact, metrics.f1)
    found = predict([row[0] if len(row) == 1 else row for row in rows])
    true = targets(task, listed)
    if task.kind == "regression":
        return data.Regression().scores(true, np.array(found)[:, None])
    probabilities = np.array(
        [[each.scores[label] for label in task.labels] for each in found]
    )
    if task.kind == "multi_label":
        # `MultiLabel` predicts a label if its logit is above 0.
        return data.MultiLabel(task.labels).scores(true, probabilities - 0.5)
    return data.Classification(task.labels).scores(true, probabilities)


def _tagging_scores(
    task: RunTask, true: list[list[str]], predicted: list[list[str]]
) -> dict[str, float]:
    scheme = tag_scheme(task)
    if scheme.name != PLAIN and not _is_iob2(task.labels):
        # A published tagger; scores are computed in IOB2.
        true, predicted = (
            [
                span_tags(tag_spans(scheme.normals(tags)), len(tags))
                for tags in rows
            ]
            for rows in (true, predicted)
        )
    return data.TaggingTask(task.labels, scheme).scores(true, predicted)


def _is_iob2(labels: Sequence[str]) -> bool:
    """Returns whether each I- has its B-, and the only other label is O."""
    kinds = {label[2:] for label in labels if label.startswith("B")}
    return all(
        label == "O"
        or label.startswith("B")
        or (label.startswith("I") and label[2:] in kinds)
        for label in labels
    )
