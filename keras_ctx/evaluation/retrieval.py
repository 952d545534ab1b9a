"""Scores of retrieval: the ranks of the right texts among all texts."""

from collections.abc import Sequence

import numpy as np

from keras_ctx.checks import check_at_least
from keras_ctx.evaluation.unit_vectors import unit_vectors

_QUERIES = 1024  # compared with all texts at a time


def retrieval_scores(
    queries: np.ndarray,
    texts: np.ndarray,
    relevant: Sequence[Sequence[int]],
    at: Sequence[int] = (1, 5, 10),
) -> dict[str, float]:
    """Computes mean reciprocal rank and recall of retrieval by cosine.

    A right text counts behind all other texts of the same cosine (to six
    digits), so that a model that gives every text the same vector has no luck.

    Args:
        queries: Vectors of the queries, `(Q, D)`.
        texts: Vectors of all texts, `(N, D)`.
        relevant: For each query the indices of its right texts, at least one.
        at: Numbers k of the first texts that recall looks at.

    Returns:
        `mrr`, the mean of 1 / rank of the first right text; and for each k
        `recall_at_k`, the mean share of the right texts among the first k.

    Raises:
        ValueError: The lengths do not fit, a query has no right text, an index
            is out of range or repeated, a k is not positive, or a vector is
            not finite.

    Example:
        >>> texts = np.array([[1, 0], [0, 1], [1, 1]])
        >>> scores = retrieval_scores(
        ...     np.array([[1, 0.1], [1, 0]]), texts, [[0], [1, 2]], at=(1, 2))
        >>> {name: round(score, 3) for name, score in scores.items()}
        {'mrr': 0.75, 'recall_at_1': 0.5, 'recall_at_2': 0.75}

    Source:
        Manning et al. 2008, chapter 8; Voorhees 1999, TREC-8.
    """
    for k in at:
        check_at_least(1, at=k)
    queries, texts = _unit(queries=queries), _unit(texts=texts)
    _check(queries, texts, relevant)
    best, recalls = [], []
    for start in range(0, len(queries), _QUERIES):
        cosines = (queries[start : start + _QUERIES] @ texts.T).round(6)
        for row, right in zip(cosines, relevant[start:], strict=False):
            right = list(right)
            is_right = np.zeros(len(texts), bool)
            is_right[right] = True
            wrong = np.sort(row[~is_right])
            # Wrong texts that are not below, and right ones above.
            own = np.sort(row[right])[::-1]
            above = len(wrong) - np.searchsorted(wrong, own, side="left")
            ranks = above + np.arange(1, len(own) + 1)
            best.append(1 / ranks[0])
            recalls.append([np.mean(ranks <= k) for k in at])
    means = np.mean(recalls, axis=0)
    return {
        "mrr": float(np.mean(best)),
        **{f"recall_at_{k}": float(x) for k, x in zip(at, means, strict=True)},
    }


def _unit(**vectors: np.ndarray) -> np.ndarray:
    ((name, given),) = vectors.items()
    found = np.asarray(given, "float64")
    if found.ndim != 2 or not len(found) or not np.isfinite(found).all():
        raise ValueError(
            f"`{name}` must be finite vectors (n, D), at least one. Received: "
            f"shape {found.shape}"
        )
    return unit_vectors(found)


def _check(queries, texts, relevant: Sequence[Sequence[int]]) -> None:
    if queries.shape[1] != texts.shape[1] or len(queries) != len(relevant):
        raise ValueError(
            "`queries` must be vectors of the size of `texts`, with an entry "
            f"of `relevant` for each. Received: {queries.shape}, "
            f"{texts.shape}, {len(relevant)} entries"
        )
    for k, right in enumerate(relevant):
        inside = all(0 <= index < len(texts) for index in right)
        if not len(right) or not inside or len({*right}) < len(right):
            raise ValueError(
                "`relevant` must hold for each query one or more different "
                f"indices below {len(texts)}. Received: {list(right)} for "
                f"query {k}"
            )
