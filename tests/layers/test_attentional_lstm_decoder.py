"""The attentional LSTM decoder: beside NumPy, with a cache, at padding."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from parity.recurrent_numpy import (
    Arrays,
    attentional_decoder,
    decoder_weights,
    random_attentional_decoder,
)

from keras_ctx import layers

E, D, H, L, K, T = 5, 6, 4, 2, 4, 5
ARRAYS = random_attentional_decoder(E, D, H, L)
DRAW = np.random.default_rng(3)
INPUTS = DRAW.normal(size=(3, T, E))
ENCODED = DRAW.normal(size=(3, K, D))
STATES = [DRAW.normal(size=(3, H)) for _ in range(2 * L)]
SOURCES = np.array([[1, 1, 1, 1], [0, 1, 1, 0], [0, 0, 0, 0]], bool)
TARGETS = np.array([[1] * 5, [1, 1, 0, 0, 0], [0, 1, 0, 1, 1]], bool)


def decoder(arrays: Arrays = ARRAYS, **options: Any) -> Any:
    layer = layers.AttentionalLSTMDecoder(H, L, dtype="float64", **options)
    layer(INPUTS, ENCODED, STATES)
    found = decoder_weights(arrays, E, D)
    assert {x.name for x in layer.trainable_weights} == set(found)
    for weight in layer.trainable_weights:
        weight.assign(found[weight.name])
    return layer


def by_numpy(arrays: Arrays, row: int) -> tuple[np.ndarray, np.ndarray]:
    states = [(STATES[2 * k][row], STATES[2 * k + 1][row]) for k in range(L)]
    return attentional_decoder(
        *(arrays, INPUTS[row][TARGETS[row]]),
        *(ENCODED[row][SOURCES[row]], states),
    )


def test_rows_are_those_of_numpy_whatever_stands_at_padding() -> None:
    found, scores = decoder()(
        np.where(TARGETS[..., None], INPUTS, np.nan),
        np.where(SOURCES[..., None], ENCODED, np.nan),
        STATES,
        padding_mask=TARGETS,
        encoder_padding_mask=SOURCES,
        return_attention_scores=True,
    )
    found, scores = np.asarray(found), np.asarray(scores)[:, 0]
    assert scores.shape == (3, T, K)
    for row in range(3):
        expected, shares = by_numpy(ARRAYS, row)
        np.testing.assert_allclose(
            found[row][TARGETS[row]], expected, rtol=0, atol=1e-12
        )
        assert not found[row][~TARGETS[row]].any()
        np.testing.assert_allclose(
            scores[row][TARGETS[row]][:, SOURCES[row]], shares, atol=1e-12
        )
        assert not scores[row][:, ~SOURCES[row]].any()


def test_gradients_are_those_of_differences() -> None:
    """Of three numbers of each weight, and of inputs, tokens and states."""
    layer = decoder()
    factors = np.random.default_rng(1).normal(size=(3, T, H))

    def loss(arrays: Arrays) -> float:
        return sum(
            (by_numpy(arrays, row)[0] * factors[row][TARGETS[row]]).sum()
            for row in range(3)
        )

    given = [tf.constant(x) for x in (INPUTS, ENCODED, *STATES)]
    with tf.GradientTape() as tape:
        tape.watch(given)
        found = layer(
            *(given[0], given[1], given[2:]),
            padding_mask=TARGETS,
            encoder_padding_mask=SOURCES,
        )
        total = tf.reduce_sum(found * factors)
    watched = [*given, *layer.trainable_weights]
    gradients = tape.gradient(total, [getattr(x, "value", x) for x in watched])
    for name, array in ARRAYS.items():
        if name.endswith("bias_hh"):
            continue  # its sum with the other one is the weight
        for index in np.random.default_rng(2).integers(0, array.size, 3):
            place = np.unravel_index(index, array.shape)
            sides = []
            for step in (1e-5, -1e-5):
                moved = array.astype("float64")
                moved[place] += step
                sides.append(loss({**ARRAYS, name: moved}))
            marked = np.zeros_like(array)
            marked[place] = 1
            zeros = {key: np.zeros_like(x) for key, x in ARRAYS.items()}
            where = decoder_weights({**zeros, name: marked}, E, D)
            ours = sum(
                (np.asarray(gradient) * where[weight.name]).sum()
                for weight, gradient in zip(
                    layer.trainable_weights,
                    gradients[len(given) :],
                    strict=True,
                )
            )
            expected = (sides[0] - sides[1]) / 2e-5
            np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-8)
    for x, gradient in zip(
        (INPUTS, ENCODED, *STATES), gradients[: len(given)], strict=True
    ):
        index = np.argmax(np.abs(np.asarray(gradient)))
        sides = []
        for step in (1e-5, -2e-5):  # back to the first at last
            x.flat[index] += step
            sides.append(loss(ARRAYS))
        x.flat[index] += 1e-5
        expected = (sides[0] - sides[1]) / 2e-5
        np.testing.assert_allclose(
            np.asarray(gradient).flat[index], expected, rtol=1e-6
        )


def test_a_text_in_parts_is_the_whole_text() -> None:
    layer = decoder()
    mask = {"encoder_padding_mask": SOURCES}
    whole = np.asarray(layer(INPUTS, ENCODED, STATES, **mask))
    first, cache = layer(
        INPUTS[:, :2], ENCODED, STATES, return_cache=True, **mask
    )
    parts = [first]
    for t in range(2, T):
        y, cache = layer(INPUTS[:, t : t + 1], cache=cache, **mask)
        parts.append(y)
    np.testing.assert_allclose(
        np.concatenate(parts, axis=1), whole, rtol=0, atol=1e-12
    )
    # Rows that end at different places keep their own states.
    _, cache = layer(
        *(INPUTS, ENCODED, STATES),
        padding_mask=TARGETS,
        return_cache=True,
        **mask,
    )
    for row in range(3):
        alone = INPUTS[row : row + 1, TARGETS[row]]
        _, expected = layer(
            alone,
            ENCODED[row : row + 1],
            [x[row : row + 1] for x in STATES],
            encoder_padding_mask=SOURCES[row : row + 1],
            return_cache=True,
        )
        for one, other in zip(cache, expected, strict=True):
            np.testing.assert_allclose(one[row], other[0], atol=1e-12)


def test_dropout_is_of_the_vectors_that_are_fed_too() -> None:
    layer = decoder(dropout=0.5)
    x, encoded = np.ones((40, 3, E)), np.ones((40, 2, D))
    found = np.asarray(layer(x, encoded, training=True))
    assert 0.4 < (found == 0).mean() < 0.6
    plain = np.asarray(layer(x, encoded))
    # The first step: of the rows whose lower LSTM is as it was, doubled.
    kept = found[:, 0] != 0
    assert 0.4 < kept.mean() < 0.6
    assert np.unique(found[:, 1].round(9), axis=0).shape[0] > 30
    np.testing.assert_array_equal(layer(x, encoded, training=False), plain)
    layer.trainable = False
    np.testing.assert_array_equal(layer(x, encoded, training=True), plain)


def test_half_precision_has_an_attention_in_float32() -> None:
    layer = layers.AttentionalLSTMDecoder(H, L, dtype="mixed_float16")
    found, scores = layer(
        *(INPUTS, 100 * ENCODED, STATES),
        encoder_padding_mask=SOURCES,
        return_attention_scores=True,
    )
    assert found.dtype == scores.dtype == "float16"
    assert np.isfinite(np.asarray(scores)).all()


ERRORS = [
    ({"encoder_sequence": None}, "`encoder_sequence` must be given without"),
    ({"initial_state": STATES[:2]}, "`initial_state` must have 4 tensors"),
    (
        {"initial_state": [x[:, :2] for x in STATES]},
        r"`initial_state\[0\]` must have 4 features",
    ),
    ({"inputs": INPUTS[..., :2]}, "`inputs` must have 5 features"),
    (
        {"encoder_sequence": ENCODED[:2]},
        r"`encoder_sequence` must have the same axes \(B\)",
    ),
    ({"padding_mask": TARGETS[:, :2]}, "`padding_mask` must have the same"),
    ({"cache": STATES}, "`encoder_sequence` must be given without"),
    (
        {"cache": STATES, "encoder_sequence": None},
        "`cache` must have 7 tensors",
    ),
]


@pytest.mark.parametrize(("changed", "message"), ERRORS)
def test_refusals(changed: dict[str, Any], message: str) -> None:
    given = {
        "inputs": INPUTS,
        "encoder_sequence": ENCODED,
        "initial_state": STATES,
    }
    with pytest.raises(ValueError, match=message):
        decoder()(**{**given, **changed})


def test_refused_sizes() -> None:
    for name in ("hidden_dim", "num_layers", "max_length"):
        with pytest.raises(ValueError, match=f"`{name}` must be at least 1"):
            layers.AttentionalLSTMDecoder(**{"hidden_dim": H, name: 0})
    with pytest.raises(ValueError, match="`dropout` must be a rate"):
        layers.AttentionalLSTMDecoder(H, dropout=1.0)
    with pytest.raises(ValueError, match="`uniform_bound` must be"):
        layers.AttentionalLSTMDecoder(H, uniform_bound=0)


def test_initial_values() -> None:
    layer = layers.AttentionalLSTMDecoder(20)
    layer(np.ones((1, 1, 30)), np.ones((1, 1, 40)))
    for x in layer.trainable_weights:
        assert 0.05 < np.abs(np.asarray(x)).max() <= 0.1
    assert keras.ops.shape(layer.attention_kernel) == (20, 40)
