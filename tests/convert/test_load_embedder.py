"""Sentence vectors from folders of sentence-transformers."""

import subprocess
import sys
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
from bert_files import D, write_json
from sentence_files import (
    ids_by_hand,
    pooling,
    tokens_by_hand,
    unit,
    write_dense,
    write_sentence_folder,
)

from keras_ctx import convert, models, serving, text

TEXTS = ["the good bank", "river", "a b the river bank good a b the"]


def check(folder: Path, expected, limit: int = 9) -> None:
    """Compares vectors; `expected` computes one from tokens (T, D)."""
    model, inputs = convert.load_embedder(folder)
    found = model(inputs(TEXTS))["embedding"]
    for row, sentence in enumerate(TEXTS):
        tokens = tokens_by_hand(ids_by_hand(sentence, limit))
        np.testing.assert_allclose(
            found[row], expected(tokens), rtol=0, atol=1e-5
        )


def weighted(x: np.ndarray) -> np.ndarray:
    places = np.arange(1, len(x) + 1)[:, None]
    return (x * places).sum(axis=0) / places.sum()


@pytest.mark.quick("e5*", "sqrt*", "sgpt*", "last*", "no flags*")
@pytest.mark.parametrize(
    ("name", "pooled", "kinds", "expected"),
    [
        (
            "bge-small",
            pooling("cls_token"),
            ["Normalize"],
            lambda x: unit(x[0]),
        ),
        (
            "e5-small",
            pooling("mean_tokens"),
            ["Normalize"],
            lambda x: unit(x.mean(axis=0)),
        ),
        ("gte-small", pooling("mean_tokens"), [], lambda x: x.mean(axis=0)),
        ("max", pooling("max_tokens"), [], lambda x: x.max(axis=0)),
        (
            "sqrt",
            pooling("mean_sqrt_len_tokens"),
            ["Dropout"],
            lambda x: x.sum(axis=0) / np.sqrt(len(x)),
        ),
        ("sgpt", pooling("weightedmean_tokens"), [], weighted),
        ("last", pooling("lasttoken"), [], lambda x: x[-1]),
        (
            "several",
            pooling("mean_tokens", "max_tokens", "cls_token"),
            ["Normalize"],
            lambda x: unit(np.concatenate([x[0], x.max(0), x.mean(0)])),
        ),
        (
            "no flags",
            {"word_embedding_dimension": D},
            [],
            lambda x: x.mean(axis=0),
        ),
        # Written by newer versions.
        (
            "one word",
            {"embedding_dimension": D, "pooling_mode": "cls"},
            [],
            lambda x: x[0],
        ),
        (
            "words",
            {"embedding_dimension": D, "pooling_mode": ["lasttoken", "max"]},
            [],
            lambda x: np.concatenate([x.max(0), x[-1]]),
        ),
    ],
)
def test_poolings(name, pooled, kinds, expected, tmp_path: Path) -> None:
    check(write_sentence_folder(tmp_path / name, pooled, *kinds), expected)


def test_minilm_cuts_where_its_folder_says(tmp_path: Path, capsys) -> None:
    folder = write_sentence_folder(
        tmp_path / "minilm",
        pooling("mean_tokens"),
        "Normalize",
        sentence_config={"max_seq_length": 6, "do_lower_case": False},
    )
    check(folder, lambda x: unit(x.mean(axis=0)), limit=6)
    shown = capsys.readouterr().out
    assert f"{folder}: a vector is the mean, of length 1" in shown
    assert "(as modules.json says)" in shown
    assert convert.load_embedder(folder, max_length=8)[1].max_length == 8
    # Otherwise the folder is an ordinary BERT.
    assert convert.load_text_inputs(folder).max_length == 9
    # More than the encoder takes; and the tokenizer's if not given.
    for content, expected in (({"max_seq_length": 512}, 9), ({}, 7)):
        write_json(folder / "sentence_bert_config.json", content)
        write_json(
            folder / "tokenizer_config.json",
            {"do_lower_case": True, "model_max_length": 7},
        )
        assert convert.load_embedder(folder)[1].max_length == expected


def test_lower_case_before_a_cased_tokenizer(tmp_path: Path) -> None:
    folder = write_sentence_folder(
        tmp_path / "cased",
        pooling("mean_tokens"),
        sentence_config={"max_seq_length": 8, "do_lower_case": True},
        lower_case=False,
    )
    _, inputs = convert.load_embedder(folder)
    ids = inputs(["GOOD Für"])["token_ids"].numpy().tolist()
    # str.lower keeps the accent: 13 is "für", 14 "fur".
    assert ids == [[2, 7, 13, 3]]


def test_labse(tmp_path: Path, capsys) -> None:
    folder = write_sentence_folder(
        tmp_path / "labse",
        pooling("cls_token"),
        "Dense",
        "Normalize",
        inside="0_Transformer",
    )
    dense = write_dense(folder / "2_Dense", D, D)
    w, b = dense["linear.weight"], dense["linear.bias"]
    check(folder, lambda x: unit(np.tanh(w @ x[0] + b)))
    shown = capsys.readouterr().out
    assert f"cls, dense to {D} (tanh), of length 1 (as modules.json" in shown
    # Other functions also find the nested folder.
    assert convert.load_encoder(folder).name == "bert_encoder"


def test_two_dense_and_no_bias(tmp_path: Path) -> None:
    folder = write_sentence_folder(
        tmp_path / "two",
        pooling("mean_tokens", "max_tokens"),
        "Dense",
        "Dense",
    )
    first = write_dense(folder / "2_Dense", 2 * D, 5, "activation.ReLU")
    second = write_dense(folder / "3_Dense", 5, 3, "linear.Identity", False)

    def expected(x: np.ndarray) -> np.ndarray:
        y = first["linear.weight"] @ np.concatenate([x.max(0), x.mean(0)])
        return second["linear.weight"] @ np.maximum(y + first["linear.bias"], 0)

    check(folder, expected)


def test_prompt_that_is_not_pooled(tmp_path: Path) -> None:
    pooled = pooling("mean_tokens", include_prompt=False)
    folder = write_sentence_folder(tmp_path / "instructor", pooled)
    model, inputs = convert.load_embedder(folder, prompt="query: ")
    found = model(inputs(["query: the bank"]))["embedding"][0]
    tokens = tokens_by_hand(ids_by_hand("query: the bank"))
    # [CLS] query : the bank [SEP]
    np.testing.assert_allclose(found, tokens[3:].mean(0), rtol=0, atol=1e-5)


def test_prompts(tmp_path: Path) -> None:
    folder = write_sentence_folder(tmp_path / "e5", pooling("mean_tokens"))
    path = folder / "config_sentence_transformers.json"
    write_json(path, {"prompts": {"query": "query: "}})
    settings = convert.sentence_settings(folder)
    assert convert.prompt_of(settings, None) == ""
    assert convert.prompt_of(settings, "query") == "query: "
    assert convert.prompt_of(settings, "passage: ") == "passage: "
    with pytest.raises(ValueError, match=r"\['query'\].*prompt='qurey'"):
        convert.prompt_of(settings, "qurey")
    write_json(path, {"prompts": {"q": "query: "}, "default_prompt_name": "q"})
    settings = convert.sentence_settings(folder)
    assert convert.prompt_of(settings, None) == "query: "
    assert convert.prompt_of(settings, "") == ""
    for bad in (["q"], "z"):
        write_json(path, {"prompts": {}, "default_prompt_name": bad})
        with pytest.raises(ValueError, match="`default_prompt_name` must be"):
            convert.sentence_settings(folder)


FRESH = """
import sys
import keras
import numpy as np
import keras_ctx
from keras_ctx import text
folder, out = sys.argv[1:]
model = keras.saving.load_model(f"{folder}/model.keras")
inputs = text.load_inputs(f"{folder}/text_inputs.json")
np.save(out, model(inputs(["the good bank", "river"]))["embedding"])
"""


def labse(tmp_path: Path) -> tuple[keras.Model, text.BertInputs]:
    pooled = pooling("cls_token", "max_tokens")
    folder = write_sentence_folder(
        tmp_path / "labse", pooled, "Dense", "Normalize"
    )
    write_dense(folder / "2_Dense", 2 * D, 6)
    model, inputs = convert.load_embedder(folder)
    assert isinstance(inputs, text.BertInputs)
    return model, inputs


@pytest.mark.slow
def test_saved_and_loaded(tmp_path: Path, capsys) -> None:
    model, inputs = labse(tmp_path)
    run = tmp_path / "run"
    run.mkdir()
    model.save(run / "model.keras")
    text.save_inputs(inputs, run / "text_inputs.json")
    expected = model(inputs(TEXTS[:2]))["embedding"]
    subprocess.run(
        [sys.executable, "-c", FRESH, run, tmp_path / "out.npy"], check=True
    )
    found = np.load(tmp_path / "out.npy")
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    # The saved embedder is loaded, not the mean of its encoder.
    capsys.readouterr()
    again, inputs = convert.load_embedder(run)
    found = again(inputs(TEXTS[:2]))["embedding"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    shown = capsys.readouterr().out
    assert "cls and max, dense to 6 (tanh), of length 1 (as model" in shown


@pytest.mark.slow  # an export
def test_served(tmp_path: Path) -> None:
    model, inputs = labse(tmp_path)
    serving.export(model, inputs, tmp_path / "served")
    found = serving.answers(tmp_path / "served", {"text": TEXTS[:2]})
    expected = model(inputs(TEXTS[:2]))["embedding"]
    np.testing.assert_allclose(found["embedding"], expected, rtol=0, atol=1e-6)


@pytest.mark.slow
def test_half_precision_and_int8(tmp_path: Path) -> None:
    model, inputs = labse(tmp_path)
    expected = model(inputs(TEXTS))["embedding"]
    folder = tmp_path / "labse"
    encoder = models.with_dtype(convert.load_encoder(folder), "mixed_bfloat16")
    half = models.embedder(
        encoder, pooling=("cls", "max"), dense=[(6, "tanh", True)]
    )
    half.set_weights(model.get_weights())
    found = half(inputs(TEXTS))["embedding"]
    # Vectors of length 1; bfloat16 has three digits.
    cosines = (np.asarray(found, "float32") * expected).numpy().sum(-1)
    assert cosines.min() > 0.99
    with warnings.catch_warnings():
        # Keras warns of each layer without a kernel that it stays unchanged.
        warnings.simplefilter("ignore", UserWarning)
        model.quantize("int8")
    found = model(inputs(TEXTS))["embedding"]
    assert model.get_layer("dense_0").quantization_mode == "int8"
    assert (found * expected).numpy().sum(-1).min() > 0.98
