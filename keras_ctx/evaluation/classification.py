"""Scores of classes, of sets of labels and of numbers that were predicted."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_ctx.extras import need


def classification_scores(
    true: Sequence[int] | np.ndarray, predicted: Sequence[int] | np.ndarray
) -> dict[str, float]:
    """Scores of one class a text, as GLUE takes them.

    Args:
        true: The class ids, `(n,)`.
        predicted: Those that were predicted.

    Returns:
        `accuracy`; `f1`, of class 1 where there are no others than 0 and 1,
        else as `f1_macro`; `f1_macro`, the mean of the F1 of each class that
        occurs in either; `matthews`. What is not defined is 0: the F1 of a
        class that is neither there nor predicted, and the correlation where
        one side is always the same class.

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
    """Scores of sets of labels.

    Args:
        true: Zeros and ones, `(n, K)`.
        predicted: Those that were predicted.

    Returns:
        `f1_micro`, of all labels of all texts counted together; `f1_macro`,
        the mean over the labels; `accuracy`, the share of texts whose set is
        right as a whole. F1 is 0 where a label is neither there nor
        predicted.

    Raises:
        ValueError: The two differ in shape.
        ModuleNotFoundError: `scikit-learn` is not installed.

    Example:
        >>> scores = multi_label_scores([[1, 0], [1, 1]], [[1, 0], [0, 1]])
        >>> {name: round(score, 3) for name, score in scores.items()}
        {'f1_micro': 0.8, 'f1_macro': 0.833, 'accuracy': 0.5}
    """
    # Of two dimensions also where there is one label.
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
    """Correlations of numbers.

    Args:
        true: The numbers, `(n,)`.
        predicted: Those that were predicted.

    Returns:
        `pearson`, `spearman` and `pearson_spearman`, their mean. Where one
        side is always the same number no correlation is defined: all are 0.

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
        raise ValueError("Numbers must be finite, and some are not.")
    if any(is_constant(side) for side in sides):
        found = {"pearson": 0.0, "spearman": 0.0}
    else:
        found = {
            "pearson": float(stats.pearsonr(*sides).statistic),
            "spearman": float(stats.spearmanr(*sides).statistic),
        }
    return {**found, "pearson_spearman": sum(found.values()) / 2}


def is_constant(numbers: Sequence[float] | np.ndarray) -> bool:
    """Whether numbers do not differ by more than rounding; one does not.

    Example:
        >>> is_constant([0.1 + 0.2, 0.3]), is_constant([0.3, 0.31])
        (True, False)
    """
    numbers = np.asarray(numbers, "float64")
    # scipy's bound below which it warns that a correlation is rounding.
    bound = 1e-13 * abs(numbers.mean())
    return bool(np.linalg.norm(numbers - numbers.mean()) <= bound)


def class_scores(
    true: Any, predicted: Any, labels: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Precision, recall, F1 and support of each class.

    Args:
        true: Class ids `(n,)`, or sets of labels as zeros and ones `(n, K)`.
        predicted: Those that were predicted.
        labels: The names of the K classes.

    Returns:
        By label `precision`, `recall`, `f1` and `support`, the number of
        texts that have it; 0 where a share is of nothing.

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
    # With a last label that no text has, so that one label is not taken for
    # one of two classes.
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
    """Returns how often each class was taken for each.

    Args:
        true: The class ids, `(n,)`.
        predicted: Those that were predicted.
        num_classes: K, classes.

    Returns:
        int `(K, K)`: a row for each true class, a column for each predicted.

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
