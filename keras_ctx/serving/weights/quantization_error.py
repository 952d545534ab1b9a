"""Measures how much smaller weights change a model's answers."""

from collections.abc import Iterable, Mapping

import numpy as np

Arrays = Mapping[str, np.ndarray]
Drift = dict[str, dict[str, float]]

# Largest error of a version or file with half or a quarter of the bits;
# relative above 1. Wide, since users judge the recorded figures themselves, but
# narrow enough to stop broken weights.
TOLERANCES = {"bfloat16": 0.1, "int8": 0.5}


def measured_drift(
    pairs: Iterable[tuple[str, Arrays, Arrays]], tolerance: float
) -> dict[str, Drift]:
    """Returns the differences of answers, by signature and output.

    For floating-point numbers the largest and the mean difference; for all
    other outputs, including strings, the share of equal values.

    Args:
        pairs: For each request its signature, the served answer, and that of
            the float32 model.
        tolerance: Largest difference of floating-point numbers (absolute below
            1, relative above).

    Raises:
        RuntimeError: A difference is larger, or NaN.
    """
    found: dict[str, dict[str, list[np.ndarray]]] = {}
    for signature, served, expected in pairs:
        for key, right in expected.items():
            given = served[key]
            if given.shape != right.shape:
                raise RuntimeError(
                    f"`{key}` of `{signature}` must have the shape of the "
                    f"model's, {right.shape}. Received: {given.shape}; "
                    "nothing was written."
                )
            if np.issubdtype(right.dtype, np.floating):
                difference = np.abs(given - right)
                scaled = difference / np.maximum(1.0, np.abs(right))
                _refuse_above(tolerance, scaled, f"`{key}` of `{signature}`")
            else:
                difference = given == right
            by_output = found.setdefault(signature, {})
            by_output.setdefault(key, []).append(difference.ravel())
    return {
        signature: {
            key: _summary(np.concatenate(parts))
            for key, parts in by_output.items()
            if any(part.size for part in parts)
        }
        for signature, by_output in found.items()
    }


def _refuse_above(tolerance: float, scaled: np.ndarray, output: str) -> None:
    error = np.max(scaled, initial=0.0)
    # This form refuses NaN.
    if not error <= tolerance:
        raise RuntimeError(
            f"{output} must be that of the model in float32 to {tolerance:g}. "
            f"It is off by {error:g}; nothing was written. Use more bits in "
            "`weights`."
        )


def _summary(differences: np.ndarray) -> dict[str, float]:
    if differences.dtype == bool:
        return {"equal": float(differences.mean())}
    return {
        "largest": float(differences.max()),
        "mean": float(differences.mean(dtype="float64")),
    }
