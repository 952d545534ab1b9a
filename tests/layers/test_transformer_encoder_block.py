"""Attention and activations of an encoder block, by hand."""

import math

import numpy as np
import pytest

from keras_ctx.layers import TransformerEncoderBlock

# One row of four tokens of two features.
X = np.array([[[1, 0], [0, 1], [2, 1], [-1, 3]]], "float32")
PADDING = np.array([[True, True, True, False]])
CAUSAL = np.tril(np.ones((1, 4, 4), bool))


def scores_of(**masks: np.ndarray) -> np.ndarray:
    """Returns attention `(T, T)` of one head with inputs as queries and
    keys."""
    block = TransformerEncoderBlock(num_heads=1, intermediate_dim=3)
    block.build(X.shape)
    for weight in block.attention.weights:
        if "query/kernel" in weight.path or "key/kernel" in weight.path:
            weight.assign(np.eye(2).reshape(2, 1, 2))
    _, scores = block(X, return_attention_scores=True, **masks)
    return np.asarray(scores)[0, 0]


def by_hand(visible: np.ndarray) -> np.ndarray:
    e = np.exp(X[0] @ X[0].T / math.sqrt(2)) * visible
    return e / e.sum(axis=-1, keepdims=True)


def assert_close(found, expected) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("masks", "visible"),
    [
        ({}, np.ones((4, 4))),
        ({"padding_mask": PADDING}, np.tile(PADDING, (4, 1))),
        ({"attention_mask": CAUSAL}, CAUSAL[0]),
        (
            {"padding_mask": PADDING, "attention_mask": CAUSAL},
            CAUSAL[0] & PADDING,
        ),
        # As from a tokenizer: 1 and 0.
        ({"padding_mask": PADDING * 1}, np.tile(PADDING, (4, 1))),
    ],
    ids=["none", "padding", "attention", "both", "integers"],
)
def test_attention_scores(masks: dict, visible: np.ndarray) -> None:
    scores = scores_of(**masks)
    assert_close(scores, by_hand(visible))
    assert_close(scores.sum(axis=-1), np.ones(4))
    assert not scores[~visible.astype(bool)].any()


def test_query_that_sees_nothing_attends_to_all_equally() -> None:
    mask = CAUSAL.copy()
    mask[0, 2] = False
    scores = scores_of(attention_mask=mask)
    assert_close(scores[2], [0.25] * 4)
    assert_close(scores[3], by_hand(CAUSAL[0])[3])


def test_one_token_attends_to_itself() -> None:
    block = TransformerEncoderBlock(num_heads=2, intermediate_dim=3)
    _, scores = block(X[:, :1], return_attention_scores=True)
    np.testing.assert_array_equal(scores, np.ones((1, 2, 1, 1)))


def exact_gelu(x: float) -> float:
    return x * 0.5 * (1 + math.erf(x / math.sqrt(2)))


def gelu_by_tanh(x: float) -> float:
    inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    return x * 0.5 * (1 + math.tanh(inner))


POINTS = np.array([-3.0, -2.0, -0.7, 0.0, 0.4, 1.0, 2.5], "float32")


@pytest.mark.parametrize(
    ("activation", "function"),
    [
        ("gelu", exact_gelu),
        ("gelu_tanh", gelu_by_tanh),
        ("relu", lambda x: max(x, 0.0)),
    ],
)
def test_activation(activation: str, function) -> None:
    """All weights but one bias are 0, and features pass unchanged, so the block
    computes the activation of that bias."""
    block = TransformerEncoderBlock(1, 7, activation, norm_first=True)
    block.build((1, 1, 7))
    for weight in block.trainable_weights:
        weight.assign(np.zeros(weight.shape))
    block.intermediate.bias.assign(POINTS)
    block.output_projection.kernel.assign(np.eye(7))
    x = np.arange(7.0).reshape(1, 1, 7)
    found = np.asarray(block(x))[0, 0] - x[0, 0]
    assert_close(found, [function(float(point)) for point in POINTS])


def test_the_two_forms_of_gelu_can_be_told_apart() -> None:
    # Otherwise the test above could not detect a swap.
    gaps = [abs(exact_gelu(x) - gelu_by_tanh(x)) for x in POINTS]
    assert max(gaps) > 1e-4


ERRORS = {
    "`num_heads` must be .* num_heads=0": {"num_heads": 0},
    "`num_heads` must divide .* num_heads=3, features=2": {"num_heads": 3},
    "`intermediate_dim` must be .*=-1": {"intermediate_dim": -1},
    "`activation` must be one of 'gelu', .*activation='swish'": {
        "activation": "swish"
    },
    "`dropout` must be a rate .* dropout=1.0": {"dropout": 1.0},
    "`attention_dropout` must be a rate .*=-0.5": {"attention_dropout": -0.5},
    "`layer_norm_epsilon` must be .*=-1e-12": {"layer_norm_epsilon": -1e-12},
    "`initializer_range` must be .*=0": {"initializer_range": 0},
    "`padding_mask` must have 2 axes.*1, 1, 4": {"padding_mask": PADDING[None]},
    "`attention_mask` must have 3 axes.*1, 4": {"attention_mask": PADDING},
}


@pytest.mark.parametrize("message", ERRORS)
def test_error(message: str) -> None:
    arguments = {"num_heads": 1, "intermediate_dim": 3, **ERRORS[message]}
    masks = {k: arguments.pop(k) for k in [*arguments] if k.endswith("_mask")}
    with pytest.raises(ValueError, match=message):
        TransformerEncoderBlock(**arguments)(X, **masks)
