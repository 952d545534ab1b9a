"""Layer normalization, compared with NumPy in float64 and with Keras."""

import keras
import numpy as np
import pytest

from keras_ctx.layers.base.layer_norm import LayerNorm

EPSILON = 1e-3


def weights(size: int) -> list[np.ndarray]:
    g = np.random.default_rng(3)
    return [g.normal(size=size), g.normal(size=size)]


def computed(x, dtype: str = "float32", kind=LayerNorm) -> np.ndarray:
    layer = kind(epsilon=EPSILON, dtype=dtype)
    layer.build(x.shape)
    layer.set_weights(weights(x.shape[-1]))
    y = layer(x)
    assert keras.backend.standardize_dtype(y.dtype) == layer.compute_dtype
    return keras.ops.convert_to_numpy(keras.ops.cast(y, "float64"))


def expected(x: np.ndarray) -> np.ndarray:
    gamma, beta = weights(x.shape[-1])
    x = x.astype("float64")
    centered = x - x.mean(-1, keepdims=True)
    variance = (centered**2).mean(-1, keepdims=True)
    return centered / np.sqrt(variance + EPSILON) * gamma + beta


@pytest.mark.parametrize("shape", [(2, 3, 8), (5, 16), (4, 1)])
def test_numpy(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(1).normal(2.0, 3.0, shape).astype("float32")
    np.testing.assert_allclose(computed(x), expected(x), rtol=0, atol=2e-6)
    found = computed(x, "float64")
    np.testing.assert_allclose(found, expected(x), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "dtype", ["float32", "mixed_bfloat16", "bfloat16", "float16"]
)
def test_keras(dtype: str) -> None:
    x = np.random.default_rng(1).normal(2.0, 3.0, (4, 8)).astype("float32")
    theirs = computed(x, dtype, keras.layers.LayerNormalization)
    # One rounding of the result in a half precision.
    rounding = {"float32": 2e-6, "float16": 4e-3}
    np.testing.assert_allclose(
        computed(x, dtype), theirs, rtol=0, atol=rounding.get(dtype, 4e-2)
    )


def test_a_mean_far_from_zero_costs_no_digits() -> None:
    """But those of the mean: 1e4 has steps of 1e-3 in float32."""
    x = np.random.default_rng(1).normal(1e4, 1.0, (4, 64)).astype("float32")
    errors = [
        abs(computed(x, kind=kind) - expected(x)).max()
        for kind in (LayerNorm, keras.layers.LayerNormalization)
    ]
    assert errors[0] < 5e-3
    assert errors[0] <= errors[1]


def test_squares_beyond_float16_are_no_infinity() -> None:
    x = np.array([[300.0, -300.0, 1000.0, 0.0]])
    assert np.isfinite(computed(x, "float16")).all()
