"""Reads GPT-2 from the presets of KerasHub."""

from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

import keras
import keras_hub
import numpy as np

from keras_ctx.convert.files.keras_weights import (
    check_size,
    load_weights,
    weights_of_preset,
)
from keras_ctx.convert.files.weight_table import Weight
from keras_ctx.convert.files.weights_file import WeightsFile

BACKBONE = "GPT2Backbone"
_KINDS = {"w": "kernel", "g": "gamma", "b": "bias"}
_LAYERS = {
    "attn/c_attn": tuple(
        f"self_attention/{part}" for part in ("query", "key", "value")
    ),
    "attn/c_proj": ("self_attention/attention_output",),
    "ln_1": ("self_attention_layer_norm",),
    "mlp/c_fc": ("feedforward_intermediate_dense",),
    "mlp/c_proj": ("feedforward_output_dense",),
    "ln_2": ("feedforward_layer_norm",),
}


def open_keras_hub(
    folder: Path, sizes: dict[str, Any], weights: Sequence[Weight]
) -> WeightsFile:
    """Opens a preset by building its KerasHub model.

    Args:
        folder: The folder of the preset.
        sizes: Arguments of `models.gpt_encoder`.
        weights: The table, with the names of `tensorflow_names`.
    """
    said, file = f"folder={str(folder)!r}", weights_of_preset(folder)
    check_size(sum(prod(row.shape) for row in weights), file, said)
    model = keras_hub.models.GPT2Backbone(
        vocabulary_size=sizes["vocabulary_size"],
        num_layers=sizes["num_layers"],
        num_heads=sizes["num_heads"],
        hidden_dim=sizes["hidden_dim"],
        intermediate_dim=sizes["intermediate_dim"],
        max_sequence_length=sizes["max_length"],
        dtype="float32",
    )
    load_weights(model, file, f"{said}, {file.name}")
    variables: dict[str, Any] = {x.path: x for x in model.weights}
    shapes = {row.names[0]: row.shape for row in weights}

    def read(name: str) -> np.ndarray:
        paths = _paths(name.removeprefix("model/"))
        shape = shapes[name]
        one = (*shape[:-1], shape[-1] // len(paths))
        # KerasHub's kernels have an axis for the heads.
        arrays = [
            np.reshape(keras.ops.convert_to_numpy(variables[x]), one)
            for x in paths
        ]
        return np.concatenate(arrays, axis=-1)

    return WeightsFile(said, shapes, read)


def _paths(name: str) -> list[str]:
    """Returns the variables of KerasHub for an array of openai/gpt-2."""
    if name in ("wte", "wpe"):
        table = {"wte": "token_embedding", "wpe": "position_embedding"}[name]
        return [f"{table}/embeddings"]
    block, _, rest = name.partition("/")
    layer, _, kind = rest.rpartition("/")
    if block == "ln_f":
        return [f"layer_norm/{_kind(block, rest)}"]
    prefix = f"transformer_layer_{block.removeprefix('h')}"
    kind = _kind(layer, kind)
    return [f"{prefix}/{ours}/{kind}" for ours in _LAYERS[layer]]


def _kind(layer: str, kind: str) -> str:
    return "beta" if "ln_" in layer and kind == "b" else _KINDS[kind]
