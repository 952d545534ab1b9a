"""The attention of every block follows the paper's formula."""

import keras
import numpy as np
import pytest
from contracts.random_weights import randomized

from keras_ctx import models

IDS = np.array([[2, 7, 5, 3], [2, 6, 3, 0], [0, 0, 0, 0]])
FEATURES = {
    "token_ids": IDS,
    "segment_ids": 0 * IDS,
    "padding_mask": IDS > 0,
}


def numpy_scores(block, x: np.ndarray, norm_first: bool) -> np.ndarray:
    """Returns `(H, T, T)` of one text `(T, D)` without padding."""
    if norm_first:
        norm = block.attention_norm
        x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x**2).mean(-1, keepdims=True) + norm.epsilon)
        x = x * norm.gamma.numpy() + norm.beta.numpy()
    query, key = (
        np.einsum("td,dhk->htk", x, dense.kernel.numpy())
        + dense.bias.numpy()[:, None]
        for dense in (block.attention.query_dense, block.attention.key_dense)
    )
    products = query @ key.transpose(0, 2, 1) / np.sqrt(query.shape[-1])
    shares = np.exp(products - products.max(-1, keepdims=True))
    return shares / shares.sum(-1, keepdims=True)


@pytest.mark.parametrize("norm_first", [False, True])
def test_scores_are_those_of_the_formula(norm_first: bool) -> None:
    encoder = randomized(
        models.bert_encoder(9, 3, 2, 8, 12, 8, norm_first=norm_first)
    )
    model = models.attention_scores(encoder)
    found = model(FEATURES)["attention_scores"]
    assert len(found) == 3
    layers = encoder(FEATURES)["layers"]
    for i, of_block in enumerate(found):
        assert of_block.shape == (3, 2, 4, 4)
        for row, length in ((0, 4), (1, 3)):
            expected = numpy_scores(
                encoder.get_layer(f"block_{i}"),
                layers[i][row, :length].numpy().astype("float64"),
                norm_first,
            )
            real = of_block[row, :, :length].numpy()
            np.testing.assert_allclose(
                real[..., :length], expected, rtol=0, atol=1e-6
            )
            assert (real[..., length:] == 0).all()
        np.testing.assert_allclose(of_block[2], np.full((2, 4, 4), 0.25))


def test_layers_are_the_encoders_own() -> None:
    encoder = randomized(models.bert_encoder(9, 2, 2, 8, 12, 8))
    before = [np.asarray(x) for x in encoder(FEATURES)["layers"]]
    model = models.attention_scores(encoder)
    assert {id(w) for w in model.weights} <= {id(w) for w in encoder.weights}
    # A second model with the same layers; the encoder is unchanged.
    again = models.attention_scores(encoder)
    for one, other in zip(
        model(FEATURES)["attention_scores"],
        again(FEATURES)["attention_scores"],
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(before, encoder(FEATURES)["layers"], strict=True):
        np.testing.assert_array_equal(one, other)


def test_encoder_of_a_task_model_has_scores() -> None:
    encoder = randomized(models.bert_encoder(9, 2, 2, 8, 12, 8))
    expected = models.attention_scores(encoder)(FEATURES)["attention_scores"]
    inside = models.encoder_of(models.tagger(encoder, 3))
    found = models.attention_scores(inside)(FEATURES)["attention_scores"]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "encoder",
    [
        lambda: models.elmo_encoder([(1, 8)], 16, 4, max_characters=5),
        lambda: models.classifier(models.bert_tiny(9), 2),
        lambda: keras.Sequential([keras.layers.Dense(2)], name="mine"),
    ],
)
def test_model_without_attention_is_refused(encoder) -> None:
    with pytest.raises(ValueError, match="`encoder` must be a model of `bert"):
        models.attention_scores(encoder())


@pytest.mark.parametrize("kind", ["gpt", "transformer"])
def test_other_transformers(kind: str) -> None:
    make = {
        "gpt": models.gpt_encoder,
        "transformer": models.transformer_encoder,
    }
    encoder = randomized(make[kind](9, 2, 2, 8, 12, max_length=8))
    features = {x: FEATURES[x] for x in ("token_ids", "padding_mask")}
    found = models.attention_scores(encoder)(features)["attention_scores"]
    layers = encoder(features)["layers"]
    prefix = "decoder_block_" if kind == "gpt" else "block_"
    for i, of_block in enumerate(found):
        block = encoder.get_layer(f"{prefix}{i}")
        shares = numpy_scores(
            block,
            layers[i][0].numpy().astype("float64"),
            norm_first=kind == "gpt",
        )
        if kind == "gpt":  # of the tokens before, and of itself
            shares = np.tril(shares)
            shares /= shares.sum(-1, keepdims=True)
        np.testing.assert_allclose(of_block[0], shares, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ["gpt", "transformer"])
def test_lora_and_checkpointing_of_other_transformers(kind: str) -> None:
    make = {
        "gpt": models.gpt_encoder,
        "transformer": models.transformer_encoder,
    }
    encoder = randomized(make[kind](9, 2, 2, 8, 12, max_length=8))
    features = {x: FEATURES[x] for x in ("token_ids", "padding_mask")}
    before = np.asarray(encoder(features)["sequence"])
    models.enable_gradient_checkpointing(encoder)
    models.enable_lora(encoder, 2, embeddings=True)
    names = {
        weight.path.rpartition("/")[2] for weight in encoder.trainable_weights
    }
    assert names == {
        *("lora_kernel_a", "lora_kernel_b"),
        *("lora_embeddings_a", "lora_embeddings_b"),
    }
    np.testing.assert_array_equal(encoder(features)["sequence"], before)
    merged = models.merge_lora(encoder)
    np.testing.assert_allclose(
        merged(features)["sequence"], before, rtol=0, atol=1e-6
    )
