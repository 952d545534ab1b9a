"""The two stacks of ELMo: direction, residual, dropout, carried state."""

import numpy as np
import pytest
import tensorflow as tf

from keras_ctx import layers

P = 3


def bilm_of(**arguments) -> layers.BiLM:
    """Returns a BiLM with equal weights in both directions, large enough."""
    bilm = layers.BiLM(hidden_dim=5, projection_dim=P, **arguments)
    bilm.build((2, None, P))
    generator = np.random.default_rng(3)
    for forward, backward in zip(
        bilm.forward_cells, bilm.backward_cells, strict=True
    ):
        values = [generator.normal(size=w.shape) for w in forward.get_weights()]
        forward.set_weights(values)
        backward.set_weights(values)
    return bilm


def rows(length: int = 4, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed).normal(size=(2, length, P))
    return random.astype("float32")


def run(bilm: layers.BiLM, x: np.ndarray, mask=None, **call) -> list:
    """Returns a pair per layer: the forward half and the backward half."""
    outputs = bilm(x, padding_mask=mask, **call)
    return [tuple(np.split(np.asarray(y), 2, axis=-1)) for y in outputs]


def assert_close(found, expected) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_backward_reads_each_row_from_its_own_last_token() -> None:
    bilm, x = bilm_of(), rows(4)
    mask = np.array([[True, True, True, True], [True, True, False, False]])
    found = run(bilm, x, mask)
    for row, length in enumerate((4, 2)):
        turned = np.tile(x[row : row + 1, :length][:, ::-1], (2, 1, 1))
        for (_, backward), (forward, _) in zip(
            found, run(bilm, turned), strict=True
        ):
            # With equal weights, backward equals forward over the reversed row.
            assert_close(backward[row, :length], forward[0, ::-1])
            assert not backward[row, length:].any()


def test_residual_adds_the_input_after_the_clip_and_outside_the_state() -> None:
    arguments = {"num_layers": 2, "projection_clip": 0.3}
    first, second = run(bilm_of(**arguments), rows())
    plain_first, plain_second = run(
        bilm_of(**arguments, residual=False), rows()
    )
    for half in (0, 1):
        assert_close(first[half], plain_first[half])
        # Over all steps: if the sum were in the state, later ones would differ.
        assert_close(second[half], plain_second[half] + first[half])
        assert np.abs(plain_second[half]).max() <= 0.3
        assert np.abs(second[half]).max() > 0.5


def test_residual_adds_the_dropped_input() -> None:
    bilm = bilm_of(dropout=0.5)
    for cell in (bilm.forward_cells[1], bilm.backward_cells[1]):
        cell.set_weights([0 * w for w in cell.get_weights()])
    first, second = run(bilm, rows(9), training=True)
    ratios = np.concatenate(second) / np.concatenate(first)
    assert set(ratios.round(4).ravel().tolist()) == {0.0, 2.0}


def test_stateless_by_default() -> None:
    bilm, x = bilm_of(), rows()
    for once, again in zip(run(bilm, x), run(bilm, x), strict=True):
        np.testing.assert_array_equal(once, again)


def test_stateful_goes_on_where_each_row_ended() -> None:
    a, b = rows(3, seed=1), rows(2, seed=2)
    mask = np.array([[True, True, True], [True, False, False]])
    stateful = bilm_of(stateful=True)
    before = run(stateful, a, mask)
    found = run(stateful, b)
    for row, length in enumerate((3, 1)):
        real = a[row : row + 1, :length]
        # The stream that each direction read over the two calls.
        whole = np.concatenate([real, b[row : row + 1]], axis=1)
        turned = np.concatenate([real[:, ::-1], b[row : row + 1, ::-1]], axis=1)
        stateless = bilm_of()
        for (forward, backward), (expected, _), (expected_turned, _) in zip(
            found, run(stateless, whole), run(stateless, turned), strict=True
        ):
            assert_close(forward[row], expected[0, length:])
            assert_close(backward[row], expected_turned[0, length:][::-1])
    stateful.reset_state()
    for once, again in zip(before, run(stateful, a, mask), strict=True):
        np.testing.assert_array_equal(once, again)


@pytest.mark.slow
def test_smaller_batch_reads_and_writes_the_first_states() -> None:
    a, b, c = rows(3, seed=1), rows(2, seed=2), rows(4, seed=3)
    # With a batch size unknown to the graph, as in serving.
    stateful = bilm_of(stateful=True, max_batch_size=3)
    traced = tf.function(
        lambda x: stateful(x), input_signature=[tf.TensorSpec((None, None, P))]
    )
    for part in (a, b[:1]):
        traced(part)
    first, second = (np.asarray(x) for x in traced(c))
    top = [np.asarray(x)[:, :, :P] for x in (first, second)]
    stateless = bilm_of()
    for row, read in ((0, [a[:1], b[:1], c[:1]]), (1, [a[1:], c[1:]])):
        whole = run(stateless, np.concatenate(read, axis=1))
        for layer, (forward, _) in zip(top, whole, strict=True):
            assert_close(layer[row], forward[0, -4:])


def test_row_without_a_token_keeps_its_state() -> None:
    a, b = rows(3, seed=1), rows(2, seed=2)
    stateful, other = (bilm_of(stateful=True) for _ in range(2))
    run(stateful, a)
    run(stateful, a, np.array([[True] * 3, [False] * 3]))
    run(other, a)
    for found, expected in zip(run(stateful, b), run(other, b), strict=True):
        assert_close(found[0][1], expected[0][1])
        assert np.abs(found[0][0] - expected[0][0]).max() > 1e-3


@pytest.mark.slow
def test_larger_batch_than_there_are_states_is_refused() -> None:
    bilm = bilm_of(stateful=True, max_batch_size=1)
    with pytest.raises(ValueError, match="`max_batch_size=1`.*a batch of 2"):
        bilm(rows())
    traced = tf.function(
        lambda x: bilm(x), input_signature=[tf.TensorSpec((None, None, P))]
    )
    with pytest.raises(tf.errors.InvalidArgumentError):
        traced(rows())


def test_backward_stack_reads_a_text_of_its_own_in_its_order() -> None:
    bilm, x, y = bilm_of(), rows(4), rows(4, seed=7)
    found = run(bilm, x, backward_inputs=y)
    for (forward, backward), (same, _), (turned, _) in zip(
        found, run(bilm, x), run(bilm, y), strict=True
    ):
        assert_close(forward, same)
        assert_close(backward, turned)  # equal weights, no reversal


def test_layer_that_carries_state_has_the_very_weights() -> None:
    bilm, x = bilm_of(), rows()
    carrying = bilm.carrying_state(max_batch_size=2, name="carrying")
    for once, again in zip(run(bilm, x), run(carrying, x), strict=True):
        np.testing.assert_array_equal(once, again)
    bilm.forward_cells[0].bias.assign_add(np.ones(20))
    carrying.reset_state()
    for once, again in zip(run(bilm, x), run(carrying, x), strict=True):
        np.testing.assert_array_equal(once, again)


ERRORS = {
    "`hidden_dim` must be .* hidden_dim=0": {"hidden_dim": 0},
    "`projection_dim` must be .* projection_dim='3'": {"projection_dim": "3"},
    "`num_layers` must be .* num_layers=0": {"num_layers": 0},
    "`cell_clip` must be .* above 0.* cell_clip=-1": {"cell_clip": -1},
    "`projection_clip` must be .* projection_clip=nan": {
        "projection_clip": float("nan")
    },
    "`max_batch_size` must be .* max_batch_size=0": {"max_batch_size": 0},
    "`dropout` must be a rate .* dropout=1.0": {"dropout": 1.0},
    "`dropout` must be a rate .* dropout=-0.1": {"dropout": -0.1},
}


@pytest.mark.parametrize("message", ERRORS)
def test_error(message: str) -> None:
    arguments = {"hidden_dim": 4, "projection_dim": 2, **ERRORS[message]}
    with pytest.raises(ValueError, match=message):
        layers.BiLM(**arguments)


def test_gradient_of_a_row_with_holes_is_that_of_its_real_tokens() -> None:
    bilm = bilm_of()
    row = np.random.default_rng(0).normal(size=(1, 4, 3)).astype("float32")
    mask = np.array([[False, True, False, True, True, False, True]])
    wide = np.ones((1, 7, 3), "float32")
    wide[mask] = row[0]

    def gradients(x, **arguments):
        x = tf.Variable(x)
        with tf.GradientTape() as tape:
            outputs = bilm(x, training=True, **arguments)
            top = tf.concat(outputs, axis=-1)
            loss = tf.reduce_sum(tf.cumsum(top, axis=2) ** 2)
        variables = [x, *(w.value for w in bilm.weights)]
        return [np.asarray(g) for g in tape.gradient(loss, variables)]

    of_row, *of_weights = gradients(row)
    found, *found_weights = gradients(wide, padding_mask=mask)
    np.testing.assert_allclose(found[mask], of_row[0], atol=1e-6)
    assert not found[~mask].any()
    for x, y in zip(found_weights, of_weights, strict=True):
        np.testing.assert_allclose(x, y, atol=1e-5)
