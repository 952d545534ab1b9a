"""The two stacks of ELMo: direction, residual, dropout, carried state."""

import numpy as np
import pytest

from keras_ctx import layers

P = 3


def bilm_of(**arguments) -> layers.BiLM:
    """Both directions with the same weights, large enough to be told apart."""
    bilm = layers.BiLM(hidden_dim=5, projection_dim=P, **arguments)
    bilm.build((2, None, P))
    generator = np.random.default_rng(3)
    for forward, backward in zip(
        bilm.forward_layers, bilm.backward_layers, strict=True
    ):
        values = [
            generator.normal(size=w.shape) for w in forward.cell.get_weights()
        ]
        forward.cell.set_weights(values)
        backward.cell.set_weights(values)
    return bilm


def rows(length: int = 4, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed).normal(size=(2, length, P))
    return random.astype("float32")


def run(bilm: layers.BiLM, x: np.ndarray, mask=None, **call) -> list:
    """Pairs, one a layer: the forward half and the backward half."""
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
            # Equal weights: backwards is forwards over the turned row.
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
        # Over all steps: with the sum in the state, later ones would differ.
        assert_close(second[half], plain_second[half] + first[half])
        assert np.abs(plain_second[half]).max() <= 0.3
        assert np.abs(second[half]).max() > 0.5


def test_residual_adds_the_dropped_input() -> None:
    bilm = bilm_of(dropout=0.5)
    for rnn in (bilm.forward_layers[1], bilm.backward_layers[1]):
        rnn.cell.set_weights([0 * w for w in rnn.cell.get_weights()])
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
        # The stream that each direction has read over the two calls.
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


def test_stateful_refuses_a_batch_of_another_size() -> None:
    bilm = bilm_of(stateful=True)
    run(bilm, rows())
    with pytest.raises(ValueError, match="batch size.*\n.*2\n.*size: 1"):
        bilm(rows()[:1])


ERRORS = {
    "`hidden_dim` must be .* hidden_dim=0": {"hidden_dim": 0},
    "`projection_dim` must be .* projection_dim='3'": {"projection_dim": "3"},
    "`num_layers` must be .* num_layers=0": {"num_layers": 0},
    "`cell_clip` must be .* above 0.* cell_clip=-1": {"cell_clip": -1},
    "`projection_clip` must be .* projection_clip=nan": {
        "projection_clip": float("nan")
    },
    "`dropout` must be a rate .* dropout=1.0": {"dropout": 1.0},
    "`dropout` must be a rate .* dropout=-0.1": {"dropout": -0.1},
}


@pytest.mark.parametrize("message", ERRORS)
def test_error(message: str) -> None:
    arguments = {"hidden_dim": 4, "projection_dim": 2, **ERRORS[message]}
    with pytest.raises(ValueError, match=message):
        layers.BiLM(**arguments)
