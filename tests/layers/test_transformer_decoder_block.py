"""The decoder block beside NumPy, and its cache beside the whole text."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from transformer_numpy import decoder_block

from keras_ctx.layers import TransformerDecoderBlock
from keras_ctx.layers.transformer import attention, chunked_attention

LENGTHS = (6, 4, 1)
RANDOM = np.random.default_rng(3)
X = RANDOM.normal(size=(3, 6, 8)).astype("float32")
ENCODER = RANDOM.normal(size=(3, 5, 6)).astype("float32")
REAL = np.arange(6) < np.array(LENGTHS)[:, None]
ENCODER_LENGTHS = (5, 2, 1)
ENCODER_REAL = np.arange(5) < np.array(ENCODER_LENGTHS)[:, None]


def built(**options) -> TransformerDecoderBlock:
    """Returns a block whose weights are all random."""
    block = TransformerDecoderBlock(
        2, 12, **{"layer_norm_epsilon": 1e-5, **options}
    )
    encoder = ENCODER.shape if block.cross_attention else None
    block.build(X.shape, encoder)
    for weight in block.weights:
        if "seed" not in weight.path:
            weight.assign(0.5 * RANDOM.normal(size=weight.shape))
    return block


def with_encoder(block: TransformerDecoderBlock) -> dict:
    if not block.cross_attention:
        return {}
    return {
        "encoder_sequence": ENCODER,
        "encoder_padding_mask": ENCODER_REAL,
    }


def assert_close(found, expected, atol: float = 1e-5) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=atol)


@pytest.mark.parametrize("cross_attention", [False, True])
@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize(
    ("activation", "attention_bias"),
    [("gelu", True), ("gelu_tanh", True), ("relu", False), ("silu", True)],
)
def test_block_equals_numpy(
    activation: str,
    attention_bias: bool,
    norm_first: bool,
    cross_attention: bool,
) -> None:
    block = built(
        activation=activation,
        attention_bias=attention_bias,
        norm_first=norm_first,
        cross_attention=cross_attention,
    )
    found, scores = block(
        X,
        padding_mask=REAL,
        return_attention_scores=True,
        **with_encoder(block),
    )
    scores = scores if cross_attention else [scores]
    for row, length in enumerate(LENGTHS):
        encoder = None
        if cross_attention:
            encoder = ENCODER[row, : ENCODER_LENGTHS[row]].astype("float64")
        expected, expected_scores = decoder_block(
            block, X[row, :length].astype("float64"), encoder
        )
        assert_close(found[row, :length], expected)
        for of_block, of_numpy in zip(scores, expected_scores, strict=True):
            keys = of_numpy.shape[2]
            assert_close(of_block[row, :, :length, :keys], of_numpy)
            assert not np.any(of_block[row, :, :length, keys:])


@pytest.mark.parametrize("cross_attention", [False, True])
@pytest.mark.parametrize("norm_first", [False, True])
def test_cached_steps_equal_the_whole_text(
    norm_first: bool, cross_attention: bool
) -> None:
    """Each row reads its beginning first, then token after token, so that the
    rows stand at different places of their caches."""
    block = built(norm_first=norm_first, cross_attention=cross_attention)
    whole = np.asarray(block(X, **with_encoder(block)))
    begun = np.array([3, 1, 2])
    beginnings = np.full_like(X[:, :3], 7.0)  # also padding has numbers
    for row, count in enumerate(begun):
        beginnings[row, :count] = X[row, :count]
    cache = block.start_cache(3, 7)
    found, cache = block(
        beginnings,
        cache=cache,
        positions=np.zeros(3, "int32"),
        **with_encoder(block),
    )
    assert len(cache) == (4 if cross_attention else 2)
    for row, count in enumerate(begun):
        assert_close(found[row, :count], whole[row, :count])
    masked = {}
    if cross_attention:
        masked = {"encoder_padding_mask": ENCODER_REAL}
    for step in range(3):
        places = begun + step
        tokens = X[np.arange(3), places][:, None]
        found, cache = block(tokens, cache=cache, positions=places, **masked)
        assert_close(found[:, 0], whole[np.arange(3), places])


def test_several_tokens_at_once_behind_others() -> None:
    block = built()
    whole = np.asarray(block(X))
    cache = block.start_cache(3, 6)
    _, cache = block(X[:, :2], cache=cache, positions=np.zeros(3, "int32"))
    found, _ = block(
        X[:, 2:], cache=cache, positions=np.full(3, 2), training=False
    )
    assert_close(found, whole[:, 2:])


def test_scores_of_a_cached_step() -> None:
    block = built(cross_attention=True)
    _, (scores, cross) = block(
        X, return_attention_scores=True, **with_encoder(block)
    )
    cache = block.start_cache(3, 8)
    _, cache, found = block(
        X,
        cache=cache,
        positions=np.zeros(3, "int32"),
        return_attention_scores=True,
        **with_encoder(block),
    )
    assert_close(found[0][..., :6], scores)
    assert not np.any(found[0][..., 6:])
    assert_close(found[1], cross)


def test_tokens_beyond_the_cache_change_nothing_else() -> None:
    block = built()
    cache = block.start_cache(1, 3)
    _, cache = block(X[:1, :2], cache=cache, positions=np.array([0]))
    _, full = block(X[:1, 2:6], cache=cache, positions=np.array([2]))
    _, expected = block(X[:1, 2:3], cache=cache, positions=np.array([2]))
    for x, y in zip(full, expected, strict=True):
        assert_close(x, y, atol=1e-6)


def test_row_without_encoder_tokens_is_finite() -> None:
    block = built(cross_attention=True)
    none = ENCODER_REAL.copy()
    none[1] = False
    found = block(X, encoder_sequence=ENCODER, encoder_padding_mask=none)
    assert np.isfinite(found).all()


def test_nan_at_encoder_padding_reaches_nothing() -> None:
    block = built(cross_attention=True)
    wrong = np.where(ENCODER_REAL[..., None], ENCODER, np.nan)
    expected = block(X, **with_encoder(block))
    found = block(X, encoder_sequence=wrong, encoder_padding_mask=ENCODER_REAL)
    assert_close(found, expected, atol=0)


def test_keras_masks_are_the_defaults() -> None:
    block = built(cross_attention=True)
    embed = keras.layers.Embedding(2, 8, mask_zero=True)
    embed_encoder = keras.layers.Embedding(2, 6, mask_zero=True)
    x, encoder = embed(REAL * 1), embed_encoder(ENCODER_REAL * 1)
    expected = block(
        np.asarray(x),
        encoder_sequence=np.asarray(encoder),
        padding_mask=REAL,
        encoder_padding_mask=ENCODER_REAL,
    )
    assert_close(block(x, encoder_sequence=encoder), expected, atol=0)


def test_gradient_of_a_block_that_is_computed_again() -> None:
    found = []
    block = built(cross_attention=True, dropout=0.0, attention_dropout=0.0)
    for again in (False, True):
        block.gradient_checkpointing = again
        encoder = tf.constant(ENCODER)
        with tf.GradientTape() as tape:
            tape.watch(encoder)
            loss = tf.reduce_sum(
                block(X, encoder_sequence=encoder, training=True) ** 2
            )
        found.append(tape.gradient(loss, [encoder, *block.trainable_weights]))
    for x, y in itertools.zip_longest(*found):
        assert np.abs(x).max() > 0 or np.abs(y).max() == 0
        assert_close(x, y, atol=1e-4)  # sums of 8 x 12 squares


def test_long_rows_in_chunks_equal_one_chunk(monkeypatch) -> None:
    block = built()
    x = RANDOM.normal(size=(1, 40, 8)).astype("float32")
    expected = block(x)
    for module in (attention, chunked_attention):
        monkeypatch.setattr(module, "PLAIN_LENGTH", 16)
    monkeypatch.setattr(chunked_attention, "CHUNK", 16)
    assert_close(block(x), expected)


ERRORS = [
    (
        {},
        {"encoder_sequence": ENCODER},
        "`encoder_sequence` must be given with `cross_attention=True`",
    ),
    (
        {"cross_attention": True},
        {},
        "cross_attention=True, encoder_sequence=None",
    ),
    (
        {},
        {"positions": np.zeros(3, "int32")},
        "`positions` must be given with a `cache`",
    ),
    (
        {},
        {"cache": [np.zeros((3, 2, 4, 4), "float32")] * 2},
        "`positions` must be given with a `cache`",
    ),
    (
        {},
        {"padding_mask": REAL[:2]},
        "`padding_mask` must have the same axes",
    ),
    (
        {"cross_attention": True},
        {"encoder_sequence": ENCODER[:2]},
        "`encoder_sequence` must have the same axes",
    ),
    ({"num_heads": 3}, {}, "`num_heads` must divide"),
    ({"activation": "swish"}, {}, "`activation` must be one of"),
]


@pytest.mark.parametrize(("options", "call", "message"), ERRORS)
def test_refusals(options: dict, call: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        block = TransformerDecoderBlock(
            **{"num_heads": 2, "intermediate_dim": 4, **options}
        )
        block(X, **call)
