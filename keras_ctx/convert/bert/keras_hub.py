"""Reads BERT from KerasHub's presets, `.keras` and `.weights.h5` files."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import keras
import keras_hub

from keras_ctx.convert.bert.arrays import ENCODER, POOLER, arrays, renamed
from keras_ctx.convert.bert.checkpoint import BertCheckpoint
from keras_ctx.convert.bert.config import read_keras_hub
from keras_ctx.convert.files.keras_weights import (
    TASK_WEIGHTS,
    WEIGHTS,
    check_size,
    load_weights,
    weights_of_preset,
)
from keras_ctx.convert.files.options import read_json
from keras_ctx.convert.files.weight_table import Weight
from keras_ctx.convert.files.weights_file import WeightsFile, whole
from keras_ctx.files.hdf5_file import check_hdf5
from keras_ctx.files.json_text import load_json
from keras_ctx.files.model_file import load_model, read_config

_CONFIG, _TASK = "config.json", "task.json"
_CLASS = "BertBackbone"
_BACKBONE = (
    "token_embedding/",
    "segment_embedding/",
    "position_embedding/",
    "embeddings_layer_norm/",
    "transformer_layer_",
    "pooled_dense/",
)
# The masked language model head of KerasHub differs from its backbone.
_HEAD = {"activation": "gelu", "layer_norm_epsilon": 1e-5}
_INSIDE = {
    "attention/self/query": "self_attention_layer/query",
    "attention/self/key": "self_attention_layer/key",
    "attention/self/value": "self_attention_layer/value",
    "attention/output/dense": "self_attention_layer/attention_output",
    "attention/output/LayerNorm": "self_attention_layer_norm",
    "intermediate/dense": "feedforward_intermediate_dense",
    "output/dense": "feedforward_output_dense",
    "output/LayerNorm": "feedforward_layer_norm",
}
_OUTSIDE = {
    "embeddings/word_embeddings": "token_embedding/embeddings",
    "embeddings/token_type_embeddings": "segment_embedding/embeddings",
    "embeddings/position_embeddings": "position_embedding/embeddings",
    "embeddings/LayerNorm": "embeddings_layer_norm",
    "pooler/dense": "pooled_dense",
    "cls/predictions/transform/dense": "mlm_head/intermediate_dense",
    "cls/predictions/transform/LayerNorm": "mlm_head/intermediate_layer_norm",
    "cls/predictions/output_bias": "mlm_head/output_bias",
    # KerasHub has no such head, so no file has this name.
    "cls/seq_relationship": "next_sentence",
}


def is_keras_hub(path: Path) -> bool:
    if path.is_file():
        return path.suffix == ".keras" or path.name.endswith(WEIGHTS)
    config = path / _CONFIG
    return config.is_file() and "class_name" in read_json(config, "folder")


def keras_hub_arguments(path: Path) -> dict[str, Any]:
    """Reads the arguments of `models.bert_encoder`."""
    return read_keras_hub(path, _backbone(path)["config"])


@contextmanager
def open_keras_hub(path: Path, heads: bool) -> Iterator[BertCheckpoint]:
    """Opens a preset or a file by building its KerasHub model."""
    arguments = keras_hub_arguments(path)
    said = f"folder={str(path)!r}"
    if path.suffix == ".keras":
        with whole(said):
            model = load_model(path, compile=False)
    else:
        config = {**_backbone(path)["config"], "dtype": "float32"}
        weights = path if path.is_file() else weights_of_preset(path)
        check_size(_num_wanted(arguments), weights, said)
        model = keras_hub.models.BertBackbone.from_config(config)
        load_weights(model, weights, f"{said}, {weights.name}")
        if heads and (path / _TASK).is_file():
            _check_task(path / _TASK)
            model = keras_hub.models.BertMaskedLM(model, preprocessor=None)
            with whole(f"{said}, {TASK_WEIGHTS}"):
                check_hdf5(path / TASK_WEIGHTS, said)
                model.load_task_weights(str(path / TASK_WEIGHTS))
    variables = {weight.path: weight for weight in model.weights}
    yield BertCheckpoint(
        path / _CONFIG if path.is_dir() else path,
        arguments,
        {
            part: [
                Weight(
                    (renamed(array.name, _block, _INSIDE, _OUTSIDE),),
                    array.keras_shape,
                    (array.variable,),
                )
                for array in rows
            ]
            for part, rows in arrays(arguments).items()
        },
        WeightsFile(
            said,
            {name: tuple(found.shape) for name, found in variables.items()},
            lambda name: keras.ops.convert_to_numpy(variables[name]),
        ),
        # The file may also hold the head of a task.
        lambda name: name.startswith(_BACKBONE),
        of_heads=_HEAD,
    )


def _num_wanted(arguments: dict[str, Any]) -> int:
    """Counts the numbers that a configuration requires."""
    parts = arrays(arguments)
    return sum(
        prod(row.keras_shape)
        for part in (ENCODER, POOLER)
        for row in parts[part]
    )


def _block(number: int) -> str:
    return f"transformer_layer_{number}"


def _backbone(path: Path) -> dict[str, Any]:
    """Reads the configuration of the backbone, a serialized Keras object."""
    if path.suffix == ".keras":
        with whole(f"folder={str(path)!r}"):
            content = load_json(read_config(path))
        config = content.get("config")
        if isinstance(config, dict) and "backbone" in config:
            content = config["backbone"]
    else:
        folder = path if path.is_dir() else path.parent
        content = read_json(folder / _CONFIG, "folder")
    if content.get("class_name") != _CLASS or not isinstance(
        content.get("config"), dict
    ):
        advice = "Load your own model with `keras.saving.load_model`."
        if path.is_file() and (path.parent / "text_inputs.json").is_file():
            advice = f"Pass the folder of the run, {path.parent}."
        raise ValueError(
            f"`folder` must hold KerasHub's {_CLASS}, or a task around one. "
            f"Received: folder={str(path)!r}, a "
            f"{content.get('class_name')!r}. {advice}"
        )
    return content


def _check_task(path: Path) -> None:
    name = read_json(path, "folder").get("class_name")
    if name != "BertMaskedLM":
        raise ValueError(
            "`heads` must be False for a preset of any task but BertMaskedLM. "
            f"Received: heads=True, {str(path)!r} of {name!r}"
        )
