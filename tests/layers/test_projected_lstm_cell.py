"""The LSTM cell, number by number."""

import math

import numpy as np
import pytest

from keras_ctx import layers


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def cell_of(
    projection_dim: int, i=0.0, j=0.0, f=0.0, o=0.0, **arguments
) -> layers.ProjectedLSTMCell:
    """Returns two cells with constant gates, and a projection, if any, that
    adds both cells."""
    cell = layers.ProjectedLSTMCell(2, projection_dim, **arguments)
    cell.build((None, 1))
    cell.set_weights([np.zeros(w.shape) for w in cell.weights])
    cell.bias.assign(np.repeat([i, j, f, o], 2))
    if cell.projection_kernel is not None:
        cell.projection_kernel.assign(np.ones((2, projection_dim)))
    return cell


def step(cell, x=0.0, h=0.0, c=(0.0, 0.0)) -> tuple[np.ndarray, np.ndarray]:
    """Returns the new h and c of one row."""
    states = [np.full((1, cell.projection_dim), h), np.array([c])]
    output, (h, c) = cell(np.array([[x]]), states)
    np.testing.assert_array_equal(output, h)
    return np.asarray(h)[0], np.asarray(c)[0]


def assert_close(found, expected) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_gates_are_input_candidate_forget_output() -> None:
    h, c = step(cell_of(2, i=0.3, j=-0.7, f=1.1, o=0.4), c=(0.5, -2.0))
    expected = [
        sigmoid(1.1 + 1) * old + sigmoid(0.3) * math.tanh(-0.7)
        for old in (0.5, -2.0)
    ]
    assert_close(c, expected)
    assert_close(h, [sigmoid(0.4) * math.tanh(each) for each in expected])


def test_forget_gate_has_1_more_than_its_bias() -> None:
    cell = cell_of(2)
    assert not cell.get_weights()[2].any()
    _, c = step(cell, c=(1.0, -2.0))
    assert_close(c, [0.731059, -1.462117])  # sigmoid(1) times the old


def test_input_and_last_output_enter_by_their_own_kernels() -> None:
    cell = cell_of(1)
    kernel, recurrent = np.zeros((2, 1, 8))
    kernel[0, 2:4] = 2.0, 3.0  # the candidates of both cells
    recurrent[0, 2:4] = 5.0, 7.0
    cell.set_weights([kernel, recurrent, *cell.get_weights()[2:]])
    _, c = step(cell, x=0.1, h=0.01)
    assert_close(c, [0.5 * math.tanh(0.25), 0.5 * math.tanh(0.37)])


def test_clipped_cell_is_carried_and_gives_the_output() -> None:
    cell = cell_of(2, cell_clip=0.5)
    h, c = step(cell, c=(10.0, -10.0))
    assert_close(c, [0.5, -0.5])
    assert_close(h, [0.5 * math.tanh(0.5), -0.5 * math.tanh(0.5)])
    _, c = step(cell, c=(c[0], c[1]))
    assert_close(c, [0.5 * sigmoid(1), -0.5 * sigmoid(1)])


def test_projected_output_is_clipped() -> None:
    # sigmoid(9) * (tanh(sigmoid(1) 2) + tanh(sigmoid(1) 3)) is about 1.87.
    h, c = step(cell_of(1, o=9, projection_clip=1.5), c=(2.0, 3.0))
    assert_close(h, [1.5])
    h, _ = step(cell_of(1, o=9, projection_clip=None), c=(2.0, 3.0))
    assert_close(h, [sigmoid(9) * np.tanh(c).sum()])
    assert h[0] > 1.8


def test_without_projection_the_output_is_not_clipped() -> None:
    cell = cell_of(2, o=9, projection_clip=0.1)
    assert len(cell.weights) == 3
    h, c = step(cell, c=(2.0, 3.0))
    assert_close(h, sigmoid(9) * np.tanh(c))
    assert h.min() > 0.8


def test_no_clip_of_the_cell() -> None:
    _, c = step(cell_of(2, cell_clip=None), c=(100.0, 4.0))
    assert_close(c, [73.105858, 2.924234])


ERRORS = {
    "`hidden_dim` must be .* hidden_dim=0": {"hidden_dim": 0},
    "`projection_dim` must be .* projection_dim=-3": {"projection_dim": -3},
    "`projection_dim` must be .* projection_dim=2.0": {"projection_dim": 2.0},
    "`hidden_dim` must be .* hidden_dim=True": {"hidden_dim": True},
    "`cell_clip` must be a number above 0.*=-3.0": {"cell_clip": -3.0},
    "`projection_clip` must be .* above 0.*=0": {"projection_clip": 0},
    "`cell_clip` must be .* cell_clip=inf": {"cell_clip": math.inf},
}


@pytest.mark.parametrize("message", ERRORS)
def test_error(message: str) -> None:
    arguments = {"hidden_dim": 4, "projection_dim": 2, **ERRORS[message]}
    with pytest.raises(ValueError, match=message):
        layers.ProjectedLSTMCell(**arguments)
