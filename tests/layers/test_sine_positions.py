"""Sines of positions beside the formulas of the papers and the releases."""

import math

import keras
import numpy as np
import pytest

from keras_ctx.layers import SinePositions


def interleaved(position: int, dim: int) -> list[float]:
    """Vaswani et al. 2017, section 3.5."""
    return [
        (math.cos if i % 2 else math.sin)(
            position / 10000 ** (2 * (i // 2) / dim)
        )
        for i in range(dim)
    ]


def halves(position: int, dim: int) -> list[float]:
    """`_init_weight` of Marian in transformers."""
    row = interleaved(position, dim)
    return row[0::2] + row[1::2]


def tensor2tensor(position: int, dim: int) -> list[float]:
    """`get_timing_signal_1d` of tensor2tensor."""
    count = dim // 2
    step = math.log(10000.0) / max(count - 1, 1)
    times = [position * math.exp(-i * step) for i in range(count)]
    return [*map(math.sin, times), *map(math.cos, times), *[0.0] * (dim % 2)]


FORMULAS = {
    "interleaved": interleaved,
    "halves": halves,
    "tensor2tensor": tensor2tensor,
}


@pytest.mark.parametrize("dim", [1, 2, 7, 16])
@pytest.mark.parametrize("form", FORMULAS)
def test_form(form: str, dim: int) -> None:
    found = SinePositions(form)(np.zeros((2, 600, dim), "float32"))
    expected = [FORMULAS[form](position, dim) for position in range(600)]
    # An angle of 600 has an error of 600 * 2^-24 in float32.
    np.testing.assert_allclose(found[1], expected, rtol=0, atol=5e-5)


def test_the_forms_differ() -> None:
    rows = [FORMULAS[form](3, 8) for form in FORMULAS]
    for i in range(3):
        assert np.abs(np.subtract(rows[i], rows[i - 1])).max() > 0.01


def test_given_positions() -> None:
    layer = SinePositions()
    x = np.ones((1, 4, 6), "float32")
    counted = np.asarray(layer(x))
    found = layer(x, position_ids=np.array([[3, 0, 1, 1]]))
    np.testing.assert_array_equal(found[0], counted[0][[3, 0, 1, 1]])


def test_bfloat16_rounds_the_result_alone() -> None:
    x = np.zeros((1, 2000, 8), "float32")
    exact = np.asarray(SinePositions()(x))
    found = SinePositions(dtype="bfloat16")(x)
    rounded = keras.ops.cast(exact, "bfloat16")
    np.testing.assert_array_equal(
        keras.ops.cast(found, "float32"), keras.ops.cast(rounded, "float32")
    )


def test_refusals() -> None:
    with pytest.raises(ValueError, match="`form` must be one of 'interleaved'"):
        SinePositions("sine")
    with pytest.raises(ValueError, match="`position_ids` must have the same"):
        SinePositions()(np.zeros((1, 3, 4)), np.zeros((1, 2), "int32"))
