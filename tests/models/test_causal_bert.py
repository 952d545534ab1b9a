"""The BERT that reads from left to right, and its pretrainer."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from contracts.random_weights import randomized

from keras_ctx import convert, generation, models
from keras_ctx.models.wiring import wired

IDS = np.array([[2, 7, 5, 6, 8, 3], [2, 4, 7, 3, 0, 0]], "int32")
FEATURES = {
    "token_ids": IDS,
    "segment_ids": (np.arange(6) > 2) * (IDS > 0).astype("int32"),
    "padding_mask": IDS > 0,
}


def encoder(**arguments) -> keras.Model:
    return randomized(
        models.bert_encoder(9, 2, 2, 8, 12, 7, **{"causal": True, **arguments})
    )


def saved(model: keras.Model, folder: Path) -> keras.Model:
    model.save(folder / "model.keras")
    loaded = keras.saving.load_model(folder / "model.keras")
    return models.encoder_of(loaded)


WAYS: dict[str, Callable[[Path], keras.Model]] = {
    "alone": lambda folder: encoder(),
    "pretrained": lambda folder: saved(
        models.bert_causal_pretrainer(encoder()), folder
    ),
    "fine-tuned": lambda folder: saved(
        models.classifier(encoder(), 2, "scalar_mix", lstm_dim=3), folder
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("changed", ["token_ids", "padding_mask"])
def test_a_later_token_changes_no_earlier_vector(
    way: str, changed: str, tmp_path: Path
) -> None:
    model = WAYS[way](tmp_path)
    before = np.asarray(model(FEATURES)["layers"])
    assert len(before) == 3
    for place in range(1, 6):
        other = {name: x.copy() for name, x in FEATURES.items()}
        if changed == "token_ids":
            other["token_ids"][0, place] = 1
        else:  # the text ends there
            other["padding_mask"][0, place:] = False
        after = np.asarray(model(other)["layers"])
        np.testing.assert_array_equal(after[:, 0, :place], before[:, 0, :place])
        if changed == "token_ids":
            differs = np.abs(after - before)[:, 0].max(-1)
            assert (differs[1:, place:] > 1e-4).all()


def test_vectors_are_those_of_a_bert_with_a_triangular_mask() -> None:
    """With the same weights in the other class of block."""
    model, twin = encoder(), encoder(causal=False)
    for one, other in zip(
        [model.get_layer(f"decoder_block_{k}") for k in (0, 1)],
        [twin.get_layer(f"block_{k}") for k in (0, 1)],
        strict=True,
    ):
        other.set_weights(one.get_weights())
    table = twin.get_layer("embeddings")
    table.set_weights(model.get_layer("embeddings").get_weights())
    found = {layer.name: layer for layer in twin.layers}
    expected = wired(
        found,
        *FEATURES.values(),
        attention_mask=np.tri(6, dtype="bool")[None],
    )
    outputs = model(FEATURES)
    real = FEATURES["padding_mask"]
    for ours, theirs in zip(outputs["layers"], expected, strict=True):
        np.testing.assert_allclose(
            np.asarray(ours)[real], np.asarray(theirs)[real], atol=1e-6
        )
    last = np.asarray(outputs["sequence"])[[0, 1], [5, 3]]
    np.testing.assert_array_equal(np.asarray(outputs["pooled"]), last)


def test_the_head_is_that_of_the_masked_language_model() -> None:
    model = randomized(models.bert_causal_pretrainer(encoder()))
    twin = models.bert_pretrainer(encoder(causal=False), next_sentence=False)
    names = ("masked_lm_dense", "masked_lm_norm", "masked_lm_bias")
    heads = [
        [x.get_layer(n).get_weights() for n in names] for x in (model, twin)
    ]
    assert [[w.shape for w in x] for x in heads[0]] == [
        [w.shape for w in x] for x in heads[1]
    ]
    (kernel, bias), (gamma, beta), (of_token,) = heads[0]
    sequence = np.asarray(models.encoder_of(model)(FEATURES)["sequence"])
    x = np.asarray(keras.ops.gelu(sequence @ kernel + bias, approximate=False))
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True))
    table = model.get_layer("embeddings").get_weights()[0]
    assert table.shape == (9, 8)
    expected = (gamma * x + beta) @ table.T + of_token
    found = np.asarray(model(FEATURES)["next_token"])
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_what_sees_the_whole_text_is_refused_and_the_other_way_round(
    tmp_path: Path,
) -> None:
    causal, whole = encoder(), encoder(causal=False)
    with pytest.raises(ValueError, match="use `bert_causal_pretrainer`"):
        models.bert_pretrainer(causal)
    with pytest.raises(ValueError, match="would read the tokens.*'bert'"):
        models.bert_causal_pretrainer(whole)
    with pytest.raises(ValueError, match="must be a model of `bert_encoder`"):
        models.packed(causal, 2)
    # A folder for transformers would be read as one that sees all tokens.
    with pytest.raises(ValueError, match="with the layers `embeddings`"):
        convert.save_bert(causal, tmp_path / "bert")
    for model in (
        models.bert_causal_pretrainer(causal),
        models.causal_language_model(causal),
    ):
        with pytest.raises(ValueError, match="pretrain a `gpt_encoder`"):
            generation.Generator(model, 7)
    pooled = models.encoder_of(
        models.bert_pretrainer(whole, next_sentence=False)
    )
    assert "pooled" not in pooled.output
    with pytest.raises(ValueError, match="`next_sentence` needs an encoder"):
        models.bert_pretrainer(pooled)


def test_a_translator_on_a_bert_is_no_causal_bert() -> None:
    model = models.encoder_decoder(
        encoder(causal=False), num_layers=1, vocabulary_size=9
    )
    assert models.family_of(model).name == "bert"
    generation.Generator(model, 7, start_id=1)
