"""Mixtures of a biLM's layers, with both published norms, and NumPy."""

from typing import Literal

import keras
import numpy as np
import pytest
from elmo_numpy import Options, random_weights, stacks, token_layer, word_ids
from elmo_weights import copy_bilm, copy_char_cnn

from keras_ctx import layers, models

LENGTH = 9
OPTIONS = Options(filters=[(1, 4), (2, 5)], dim=12, projection_dim=5)
SENTENCES = [
    "A rather incomprehensible sentence".split(),
    [],
    ["naïve", "of", "words", "."],
    ["one"],
]
WEIGHTS = random_weights(OPTIONS, char_dim=4, seed=3, scale=2.5)
RAW, SCALE = np.array([0.3, -1.0, 0.8]), np.array(1.7)


def encoder() -> keras.Model:
    model = models.elmo_encoder(
        OPTIONS.filters,
        OPTIONS.dim,
        OPTIONS.projection_dim,
        char_dim=4,
        max_characters=LENGTH,
    )
    copy_char_cnn(WEIGHTS, model.get_layer("char_cnn"))
    copy_bilm(WEIGHTS, model.get_layer("bilm"))
    return model


def char_ids() -> np.ndarray:
    ids = np.zeros((len(SENTENCES), 4, LENGTH), "int32")
    for row, words in enumerate(SENTENCES):
        for k, word in enumerate(words):
            ids[row, k] = word_ids(word, LENGTH)
    return ids


def marked_layers() -> list[list[np.ndarray]]:
    """Returns the layers of each sentence, with markers at both ends."""
    found = []
    for words in SENTENCES:
        ids = [word_ids(word, LENGTH) for word in ["<S>", *words, "</S>"]]
        tokens = token_layer(WEIGHTS, OPTIONS, np.array(ids))
        twice = np.concatenate([tokens, tokens], axis=1)
        found.append([twice, *stacks(WEIGHTS, OPTIONS, tokens)])
    return found


def expected_mixture(norm: str) -> list[np.ndarray]:
    """ELMO.md, section 7: returns mixtures without markers."""
    shares = np.exp(RAW) / np.exp(RAW).sum()
    sentences = marked_layers()
    if norm == "bilm-tf":
        sentences = [[x[1:-1] for x in sentence] for sentence in sentences]
    epsilon = {"bilm-tf": 1e-12, "allennlp": 1e-13}[norm]
    mixed = [np.zeros_like(sentence[0]) for sentence in sentences]
    for k, share in enumerate(shares):
        numbers = np.concatenate([s[k].ravel() for s in sentences])
        deviation = np.sqrt(((numbers - numbers.mean()) ** 2).mean() + epsilon)
        for row, sentence in enumerate(sentences):
            mixed[row] += share * (sentence[k] - numbers.mean()) / deviation
    if norm == "allennlp":
        mixed = [x[1:-1] for x in mixed]
    return [SCALE * x for x in mixed]


def mixing_model(norm: Literal["bilm-tf", "allennlp"]) -> keras.Model:
    elmo = encoder()
    mix = layers.ScalarMix(3, layer_norm=norm, name="mix")
    mask = elmo.output["padding_mask"]
    if norm == "bilm-tf":
        outputs = mix(elmo.output["layers"], padding_mask=mask)
    else:
        tokens = elmo.get_layer("char_cnn").output
        twice = keras.ops.concatenate([tokens, tokens], axis=-1)
        marked = [twice, *elmo.get_layer("bilm").output]
        marked_mask = elmo.get_layer("marked_padding_mask").output
        outputs = layers.StripSentenceMarkers()(
            mix(marked, padding_mask=marked_mask), mask
        )
    mix.set_weights([RAW, SCALE])
    return keras.Model(elmo.input, outputs)


@pytest.mark.parametrize("norm", ["bilm-tf", "allennlp"])
def test_mixture_with_norm_agrees_with_numpy(norm) -> None:
    found = np.asarray(mixing_model(norm)({"char_ids": char_ids()}))
    for row, expected in enumerate(expected_mixture(norm)):
        np.testing.assert_allclose(
            found[row, : len(expected)], expected, rtol=0, atol=1e-5
        )


def test_the_two_norms_differ() -> None:
    # Shows that the test above can distinguish them.
    pairs = zip(*map(expected_mixture, ("bilm-tf", "allennlp")), strict=True)
    assert max(np.abs(a - b).max(initial=0) for a, b in pairs) > 0.01


def test_several_mixtures_of_one_pass(tmp_path) -> None:
    elmo = encoder()
    mask = elmo.output["padding_mask"]
    mixes = [
        layers.ScalarMix(3, name="at_input"),
        layers.ScalarMix(3, weights_l2=0.001, name="at_output"),
    ]
    outputs = {
        mix.name: mix(elmo.output["layers"], padding_mask=mask) for mix in mixes
    }
    model = keras.Model(elmo.input, outputs)
    mixes[0].set_weights([RAW, SCALE])
    mixes[1].set_weights([np.array([9.0, 0.0, 0.0]), np.array(1.0)])
    # One biLM in the model, called once.
    bilms = [x for x in model.layers if isinstance(x, layers.BiLM)]
    assert len(bilms) == 1
    assert len(bilms[0]._inbound_nodes) == 1
    assert len(model.weights) == len(elmo.weights) + 4
    found = model({"char_ids": char_ids()})
    for mix in mixes:
        expected = [
            mix.scale.numpy() * np.tensordot(mix.shares, np.stack(sentence), 1)
            for sentence in marked_layers()
        ]
        for row, x in enumerate(expected):
            np.testing.assert_allclose(
                np.asarray(found[mix.name])[row, : len(x) - 2],
                x[1:-1],
                rtol=0,
                atol=1e-5,
            )
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for key, value in loaded({"char_ids": char_ids()}).items():
        np.testing.assert_array_equal(value, found[key])
    assert len(loaded.losses) == len(model.losses) == 1
