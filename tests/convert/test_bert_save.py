"""Converts our BERT to Hugging Face's files and back."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from bert_files import (
    D,
    F,
    H,
    L,
    S,
    T,
    V,
    arrays,
    as_torch,
    check,
    config,
    write_huggingface,
)
from safetensors import safe_open
from safetensors.numpy import load_file
from tokenizers import Tokenizer
from tokenizers.models import WordPiece

from keras_ctx import convert, models, text

GOLDEN = Path(__file__).parents[1] / "golden" / "huggingface"
WORDS = [f"w{i}" for i in range(V - 5)]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]


def bert(**arguments) -> keras.Model:
    return models.bert_encoder(V, L, H, D, F, T, S, **arguments)


def same_weights(one: keras.Model, other: keras.Model) -> bool:
    return all(
        np.array_equal(a, b)
        for a, b in zip(one.get_weights(), other.get_weights(), strict=True)
    )


def test_the_file_of_transformers_again(tmp_path: Path) -> None:
    """Our file equals that of `save_pretrained` in `transformers`."""
    convert.save_bert(convert.load_bert(GOLDEN, heads=True), tmp_path / "bert")
    theirs = load_file(GOLDEN / "model.safetensors")
    ours = load_file(tmp_path / "bert" / "model.safetensors")
    assert ours.keys() == theirs.keys()
    for name, array in theirs.items():
        assert ours[name].dtype == array.dtype
        np.testing.assert_array_equal(ours[name], array, err_msg=name)
    modes = {path.stat().st_mode for path in (tmp_path / "bert").iterdir()}
    assert len(modes) == 1, "who may read one may read the other"
    with safe_open(tmp_path / "bert" / "model.safetensors", "numpy") as file:
        assert file.metadata() == {"format": "pt"}
    their_config = json.loads((GOLDEN / "config.json").read_text())
    our_config = json.loads((tmp_path / "bert" / "config.json").read_text())
    for key, value in our_config.items():
        # `transformers` 5 has no other position embeddings.
        assert their_config.get(key, "absolute") == value, key


def test_encoder(tmp_path: Path) -> None:
    named = arrays()
    source = write_huggingface(tmp_path / "a", as_torch(named, "bert.", "old"))
    encoder = convert.load_bert(source)
    convert.save_bert(encoder, tmp_path / "b")
    saved = load_file(tmp_path / "b" / "model.safetensors")
    expected = as_torch(named)
    assert saved.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(saved[name], array)
    again = convert.load_bert(tmp_path / "b")
    check(again, named)


@pytest.mark.quick("gelu_tanh")
@pytest.mark.parametrize("activation", ["gelu", "gelu_tanh", "relu"])
def test_pretrainer_that_was_saved_in_between(
    activation: str, tmp_path: Path
) -> None:
    encoder = bert(
        activation=activation,
        layer_norm_epsilon=1e-5,
        dropout=0.3,
        attention_dropout=0.2,
        initializer_range=0.1,
    )
    model = models.bert_pretrainer(encoder)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    convert.save_bert(loaded, tmp_path / "bert")
    again = convert.load_bert(tmp_path / "bert", heads=True)
    assert same_weights(again, model)
    for name in ("embeddings", "block_1"):
        assert (
            again.get_layer(name).get_config()
            == model.get_layer(name).get_config()
        )
    # The encoder inside can also be read alone.
    assert same_weights(convert.load_bert(tmp_path / "bert"), encoder)


@pytest.mark.parametrize("lower_case", [True, False])
def test_vocabulary(lower_case: bool, tmp_path: Path) -> None:
    convert.save_bert(bert(), tmp_path, "huggingface", VOCABULARY, lower_case)
    found = convert.vocabulary(tmp_path)
    assert found == (VOCABULARY, lower_case, tmp_path / "vocab.txt")
    inputs = convert.load_text_inputs(tmp_path)
    # The `tokenizers` library gets the same ids from the file.
    words = WordPiece.from_file(str(tmp_path / "vocab.txt"))
    for token in VOCABULARY:
        assert Tokenizer(words).token_to_id(token) == VOCABULARY.index(token)
    assert isinstance(inputs, text.BertInputs)
    assert inputs.lower_case is lower_case
    assert inputs.max_length == T
    saved = json.loads((tmp_path / "tokenizer_config.json").read_text())
    assert saved["mask_token"] == "[MASK]"
    assert json.loads((tmp_path / "config.json").read_text())[
        "pad_token_id"
    ] == VOCABULARY.index("[PAD]")


def test_files_are_replaced_together_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = bert(), bert()
    convert.save_bert(first, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(json, "dumps", lambda *_, **__: "\ud800")  # not UTF-8
    with pytest.raises(UnicodeEncodeError):
        convert.save_bert(second, tmp_path)
    monkeypatch.undo()
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert after == before
    convert.save_bert(second, tmp_path)
    assert same_weights(convert.load_bert(tmp_path), second)
    assert len(list(tmp_path.iterdir())) == 2


def message(model: keras.Model, folder: Path, **arguments) -> str:
    with pytest.raises(ValueError) as caught:
        convert.save_bert(model, folder / "bert", **arguments)
    assert not (folder / "bert").exists()
    return str(caught.value)


def test_refusals(tmp_path: Path) -> None:
    told = message(bert(norm_first=True), tmp_path)
    assert "must be post-norm" in told
    told = message(bert(), tmp_path, format="tf1")
    assert "`format` must be \"huggingface\". Received: format='tf1'" in told
    told = message(bert(), tmp_path, vocabulary=[*VOCABULARY, "more"])
    assert "18 tokens for a model with 17" in told
    told = message(bert(), tmp_path, vocabulary=WORDS)
    assert "without [PAD]" in told
    elmo = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
    assert "`bert_encoder` or `bert_pretrainer`" in message(elmo, tmp_path)
    odd = models.bert_pretrainer(bert(), activation="relu")
    assert "Received: relu and 1e-12, and an encoder with gelu" in message(
        odd, tmp_path
    )


def test_model_that_diverged(tmp_path: Path) -> None:
    encoder = bert()
    encoder.get_layer("pooler").bias.assign(np.full(D, np.nan))
    told = message(encoder, tmp_path)
    assert "pooler.dense.bias: 8 of 8 are NaN or infinite" in told


def test_configuration_is_that_of_the_encoder(tmp_path: Path) -> None:
    convert.save_bert(bert(activation="gelu_tanh"), tmp_path)
    saved = json.loads((tmp_path / "config.json").read_text())
    expected = config(hidden_act="gelu_new")
    assert {key: saved[key] for key in expected} == expected
