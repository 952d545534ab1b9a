"""The mixture of layers, by hand."""

import math
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_ctx import layers
from keras_ctx.layers import ScalarMix


def column(*numbers: float) -> np.ndarray:
    """Returns one row of tokens with one feature."""
    return np.array(numbers, "float32").reshape(1, -1, 1)


def mixed(mix: ScalarMix, *tensors: np.ndarray, mask=None) -> np.ndarray:
    return np.asarray(mix(list(tensors), padding_mask=mask))


def assert_close(found, expected) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_weights_pass_a_softmax_and_the_scale_multiplies() -> None:
    mix = ScalarMix(num_layers=2)
    mix.build([(None, None, 1)] * 2)
    mix.set_weights([np.array([5.0, 5.0 + math.log(3)]), np.array(2.0)])
    # Shares of 1/4 and 3/4.
    assert_close(mixed(mix, column(4, 8), column(-8, 0)), column(-10, 4))


def test_starts_as_the_mean() -> None:
    found = mixed(ScalarMix(3), column(1), column(2), column(6))
    assert_close(found, column(3))


def test_one_layer_is_passed_on() -> None:
    assert_close(mixed(ScalarMix(1), column(4, -7)), column(4, -7))


def test_scale_is_trained_only_if_asked() -> None:
    for trainable_scale, names in ((True, ["weights", "scale"]), (False, None)):
        mix = ScalarMix(2, trainable_scale=trainable_scale)
        mix.build([(None, None, 1)] * 2)
        found = [w.name for w in mix.trainable_weights]
        assert found == (names or ["weights"])
        assert [w.name for w in mix.weights] == ["weights", "scale"]


def test_without_layer_norm_the_mask_is_not_read() -> None:
    mask = np.array([[True, False]])
    assert_close(mixed(ScalarMix(1), column(4, 9), mask=mask), column(4, 9))


def test_layer_norm_is_over_all_real_numbers_of_the_batch() -> None:
    # Real numbers of the first layer: 1, 1, 3, 7: mean 3, variance 6.
    first = np.array([[[1, 1], [50, -9]], [[3, 7], [-1, 2]]], "float32")
    # Of the second: 0, 2, 0, 2: mean 1, variance 1.
    second = np.array([[[0, 2], [8, 8]], [[0, 2], [8, 8]]], "float32")
    mask = np.array([[True, False], [True, False]])
    found = mixed(ScalarMix(2, layer_norm=True), first, second, mask=mask)
    normalized = np.array([[-2, -2], [0, 4]]) / math.sqrt(6)
    expected = (normalized + [[-1, 1], [-1, 1]]) / 2
    assert_close(found[:, 0], expected)
    # Without a mask all count: mean 6, variance 12 of 4, 4, 4, 12.
    found = mixed(ScalarMix(1, layer_norm=True), column(4, 4, 4, 12))
    assert_close(found, (column(4, 4, 4, 12) - 6) / math.sqrt(12))


def test_layer_norm_of_an_empty_batch_is_finite() -> None:
    mask = np.array([[False, False]])
    found = mixed(ScalarMix(1, layer_norm=True), column(0, 0), mask=mask)
    assert_close(found, column(0, 0))


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_layer_norm_of_a_batch_of_padding_alone(dtype: str) -> None:
    # A million times larger after the norm, beyond float16.
    mask = np.zeros((1, 2), bool)
    for values in ((3, -300), (np.nan, np.inf)):
        mix = ScalarMix(1, layer_norm=True, dtype=dtype)
        x = tf.constant(column(*values), dtype)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = mix([x], padding_mask=mask)
        gradients: Any = tape.gradient(y, [x, *[w.value for w in mix.weights]])
        assert not np.asarray(tf.cast(y, "float32")).any()
        for gradient in gradients:
            assert not np.asarray(tf.cast(gradient, "float32")).any()


def test_layer_norm_of_equal_numbers_is_zero() -> None:
    mix = ScalarMix(1, layer_norm=True)
    assert_close(mixed(mix, column(7, 7, 7)), column(0, 0, 0))


def test_norms_differ_in_what_they_add_to_the_variance() -> None:
    # The variance is 2.5e-13, so both constants matter.
    x = column(0.5e-6, -0.5e-6).astype("float64")
    for mix, epsilon in (
        (ScalarMix(1, layer_norm=True, dtype="float64"), 1e-12),
        (ScalarMix(1, layer_norm="bilm-tf", dtype="float64"), 1e-12),
        (ScalarMix(1, layer_norm="allennlp", dtype="float64"), 1e-13),
    ):
        assert_close(mixed(mix, x), x / math.sqrt(2.5e-13 + epsilon))


def test_penalty_is_on_the_weights_before_the_softmax_alone() -> None:
    mix = ScalarMix(2, weights_l2=0.1)
    mix.build([(None, None, 1)] * 2)
    mix.set_weights([np.array([3.0, -1.0]), np.array(7.0)])
    assert [float(x) for x in mix.losses] == [pytest.approx(0.1 * 10)]
    without = ScalarMix(2)
    without.build([(None, None, 1)] * 2)
    assert without.losses == []


def test_shares_can_be_read() -> None:
    mix = ScalarMix(2, dtype="bfloat16")
    mix.build([(None, None, 1)] * 2)
    mix.set_weights([np.array([5.0, 6.0]), np.array(2.0)])
    assert mix.shares.dtype == np.float32
    assert_close(mix.shares, [1 / (1 + math.e), math.e / (1 + math.e)])


@pytest.mark.parametrize("norm", ["batch", None, 2])
def test_error_of_layer_norm(norm) -> None:
    message = f"`layer_norm` must be one of .* layer_norm={norm!r}"
    with pytest.raises(ValueError, match=message):
        ScalarMix(2, layer_norm=norm)


@pytest.mark.parametrize("number", [-0.1, math.inf, math.nan])
def test_error_of_weights_l2(number: float) -> None:
    message = f"`weights_l2` must be .* weights_l2={number}"
    with pytest.raises(ValueError, match=message):
        ScalarMix(2, weights_l2=number)


@pytest.mark.parametrize("number", [0, -1, 2.5, True, None])
def test_error_of_num_layers(number: int) -> None:
    message = f"`num_layers` must be .* num_layers={number}"
    with pytest.raises(ValueError, match=message):
        layers.ScalarMix(number)


def test_error_of_another_number_of_layers() -> None:
    message = "`layers` must hold `num_layers=2` tensors. Received: 3"
    with pytest.raises(ValueError, match=message):
        ScalarMix(2).build([(None, None, 1)] * 3)
    mix = ScalarMix(2)
    mixed(mix, column(1), column(2))
    with pytest.raises(ValueError, match=message):
        mixed(mix, column(1), column(2), column(3))
