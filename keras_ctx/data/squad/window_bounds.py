"""Windows over a text that is longer than a row."""

import numpy as np


def window_bounds(
    places: np.ndarray, budget: int, stride: int
) -> list[tuple[int, int]]:
    """The words `[first, limit)` of every window.

    Args:
        places: Where each word begins, in positions, and where the last ends.
        budget: Most positions of a window; a longer word has one of its own.
        stride: Most positions from the begin of a window to the next's,
            `budget` or less; a longer word is passed at once.

    Returns:
        At least one window; together they hold every word, and every run of
        words of `budget - stride` positions is in one of them whole.

    Example:
        >>> window_bounds(np.array([0, 1, 2, 4, 5]), budget=3, stride=2)
        [(0, 2), (2, 4)]
    """
    bounds, first, num_words = [], 0, len(places) - 1
    while True:
        limit = int(np.searchsorted(places, places[first] + budget, "right"))
        limit = min(max(limit - 1, first + 1), num_words)
        bounds.append((first, limit))
        if limit == num_words:
            return bounds
        start = int(np.searchsorted(places, places[first] + stride, "right"))
        first = max(start - 1, first + 1)
