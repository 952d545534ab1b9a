"""The kind of outputs with names, best first, in which equals may swap."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from keras_ctx.serving.output_kinds.bound import Bound
from keras_ctx.serving.output_kinds.kind import Comparison, Discrete


@dataclass(frozen=True, kw_only=True)
class Ranked(Discrete):
    """Names along the last axis, best first; the order of equals is free.

    Args:
        position_axis: See `OutputKind`.
        scores: The output of the same shape by which they are ranked.
    """

    scores: str

    def wrong(self, name: str, pair: Comparison) -> np.ndarray:
        names, scores = pair.right[name], pair.right[self.scores]
        wrong = pair.given[name] != names
        if scores.shape != names.shape:
            return wrong
        bound = pair.bounds[self.scores]
        for row in zip(*np.nonzero(wrong.any(-1)), strict=True):
            if is_same_ranking(
                pair.given[name][row],
                pair.given[self.scores][row],
                names[row],
                scores[row],
                bound,
            ):
                wrong[row] = False
        return wrong


def is_same_ranking(
    given: Iterable[str],
    given_scores: np.ndarray,
    expected: Iterable[str],
    expected_scores: np.ndarray,
    bound: Bound,
) -> bool:
    """Returns whether two lists differ only in the order of equals.

    Lists are sorted best first. A name in both must have the same score in
    both. A name in one list only must have the last score of the other, where
    it was cut off.
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
