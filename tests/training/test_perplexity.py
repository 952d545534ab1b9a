"""Perplexities by hand and in a run, and ELMo's optimizer."""

import csv
import math
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from parity.elmo_numpy import Options, random_weights, stacks
from parity.elmo_weights import copy_bilm

from keras_ctx import models
from keras_ctx.training import (
    HeldOutPerplexity,
    elmo_optimizer,
    elmo_pretraining_losses,
    perplexity,
    perplexity_of_nats,
    sentence_likelihoods,
)

OPTIONS = Options([(1, 4)], 6, 3, n_highway=0, cell_clip=0.5, proj_clip=0.4)
V, P = 8, OPTIONS.projection_dim
TABLE = np.random.default_rng(3).normal(size=(V + 1, P))
KERNEL = 3 * np.random.default_rng(4).normal(size=(V, P))
BIAS = np.random.default_rng(5).normal(size=V)
# Ids in the vocabulary, whose first two are the markers.
BATCHES = [[[3, 7, 2, 3], [], [5]], [[4, 4]]]


def language_model(dropout: float = 0.5) -> keras.Model:
    encoder = models.elmo_word_encoder(
        V,
        OPTIONS.dim,
        P,
        cell_clip=OPTIONS.cell_clip,
        projection_clip=OPTIONS.proj_clip,
        dropout=dropout,
    )
    encoder.get_layer("word_embedding").set_weights([TABLE])
    weights = random_weights(OPTIONS, char_dim=3, seed=8, scale=2.0)
    copy_bilm(weights, encoder.get_layer("bilm"))
    model = models.elmo_language_model(encoder, V, dropout=dropout)
    model.get_layer("softmax").set_weights([KERNEL, BIAS])
    return model


def batch_of(sentences: list[list[int]]):
    longest = max(map(len, sentences))
    shape = (len(sentences), longest + 1)
    words = np.zeros((len(sentences), longest), "int32")
    # Values at padding must not count.
    forward, backward = (np.full(shape, 6, "int32") for _ in range(2))
    weights = np.zeros(shape, "float32")
    for row, sentence in enumerate(sentences):
        n = len(sentence)
        words[row, :n] = np.array(sentence, int) + 1
        forward[row, : n + 1] = [*sentence, 1]
        backward[row, : n + 1] = [0, *sentence]
        weights[row, : n + 1] = 1
    features = {
        "word_ids": words,
        "forward_targets": forward,
        "backward_targets": backward,
    }
    features = {key: tf.constant(value) for key, value in features.items()}
    return features, tf.constant(weights)


def nats_by_hand() -> dict[str, list[float]]:
    """Returns nats of every target of all batches."""
    weights = random_weights(OPTIONS, char_dim=3, seed=8, scale=2.0)
    found: dict[str, list[float]] = {"forward": [], "backward": []}
    for sentence in (row for batch in BATCHES for row in batch):
        top = stacks(
            weights, OPTIONS, TABLE[[1, *(np.array(sentence, int) + 1), 2]]
        )
        for key, vectors, targets in (
            ("forward", top[-1][:-1, :P], [*sentence, 1]),
            ("backward", top[-1][1:, P:], [0, *sentence]),
        ):
            for vector, target in zip(vectors, targets, strict=True):
                scores = KERNEL @ vector + BIAS
                log_sum = math.log(sum(math.exp(s) for s in scores))
                found[key].append(log_sum - scores[target])
    return found


def test_perplexity_is_that_of_numpy() -> None:
    nats = nats_by_hand()
    forward, backward = (float(np.mean(nats[key])) for key in nats)
    found = perplexity(language_model(), map(batch_of, BATCHES))
    assert found["num_targets"] == len(nats["forward"]) == 5 + 1 + 2 + 3
    expected = {
        "forward_perplexity": math.exp(forward),
        "backward_perplexity": math.exp(backward),
        "perplexity": math.sqrt(math.exp(forward) * math.exp(backward)),
    }
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, rel=1e-5)
    # The mean of the batches is not the mean of the words.
    means = [np.mean(nats["forward"][:8]), np.mean(nats["forward"][8:])]
    assert abs(np.mean(means) - forward) > 1e-2
    assert abs(forward - backward) > 1e-2


@pytest.mark.slow
def test_likelihoods_of_every_length_are_compiled_together() -> None:
    function = sentence_likelihoods(language_model())
    for length in (2, 3, 5, 7):
        features, _ = batch_of([[3] * length, [4]])
        assert function(features)["forward"].shape == (2, length + 1)
    assert function.experimental_get_tracing_count() <= 2  # pyright: ignore


def test_no_words_are_refused() -> None:
    model = language_model()
    features, weights = batch_of([[3]])
    for batches in ([], [(features, 0 * weights)]):
        with pytest.raises(ValueError, match="`batches` must hold words"):
            perplexity(model, batches)


@pytest.mark.slow
def test_held_out_figures_are_those_of_each_epoch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = language_model(dropout=0.0)
    model.compile("sgd", loss=elmo_pretraining_losses(), jit_compile=False)
    features, weights = batch_of(BATCHES[0])
    zeros = tf.zeros_like(weights)
    both = ("forward", "backward")
    dataset = tf.data.Dataset.from_tensors(
        (features, dict.fromkeys(both, zeros), dict.fromkeys(both, weights))
    )
    calls = []

    def batches():
        calls.append(1)
        return (batch_of(rows) for rows in BATCHES)  # can be read once only

    path = tmp_path / "log.csv"
    before = perplexity(model, batches())
    history = model.fit(
        dataset,
        epochs=2,
        shuffle=False,
        verbose=0,
        callbacks=[
            HeldOutPerplexity(model, batches),
            keras.callbacks.CSVLogger(str(path)),
        ],
    )
    after = perplexity(model, batches())
    assert len(calls) == 4
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2
    for key in ("perplexity", "forward_perplexity", "backward_perplexity"):
        figures = [float(row[f"val_{key}"]) for row in rows]
        assert figures == pytest.approx(history.history[f"val_{key}"])
        assert figures[-1] == pytest.approx(after[key], rel=1e-6)
        assert before[key] != figures[0] != figures[1]
    assert "val_num_targets" not in rows[0]
    printed = capsys.readouterr().out
    assert f"val_perplexity: {after['perplexity']:.1f}" in printed


def test_two_steps_of_adagrad_by_hand() -> None:
    first, second = (
        keras.Variable(np.array(x, "float32")) for x in ([1.0, 2.0], [3.0])
    )
    optimizer = elmo_optimizer(learning_rate=0.2, clip_norm=1.0)
    for gradients in (([3.0, 0.0], [4.0]), ([0.3, -0.1], [0.2])):
        optimizer.apply([tf.constant(g) for g in gradients], [first, second])
    # The first gradient has norm 5 and becomes 0.6, 0, 0.8; the second is
    # short enough. Sums of squares start at 1.
    expected = [
        1 - 0.2 * 0.6 / math.sqrt(1.36) - 0.2 * 0.3 / math.sqrt(1.36 + 0.09),
        2 + 0.2 * 0.1 / math.sqrt(1.01),
        3 - 0.2 * 0.8 / math.sqrt(1.64) - 0.2 * 0.2 / math.sqrt(1.64 + 0.04),
    ]
    found = [*first.numpy(), *second.numpy()]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_optimizer_of_the_paper_is_the_default() -> None:
    optimizer = elmo_optimizer()
    assert float(optimizer.learning_rate) == pytest.approx(0.2)
    assert optimizer.global_clipnorm == 10.0
    assert elmo_optimizer(clip_norm=None).global_clipnorm is None
    weight = keras.Variable(np.zeros(1, "float32"))
    elmo_optimizer(clip_norm=None).apply([tf.constant([1e3])], [weight])
    # Unclipped: 0.2 x 1000 / sqrt(1 + 1000^2).
    assert float(weight.numpy()[0]) == pytest.approx(-0.2, rel=1e-5)


@pytest.mark.slow
def test_a_perplexity_that_no_float_holds_is_infinite() -> None:
    model = language_model()
    kernel, *_ = model.get_layer("softmax").weights
    kernel.assign(1e9 * KERNEL)
    batch = batch_of([[4, 4], [5]])
    nats = sentence_likelihoods(model)(batch[0])
    real = np.asarray(batch[1]) > 0
    for each in nats.values():
        assert 710 < np.mean(np.asarray(each)[real]) < math.inf
    found = perplexity(model, [batch])
    assert found["perplexity"] == found["forward_perplexity"] == math.inf
    figures: dict[str, float] = {}
    HeldOutPerplexity(model, lambda: [batch]).on_epoch_end(0, figures)
    assert len(figures) == 3 and set(figures.values()) == {math.inf}


@pytest.mark.parametrize(
    ("nats", "expected"),
    [(0.0, 1.0), (709.0, math.exp(709.0)), (710.0, math.inf), (1e30, math.inf)],
)
def test_perplexity_of_nats(nats: float, expected: float) -> None:
    assert perplexity_of_nats(nats) == expected
    assert math.isnan(perplexity_of_nats(math.nan))
