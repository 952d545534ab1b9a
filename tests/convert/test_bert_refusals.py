"""Checkpoints that cannot be loaded: each error states the reason."""

import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from bert_files import (
    Arrays,
    arrays,
    as_google,
    as_torch,
    config,
    write_checkpoint,
    write_huggingface,
    write_json,
)
from safetensors.numpy import load_file, save_file

from keras_ctx.convert import load_bert, load_encoder


@pytest.fixture
def tensors() -> Arrays:
    return as_torch(arrays())


def message(
    folder: Path, kind: type[Exception] = ValueError, **arguments
) -> str:
    with pytest.raises(kind) as caught:
        load_bert(folder, **arguments)
    assert caught.type is kind
    return str(caught.value)


def test_every_difference_is_named_at_once(tensors, tmp_path: Path) -> None:
    layer = "encoder.layer.1"
    del tensors[f"{layer}.output.dense.bias"]
    tensors["encoder.layer.2.output.dense.bias"] = np.ones(8, "float32")
    tensors[f"{layer}.intermediate.dense.weight"] = np.ones((8, 12), "float32")
    tensors["pooler.dense.bias"] = np.ones(9, "float32")
    folder = write_huggingface(
        tmp_path / "bert", tensors, config(vocab_size=18)
    )
    assert message(folder).splitlines() == [
        "The weights do not fit the configuration. Received: "
        f"folder={str(folder)!r}",
        f"  missing: {layer}.output.dense.bias (8,)",
        "  not known: encoder.layer.2.output.dense.bias (8,)",
        "  other shape: embeddings.word_embeddings.weight: the configuration "
        "requires (18, 8), the file has (17, 8)",
        f"  other shape: {layer}.intermediate.dense.weight: the configuration "
        "requires (12, 8), the file has (8, 12)",
        "  other shape: pooler.dense.bias: the configuration requires (8,), "
        "the file has (9,)",
        "Use the config.json that belongs to these weights.",
    ]


def test_differences_of_a_checkpoint(tmp_path: Path) -> None:
    named = as_google(arrays())
    del named["bert/embeddings/LayerNorm/beta"]
    folder = write_checkpoint(tmp_path / "bert", named)
    write_json(folder / "bert_config.json", config(num_hidden_layers=1))
    told = message(folder)
    assert "missing: bert/embeddings/LayerNorm/beta (8,)" in told
    assert "not known: bert/encoder/layer_1/output/dense/kernel (12, 8)" in told


def test_shard_that_is_not_there(tensors, tmp_path: Path) -> None:
    folder = write_huggingface(tmp_path / "bert", tensors, shards=3)
    (folder / "model-00001-of-00003.safetensors").unlink()
    (folder / "model-00003-of-00003.safetensors").unlink()
    told = message(folder, FileNotFoundError)
    assert "without model-00001-of-00003" in told
    assert "model-00003-of-00003" in told
    assert "model-00002-of-00003" not in told


def test_shard_that_is_elsewhere(tensors, tmp_path: Path) -> None:
    folder = write_huggingface(tmp_path / "bert", tensors, shards=2)
    index = folder / "model.safetensors.index.json"
    write_json(index, {"weight_map": {"a": "../model.safetensors"}})
    assert "to files in the same folder" in message(folder)
    write_json(index, {"metadata": {}})
    assert "must have a `weight_map`" in message(folder)


@pytest.mark.parametrize("bytes_kept", [4, 500, -1])
def test_file_that_is_cut_off(bytes_kept: int, tensors, tmp_path: Path) -> None:
    folder = write_huggingface(tmp_path / "bert", tensors)
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:bytes_kept])
    told = message(folder)
    assert "cut off or damaged" in told
    assert "model.safetensors" in told


def test_checkpoint_that_is_cut_off(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "bert", as_google(arrays()))
    write_json(folder / "bert_config.json", config())
    path = folder / "bert_model.ckpt.data-00000-of-00001"
    path.write_bytes(path.read_bytes()[:-200])
    assert "cut off or damaged" in message(folder)


@pytest.mark.parametrize("kind", ["roberta", "distilbert", "deberta-v2"])
def test_other_architectures(kind: str, tensors, tmp_path: Path) -> None:
    content = config(model_type=kind)
    folder = write_huggingface(tmp_path / "bert", tensors, content)
    told = message(folder)
    assert f"Received: model_type={kind!r}" in told
    assert '`model_type` "bert"' in told


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"position_embedding_type": "relative_key"},
            '`position_embedding_type` must be "absolute"',
        ),
        ({"is_decoder": True}, "`is_decoder` must be false"),
        ({"add_cross_attention": True}, "`add_cross_attention` must be false"),
        (
            {"hidden_act": "elu"},
            "`hidden_act` must be one of gelu, gelu_python, gelu_new, "
            "gelu_fast, gelu_pytorch_tanh, relu, silu, swish. Received: 'elu'",
        ),
        ({"hidden_size": "8"}, "`hidden_size` must be an integer of at least"),
        ({"layer_norm_eps": 0}, "`layer_norm_eps` must be a number above 0"),
        ({"hidden_dropout_prob": 1}, "`hidden_dropout_prob` must be a rate"),
        ({"num_attention_heads": 3}, "Received: 3 heads, 8 features"),
    ],
)
def test_configurations(
    changes: dict, told: str, tensors, tmp_path: Path
) -> None:
    folder = write_huggingface(tmp_path / "bert", tensors, config(**changes))
    assert told in message(folder)


def test_all_problems_of_a_configuration_at_once(
    tensors, tmp_path: Path
) -> None:
    content = config(hidden_act="elu", vocab_size=0)
    del content["num_hidden_layers"]
    folder = write_huggingface(tmp_path / "bert", tensors, content)
    told = message(folder)
    for key in ("hidden_act", "vocab_size", "num_hidden_layers"):
        assert f"`{key}`" in told


def test_configuration_that_is_no_json(tensors, tmp_path: Path) -> None:
    folder = write_huggingface(tmp_path / "bert", tensors)
    (folder / "config.json").write_text("{")
    assert "must be JSON" in message(folder)
    (folder / "config.json").unlink()
    assert "config.json" in message(folder, FileNotFoundError)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_not_finite(
    value: float, tensors, tmp_path: Path
) -> None:
    tensors["pooler.dense.bias"][3] = value
    folder = write_huggingface(tmp_path / "bert", tensors)
    told = message(folder)
    assert "pooler.dense.bias: 1 of 8 are NaN or infinite" in told


def test_weights_of_integers(tensors, tmp_path: Path) -> None:
    name = "encoder.layer.0.output.dense.weight"
    tensors[name] = np.ones((8, 12), "int8")
    folder = write_huggingface(tmp_path / "bert", tensors)
    assert f"{name}: int8, which is not a floating point type" in message(
        folder
    )


class Leaves:
    """An object that writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_pickle_is_never_opened(tmp_path: Path) -> None:
    folder = tmp_path / "bert"
    folder.mkdir()
    write_json(folder / "config.json", config())
    trace = tmp_path / "opened"
    content = pickle.dumps(Leaves(trace))
    pickle.loads(content)
    assert trace.exists()
    trace.unlink()
    (folder / "pytorch_model.bin").write_bytes(content)
    told = message(folder)
    assert "pickle" in told
    assert "never opened here" in told
    assert not trace.exists()
    # The lines that the message suggests are valid Python.
    lines = re.findall(r"^  (.*)$", told, re.MULTILINE)
    compile("\n".join(lines), "told", "exec")
    assert f"pathlib.Path({str(folder)!r})" in told
    write_json(folder / "config.json", config(model_type="roberta"))
    assert "roberta" in message(folder)


def test_folder_of_no_kind(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    told = message(tmp_path)
    assert "Received: " in told
    assert "'notes.txt'" in told
    for kind in ("Hugging Face", "google-research/bert", "Garden", "KerasHub"):
        assert kind in told
    nowhere = tmp_path / "nowhere"
    assert repr(str(nowhere)) in message(nowhere, FileNotFoundError)


def test_checkpoint_of_another_model(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "bert", {"lm/embedding": np.ones(3)})
    write_json(folder / "bert_config.json", config())
    assert "names such as ['lm/embedding']" in message(folder)


def test_two_encoders(tensors, tmp_path: Path) -> None:
    both = {
        f"{which}.{name}": tensor.copy()
        for which in ("question", "context")
        for name, tensor in tensors.items()
    }
    folder = write_huggingface(tmp_path / "bert", both)
    told = message(folder)
    assert "must hold one encoder" in told
    assert "'question.'" in told
    assert "'context.'" in told


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("adapter_model.safetensors", "merge_and_unload"),
        ("model.fp16.safetensors", "rename the file if it is complete"),
        ("pytorch_model.safetensors", "must be named model.safetensors"),
        ("tf_model.h5", "from_tf=True"),
        ("flax_model.msgpack", "from_flax=True"),
        ("model.onnx", "graph for inference"),
        ("model-q8.gguf", "compressed"),
    ],
)
def test_weights_of_other_forms(name: str, advice: str, tmp_path: Path) -> None:
    write_json(tmp_path / "config.json", config())
    (tmp_path / name).write_bytes(b"\x89")
    with pytest.raises(ValueError, match=f"(?s)must hold an enc.*{advice}"):
        load_encoder(tmp_path)


def test_pointer_of_git_lfs(tensors, tmp_path: Path) -> None:
    write_huggingface(tmp_path, tensors)
    (tmp_path / "model.safetensors").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n"
    )
    with pytest.raises(ValueError, match="pointer of Git LFS.*git lfs pull"):
        load_bert(tmp_path)


def test_one_tensor_in_two_shards(tensors, tmp_path: Path) -> None:
    write_huggingface(tmp_path, tensors, shards=2)
    first, second = sorted(tmp_path.glob("*.safetensors"))
    inside = load_file(first)
    name = next(iter(inside))
    save_file({**load_file(second), name: inside[name] + 1}, second)
    with pytest.raises(ValueError, match=f"{name} is in two of the files"):
        load_bert(tmp_path)


def test_two_names_of_one_array(tmp_path: Path) -> None:
    named = as_torch(arrays(heads=True), "bert.")
    norm = "bert.embeddings.LayerNorm"
    same = {f"{norm}.gamma": named[f"{norm}.weight"]}
    load_bert(write_huggingface(tmp_path / "same", {**named, **same}))
    for old, new in (
        (f"{norm}.weight", f"{norm}.gamma"),
        ("cls.predictions.bias", "cls.predictions.decoder.bias"),
    ):
        folder = write_huggingface(
            tmp_path / new, {**named, new: named[old] + 1}
        )
        with pytest.raises(ValueError, match="are names of the same weight"):
            load_bert(folder, heads=True)


def test_code_of_a_checkpoint_is_told(tensors, tmp_path: Path) -> None:
    """If its weights look like those of a BERT."""
    code = {"AutoConfig": "a.MyConfig", "AutoModel": "a.MyBert"}
    folder = write_huggingface(
        tmp_path / "bert", tensors, config(auto_map=code)
    )
    with pytest.warns(UserWarning, match="'a.MyBert', which is never run"):
        load_bert(folder)
    del code["AutoModel"]
    load_bert(write_huggingface(folder, tensors, config(auto_map=code)))
