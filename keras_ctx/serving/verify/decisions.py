"""Answers that are no numbers, where rounding may decide between equals."""

from collections.abc import Sequence

import numpy as np

from keras_ctx.serving.verify.rounding import Bound


def undecided_tags(
    logits: np.ndarray, real: np.ndarray, bound: Bound
) -> np.ndarray:
    """The tokens, bool `(B, T)`, of which another tag is as good.

    Args:
        logits: A tagger's, `(B, T, N)`, or a CRF's, `(B, T, N, N)`.
        real: Which positions are no padding, `(B, T)`.
        bound: What rounding may do to `logits`.
    """
    if logits.ndim == 3:
        best = logits.astype("float64")
        errors = bound(logits)
    else:
        best = _best_paths(logits.astype("float64"))
        # A path is a sum of as many factors as the row has tokens.
        errors = logits.shape[1] * bound(best)
    if best.shape[-1] < 2:
        return np.zeros(real.shape, bool)
    order = np.argsort(best, axis=-1)[..., -2:]
    pairs = np.take_along_axis(best, order, axis=-1)
    errors = np.take_along_axis(errors, order, axis=-1).sum(axis=-1)
    with np.errstate(invalid="ignore"):
        gaps = pairs[..., 1] - pairs[..., 0]
    return (gaps <= errors) & real


def _best_paths(logits: np.ndarray) -> np.ndarray:
    """The log of the probability of the best path through each tag.

    `(B, T, N)`, of the factors `(B, T, N, N)` of a CRF, which are 0 at
    padding, behind the row.
    """
    rows, tokens, tags, _ = logits.shape
    behind = np.zeros((rows, tokens, tags))
    for t in range(tokens - 2, -1, -1):
        behind[:, t] = np.max(logits[:, t + 1] + behind[:, None, t + 1], axis=2)
    ahead = np.empty((rows, tokens, tags))
    ahead[:, 0] = logits[:, 0, 0]  # alike for all tags before the first
    for t in range(1, tokens):
        ahead[:, t] = np.max(ahead[:, t - 1, :, None] + logits[:, t], axis=1)
    return ahead + behind


def is_same_ranking(
    given: Sequence[str],
    given_scores: np.ndarray,
    expected: Sequence[str],
    expected_scores: np.ndarray,
    bound: Bound,
) -> bool:
    """Whether two lists, best first, differ only in the order of equals.

    A name of both must have the same score in both. One of a single list is
    as good as the last of the other, behind which it was cut off.
    """
    scores = [
        dict(zip(names, numbers.tolist(), strict=True))
        for names, numbers in (
            (given, given_scores),
            (expected, expected_scores),
        )
    ]
    for mine, other in (scores, scores[::-1]):
        last = min(other.values())
        for name, score in mine.items():
            right = np.array([other.get(name, last)])
            if not np.all(np.abs(score - right) <= 2 * bound(right)):
                return False
    return True
