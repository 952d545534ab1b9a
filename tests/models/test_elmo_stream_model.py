"""The model of endless texts: carried state, truncated gradients, shared
weights.

NumPy reads each direction in its own order, window by window.
"""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from parity.elmo_numpy import (
    Clipped,
    Options,
    State,
    lstm,
    random_weights,
    token_layer,
    word_ids,
)
from parity.elmo_weights import copy_bilm, copy_char_cnn

from keras_ctx import models
from keras_ctx.training import elmo_pretraining_losses

OPTIONS = Options(
    [(1, 4), (2, 5)], 6, 3, n_highway=1, cell_clip=0.5, proj_clip=0.4
)
V, C, B, U = 11, 6, 2, 4
WEIGHTS = random_weights(OPTIONS, char_dim=3, seed=8, scale=2.0)
GENERATOR = np.random.default_rng(12)
KERNEL = GENERATOR.normal(size=(V, OPTIONS.projection_dim))
BIAS = GENERATOR.normal(size=V)
WORDS = ["<S>", "</S>", "a", "cat", "saw", "the", "dog", "é"]
# As in the batches: a row of zeros, the markers, words.
DISTINCT = np.array([[0] * C, *(word_ids(word, C) for word in WORDS)], "int32")
WINDOWS = [
    {
        key: GENERATOR.integers(low, high, (B, U)).astype("int32")
        for key, low, high in (
            ("forward_word_ids", 1, len(DISTINCT)),
            ("backward_word_ids", 1, len(DISTINCT)),
            ("forward_targets", 0, V),
            ("backward_targets", 0, V),
        )
    }
    for _ in range(2)
]
DIRECTIONS = ("forward", "backward")


def language_model(**arguments: Any) -> keras.Model:
    encoder = models.elmo_encoder(
        OPTIONS.filters,
        OPTIONS.dim,
        OPTIONS.projection_dim,
        num_highways=OPTIONS.n_highway,
        char_dim=3,
        max_characters=C,
        cell_clip=OPTIONS.cell_clip,
        projection_clip=OPTIONS.proj_clip,
        dropout=0.0,
    )
    copy_char_cnn(WEIGHTS, encoder.get_layer("char_cnn"))
    copy_bilm(WEIGHTS, encoder.get_layer("bilm"))
    model = models.elmo_language_model(
        encoder, V, **{"dropout": 0.0, **arguments}
    )
    model.get_layer("softmax").set_weights([KERNEL, BIAS])
    return model


def features(window: dict) -> dict[str, np.ndarray]:
    return {**window, "distinct_char_ids": DISTINCT}


def run(model: keras.Model, inputs: dict, **call) -> dict[str, np.ndarray]:
    return {k: np.asarray(v) for k, v in model(inputs, **call).items()}


def tops(window: dict, states: list[State]) -> dict[str, np.ndarray]:
    """Returns the last layer `(B, U, P)` per direction; updates the states."""
    tokens = np.zeros((len(DISTINCT), OPTIONS.projection_dim))
    tokens[1:] = token_layer(WEIGHTS, OPTIONS, DISTINCT[1:])
    found: dict[str, np.ndarray] = {}
    for direction, key in enumerate(DIRECTIONS):
        rows = []
        for ids, state in zip(window[f"{key}_word_ids"], states, strict=True):
            x = tokens[ids]
            for layer in range(OPTIONS.n_layers):
                y = lstm(
                    WEIGHTS, OPTIONS, direction, layer, x, state, Clipped()
                )
                x = y + x if layer > 0 else y
            rows.append(x)
        found[key] = np.stack(rows)
    return found


def likelihoods(vectors: np.ndarray, targets: np.ndarray) -> np.ndarray:
    scores = vectors @ KERNEL.T + BIAS
    chosen = np.take_along_axis(scores, targets[..., None], axis=-1)[..., 0]
    return np.log(np.exp(scores).sum(axis=-1)) - chosen


def assert_close(found, expected) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_two_windows_by_hand_and_again_after_a_reset() -> None:
    stream = models.elmo_stream_model(language_model(), B)
    for _ in range(2):
        states: list[State] = [{}, {}]
        vectors = {}
        for window in WINDOWS:
            found = run(stream, features(window))
            vectors = tops(window, states)
            for key in DIRECTIONS:
                expected = likelihoods(vectors[key], window[f"{key}_targets"])
                assert_close(found[key], expected)
        # Starting from zeros, the last window differs.
        fresh = tops(WINDOWS[1], [{}, {}])
        for key in DIRECTIONS:
            assert np.abs(fresh[key] - vectors[key]).max() > 1e-2
        stream.get_layer("stream_bilm").reset_state()


def test_one_sentence_from_zeros_is_that_of_the_language_model() -> None:
    model = language_model()
    sentence, targets = [4, 3, 6, 8], np.array([5, 9, 2, 7])
    expected = run(
        model,
        {
            "char_ids": DISTINCT[sentence][None],
            "forward_targets": np.append(targets, 1)[None],
            "backward_targets": np.append(0, targets)[None],
        },
    )
    stream = models.elmo_stream_model(model, 1)
    found = run(
        stream,
        {
            "forward_word_ids": np.array([[1, *sentence]]),
            "forward_targets": np.append(targets, 1)[None],
            "backward_word_ids": np.array([[2, *sentence[::-1]]]),
            "backward_targets": np.append(targets[::-1], 0)[None],
            "distinct_char_ids": DISTINCT,
        },
    )
    assert_close(found["forward"], expected["forward"])
    # The language model is in text order, the stream in reading order.
    assert_close(found["backward"][:, ::-1], expected["backward"])


def expected_counts(num_negatives: int) -> np.ndarray:
    """Returns expected log-uniform draws per id until N are distinct."""
    ids = np.arange(V)
    p = np.log((ids + 2) / (ids + 1)) / np.log(V + 1)
    low, high, counts = 0.0, 1e4, p
    for _ in range(100):
        tries = (low + high) / 2
        counts = 1 - (1 - p) ** tries
        low, high = (
            (tries, high) if counts.sum() < num_negatives else (low, tries)
        )
    return counts


def test_sampled_loss_in_training_by_hand() -> None:
    stream = models.elmo_stream_model(language_model(), B, num_negatives=4)
    negatives = np.array([[0, 3, 5, 8], [1, 2, 9, 10]], "int32")
    window = WINDOWS[0]
    # Some targets are among the negatives, where they do not count.
    assert np.isin(window["forward_targets"], negatives[0]).any()
    inputs = {
        **features(window),
        # Only of row 0.
        "negative_ids": np.stack([negatives, np.full_like(negatives, 7)]),
    }
    found = run(stream, inputs, training=True)
    stream.get_layer("stream_bilm").reset_state()
    full = run(stream, inputs)
    counts = expected_counts(4)
    vectors = tops(window, [{}, {}])
    for drawn, key in zip(negatives, DIRECTIONS, strict=True):
        targets = window[f"{key}_targets"]
        scores = vectors[key] @ KERNEL.T + BIAS - np.log(counts)
        chosen = np.take_along_axis(scores, targets[..., None], -1)
        others = np.where(
            drawn == targets[..., None], -np.inf, scores[..., drawn]
        )
        everything = np.concatenate([chosen, others], axis=-1)
        expected = np.log(np.exp(everything).sum(-1)) - chosen[..., 0]
        assert_close(found[key], expected)
        assert_close(full[key], likelihoods(vectors[key], targets))


def word_stream() -> keras.Model:
    encoder = models.elmo_word_encoder(9, 6, 3, dropout=0.0)
    model = models.elmo_language_model(encoder, V, dropout=0.0)
    for weight in model.trainable_variables:
        weight.assign(GENERATOR.normal(size=weight.shape))
    return models.elmo_stream_model(model, B)


def word_window(low: int, high: int) -> dict[str, np.ndarray]:
    return {
        key: np.random.default_rng(low).integers(low, high, (B, U))
        for key in WINDOWS[0]
    }


@pytest.mark.slow
def test_state_reaches_the_next_window_and_the_gradient_does_not() -> None:
    first, other, second = (
        word_window(*ids) for ids in ((1, 3), (3, 5), (5, 8))
    )
    stream = word_stream()
    weights = stream.trainable_variables

    def gradients_of_second(before: dict[str, Any], inside: bool):
        stream.get_layer("stream_bilm").reset_state()
        if not inside:
            stream(before)
        with tf.GradientTape() as tape:
            if inside:
                stream(before)
            nll = stream(second)
            loss = tf.reduce_sum(nll["forward"] + nll["backward"])
        return nll, tape.gradient(loss, [w.value for w in weights])

    nll, whole = gradients_of_second(first, inside=True)
    _, alone = gradients_of_second(first, inside=False)
    for weight, one, two in zip(weights, whole, alone, strict=True):
        np.testing.assert_array_equal(one, two, err_msg=weight.path)
    [table] = (
        gradient
        for weight, gradient in zip(weights, whole, strict=True)
        if "word_embedding" in weight.path
    )
    moved = np.abs(np.asarray(table)).max(axis=1) > 0
    assert moved.tolist() == [
        i in second["forward_word_ids"] or i in second["backward_word_ids"]
        for i in range(10)
    ]
    assert not moved[:5].any() and moved.any()
    changed, _ = gradients_of_second(other, inside=True)
    for key in DIRECTIONS:
        difference = np.abs(nll[key] - changed[key])
        assert difference.max(axis=1).min() > 1e-3, "a row without a state"


@pytest.mark.slow
def test_training_it_trains_language_model_and_encoder() -> None:
    model = language_model(dropout=0.1)
    encoder = models.encoder_of(model)
    stream = models.elmo_stream_model(model, B)
    assert {id(w) for w in stream.trainable_variables} == {
        id(w) for w in model.trainable_variables
    }
    stream.compile("sgd", loss=elmo_pretraining_losses(), jit_compile=False)
    before = {w.path: w.numpy().copy() for w in model.trainable_variables}
    chars = {"char_ids": DISTINCT[None, 3:6]}
    answer = np.asarray(encoder(chars)["sequence"])
    nothing = np.zeros((2, B, U), "float32")
    inputs = {
        key: np.stack([features(window)[key] for window in WINDOWS])
        for key in features(WINDOWS[0])
    }
    slices: Any = inputs, dict.fromkeys(DIRECTIONS, nothing)
    dataset = tf.data.Dataset.from_tensor_slices(slices)
    stream.fit(dataset, shuffle=False, verbose=0)
    for weight in model.trainable_variables:
        change = np.abs(weight.numpy() - before[weight.path]).max()
        assert change > 0, weight.path
    assert np.abs(encoder(chars)["sequence"] - answer).max() > 1e-4


def test_dropout_is_the_language_models() -> None:
    still = models.elmo_stream_model(language_model(), B)
    noisy = models.elmo_stream_model(language_model(dropout=0.5), B)
    for stream, differs in ((still, False), (noisy, True)):
        evaluated = run(stream, features(WINDOWS[0]))
        stream.get_layer("stream_bilm").reset_state()
        trained = run(stream, features(WINDOWS[0]), training=True)
        for key in DIRECTIONS:
            far = np.abs(trained[key] - evaluated[key]).max() > 1e-3
            assert far == differs


def test_smaller_batch_and_larger_batch() -> None:
    stream = models.elmo_stream_model(language_model(), B + 1)
    found = run(stream, features(WINDOWS[0]))
    expected = likelihoods(
        tops(WINDOWS[0], [{}, {}])["forward"], WINDOWS[0]["forward_targets"]
    )
    assert_close(found["forward"], expected)
    small = models.elmo_stream_model(language_model(), B - 1)
    with pytest.raises(ValueError, match="`max_batch_size=1`.*a batch of 2"):
        small(features(WINDOWS[0]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "`batch_size` must be .* batch_size=0"),
        ({"num_negatives": 11}, "`num_negatives` must be .*=11, vocabulary"),
        ({"num_negatives": 0}, "`num_negatives` must be .*=0, vocabulary"),
    ],
)
def test_error(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        models.elmo_stream_model(
            language_model(), **{"batch_size": B, **arguments}
        )
