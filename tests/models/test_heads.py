"""Heads compared with results by hand from the encoders' outputs."""

import keras
import numpy as np
import pytest

from keras_ctx import layers, models

REAL = np.array([[1, 1, 1, 0], [1, 0, 0, 0]], bool)


def bert(num_layers: int = 2) -> tuple[keras.Model, dict]:
    ids = np.array([[2, 7, 3, 0], [5, 0, 0, 0]], "int32")
    encoder = models.bert_encoder(9, num_layers, 2, 6, 8, 8)
    return encoder, {
        "token_ids": ids,
        "segment_ids": 0 * ids,
        "padding_mask": REAL,
    }


def elmo() -> tuple[keras.Model, dict]:
    ids = np.random.default_rng(1).integers(1, 257, (2, 4, 5)).astype("int32")
    encoder = models.elmo_encoder([(1, 4)], 5, 3, max_characters=5)
    return encoder, {"char_ids": ids * REAL[..., None]}


def numpy(outputs: dict) -> dict:
    return keras.tree.map_structure(keras.ops.convert_to_numpy, outputs)


def run(model: keras.Model, inputs: dict) -> dict[str, np.ndarray]:
    """Runs a model after changing all weights but the encoder's."""
    generator = np.random.default_rng(5)
    for layer in model.layers:
        if not isinstance(layer, keras.Model):
            for w in layer.weights:
                if "seed" not in w.path:
                    w.assign(generator.normal(size=w.shape))
    return numpy(model(inputs))


def dense(model: keras.Model, x: np.ndarray) -> np.ndarray:
    kernel, bias = model.get_layer("logits").get_weights()
    return x @ kernel + bias


def mixed(model: keras.Model, outputs: dict) -> np.ndarray:
    """Returns the layer mixture after its norm (Keras's default epsilon)."""
    weights, scale = model.get_layer("scalar_mix").get_weights()
    gamma, beta = model.get_layer("mix_norm").get_weights()
    shares = np.exp(weights) / np.exp(weights).sum()
    x = scale * np.tensordot(shares, np.stack(outputs["layers"]), 1)
    x = x - x.mean(axis=-1, keepdims=True)
    x = x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-3)
    return x * gamma + beta


def mean(x: np.ndarray) -> np.ndarray:
    return np.stack([x[k, REAL[k]].mean(axis=0) for k in (0, 1)])


def assert_close(found, expected) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def side_by_side(outputs: dict) -> np.ndarray:
    return np.concatenate([outputs["layers"][k] for k in (-4, -3, -2, -1)], -1)


CASES = [
    (bert, "last"),
    (bert, "scalar_mix"),
    # Five layers with the embeddings: the lowest is left out.
    (lambda: bert(num_layers=4), "concat_last_4"),
    (elmo, "last"),
    (elmo, "scalar_mix"),
]


@pytest.mark.quick("elmo-last", "bert-scalar_mix", "*concat_last_4")
@pytest.mark.parametrize(("family", "mix"), CASES)
def test_heads_by_hand(family, mix) -> None:
    encoder, inputs = family()
    outputs = numpy(encoder(inputs))

    def sequence(model: keras.Model) -> np.ndarray:
        if mix == "last":
            return outputs["sequence"]
        if mix == "concat_last_4":
            return side_by_side(outputs)
        return mixed(model, outputs)

    model = models.classifier(encoder, 3, mix)
    found = run(model, inputs)["logits"]
    x = outputs["pooled"] if mix == "last" else mean(sequence(model))
    assert_close(found, dense(model, x))

    model = models.tagger(encoder, 5, mix)
    found = run(model, inputs)["logits"]
    assert_close(found[REAL], dense(model, sequence(model))[REAL])

    model = models.span_extractor(encoder, mix)
    found = run(model, inputs)
    for k, key in enumerate(("start_logits", "end_logits")):
        expected = dense(model, sequence(model))[:, :, k]
        assert_close(found[key][REAL], expected[REAL])
        assert (found[key][~REAL] == -1e9).all()

    model = models.embedder(encoder, mix)
    found = run(model, inputs)["embedding"]
    x = mean(sequence(model))
    assert_close(found, x / np.linalg.norm(x, axis=-1, keepdims=True))


def test_embedding_of_no_tokens_is_zeros() -> None:
    encoder, inputs = elmo()
    found = run(models.embedder(encoder), {"char_ids": 0 * inputs["char_ids"]})
    assert not found["embedding"].any()


def test_mixture_of_ones_own() -> None:
    encoder, inputs = bert()
    mix = layers.ScalarMix(3, trainable_scale=False, name="scalar_mix")
    model = models.tagger(encoder, 2, mix)
    assert model.get_layer("scalar_mix") is mix
    found = run(model, inputs)["logits"]
    expected = dense(model, mixed(model, numpy(encoder(inputs))))
    assert_close(found[REAL], expected[REAL])
