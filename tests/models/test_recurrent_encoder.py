"""Recurrent encoders, read in NumPy from the papers."""

from typing import Any

import keras
import numpy as np
import pytest
from contracts.random_weights import randomized

from keras_ctx import models, training
from keras_ctx.models.family import encoder_part

LENGTHS = (4, 2, 0)
WORDS = np.array([[3, 5, 4, 9], [6, 1, 0, 0], [0, 0, 0, 0]], "int32")
CHARACTERS = np.random.default_rng(0).integers(1, 262, (3, 4, 5), "int32")
CHARACTERS[WORDS == 0] = 0
FEATURES = {"word_ids": WORDS, "context_char_ids": CHARACTERS}


def words() -> keras.Model:
    return randomized(models.word_vector_encoder(9, 4, name="words"))


def elmo(**kwargs) -> keras.Model:
    made = models.elmo_encoder([(1, 4)], 6, 3, max_characters=5, **kwargs)
    return randomized(made)


def recurrent(**kwargs) -> keras.Model:
    return randomized(models.recurrent_encoder(words(), 3, **kwargs))


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def lstm(x: np.ndarray, kernel, recurrent, bias) -> np.ndarray:
    h, c, steps = np.zeros(3), np.zeros(3), []
    for row in x:
        i, f, g, o = np.split(row @ kernel + h @ recurrent + bias, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        steps.append(h)
    return np.array(steps)


def gru(x: np.ndarray, kernel, recurrent, bias) -> np.ndarray:
    h, steps = np.zeros(3), []
    for row in x:
        of_x = np.split(row @ kernel + bias[0], 3)
        of_h = np.split(h @ recurrent + bias[1], 3)
        z, r = (sigmoid(a + b) for a, b in zip(of_x[:2], of_h[:2], strict=True))
        h = z * h + (1 - z) * np.tanh(of_x[2] + r * of_h[2])
        steps.append(h)
    return np.array(steps)


def both_ways(encoder: keras.Model, k: int, run, x: np.ndarray) -> np.ndarray:
    weights = [
        w.astype("float64") for w in encoder.get_layer(f"rnn_{k}").get_weights()
    ]
    forward = run(x, *weights[:3])
    backward = run(x[::-1], *weights[3:])[::-1]
    return np.concatenate([forward, backward], axis=1)


@pytest.mark.parametrize(
    ("cell", "join"),
    [
        ("lstm", ("after_first",)),
        ("gru", ("input", "output")),
        ("lstm", ("output",)),
    ],
)
def test_as_read_in_the_paper(cell: Any, join: Any) -> None:
    body, context = words(), elmo()
    table = np.asarray(body({"word_ids": WORDS})["sequence"]).astype("float64")
    vectors = np.asarray(context({"char_ids": CHARACTERS})["sequence"])
    encoder = models.recurrent_encoder(
        body, 3, cell=cell, context=context, join=join
    )
    # Not the parts, whose vectors were read above.
    for k in range(2):
        layer = encoder.get_layer(f"rnn_{k}")
        generator = np.random.default_rng(k)
        layer.set_weights(
            [generator.normal(0, 0.5, w.shape) for w in layer.get_weights()]
        )
    outputs = encoder(FEATURES)
    run = {"lstm": lstm, "gru": gru}[cell]
    for b, length in enumerate(LENGTHS[:2]):
        more = vectors[b, :length].astype("float64")
        x = table[b, :length]
        found = []
        for place, k in (("input", None), ("after_first", 0), ("output", 1)):
            if k is not None:
                x = both_ways(encoder, k, run, x)
            if place in join:
                x = np.concatenate([x, more], axis=1)
            found.append(x)
        for layer, expected in zip(outputs["layers"], found, strict=True):
            layer = np.asarray(layer)
            width = expected.shape[1]
            np.testing.assert_allclose(
                layer[b, :length, :width], expected, atol=1e-6
            )
            # Zeros at padding, and behind the features of a narrower layer.
            assert not layer[b, length:].any()
            assert not layer[b, :, width:].any()
        pooled = np.asarray(outputs["pooled"])[b]
        np.testing.assert_allclose(pooled, found[-1].mean(0), atol=1e-6)
        assert outputs["sequence"].shape[-1] == found[-1].shape[1]
    assert not any(np.asarray(x)[2].any() for x in outputs["layers"])


def test_a_context_of_parts_of_words() -> None:
    bert = randomized(models.bert_encoder(13, 1, 2, 8, 12, max_length=9))
    ids = np.array([[2, 7, 8, 9, 10, 11, 3], [2, 5, 6, 3, 0, 0, 0]], "int32")
    features = {
        "token_ids": ids,
        "segment_ids": np.zeros_like(ids),
        "padding_mask": ids > 0,
    }
    places = np.array([[1, 3, 5], [2, 0, 0]], "int32")
    encoder = models.recurrent_encoder(
        words(), num_layers=0, context=bert, join="input"
    )
    outputs = encoder(
        {
            "word_ids": np.array([[3, 5, 4], [6, 0, 0]], "int32"),
            "context_places": places,
            **{f"context_{key}": x for key, x in features.items()},
        }
    )
    found = np.asarray(outputs["sequence"])[..., 4:]
    vectors = np.asarray(bert(features)["sequence"])
    np.testing.assert_array_equal(found[0], vectors[0, [1, 3, 5]])
    np.testing.assert_array_equal(found[1, 0], vectors[1, 2])
    assert not found[1, 1:].any()
    assert len(outputs["layers"]) == 1


def test_each_place_has_its_own_mixture() -> None:
    context = elmo()
    encoder = models.recurrent_encoder(
        words(),
        3,
        1,
        context=context,
        join=("input", "output"),
        context_mix="scalar_mix",
    )
    layers = np.array(context({"char_ids": CHARACTERS})["layers"])
    for place, weights in (("input", [0, 1, 2]), ("output", [3, 0, 0])):
        mix = encoder.get_layer(f"context_mix_{place}")
        mix.set_weights([np.array(weights, "float32"), np.float32(1.5)])
        shares = np.exp(weights) / np.exp(weights).sum()
        expected = 1.5 * np.einsum("l,lbtd->btd", shares, layers)
        found = encoder(FEATURES)["layers"][("input", "output").index(place)]
        start = {"input": 4, "output": 6}[place]
        # The mixture is a weighted sum of three float32 numbers below 1.
        np.testing.assert_allclose(
            np.asarray(found)[..., start : start + 6], expected, atol=1e-6
        )


def with_frozen_context() -> tuple[keras.Model, keras.Model, keras.Model]:
    """Returns a frozen encoder, an encoder that it joins, and a tagger."""
    context = elmo(dropout=0.5)
    encoder = models.recurrent_encoder(
        words(), 3, context=context, dropout=0.0, context_mix="scalar_mix"
    )
    return context, encoder, models.tagger(encoder, 3, crf=True)


def test_a_context_of_the_last_tokens_alone_is_refused() -> None:
    reader = models.awd_lstm_encoder(9, 4, 4, num_layers=1)
    context = models.awd_lstm_document_encoder(reader, bptt=5, num_windows=2)
    with pytest.raises(ValueError, match="must return all tokens of a row"):
        models.recurrent_encoder(words(), 3, context=context)


def test_the_context_is_frozen() -> None:
    _, encoder, model = with_frozen_context()
    outputs = [encoder(FEATURES, training=x) for x in (False, True)]
    for x, y in zip(*(keras.tree.flatten(x) for x in outputs), strict=True):
        np.testing.assert_array_equal(x, y)
    names = [weight.path for weight in model.trainable_weights]
    assert not any("context_encoder" in name for name in names)
    assert any("context_mix_after_first" in name for name in names)


@pytest.mark.slow
def test_training_leaves_the_context() -> None:
    context, encoder, model = with_frozen_context()
    before = [x.copy() for x in context.get_weights()]
    rows = encoder.get_layer("word_table").get_weights()
    model.compile(
        keras.optimizers.Adam(0.1), loss={"logits": training.CRFLoss()}
    )
    tags = np.array([[0, 1, 2, 1], [2, 1, -1, -1], [-1] * 4], "int32")
    weights = (tags >= 0).astype("float32")
    model.fit(
        FEATURES,
        {"logits": np.maximum(tags, 0)},
        sample_weight={"logits": weights},
        epochs=2,
        verbose=0,
    )
    for old, new in zip(before, context.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    trained = encoder.get_layer("word_table").get_weights()
    assert np.abs(trained[0] - rows[0]).max() > 0.01


def test_taken_out_of_a_saved_tagger(tmp_path) -> None:
    encoder = recurrent(context=elmo(), join=("input", "after_first"))
    path = tmp_path / "model.keras"
    models.tagger(encoder, 3, crf=True).save(path)
    loaded = keras.saving.load_model(path, compile=False)
    assert encoder_part(loaded).name == "recurrent_encoder"
    family = models.family_of(loaded)
    assert family.name == "recurrent_word_vectors_with_context"
    found = models.encoder_of(loaded)
    for x, y in zip(
        keras.tree.flatten(found(FEATURES)),
        keras.tree.flatten(encoder(FEATURES)),
        strict=True,
    ):
        np.testing.assert_array_equal(x, y)
    assert not found.get_layer("context_encoder").trainable_weights
    assert family.sizes(found)["context_sizes"] == {"max_characters": 5}
    names = [[x.name for x in each] for each in family.stack(found)]
    assert names == [["word_table"], ["rnn_0"], ["rnn_1"]]
    rates = training.layer_rates(loaded, 0.5)
    depths = {path.split("/")[0]: rate for path, (rate, _) in rates.items()}
    assert depths["logits"] == 1
    assert sorted({rate for rate, _ in rates.values()}) == [0.125, 0.25, 0.5, 1]


def test_in_another_dtype() -> None:
    model = models.with_dtype(recurrent(context=elmo()), "bfloat16")
    assert model.output["sequence"].dtype == "bfloat16"
    assert {weight.dtype for weight in model.weights} == {"bfloat16"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"join": "after_last"}, "`join` must be one or more of 'input'"),
        ({"join": ["input", "input"]}, "`join` must be .* each once"),
        ({"join": ()}, "`join` must be one or more"),
        ({"num_layers": 0}, '`join` must be "input" with `num_layers=0`'),
        ({"cell": "rnn"}, "`cell` must be one of 'lstm', 'gru'"),
        ({"dropout": 1.0}, "`dropout`"),
        ({"context_mix": "all"}, '`mix` must be "last"'),
        ({"context_mix": "concat_last_4"}, "at least 4 `layers`"),
        ({"hidden_dim": 0}, "`hidden_dim` must be"),
    ],
)
def test_refused(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        models.recurrent_encoder(words(), context=elmo(), **arguments)


@pytest.mark.parametrize(
    ("join", "num_layers"),
    [("input", 1), ("after_first", 1), ("after_first", 2), ("output", 2)],
)
def test_two_parts_are_as_the_whole(join: Any, num_layers: int) -> None:
    encoder = recurrent(context=elmo(), join=join, num_layers=num_layers)
    rest = models.from_context_vectors(encoder)
    ids = keras.ops.convert_to_tensor(FEATURES["word_ids"])
    vectors = models.context_vectors(encoder)(FEATURES)
    found = rest({"word_ids": ids, **vectors})
    expected = encoder(FEATURES)
    assert found.keys() == expected.keys()
    for x, y in zip(
        *(keras.tree.flatten(x) for x in (found, expected)), strict=True
    ):
        np.testing.assert_array_equal(x, y)


def test_a_place_without_vectors_is_refused() -> None:
    for join in ("input", "anywhere"):
        with pytest.raises(ValueError, match=f"`join` .*{join}"):
            models.recurrent_encoder(words(), join=join)  # pyright: ignore


def test_a_body_of_parts_of_words_is_refused() -> None:
    with pytest.raises(ValueError, match="one position for each word"):
        models.recurrent_encoder(models.bert_tiny(9))
