"""How far one output may be off by rounding: measured, and compared with.

`keras_ctx.serving.verify.rounding` says where the numbers come from.
"""

import numpy as np

FLOAT32_ROUNDOFF = 2.0**-24
_MARGIN = 4.0
_LAST_OPS = 8.0
# From here on float32 has no ones any more: such numbers stand for "never",
# as the score of a path that a CRF forbids, and say nothing of the others.
_WALL = 2.0**24


class Bound:
    """How far one output may be off: derived from what it was moved by."""

    def __init__(self) -> None:
        # Of numbers below `_WALL` and of those from there on.
        self._moved = np.zeros(2)

    def widen(self, moved: np.ndarray, exact: np.ndarray) -> None:
        """Takes one more draw into account."""
        with np.errstate(invalid="ignore"):  # infinity minus infinity
            sizes = np.abs(moved.astype("float64") - exact)
        sizes[~np.isfinite(sizes)] = 0.0
        is_wall = np.abs(exact) >= _WALL
        for place, chosen in enumerate((sizes[~is_wall], sizes[is_wall])):
            largest = np.max(chosen, initial=0.0)
            self._moved[place] = max(self._moved[place], largest)

    def __call__(self, exact: np.ndarray) -> np.ndarray:
        """The bound for each number of `exact`."""
        walls = (np.abs(exact) >= _WALL).astype(int)
        last = _LAST_OPS * FLOAT32_ROUNDOFF * np.abs(exact.astype("float64"))
        # Numbers below the smallest normal one may be taken for 0.
        tiny = np.finfo("float32").tiny
        return _MARGIN * self._moved[walls] + last + tiny


def errors(
    given: np.ndarray, exact: np.ndarray, bound: Bound
) -> tuple[float, float]:
    """The largest difference, and the largest in units of its bound."""
    with np.errstate(invalid="ignore"):
        difference = np.abs(given.astype("float64") - exact)
        difference[given == exact] = 0.0  # infinities among them
        shares = difference / bound(exact)
    # Where one of the two is no number, so is the share; it must not pass.
    shares[np.isnan(shares)] = np.inf
    return float(np.max(difference, initial=0.0)), float(
        np.max(shares, initial=0.0)
    )
