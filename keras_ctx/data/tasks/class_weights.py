"""Class weights for imbalanced data."""

from collections.abc import Mapping, Sequence

import numpy as np

ClassWeights = Mapping[int, float] | Sequence[float]


def balanced_class_weights(
    labels: Sequence[int], num_classes: int
) -> list[float]:
    """Returns weights that give all classes the same share of the loss.

    Args:
        labels: One class id per text.
        num_classes: Number of classes K.

    Returns:
        K numbers: all labels / (K * labels of the class), for
        `class_weights` of `classification_dataset`.

    Raises:
        ValueError: A class has no label, or a label is not one of the classes.

    Example:
        >>> balanced_class_weights([0, 0, 0, 1], 2)
        [0.6666666666666666, 2.0]

    Source:
        King and Zeng 2001, "Logistic regression in rare events data";
        scikit-learn's `class_weight="balanced"`.
    """
    ids, counts = np.unique(np.asarray(labels), return_counts=True)
    if ids.tolist() != list(range(num_classes)):
        raise ValueError(
            f"`labels` must hold each class from 0 to {num_classes - 1}, and "
            "nothing else; if a class has no label, give the class weights "
            f"yourself. Received: classes {ids.tolist()}"
        )
    return (len(labels) / (num_classes * counts)).tolist()


def weights_of_labels(
    labels: Sequence[int] | Sequence[float], class_weights: ClassWeights
) -> np.ndarray:
    """Returns the weight of each label's class, float32."""
    pairs = (
        class_weights.items()
        if isinstance(class_weights, Mapping)
        else enumerate(class_weights)
    )
    weights: dict[float, float] = {key: weight for key, weight in pairs}
    missing = sorted(set(labels) - set(weights))
    if missing:
        raise ValueError(
            "`class_weights` must hold a weight for each class of `labels`. "
            f"Received: none for {missing}"
        )
    wrong = {k: w for k, w in weights.items() if not 0 <= w < float("inf")}
    if wrong:
        raise ValueError(
            "`class_weights` must be finite numbers of at least 0. "
            f"Received: {wrong}"
        )
    return np.array([weights[label] for label in labels], "float32")
