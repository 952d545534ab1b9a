"""The loss and the figures of a classifier, by what labels mean."""

from typing import Any, Literal

import keras


def task_loss(
    kind: Literal["classification", "multi_label", "regression"],
    weighted: bool = False,
) -> dict[str, Any]:
    """What `compile` takes for the logits of `models.classifier`.

    Args:
        kind: One class a text, any number of labels, or a number.
        weighted: Whether weights come with the classes that sum to 1 over the
            batch, as `data.classification_dataset(class_weights=...)` gives
            them.

    Returns:
        `loss` and `metrics`: cross-entropy; for several labels that of each
        one alone, averaged; for numbers the squared error.

    Raises:
        ValueError: An unknown `kind`, or weights where there are no classes.

    Example:
        >>> sorted(task_loss("multi_label"))
        ['loss', 'metrics']
    """
    if kind not in ("classification", "multi_label", "regression"):
        raise ValueError(
            '`kind` must be "classification", "multi_label" or "regression". '
            f"Received: kind={kind!r}"
        )
    if weighted and kind != "classification":
        raise ValueError(
            f"`weighted` needs one class a text. Received: kind={kind!r}"
        )
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
