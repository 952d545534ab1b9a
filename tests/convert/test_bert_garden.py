"""Checkpoints of Model Garden with the names of 2020, and refusals.

For current names, see tests/parity/test_garden.py.
"""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from bert_files import D, H, L, arrays, check, check_heads, config, write_json

from keras_ctx.convert import load_bert

INSIDE = {
    "attention/self/query": "_attention_layer/_query_dense",
    "attention/self/key": "_attention_layer/_key_dense",
    "attention/self/value": "_attention_layer/_value_dense",
    "attention/output/dense": "_attention_output_dense",
    "attention/output/LayerNorm": "_attention_layer_norm",
    "intermediate/dense": "_intermediate_dense",
    "output/dense": "_output_dense",
    "output/LayerNorm": "_output_layer_norm",
}
OUTSIDE = {
    "embeddings/word_embeddings": "layer_with_weights-0/embeddings",
    "embeddings/position_embeddings": "layer_with_weights-1/embeddings",
    "embeddings/token_type_embeddings": "layer_with_weights-2/embeddings",
    "embeddings/LayerNorm": "layer_with_weights-3",
}


def of_2020(named: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns arrays by their paths from the root, as in BERT-base.

    The encoder's own pooler is a different, untrained one.
    """
    theirs = {}
    for name, array in named.items():
        parent, _, kind = name.rpartition("/")
        found = re.fullmatch(r"encoder/layer_(\d+)/(.*)", parent)
        if name in OUTSIDE:
            way = f"encoder/{OUTSIDE[name]}"
        elif found:
            number = int(found[1]) + 4
            way = f"encoder/layer_with_weights-{number}"
            way = f"{way}/{INSIDE[found[2]]}/{kind}"
        elif parent == "embeddings/LayerNorm":
            way = f"encoder/{OUTSIDE[parent]}/{kind}"
        elif parent == "pooler/dense":
            way = f"next_sentence.pooler_dense/{kind}"
            theirs[f"encoder/layer_with_weights-{L + 4}/{kind}"] = 0 * array
        elif name == "cls/predictions/output_bias":
            way = "masked_lm/bias"
        elif parent.startswith("cls/predictions/transform"):
            layer = {"dense": "dense", "LayerNorm": "layer_norm"}
            way = f"masked_lm/{layer[parent.rpartition('/')[2]]}/{kind}"
        elif name == "cls/seq_relationship/output_weights":
            way, array = "model/classification_heads/0/out_proj/kernel", array.T
        else:
            way = "model/classification_heads/0/out_proj/bias"
        if "/_attention_layer/" in way:
            by_head = (H, D // H)
            array = array.reshape(*array.shape[:-1], *by_head)
        elif "/_attention_output_dense/kernel" in way:
            array = array.reshape(H, D // H, D)
        theirs[way] = array
    return theirs


def write_objects(folder: Path, by_way: dict[str, np.ndarray]) -> Path:
    """Writes a checkpoint of nested objects."""

    def objects(below: dict[str, np.ndarray]):
        if set(below) == {""}:
            return tf.Variable(tf.constant(below[""]))
        parts: dict[str, dict[str, np.ndarray]] = {}
        for way, array in below.items():
            name, _, rest = way.partition("/")
            parts.setdefault(name, {})[rest] = array
        made = {name: objects(part) for name, part in parts.items()}
        return tf.train.Checkpoint(**made)

    folder.mkdir(exist_ok=True)
    objects(by_way).write(str(folder / "bert_model.ckpt"))
    return folder


def test_names_of_2020(tmp_path: Path) -> None:
    named = arrays(heads=True)
    folder = write_objects(tmp_path / "bert", of_2020(named))
    write_json(folder / "bert_config.json", config())
    check(load_bert(folder), named, "gelu_tanh")
    check_heads(load_bert(folder, heads=True), named, "gelu_tanh")


def test_differences_are_named(tmp_path: Path) -> None:
    theirs = of_2020(arrays())
    way = "encoder/layer_with_weights-4"
    del theirs[f"{way}/_intermediate_dense/bias"]
    theirs["encoder/layer_with_weights-9/kernel"] = np.ones((2, 2), "float32")
    theirs["encoder/layer_with_weights-3/gamma"] = np.ones(7, "float32")
    folder = write_objects(tmp_path / "bert", theirs)
    write_json(folder / "bert_config.json", config())
    with pytest.raises(ValueError, match="do not fit") as caught:
        load_bert(folder)
    prefix = str(folder / "bert_model.ckpt")
    assert str(caught.value).splitlines() == [
        "The weights do not fit the configuration. Received: "
        f"folder={prefix!r}",
        "  missing: encoder/_transformer_layers/0/_intermediate_dense/bias "
        "(12,)",
        "  not known: encoder/layer_with_weights-9/kernel/.ATTRIBUTES/"
        "VARIABLE_VALUE (2, 2)",
        "  other shape: encoder/layer_with_weights-3/gamma: the configuration "
        "requires (8,), the file has (7,)",
        "Use the bert_config.json that belongs to these weights.",
    ]


def test_no_encoder(tmp_path: Path) -> None:
    objects = {"model/dense/kernel": np.ones((2, 2), "float32")}
    folder = write_objects(tmp_path / "bert", objects)
    write_json(folder / "bert_config.json", config())
    with pytest.raises(ValueError, match="BertEncoderV2.*without such an enc"):
        load_bert(folder)


def test_configuration_that_is_not_there(tmp_path: Path) -> None:
    folder = write_objects(tmp_path / "bert", of_2020(arrays()))
    with pytest.raises(FileNotFoundError, match=r"encoder\.get_config\(\)"):
        load_bert(folder)


def test_norm_first_is_refused(tmp_path: Path) -> None:
    golden = Path(__file__).parents[1] / "golden" / "garden_named"
    content = json.loads((golden / "bert_config.json").read_text())
    content["norm_first"] = True
    folder = write_objects(tmp_path / "bert", of_2020(arrays()))
    write_json(folder / "bert_config.json", content)
    with pytest.raises(ValueError, match="`norm_first` must be false"):
        load_bert(folder)
