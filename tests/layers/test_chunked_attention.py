"""Attention in chunks: its numbers, its gradients, its memory, its dropout."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ctx.layers import TransformerEncoderBlock
from keras_ctx.layers.base.dropout import DrawnSeed
from keras_ctx.layers.transformer import chunked_attention as module
from keras_ctx.layers.transformer.chunked_attention import chunked_attention

B, T, H, D = 2, 11, 2, 3  # three chunks of 4, the last of 3
random = np.random.default_rng(5)
QUERY, KEY, VALUE, WEIGHTS = random.normal(size=(4, B, T, H, D))
CAUSAL = np.tril(np.ones((1, T, T), bool))
CAUSAL[0, 5] = False  # a query that sees nothing
PADDING = np.arange(T) < np.array([[[T]], [[6]]])
MASKS = {
    "none": None,
    "padding": PADDING,
    "causal": CAUSAL,
    "both": CAUSAL & PADDING,
}


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PLAIN_LENGTH", 3)
    monkeypatch.setattr(module, "CHUNK", 4)


def by_hand(query, key, value, mask, noise=1.0):
    """Computes attention as the paper writes it."""
    scores = tf.einsum("bqhd,bkhd->bhqk", query, key)
    if mask is not None:
        # A query sees its keys alone; without any, all equally.
        hidden = np.where(mask.any(-1, keepdims=True), -np.inf, 0.0)
        scores = tf.where(mask[:, None], scores, hidden[:, None])
    weights = tf.nn.softmax(scores) * noise
    return tf.einsum("bhqk,bkhd->bqhd", weights, value)


def with_gradients(function, *arguments):
    """Returns the result, and the gradients of a weighted sum of it."""
    tensors = [tf.constant(x) for x in (QUERY, KEY, VALUE)]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        found = function(*tensors, *arguments)
        loss = tf.reduce_sum(found * WEIGHTS)
    return [found, *tape.gradient(loss, tensors)]


def noise_of(rate: float, seed: DrawnSeed) -> np.ndarray:
    """Reads the factors of dropout `(B, H, T, T)`: all scores are 1 / T."""
    zeros = np.zeros((B, T, H, T))
    one_of_each = np.tile(np.eye(T)[:, None], (B, 1, H, 1))
    found = chunked_attention(zeros, zeros, one_of_each, None, rate, seed)
    return np.transpose(found, (0, 2, 1, 3)) * T


def seed(value: int = 7) -> DrawnSeed:
    return DrawnSeed(tf.constant([value, 0], "int64"))


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("rate", [0.0, 0.4])
def test_numbers_and_gradients(mask: str, rate: float) -> None:
    drawn = seed() if rate else None
    noise = noise_of(rate, drawn) if drawn else 1.0
    found = with_gradients(chunked_attention, MASKS[mask], rate, drawn)
    expected = with_gradients(by_hand, MASKS[mask], noise)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("mask", ["both", "none"])
@pytest.mark.quick("both-False")
def test_sizes_that_are_known_only_when_it_runs(
    mask: str, jit_compile: bool
) -> None:
    axes: Any = tf.TensorSpec([None, None, H, D], tf.float64)
    square: Any = tf.TensorSpec([None] * 3, tf.bool)
    given = MASKS[mask]

    def run(query, key, value, *mask):
        with tf.GradientTape() as tape:
            tape.watch([query, key, value])
            mask = mask[0] if mask else None
            found = chunked_attention(query, key, value, mask, 0.4, seed())
            loss = tf.reduce_sum(found * WEIGHTS)
        return [found, *tape.gradient(loss, [query, key, value])]

    masks = [] if given is None else [given]
    call: Any = tf.function(
        run,
        input_signature=[*[axes] * 3, *[square] * len(masks)],
        jit_compile=jit_compile,
    )
    tensors = [tf.constant(x) for x in (QUERY, KEY, VALUE)]
    expected = with_gradients(chunked_attention, given, 0.4, seed())
    found = call(*tensors, *masks)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


def test_gradients_of_gradients() -> None:
    def second(function) -> Any:
        x = tf.constant(QUERY)
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = tf.reduce_sum(function(x, KEY, VALUE, None) * WEIGHTS)
            first: Any = tape.gradient(y, x)
            total = tf.reduce_sum(first**2)
        return outer.gradient(total, x)

    found, expected = second(chunked_attention), second(by_hand)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_chunks_drop_different_scores() -> None:
    first, second, third = np.split(noise_of(0.5, seed()), [4, 8], axis=2)
    assert (first != second).any() and (second[:, :, :3] != third).any()
    # Nor what another call drops: its seeds are one apart.
    later = noise_of(0.5, DrawnSeed(tf.constant([7, 1], "int64")))
    for chunk in (first, second):
        for other in np.split(later, [4, 8], axis=2)[:2]:
            assert (chunk != other).any()
    share = (noise_of(0.5, seed()) == 0).mean()
    assert abs(share - 0.5) < 5 * 0.5 / np.sqrt(B * H * T * T)


def test_half_precision_sums_in_float32() -> None:
    """1,024 chunks add 1/1024 each, which bfloat16 loses above 1/2."""
    many = 4096
    ones = tf.ones((1, many, 1, 1), "bfloat16")

    def value_gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(chunked_attention(ones, ones, x, None))
        return tape.gradient(y, x)

    found = tf.cast(tf.function(value_gradient)(ones), "float32")
    np.testing.assert_allclose(found, np.ones_like(found), rtol=1e-2)


LONG = 600


def block_of(max_length: int | None = None, **options) -> Any:
    keras.utils.set_random_seed(4)
    block = TransformerEncoderBlock(2, 4, max_length=max_length, **options)
    block.build((None, None, 4))
    for weight in block.trainable_weights:  # attention that is not uniform
        weight.assign(random.normal(size=weight.shape))
    return block


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_long_rows_with_and_without_scores(
    policy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # the real limit
    block = block_of(dtype=policy)
    x = random.normal(size=(2, LONG, 4)).astype("float32")
    real = np.arange(LONG) < np.array([[LONG], [40]])
    kept, _ = block(x, real, return_attention_scores=True)
    found = block(x, real)
    # bfloat16: 2^-8 of values up to 4, summed in another order.
    atol = 1e-5 if policy == "float32" else 0.03
    np.testing.assert_allclose(
        tf.cast(found, "float32"), tf.cast(kept, "float32"), rtol=0, atol=atol
    )


def nodes_of(block: Any, length: int | None) -> list:
    """Returns the nodes of a training step, in all functions of its graph."""
    spec: Any = tf.TensorSpec([1, length, 4])

    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(block(x, training=True) ** 2)
        return tape.gradient(y, x)

    traced: Any = tf.function(step, input_signature=[spec])
    graph = traced.get_concrete_function().graph.as_graph_def(add_shapes=True)
    inner = [node for f in graph.library.function for node in f.node_def]
    return [*graph.node, *inner]


def squares(nodes: list, length: int) -> list[str]:
    """Returns operations with a result of T x T numbers or more."""
    return [
        node.name
        for node in nodes
        for shape in node.attr["_output_shapes"].list.shape
        if [axis.size for axis in shape.dim].count(length) > 1
    ]


def test_no_tensor_grows_with_the_square(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()  # the real limit
    assert squares(nodes_of(block_of(), LONG), LONG) == []
    # The search finds them where they are: up to 512 all scores are kept.
    assert squares(nodes_of(block_of(), 512), 512)


@pytest.mark.parametrize(
    ("length", "max_length", "loops"),
    [(512, None, False), (None, 512, False), (None, None, True)],
)
def test_which_graphs_have_chunks(
    length: int | None,
    max_length: int | None,
    loops: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()
    nodes = nodes_of(block_of(max_length), length)
    assert any("While" in node.op for node in nodes) == loops


def test_graph_of_any_length_drops_what_a_known_length_drops() -> None:
    """One chunk draws from the seed itself."""
    x = random.normal(size=(2, 3, 4)).astype("float32")
    block, same = (block_of(attention_dropout=0.4) for _ in range(2))
    same.set_weights(block.get_weights())
    expected = same(x, training=True)
    spec: Any = tf.TensorSpec([None, None, 4])
    call = tf.function(
        lambda x: block(x, training=True), input_signature=[spec]
    )
    np.testing.assert_allclose(call(x), expected, rtol=0, atol=1e-6)


def test_more_tokens_than_usual() -> None:
    """Packed rows may be longer than an encoder's positions."""
    x = random.normal(size=(1, 5, 4)).astype("float32")
    block, same = block_of(4), block_of()
    same.set_weights(block.get_weights())
    np.testing.assert_array_equal(block(x), same(x))
    with pytest.raises(ValueError, match="`max_length` must be .*=0"):
        block_of(0)


@pytest.mark.slow
def test_long_rows_on_jax() -> None:
    script = Path(__file__).with_name("long_rows_on_jax.py")
    root = Path(__file__).resolve().parents[2]
    subprocess.run(
        [sys.executable, script],
        check=True,
        env={**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": str(root)},
    )
