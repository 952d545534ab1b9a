"""Logistic regression on words and bigrams: what a model must beat."""

from collections.abc import Sequence
from typing import Any

from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression


def accuracy(
    train: Sequence[dict[str, Any]], test: Sequence[dict[str, Any]], words: bool
) -> float:
    """Returns the accuracy on `test`.

    Args:
        train: Rows with `text` and `label`.
        test: Rows of the same form.
        words: Whether white space separates the words of a text; otherwise
            its characters are counted.
    """
    features = CountVectorizer(
        analyzer="word" if words else "char",
        token_pattern=r"\S+",
        ngram_range=(1, 2),
        binary=True,
    )
    model = LogisticRegression(max_iter=1000)
    model.fit(
        features.fit_transform([x["text"] for x in train]),
        [x["label"] for x in train],
    )
    return float(
        model.score(
            features.transform([x["text"] for x in test]),
            [x["label"] for x in test],
        )
    )
