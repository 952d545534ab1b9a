"""The baseline without a model: always the same answer."""

import numpy as np

from keras_ctx import data


def majority_scores(
    task: data.TextTask, train: data.LabelledTexts, test: data.LabelledTexts
) -> dict[str, float]:
    """Returns the scores of always predicting the most frequent label.

    For classes, the most frequent class in training; for several labels per
    text, the labels of more than half of the texts; for numbers, the mean.

    Args:
        task: The task, which defines the labels.
        train: Texts of the training data.
        test: Texts to score on.

    Example:
        >>> from pathlib import Path
        >>> def rows(*labels):
        ...     texts = ["a"] * len(labels)
        ...     return data.LabelledTexts(
        ...         Path("a.tsv"), [1] * len(labels), texts, None, list(labels))
        >>> task = data.Classification(["no", "yes"])
        >>> majority_scores(
        ...     task, rows("yes", "yes", "no"), rows("yes", "no"))["accuracy"]
        0.5
    """
    logits = task.majority(task.targets(train))
    return task.scores(task.targets(test), np.tile(logits, (len(test), 1)))
