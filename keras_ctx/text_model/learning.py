"""A text model learns from labelled texts, and is scored on them."""

import weakref
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

import keras
import numpy as np

from keras_ctx import data, training
from keras_ctx.checks import check_at_least, check_positive
from keras_ctx.evaluation.tag_schemes.schemes import span_tags, tag_spans
from keras_ctx.evaluation.tag_schemes.spelling import PLAIN
from keras_ctx.predictions.run_task import RunTask
from keras_ctx.text_model.asking.decode import tag_scheme
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
    """Fit the model, compiled as a recipe does where nobody else did."""
    model = task.model
    compiles = not model.compiled or compiled_here(model)
    _check_arguments(
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
        model.compile(
            training.bert_optimizer(learning_rate, epochs * steps),
            **_loss(task),
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


# The optimizers of models that were compiled here. Their rates fall to 0 in
# one call, so that the next one makes others, whichever `TextModel` asks.
_COMPILED_HERE: Any = weakref.WeakSet()

# What `keras.Model.fit` takes for arrays alone, and what to do here.
_NOT_TAKEN = {
    "shuffle": "the texts of each epoch are shuffled by `seed`",
    "validation_split": "give the texts held out as `validation_data`",
    "sample_weight": "build the batches by `keras_ctx.data`, and fit `.model`",
    "class_weight": "build the batches by `keras_ctx.data`, and fit `.model`",
    "validation_steps": "all of `validation_data` is scored",
    "validation_batch_size": "`batch_size` is that of both",
    "x": "these are `texts`",
    "y": "these are `labels`",
}


def compiled_here(model: Any) -> bool:
    """Whether `fit` has compiled the model, and nobody has since."""
    optimizer = getattr(model, "optimizer", None)
    return optimizer is not None and optimizer in _COMPILED_HERE


def mark_compiled(model: Any) -> None:
    """Let the next `fit` compile the model anew."""
    if getattr(model, "optimizer", None) is not None:
        _COMPILED_HERE.add(model.optimizer)


def _check_arguments(
    model: keras.Model,
    optimizer: Any,
    *,
    epochs: Any,
    learning_rate: Any,
    validation_data: Any,
    arguments: dict[str, Any],
) -> None:
    """Refuse, before texts are read, what would fail or do nothing."""
    check_at_least(1, epochs=epochs)
    if not isinstance(learning_rate, Real):
        raise ValueError(
            "`learning_rate` must be a number. For a schedule of your own "
            "compile `.model` before: it stays so. Received: "
            f"learning_rate={learning_rate!r}"
        )
    check_positive(learning_rate=learning_rate)
    if validation_data is not None and not (
        isinstance(validation_data, tuple | list) and len(validation_data) == 2
    ):
        raise ValueError(
            "`validation_data` must be a tuple of texts and their labels. "
            f"Received: {str(validation_data)[:60]!r}, a "
            f"{type(validation_data).__name__}"
        )
    for name in sorted(arguments.keys() & _NOT_TAKEN.keys()):
        raise ValueError(
            f"`{name}` is no argument of this `fit`: {_NOT_TAKEN[name]}. "
            f"Received: {name}={str(arguments[name])[:60]}"
        )
    if optimizer is not None and _has_ended(optimizer):
        raise ValueError(
            "`model` must be compiled with a learning rate above 0: its "
            "schedule has ended, as of a model that was fitted before it was "
            "saved, so that nothing would be learned. Compile it anew, or "
            "load it with `compile=False`. Received: "
            f"{model.name!r} after {int(optimizer.iterations)} steps"
        )


def _has_ended(optimizer: Any) -> bool:
    """Whether a schedule has come to a rate of 0; a rate of 0 is a wish."""
    is_schedule = isinstance(optimizer.get_config()["learning_rate"], dict)
    return (
        is_schedule
        and int(optimizer.iterations) > 0
        and float(optimizer.learning_rate) == 0
    )


def _loss(task: RunTask) -> dict[str, Any]:
    """What `compile` takes, as in the recipe of the task."""
    entropy = keras.losses.SparseCategoricalCrossentropy
    if task.kind == "question_answering":
        ends = ("start_logits", "end_logits")
        return {
            "loss": {key: entropy(from_logits=True) for key in ends},
            "loss_weights": dict.fromkeys(ends, 0.5),
            "metrics": {key: ["accuracy"] for key in ends},
        }
    if task.kind != "tagging":
        kind: Any = task.kind
        return training.task_loss(kind)
    if "tags" in task.model.output:
        return {"loss": {"logits": training.CRFLoss()}}
    return {
        "loss": {"logits": entropy(from_logits=True, reduction="sum")},
        "weighted_metrics": {"logits": ["accuracy"]},
    }


def evaluated(
    task: RunTask,
    texts: Any,
    labels: Any,
    predict: Callable[[Sequence[Any]], list[Any]],
    predict_tags: Callable[[Sequence[Any]], list[list[str]]],
) -> dict[str, float]:
    """The scores of a recipe, of what `predict` gives for the texts."""
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
        # There a label is given where a logit is above 0.
        return data.MultiLabel(task.labels).scores(true, probabilities - 0.5)
    return data.Classification(task.labels).scores(true, probabilities)


def _tagging_scores(
    task: RunTask, true: list[list[str]], predicted: list[list[str]]
) -> dict[str, float]:
    scheme = tag_scheme(task)
    if scheme.name != PLAIN and not _is_iob2(task.labels):
        # A published tagger; IOB2 is what is scored.
        true, predicted = (
            [
                span_tags(tag_spans(scheme.normals(tags)), len(tags))
                for tags in rows
            ]
            for rows in (true, predicted)
        )
    return data.TaggingTask(task.labels, scheme).scores(true, predicted)


def _is_iob2(labels: Sequence[str]) -> bool:
    """Whether each I- has its B-, and there is nothing else but O."""
    kinds = {label[2:] for label in labels if label.startswith("B")}
    return all(
        label == "O"
        or label.startswith("B")
        or (label.startswith("I") and label[2:] in kinds)
        for label in labels
    )
