"""The loss and the figures of a task model, by what its labels mean."""

from typing import Any, Literal

import keras

from keras_ctx.training.objectives.crf import CRFLoss

TaskKind = Literal[
    "classification",
    "multi_label",
    "regression",
    "tagging",
    "question_answering",
]


def task_loss(
    kind: TaskKind, weighted: bool = False, *, crf: bool = False
) -> dict[str, Any]:
    """What `compile` takes for a task model of `keras_ctx.models`.

    Args:
        kind: Of a `models.classifier`: one class a text, any number of labels,
            or a number. "tagging": a tag for each word, of a `models.tagger`.
            "question_answering": of a `models.span_extractor`.
        weighted: Whether weights come with the classes that sum to 1 over the
            batch, as `data.classification_dataset(class_weights=...)` gives
            them.
        crf: Whether the tagger has a CRF.

    Returns:
        Arguments of `compile`: `loss` and, by the kind, `metrics`,
        `weighted_metrics` and `loss_weights`. The loss is cross-entropy; for
        several labels that of each one alone, averaged; for numbers the
        squared error; for answers the mean of those of start and end.

    Raises:
        ValueError: An unknown `kind`, weights where there are no classes, or
            a CRF where there are no tags.

    Example:
        >>> sorted(task_loss("multi_label"))
        ['loss', 'metrics']
        >>> task_loss("question_answering")["loss_weights"]
        {'start_logits': 0.5, 'end_logits': 0.5}
    """
    if kind not in TaskKind.__args__:
        *others, last = (f'"{name}"' for name in TaskKind.__args__)
        raise ValueError(
            f"`kind` must be {', '.join(others)} or {last}. "
            f"Received: kind={kind!r}"
        )
    if weighted and kind != "classification":
        raise ValueError(
            f"`weighted` needs one class a text. Received: kind={kind!r}"
        )
    if crf and kind != "tagging":
        raise ValueError(f"`crf` needs tags. Received: kind={kind!r}")
    if kind == "tagging":
        return _of_tags(crf)
    if kind == "question_answering":
        return _of_answers()
    if kind == "regression":
        return {"loss": {"logits": "mse"}, "metrics": None}
    if kind == "multi_label":
        # A probability of one half is a logit of 0.
        accuracy = keras.metrics.BinaryAccuracy("accuracy", threshold=0.0)
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        return {"loss": {"logits": loss}, "metrics": {"logits": [accuracy]}}
    loss = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True,
        reduction="sum" if weighted else "sum_over_batch_size",
    )
    return {"loss": {"logits": loss}, "metrics": {"logits": ["accuracy"]}}


def _of_tags(crf: bool) -> dict[str, Any]:
    """Returns the weights of the words sum to 1 over the batch."""
    if crf:
        # The logits of a CRF are those of steps from tag to tag: they have
        # no accuracy.
        return {"loss": {"logits": CRFLoss()}, "weighted_metrics": None}
    loss = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction="sum"
    )
    return {
        "loss": {"logits": loss},
        "weighted_metrics": {"logits": ["accuracy"]},
    }


def _of_answers() -> dict[str, Any]:
    ends = ("start_logits", "end_logits")
    entropy = keras.losses.SparseCategoricalCrossentropy
    return {
        "loss": {key: entropy(from_logits=True) for key in ends},
        "loss_weights": dict.fromkeys(ends, 0.5),
        "metrics": {key: ["accuracy"] for key in ends},
    }
