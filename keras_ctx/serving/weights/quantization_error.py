"""How far a model with smaller weights is from the model in float32."""

from collections.abc import Iterable, Mapping

import numpy as np

Arrays = Mapping[str, np.ndarray]
Drift = dict[str, dict[str, float]]

# What a version, or a file, may be off its model by: half, a quarter of the
# bits. Relative above 1. Wide, since it is for the user to judge what is
# written down, and narrow enough to stop weights that do not survive it.
TOLERANCES = {"bfloat16": 0.1, "int8": 0.5}


def measured_drift(
    pairs: Iterable[tuple[str, Arrays, Arrays]], tolerance: float
) -> dict[str, Drift]:
    """Differences of answers, by signature and output.

    Of numbers with a fraction the largest and the mean difference; of all
    others, strings among them, the share of equal ones.

    Args:
        pairs: For each request its signature, what is served, and what the
            float32 model answers.
        tolerance: Largest difference of a number with a fraction (absolute
            below 1, relative above).

    Raises:
        RuntimeError: a difference is larger, or not a number.
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
    # Put so that a NaN is refused.
    if not error <= tolerance:
        raise RuntimeError(
            f"{output} must be that of the model in float32 to {tolerance:g}. "
            f"It is off by {error:g}; nothing was written. Keep more bits in "
            "`weights`."
        )


def _summary(differences: np.ndarray) -> dict[str, float]:
    if differences.dtype == bool:
        return {"equal": float(differences.mean())}
    return {
        "largest": float(differences.max()),
        "mean": float(differences.mean(dtype="float64")),
    }
