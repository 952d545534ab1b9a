"""The LSTM of AWD-LSTM, beside Keras's LSTM and a reading with NumPy."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from parity.recurrent_numpy import lstm

from keras_ctx import layers

B, T, D, H = 3, 5, 4, 6
GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(B, T, D)).astype("float32")
FIRST = [GENERATOR.normal(size=(B, H)).astype("float32") for _ in range(2)]
LENGTHS = np.array([5, 3, 1])
MASK = np.arange(T) < LENGTHS[:, None]


def built(hidden: int = H, **arguments: Any) -> layers.WeightDroppedLSTM:
    layer = layers.WeightDroppedLSTM(hidden, **arguments)
    layer.build(X.shape)
    values = np.random.default_rng(1)
    for weight in layer.trainable_weights:
        weight.assign(0.7 * values.normal(size=weight.shape))
    return layer


@pytest.mark.parametrize("reverse", [False, True])
def test_outputs_and_states_are_those_of_numpy(reverse: bool) -> None:
    layer = built(reverse=reverse, return_state=True)
    w, u, bias = layer.get_weights()
    y, h, c = layer(X, padding_mask=MASK, initial_state=FIRST)
    step = -1 if reverse else 1
    for row, length in enumerate(LENGTHS):
        expected, (last_h, last_c) = lstm(
            X[row, :length][::step],
            *(w.T, u.T, bias, (FIRST[0][row], FIRST[1][row])),
        )
        np.testing.assert_allclose(
            y[row, :length], expected[::step], rtol=0, atol=1e-6
        )
        np.testing.assert_array_equal(y[row, length:], 0)
        np.testing.assert_allclose(h[row], last_h, rtol=0, atol=1e-6)
        np.testing.assert_allclose(c[row], last_c, rtol=0, atol=1e-6)


@pytest.mark.quick("True-True-True", "False-False-True")
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("jit", [False, True])
def test_gradients_are_those_of_keras(
    reverse: bool, masked: bool, jit: bool
) -> None:
    ours = built(reverse=reverse, return_state=True)
    theirs = keras.layers.LSTM(
        H,
        return_sequences=True,
        return_state=True,
        go_backwards=reverse,
        use_cudnn=False,
    )
    theirs.build(X.shape)
    theirs.set_weights(ours.get_weights())
    mask = MASK if masked else np.ones_like(MASK)
    seen = [GENERATOR.normal(size=s) for s in ((B, T, H), (B, H), (B, H))]

    def run_ours(x, h, c):
        return ours(x, padding_mask=mask, initial_state=[h, c], training=True)

    def run_theirs(x, h, c):
        y, *states = theirs(x, mask=mask, initial_state=[h, c])
        y = tf.reverse(y, [1]) if reverse else y
        return tf.where(mask[..., None], y, 0.0), *states

    def answers(layer, run):
        given = [tf.constant(X), *map(tf.constant, FIRST)]
        with tf.GradientTape() as tape:
            for x in given:
                tape.watch(x)
            outputs = run(*given)
            loss = tf.add_n(
                [
                    tf.reduce_sum(x * s.astype("float32"))
                    for x, s in zip(outputs, seen, strict=True)
                ]
            )
        weights = [w.value for w in layer.trainable_weights]
        return [*outputs, *tape.gradient(loss, [*given, *weights])]

    run = tf.function(lambda: answers(ours, run_ours), jit_compile=jit)
    for x, y in zip(run(), answers(theirs, run_theirs), strict=True):
        np.testing.assert_allclose(x, y, rtol=0, atol=1e-5)


def test_last_cells_alone_have_a_gradient() -> None:
    layer = built(return_state=True)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(X)[2])
    weights = [w.value for w in layer.trainable_weights]
    found: Any = tape.gradient(loss, weights)
    assert all(np.abs(g).max() > 1e-3 for g in found)


def dropped(layer: layers.WeightDroppedLSTM) -> tuple:
    """Returns the outputs of a call in training, and its mask."""
    with tf.GradientTape() as tape:
        y = layer(X, training=True)
        # So that no gradient is 0 by chance.
        loss = tf.reduce_sum(
            y
            * np.arange(1, 1 + y[0].numpy().size, 1.0)
            .reshape(y.shape[1:])
            .astype("float32")
        )
    gradient = tape.gradient(loss, layer.recurrent_kernel.value)
    return y.numpy(), gradient.numpy() != 0


def test_one_mask_of_the_recurrent_kernel_a_call() -> None:
    keras.utils.set_random_seed(3)
    layer = built(hidden=20, weight_dropout=0.25)
    plain = built(hidden=20)
    kernel, recurrent, bias = layer.get_weights()
    masks = []
    for _ in range(2):
        y, mask = dropped(layer)
        assert abs(mask.mean() - 0.75) < 0.05  # of 1,600: 4.6 deviations
        # The same for all rows and steps; nothing else is dropped.
        plain.set_weights([kernel, recurrent * mask / 0.75, bias])
        np.testing.assert_allclose(y, plain(X), rtol=0, atol=1e-5)
        masks.append(mask)
    assert (masks[0] != masks[1]).mean() > 0.2
    # No training, no mask; the weight itself stays.
    plain.set_weights([kernel, recurrent, bias])
    np.testing.assert_array_equal(layer(X), plain(X))
    np.testing.assert_array_equal(layer.get_weights()[1], recurrent)
    layer.trainable = False
    np.testing.assert_array_equal(layer(X, training=True), plain(X))


def test_state_is_not_carried_unless_asked_for() -> None:
    layer = built()
    first = layer(X)
    layer(X[::-1].copy())
    np.testing.assert_array_equal(layer(X), first)


def test_carried_state_goes_on_where_the_last_batch_ended() -> None:
    layer = built()
    whole = layer(X)
    twin = layer.carrying_state(4, "twin")
    parts = [twin(X[:, :2]), twin(X[:, 2:])]
    np.testing.assert_allclose(
        np.concatenate(parts, axis=1), whole, rtol=0, atol=1e-6
    )
    # The fourth state has no row, and stays.
    assert not np.asarray(twin.states[0])[3].any()
    twin.reset_state()
    np.testing.assert_allclose(twin(X), whole, rtol=0, atol=1e-6)
    # Row 2 has one token: its state is that after it.
    twin.reset_state()
    twin(X, padding_mask=MASK)
    expected = layer.from_config({**layer.get_config(), "return_state": True})
    expected.build(X.shape)
    expected.set_weights(layer.get_weights())
    _, h, c = expected(X, padding_mask=MASK)
    for state, last in zip(twin.states, (h, c), strict=True):
        np.testing.assert_allclose(state[:3], last, rtol=0, atol=1e-6)


def test_twin_shares_the_weights_and_learns_in_windows() -> None:
    layer = built(stateful=False)
    twin = layer.carrying_state(B, "twin")
    twin(X)
    assert twin.kernel is layer.kernel and len(twin.trainable_weights) == 3
    h, c = (np.asarray(state) for state in twin.states)
    weights = [w.value for w in layer.trainable_weights]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(twin(X) ** 2)
    found: Any = tape.gradient(loss, weights)
    with tf.GradientTape() as tape:  # from a constant state
        loss = tf.reduce_sum(layer(X, initial_state=[h, c]) ** 2)
    expected: Any = tape.gradient(loss, weights)
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_allclose(x, y, rtol=0, atol=1e-5)


def test_initial_values_have_the_bound_of_pytorch() -> None:
    for bound, given in ((0.25, None), (0.1, 0.1)):
        layer = layers.WeightDroppedLSTM(16, uniform_bound=given)
        layer.build((None, None, 16))
        for weight in layer.get_weights():
            assert 0.9 * bound < np.abs(weight).max() <= bound


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hidden_dim": 0}, "`hidden_dim` must be at least 1"),
        ({"weight_dropout": 1.0}, "`weight_dropout` must be a rate"),
        ({"uniform_bound": 0.0}, "`uniform_bound` must be a number above 0"),
        ({"max_batch_size": 0}, "`max_batch_size` must be at least 1"),
    ],
)
def test_error_of_an_argument(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        layers.WeightDroppedLSTM(**{"hidden_dim": 2, **arguments})


def test_error_of_a_state() -> None:
    layer = built()
    for state, message in (
        ([FIRST[0], FIRST[1][:, :2]], r"`initial_state\[1\]` must have 6"),
        ([FIRST[0][:2], FIRST[1]], r"`initial_state\[0\]` must have the same"),
        ([X, X], r"`initial_state\[0\]` must have 2 axes"),
        (FIRST[0], "`initial_state` must be a list of h and c"),
        ([FIRST[0]], "`initial_state` must be a list of h and c"),
    ):
        with pytest.raises(ValueError, match=message):
            layer(X, initial_state=state)
    twin = layer.carrying_state(2, "twin")
    with pytest.raises(ValueError, match="`initial_state` is for a layer"):
        twin(X[:2], initial_state=FIRST)
    with pytest.raises(ValueError, match="max_batch_size=2.*a batch of 3"):
        twin(X)


def test_bidirectional_is_refused() -> None:
    with pytest.raises(ValueError, match="has its own `reverse`"):
        keras.layers.Bidirectional(built())
