"""The loss and the metrics of a task model, by the kind of its task."""

from typing import Any, Literal

import keras

from keras_ctx.checks import check_positive
from keras_ctx.training.objectives.crf import CRFLoss
from keras_ctx.training.objectives.losses import NextTokenLoss

TaskKind = Literal[
    "classification",
    "multi_label",
    "regression",
    "tagging",
    "question_answering",
]


def task_loss(
    kind: TaskKind,
    weighted: bool = False,
    *,
    crf: bool = False,
    packed: bool = False,
    language_model_weight: float | None = None,
) -> dict[str, Any]:
    """Returns arguments of `compile` for a task model of `keras_ctx.models`.

    Args:
        kind: "classification" (one class for each text), "multi_label" (any
            number of labels) or "regression" (a number) for a
            `models.classifier`; "tagging" for a `models.tagger`;
            "question_answering" for a `models.span_extractor`.
        weighted: Whether the data have weights that sum to 1 over the batch,
            as from `data.classification_dataset(class_weights=...)`.
        crf: Whether the tagger has a CRF.
        packed: Whether the data are those of `data.packed_dataset`, whose
            weights sum to 1 over the batch and are 0 where there is no text.
        language_model_weight: Weight of the loss of `next_token`, 0.5 in GPT,
            of a `models.classifier(language_model=True)` with the data of
            `data.classification_dataset(next_tokens=True)`; `None`: no such
            loss.

    Returns:
        Arguments of `compile`: `loss` and, depending on `kind`, `metrics`,
        `weighted_metrics` and `loss_weights`. The loss is cross-entropy; for
        "multi_label" the mean of the binary cross-entropies; for "regression"
        the squared error; for "question_answering" the mean of the losses of
        start and end.

    Raises:
        ValueError: `kind` is unknown, `weighted` is given without classes, or
            `crf` without tags; no model for `packed` data has such a loss; or
            `language_model_weight` is not positive, or not for a classifier.

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
            f'`weighted` needs `kind="classification"`. Received: kind={kind!r}'
        )
    if crf and kind != "tagging":
        raise ValueError(
            f'`crf` needs `kind="tagging"`. Received: kind={kind!r}'
        )
    if packed and (crf or kind == "question_answering"):
        raise ValueError(
            "`packed` needs a model that reads several texts in a row: a "
            "classifier, or a tagger without a CRF. "
            f"Received: kind={kind!r}, crf={crf}"
        )
    if language_model_weight is not None:
        return _with_language_model(
            task_loss(kind, weighted, crf=crf),
            *(kind, language_model_weight, packed),
        )
    if kind == "tagging":
        return _of_tags(crf)
    if kind == "question_answering":
        return _of_answers()
    if packed:
        return _of_packed_texts(kind)
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


def _with_language_model(
    found: dict[str, Any], kind: TaskKind, weight: float, packed: bool
) -> dict[str, Any]:
    """Returns the arguments for a classifier with GPT's auxiliary loss."""
    check_positive(language_model_weight=weight)
    if packed or kind in ("tagging", "question_answering"):
        raise ValueError(
            "`language_model_weight` needs a classifier of rows with one text "
            f"each. Received: kind={kind!r}, packed={packed}"
        )
    loss = {**found["loss"], "next_token": NextTokenLoss()}
    weights = {"logits": 1.0, "next_token": float(weight)}
    return {**found, "loss": loss, "loss_weights": weights}


def _of_tags(crf: bool) -> dict[str, Any]:
    """Returns the arguments for tags, whose weights sum to 1 over the batch."""
    if crf:
        # The logits of a CRF are for pairs of tags, so they have no accuracy.
        return {"loss": {"logits": CRFLoss()}, "weighted_metrics": None}
    loss = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction="sum"
    )
    return {
        "loss": {"logits": loss},
        "weighted_metrics": {"logits": ["accuracy"]},
    }


def _of_packed_texts(kind: TaskKind) -> dict[str, Any]:
    """Returns the arguments for packed texts; rows are not full of texts."""
    if kind == "regression":
        loss = PackedSquaredError(reduction="sum")
        return {"loss": {"logits": loss}, "weighted_metrics": None}
    if kind == "multi_label":
        accuracy = keras.metrics.BinaryAccuracy("accuracy", threshold=0.0)
        loss = keras.losses.BinaryCrossentropy(
            from_logits=True, reduction="sum"
        )
        return {
            "loss": {"logits": loss},
            "weighted_metrics": {"logits": [accuracy]},
        }
    return _of_tags(crf=False)


@keras.saving.register_keras_serializable(package="keras_ctx")
class PackedSquaredError(keras.losses.MeanSquaredError):
    """The squared error, which refuses targets of another `max_texts`.

    Keras would broadcast them.
    """

    def call(self, y_true, y_pred):
        there, made = y_true.shape[1], y_pred.shape[1]
        if there != made and None not in (there, made):
            raise ValueError(
                "`max_texts` must be the same for `packed_dataset` and for "
                f"`packed`. Received: {there} and {made}"
            )
        return super().call(y_true, y_pred)


def _of_answers() -> dict[str, Any]:
    ends = ("start_logits", "end_logits")
    entropy = keras.losses.SparseCategoricalCrossentropy
    return {
        "loss": {key: entropy(from_logits=True) for key in ends},
        "loss_weights": dict.fromkeys(ends, 0.5),
        "metrics": {key: ["accuracy"] for key in ends},
    }
