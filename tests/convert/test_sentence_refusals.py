"""Folders of sentence-transformers that are refused, by name."""

import json
from pathlib import Path

import pytest
from bert_files import D, write_json
from sentence_files import (
    PREFIX,
    pooling,
    write_dense,
    write_sentence_folder,
)

from keras_ctx import convert


def folder_of(tmp_path: Path, *kinds: str, **pooled) -> Path:
    return write_sentence_folder(
        tmp_path / "bert", {**pooling("mean_tokens"), **pooled}, *kinds
    )


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        (["LSTM"], "does not support LSTM"),
        (
            ["WeightedLayerPooling", "Normalize"],
            "does not support WeightedLayerPool",
        ),
        (["LayerNorm"], "does not support LayerNorm"),
        (["Normalize", "Dense"], "in this order"),
        (["Normalize", "Normalize"], "at most one Normalize"),
        (["Pooling"], "one Pooling"),
    ],
)
def test_modules(kinds: list[str], message: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, *kinds)
    with pytest.raises(ValueError, match=rf"modules.json: .*{message}"):
        convert.load_embedder(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "must hold a list of modules"),
        ("[]", "must hold a list of modules"),
        ("[", "must be JSON"),
        ("[3]", "module 0 must be an object with a `type`"),
        (
            '[{"type": "custom_st.Transformer"}]',
            "custom code of the checkpoint",
        ),
        (
            json.dumps([{"type": f"{PREFIX}Transformer", "path": "/etc"}]),
            "inside this one",
        ),
        (
            json.dumps([{"type": f"{PREFIX}Transformer", "path": "a/../.."}]),
            "inside this one",
        ),
        (
            json.dumps([{"type": f"{PREFIX}StaticEmbedding"}]),
            "does not support Static",
        ),
        (json.dumps([{"type": f"{PREFIX}Transformer"}]), "one Pooling"),
    ],
)
def test_module_lists(content: str, message: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    (folder / "modules.json").write_text(content)
    with pytest.raises(ValueError, match=message):
        convert.sentence_settings(folder)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"pooling_mode_mean_tokens": False}, "one or more of.*: none"),
        ({"pooling_mode_attention": True}, "Received: pooling_mode_attention"),
        ({"pooling_mode_mean_tokens": 1}, "`pooling_mode_mean_tokens` must be"),
        ({"pooling_mode": "attention"}, "Received: attention"),
        ({"pooling_mode": 3}, "Received: 3"),
        ({"include_prompt": "no"}, "`include_prompt` must be true or false"),
        ({"word_embedding_dimension": 7}, "Pooling reads 7 features"),
        ({"word_embedding_dimension": "8"}, "`word_embedding_dimension` must"),
    ],
)
def test_poolings(changed: dict, message: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, **changed)
    with pytest.raises(ValueError, match=message):
        convert.load_embedder(folder)


def test_dense_in_a_pickle(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "Dense")
    write_dense(folder / "2_Dense", D, D)
    weights = folder / "2_Dense" / "model.safetensors"
    weights.rename(weights.with_name("pytorch_model.bin"))
    with pytest.raises(ValueError, match="is a pickle.*never opened"):
        convert.load_embedder(folder)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"in_features": 4}, "other shape: linear.weight"),
        ({"out_features": 10**9}, "other shape: linear.weight"),
        ({"bias": False}, "not known: linear.bias"),
        ({"in_features": None}, "`in_features` must be an integer"),
        ({"activation_function": "torch.nn.PReLU"}, "`activation_function` mu"),
        ({"activation_function": "os.Tanh"}, "`activation_function` must"),
        ({"module_input_name": "token_embeddings"}, "`module_input_name` must"),
    ],
)
def test_dense(changed: dict, message: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "Dense")
    write_dense(folder / "2_Dense", D, D)
    path = folder / "2_Dense" / "config.json"
    write_json(path, json.loads(path.read_text()) | changed)
    with pytest.raises(ValueError, match=message):
        convert.sentence_settings(folder)


def test_dense_of_another_pooling(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "Dense")
    write_dense(folder / "2_Dense", 3 * D, D)
    with pytest.raises(ValueError, match=f"`in_features` must be {D}"):
        convert.load_embedder(folder)


def test_a_damaged_dense(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "Dense")
    write_dense(folder / "2_Dense", D, D)
    path = folder / "2_Dense" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(ValueError, match="2_Dense.* model.safetensors"):
        convert.load_embedder(folder)


def test_half_a_folder(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    (folder / "modules.json").unlink()
    with pytest.raises(
        ValueError, match="with a 1_Pooling must have a modules"
    ):
        convert.load_embedder(folder)
    folder = folder_of(tmp_path / "other")
    (folder / "1_Pooling" / "config.json").unlink()
    with pytest.raises(FileNotFoundError, match="1_Pooling"):
        convert.load_embedder(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"max_seq_length": "long"}, "`max_seq_length` must be"),
        ({"max_seq_length": 2}, "`max_seq_length` must be"),
        ({"do_lower_case": 1}, "`do_lower_case` must be"),
        ({"transformer_task": "fill-mask"}, "`transformer_task` must be"),
        (
            {"tokenizer_args": {"do_lower_case": False}},
            "`tokenizer_args` must not change.*do_lower_case",
        ),
        ({"config_args": {"hidden_act": "relu"}}, "must not.*hidden_act"),
    ],
)
def test_transformers(content: dict, message: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    write_json(folder / "sentence_bert_config.json", content)
    with pytest.raises(ValueError, match=message):
        convert.load_embedder(folder)
