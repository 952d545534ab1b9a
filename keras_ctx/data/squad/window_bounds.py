"""Windows over a text that is longer than an input."""

import numpy as np


def window_bounds(
    places: np.ndarray, budget: int, stride: int
) -> list[tuple[int, int]]:
    """Returns the words `[first, limit)` of every window.

    Args:
        places: The position where each word begins, and where the last ends.
        budget: Maximum number of positions of a window. A longer word has its
            own window.
        stride: Maximum number of positions between the beginnings of two
            windows, at most `budget`, or one longer word.

    Returns:
        At least one window. The windows hold every word, and every run of
        words of `budget - stride` positions is entirely in one of them.

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
