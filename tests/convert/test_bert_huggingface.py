"""Checkpoints of Hugging Face, in every layout."""

import json
import struct
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from bert_files import (
    arrays,
    as_torch,
    check,
    check_heads,
    close,
    config,
    write_huggingface,
)

from keras_ctx.convert import load_bert

GOLDEN = Path(__file__).parents[1] / "golden" / "huggingface"


@pytest.mark.parametrize(
    ("prefix", "norms", "shards"),
    [
        ("", "new", 1),
        ("bert.", "old", 1),
        ("", "old", 3),
        ("bert.", "new", 2),
        # The prefix of a wrapper, such as that of sentence-transformers.
        ("0.auto_model.", "new", 1),
    ],
)
def test_names(prefix: str, norms: str, shards: int, tmp_path: Path) -> None:
    named = arrays()
    tensors = as_torch(named, prefix, norms)
    folder = write_huggingface(tmp_path / "bert", tensors, shards=shards)
    check(load_bert(folder), named)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("gelu", "gelu"),
        ("gelu_new", "gelu_tanh"),
        ("gelu_pytorch_tanh", "gelu_tanh"),
        ("relu", "relu"),
    ],
)
def test_activation_and_epsilon(theirs: str, ours: str, tmp_path: Path) -> None:
    named = arrays()
    content = config(hidden_act=theirs, layer_norm_eps=0.01)
    folder = write_huggingface(tmp_path / "bert", as_torch(named), content)
    check(load_bert(folder), named, ours, epsilon=0.01)


def write_safetensors(path: Path, kind: str, tensors: dict) -> None:
    """Writes the format by hand: a length, a header, the bytes."""
    header, start = {}, 0
    for name, array in tensors.items():
        end = start + array.nbytes
        header[name] = {
            "dtype": kind,
            "shape": array.shape,
            "data_offsets": [start, end],
        }
        start = end
    text = json.dumps(header).encode()
    content = b"".join(array.tobytes() for array in tensors.values())
    path.write_bytes(struct.pack("<Q", len(text)) + text + content)


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [("F16", "float16"), ("BF16", ml_dtypes.bfloat16), ("F64", "float64")],
)
def test_types(kind: str, dtype, tmp_path: Path) -> None:
    named = {name: array.astype(dtype) for name, array in arrays().items()}
    folder = write_huggingface(tmp_path / "bert", {})
    write_safetensors(folder / "model.safetensors", kind, as_torch(named))
    exact = {name: array.astype("float64") for name, array in named.items()}
    model = load_bert(folder)
    check(model, exact)
    assert {weight.dtype for weight in model.weights} == {"float32"}


def test_what_stands_beside_an_encoder_is_left(tmp_path: Path) -> None:
    named = arrays(heads=True)
    tensors = as_torch(named, "bert.")
    tensors["bert.embeddings.position_ids"] = np.arange(9)[None]
    tensors["classifier.weight"] = np.ones((3, 8), "float32")
    check(load_bert(write_huggingface(tmp_path / "bert", tensors)), named)


def test_heads(tmp_path: Path) -> None:
    named = arrays(heads=True)
    tensors = as_torch(named, "bert.")
    table = tensors["bert.embeddings.word_embeddings.weight"]
    tensors["cls.predictions.decoder.weight"] = table
    folder = write_huggingface(tmp_path / "bert", tensors)
    check_heads(load_bert(folder, heads=True), named)
    # `transformers` stores the bias twice, older files once.
    bias = tensors.pop("cls.predictions.bias")
    tensors["cls.predictions.decoder.bias"] = bias
    write_huggingface(folder, tensors)
    check_heads(load_bert(folder, heads=True), named)


def test_pooler_that_is_not_there(tmp_path: Path) -> None:
    named = arrays()
    del named["pooler/dense/kernel"], named["pooler/dense/bias"]
    folder = write_huggingface(tmp_path / "bert", as_torch(named))
    with pytest.warns(UserWarning, match="has no pooler: it keeps") as caught:
        encoder = load_bert(folder)
    assert caught[0].filename == __file__
    check(encoder, named, pooler=False)
    kernel, bias = encoder.get_layer("pooler").get_weights()
    assert 0.01 < kernel.std() < 0.03  # its start: 0.02, cut at twice that
    assert not bias.any()


@pytest.mark.parametrize("kind", ["ernie", "bert"])
def test_ernie(kind: str, tmp_path: Path) -> None:
    """ERNIE 1.0: the names of its tensors, relu; older files say "bert"."""
    named = arrays(heads=True)
    tensors = as_torch(named, "ernie.")
    content = config(
        model_type=kind,
        architectures=["ErnieForPreTraining"],
        hidden_act="relu",
        use_task_id=False,
        task_type_vocab_size=3,
    )
    folder = write_huggingface(tmp_path / "ernie", tensors, content)
    check(load_bert(folder), named, "relu")
    # The heads of `check_heads` have GELU.
    content["hidden_act"] = "gelu"
    write_huggingface(folder, tensors, content)
    check_heads(load_bert(folder, heads=True), named)


def test_next_sentence_head_that_is_not_there(tmp_path: Path) -> None:
    named = arrays(heads=True)
    tensors = as_torch(named, "bert.")
    del tensors["cls.seq_relationship.weight"]
    del tensors["cls.seq_relationship.bias"]
    folder = write_huggingface(tmp_path / "bert", tensors)
    with pytest.warns(UserWarning, match="has no next sentence head"):
        model = load_bert(folder, heads=True)
    check_heads(model, named, next_sentence=False)


def test_rates_and_name(tmp_path: Path) -> None:
    content = config(hidden_dropout_prob=0.3, attention_probs_dropout_prob=0.2)
    folder = write_huggingface(tmp_path / "bert", as_torch(arrays()), content)
    block = load_bert(folder).get_layer("block_1")
    assert (block.dropout, block.attention_dropout) == (0.3, 0.2)
    changed = load_bert(folder, False, 0.0, 0.1, "mine")
    block = changed.get_layer("block_1")
    assert (block.dropout, block.attention_dropout) == (0.0, 0.1)
    assert changed.get_layer("embeddings").dropout == 0.0
    assert changed.name == "mine"


def test_heads_that_are_not_there(tmp_path: Path) -> None:
    folder = write_huggingface(tmp_path / "bert", as_torch(arrays()))
    with pytest.raises(ValueError, match="`heads` must be False") as caught:
        load_bert(folder, heads=True)
    assert "cls.predictions.transform.dense.weight" in str(caught.value)


def test_decoder_of_its_own(tmp_path: Path) -> None:
    tensors = as_torch(arrays(heads=True), "bert.")
    table = tensors["bert.embeddings.word_embeddings.weight"]
    tensors["cls.predictions.decoder.weight"] = table + 1
    folder = write_huggingface(tmp_path / "bert", tensors)
    with pytest.raises(ValueError) as caught:
        load_bert(folder, heads=True)
    assert (
        "`cls.predictions.decoder.weight` must equal "
        "`bert.embeddings.word_embeddings.weight`"
    ) in str(caught.value)
    load_bert(folder)  # the encoder alone is ordinary


def test_golden_file_of_transformers() -> None:
    with np.load(GOLDEN / "expected.npz") as expected:
        made = dict(expected)
    inputs = {
        name: made[name]
        for name in ("token_ids", "segment_ids", "padding_mask")
    }
    encoder = load_bert(GOLDEN)
    assert encoder.get_layer("block_0").layer_norm_epsilon == 1e-5
    outputs = encoder(inputs)
    for ours, theirs in zip(outputs["layers"], made["layers"], strict=True):
        close(ours, theirs)
    close(outputs["pooled"], made["pooled"])
    everywhere = np.tile(np.arange(7), (3, 1)).astype("int32")
    outputs = load_bert(GOLDEN, heads=True)(
        {**inputs, "masked_positions": everywhere}
    )
    close(outputs["masked_lm"], made["masked_lm"])
    close(outputs["next_sentence"], made["next_sentence"][:, ::-1])
