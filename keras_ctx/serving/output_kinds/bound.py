"""The largest rounding error of an output: measured, and compared with.

`keras_ctx.serving.verify.rounding` explains the numbers.
"""

import numpy as np

FLOAT32_ROUNDOFF = 2.0**-24
_MARGIN = 4.0
_LAST_OPS = 8.0
# From here on, float32 cannot represent all integers. Such numbers mean
# "never", like the score of a path that a CRF forbids, so they are measured
# separately.
_WALL = 2.0**24


class Bound:
    """Bound on the error of an output, from the moves measured so far."""

    def __init__(self) -> None:
        # Largest moves of numbers below `_WALL`, and of all others.
        self._moved = np.zeros(2)

    def widen(self, moved: np.ndarray, exact: np.ndarray) -> None:
        """Updates the bound with one more draw."""
        with np.errstate(invalid="ignore"):  # infinity minus infinity
            sizes = np.abs(moved.astype("float64") - exact)
        sizes[~np.isfinite(sizes)] = 0.0
        is_wall = np.abs(exact) >= _WALL
        for place, chosen in enumerate((sizes[~is_wall], sizes[is_wall])):
            largest = np.max(chosen, initial=0.0)
            self._moved[place] = max(self._moved[place], largest)

    def __call__(self, exact: np.ndarray) -> np.ndarray:
        """Returns the bound for each number of `exact`."""
        walls = (np.abs(exact) >= _WALL).astype(int)
        last = _LAST_OPS * FLOAT32_ROUNDOFF * np.abs(exact.astype("float64"))
        # Numbers below the smallest normal one may be flushed to 0.
        tiny = np.finfo("float32").tiny
        return _MARGIN * self._moved[walls] + last + tiny


def errors(
    given: np.ndarray, exact: np.ndarray, bound: Bound
) -> tuple[float, float]:
    """Returns the largest difference, also in units of its bound."""
    with np.errstate(invalid="ignore"):
        difference = np.abs(given.astype("float64") - exact)
        difference[given == exact] = 0.0  # also infinities
        shares = difference / bound(exact)
    # If one of the two is NaN, so is the share; it must not pass.
    shares[np.isnan(shares)] = np.inf
    return float(np.max(difference, initial=0.0)), float(
        np.max(shares, initial=0.0)
    )
