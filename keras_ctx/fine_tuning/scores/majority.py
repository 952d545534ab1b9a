"""The score that needs no model: always the same answer."""

import numpy as np

from keras_ctx import data


def majority_scores(
    task: data.TextTask, train: data.LabelledTexts, test: data.LabelledTexts
) -> dict[str, float]:
    """The scores of always what is most frequent in training.

    That is the most frequent class; of several labels those of more than half
    of the texts; of numbers the mean.

    Args:
        task: What the labels mean.
        train: Texts to learn from.
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
