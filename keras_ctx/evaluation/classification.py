"""Scores of predicted classes, label sets and numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_ctx.extras import need


def classification_scores(
    true: Sequence[int] | np.ndarray, predicted: Sequence[int] | np.ndarray
) -> dict[str, float]:
    """Computes the scores of classification, one class per text, as GLUE does.

    Args:
        true: The class ids, `(n,)`.
        predicted: The predicted class ids, `(n,)`.

    Returns:
        `accuracy`; `f1`, which is the F1 of class 1 if all ids are 0 or 1,
        else `f1_macro`; `f1_macro`, the mean F1 of all classes that occur in
        either argument; `matthews`. A score that is not defined is 0: the F1
        of a class that neither occurs nor is predicted, and the correlation
        if one argument holds a single class.

    Raises:
        ValueError: The two differ in length.
        ModuleNotFoundError: `scikit-learn` is not installed.

    Example:
        >>> scores = classification_scores([0, 1, 2, 2], [0, 2, 2, 2])
        >>> {name: round(score, 3) for name, score in scores.items()}
        {'accuracy': 0.75, 'f1': 0.6, 'f1_macro': 0.6, 'matthews': 0.645}

    Source:
        Wang et al. 2018, "GLUE", section 3.
    """
    metrics = _scikit_learn()
    true, predicted = np.asarray(true), np.asarray(predicted)
    macro = metrics.f1_score(true, predicted, average="macro", zero_division=0)
    f1 = macro
    if max(true.max(), predicted.max()) <= 1:
        f1 = metrics.f1_score(
            true, predicted, labels=[1], average="macro", zero_division=0
        )
    # scikit-learn warns where there is one class on both sides.
    several = len(np.unique([true, predicted])) > 1
    found = {
        "accuracy": metrics.accuracy_score(true, predicted),
        "f1": f1,
        "f1_macro": macro,
        "matthews": several and metrics.matthews_corrcoef(true, predicted),
    }
    return {name: float(value) for name, value in found.items()}


def multi_label_scores(
    true: np.ndarray, predicted: np.ndarray
) -> dict[str, float]:
    """Computes the scores of multi-label classification.

    Args:
        true: Zeros and ones, `(n, K)`.
        predicted: The predicted labels, likewise.

    Returns:
        `f1_micro`, over all labels of all texts together; `f1_macro`, the
        mean over the labels; `accuracy`, the share of texts whose whole set
        of labels is right. The F1 of a label that neither occurs nor is
        predicted is 0.

    Raises:
        ValueError: The two differ in shape.
        ModuleNotFoundError: `scikit-learn` is not installed.

    Example:
        >>> scores = multi_label_scores([[1, 0], [1, 1]], [[1, 0], [0, 1]])
        >>> {name: round(score, 3) for name, score in scores.items()}
        {'f1_micro': 0.8, 'f1_macro': 0.833, 'accuracy': 0.5}
    """
    # Two dimensions, even with a single label.
    true, predicted = np.asarray(true, int), np.asarray(predicted, int)
    if true.shape != predicted.shape:
        raise ValueError(
            "`predicted` must have the shape of `true`. Received: "
            f"{predicted.shape} and {true.shape}"
        )
    both = (true * predicted).sum(0)
    either = true.sum(0) + predicted.sum(0)
    f1 = 2 * both / np.maximum(either, 1)
    return {
        "f1_micro": float(2 * both.sum() / max(either.sum(), 1)),
        "f1_macro": float(f1.mean()),
        "accuracy": float((true == predicted).all(-1).mean()),
    }


def regression_scores(
    true: Sequence[float] | np.ndarray, predicted: Sequence[float] | np.ndarray
) -> dict[str, float]:
    """Computes the correlations of numbers.

    Args:
        true: The numbers, `(n,)`.
        predicted: The predicted numbers, `(n,)`.

    Returns:
        `pearson`, `spearman` and `pearson_spearman`, their mean. If one
        argument is constant, correlations are not defined: all are 0.

    Raises:
        ValueError: The two differ in length, or a number is not finite.
        ModuleNotFoundError: `scipy` is not installed.

    Example:
        >>> regression_scores([1.0, 2.0, 3.0], [1.0, 4.0, 9.0])["spearman"]
        1.0
        >>> regression_scores([1.0, 2.0], [0.5, 0.5])["pearson"]
        0.0
    """
    need("Scores need", "scipy")
    from scipy import stats

    sides = [np.asarray(side, "float64") for side in (true, predicted)]
    if not all(np.isfinite(side).all() for side in sides):
        raise ValueError(
            "`true` and `predicted` must be finite numbers. Remove the rows "
            "that hold NaN or infinities. Received: such numbers"
        )
    if any(is_constant(side) for side in sides):
        found = {"pearson": 0.0, "spearman": 0.0}
    else:
        found = {
            "pearson": float(stats.pearsonr(*sides).statistic),
            "spearman": float(stats.spearmanr(*sides).statistic),
        }
    return {**found, "pearson_spearman": sum(found.values()) / 2}


def is_constant(numbers: Sequence[float] | np.ndarray) -> bool:
    """Returns whether all numbers are equal, up to rounding.

    Example:
        >>> is_constant([0.1 + 0.2, 0.3]), is_constant([0.3, 0.31])
        (True, False)
    """
    numbers = np.asarray(numbers, "float64")
    # Below this bound scipy warns that a correlation is only rounding.
    bound = 1e-13 * abs(numbers.mean())
    return bool(np.linalg.norm(numbers - numbers.mean()) <= bound)


def class_scores(
    true: Any, predicted: Any, labels: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Computes precision, recall, F1 and support of each class.

    Args:
        true: Class ids `(n,)`, or sets of labels as zeros and ones `(n, K)`.
        predicted: The predicted ones, likewise.
        labels: The names of the K classes.

    Returns:
        For each label `precision`, `recall`, `f1` and `support`, the number
        of texts with that label; 0 where a denominator is 0.

    Raises:
        ValueError: The two differ in shape.
        ModuleNotFoundError: `scikit-learn` is not installed.

    Example:
        >>> class_scores([0, 0, 1, 1], [0, 0, 0, 1], ["no", "yes"])["yes"]
        {'precision': 1.0, 'recall': 0.5, 'f1': 0.666..., 'support': 2}
    """
    true, predicted = np.asarray(true, int), np.asarray(predicted, int)
    if true.ndim == 1:
        true, predicted = (
            np.eye(len(labels), dtype=int)[x] for x in (true, predicted)
        )
    # An extra label that no text has: otherwise scikit-learn would take a
    # single label for one of two classes.
    true, predicted = (np.pad(x, ((0, 0), (0, 1))) for x in (true, predicted))
    *shares, support = _scikit_learn().precision_recall_fscore_support(
        true, predicted, average=None, zero_division=0
    )
    rows = zip(labels, *shares, support, strict=False)
    return {
        label: {
            "precision": float(precision),
            "recall": float(recall),
            "f1": float(f1),
            "support": int(number),
        }
        for label, precision, recall, f1, number in rows
    }


def confusion_matrix(true: Any, predicted: Any, num_classes: int) -> np.ndarray:
    """Counts how often each class was predicted for each true class.

    Args:
        true: The class ids, `(n,)`.
        predicted: The predicted class ids, `(n,)`.
        num_classes: Number K of classes.

    Returns:
        Integers `(K, K)`: a row for each true class, a column for each
        predicted class.

    Example:
        >>> confusion_matrix([0, 0, 1], [0, 1, 1], 2)
        array([[1, 1],
               [0, 1]])
    """
    matrix = np.zeros((num_classes, num_classes), int)
    np.add.at(matrix, (np.asarray(true, int), np.asarray(predicted, int)), 1)
    return matrix


def _scikit_learn():
    need("Scores need", "sklearn")
    from sklearn import metrics

    return metrics
