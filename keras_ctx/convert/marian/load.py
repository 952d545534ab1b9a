"""Loads translators in Marian's form from the files of `transformers`."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import keras

from keras_ctx import models
from keras_ctx.convert.files.safetensors_files import open_model_files
from keras_ctx.convert.files.weight_table import (
    SAME,
    TRANSPOSED,
    Weight,
    check_fit,
    fill,
)
from keras_ctx.convert.marian.config import read_marian

CONFIG = "config.json"
# Copies of the shared table, and positions that are computed.
_NOT_READ = (
    "lm_head.weight",
    "embed_tokens.weight",
    "embed_positions.weight",
)


def load_marian(
    folder: str | Path, name: str = "encoder_decoder"
) -> keras.Model:
    """Loads a Marian translator: `config.json` and `model.safetensors`.

    Post-norm, positions in halves, one table for source, target and output,
    and a bias of the logits. `marian_ids(folder)` has the ids that begin and
    end a text.

    Args:
        folder: The folder.
        name: Name of the model.

    Returns:
        A trainable model of `models.encoder_decoder`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the folder holds another architecture, or if the
            weights are truncated, hold NaN, or differ from the configuration
            (the message lists all such tensors).

    Example:
        >>> load_marian("a folder that is not there")
        Traceback (most recent call last):
        FileNotFoundError: ...

    Source:
        The files of https://github.com/huggingface/transformers; Junczys-
        Dowmunt et al. 2018, https://arxiv.org/abs/1804.00344.
    """
    folder = Path(folder)
    sizes = read_marian(folder / CONFIG)
    with ExitStack() as stack:
        file = open_model_files(folder, stack)
        weights = marian_weights(sizes)
        check_fit(
            *(weights, file, CONFIG), lambda name: not name.endswith(_NOT_READ)
        )
        model = _model(sizes, name)
        fill(weights, file, model)
    return model


def marian_ids(folder: str | Path) -> dict[str, int]:
    """Returns `start_id`, `end_id` and `pad_id` of a Marian translator.

    Args:
        folder: The folder, with config.json.

    Raises:
        FileNotFoundError, ValueError: See `load_marian`.

    Example:
        >>> marian_ids("a folder that is not there")
        Traceback (most recent call last):
        FileNotFoundError: ...
    """
    sizes = read_marian(Path(folder) / CONFIG)
    return {key: sizes[key] for key in ("start_id", "end_id", "pad_id")}


def _model(sizes: dict[str, Any], name: str) -> keras.Model:
    encoder = models.transformer_encoder(
        sizes["vocabulary_size"],
        sizes["num_layers"],
        sizes["num_heads"],
        sizes["hidden_dim"],
        sizes["intermediate_dim"],
        sizes["max_length"],
        sizes["activation"],
        sizes["dropout"],
        sizes["attention_dropout"],
        layer_norm_epsilon=1e-5,
        positions="halves",
        scale=sizes["scale"],
    )
    return models.encoder_decoder(
        encoder,
        sizes["decoder.num_layers"],
        sizes["decoder.num_heads"],
        sizes["decoder.intermediate_dim"],
        output_bias=True,
        name=name,
    )


def marian_weights(sizes: dict[str, Any]) -> list[Weight]:
    """Builds the weight table from the content of `read_marian`."""
    features, rows = sizes["hidden_dim"], sizes["vocabulary_size"]
    weights = [
        Weight(
            ("model.shared.weight",),
            (rows, features),
            ("embeddings.token_embedding.embeddings",),
        ),
        Weight(("final_logits_bias",), (1, rows), ("output_bias.bias",)),
    ]

    def pair(
        theirs: str, ours: str, shape: tuple[int, ...], kinds: tuple[str, str]
    ) -> None:
        layout = TRANSPOSED if len(shape) == 2 else SAME
        weights.append(
            Weight(
                (f"{theirs}.weight",), shape, (f"{ours}.{kinds[0]}",), layout
            )
        )
        weights.append(
            Weight((f"{theirs}.bias",), shape[:1], (f"{ours}.{kinds[1]}",))
        )

    for side, prefix in (("encoder", ""), ("decoder", "decoder_")):
        key = "decoder." if prefix else ""
        inner = sizes[f"{key}intermediate_dim"]
        for i in range(sizes[f"{key}num_layers"]):
            theirs = f"model.{side}.layers.{i}"
            ours = f"{prefix}block_{i}"
            parts = [("self_attn", "attention", "attention_norm")]
            if prefix:
                parts.append(("encoder_attn", "cross", "cross_norm"))
            for attention, layer, norm in parts:
                for letter, part in zip(
                    ("q", "k", "v", "out"),
                    ("query", "key", "value", "output"),
                    strict=True,
                ):
                    pair(
                        f"{theirs}.{attention}.{letter}_proj",
                        f"{ours}.{layer}.{part}_dense",
                        *((features, features), ("kernel", "bias")),
                    )
                pair(
                    f"{theirs}.{attention}_layer_norm",
                    f"{ours}.{norm}",
                    *((features,), ("gamma", "beta")),
                )
            for number, layer, shape in (
                (1, "intermediate", (inner, features)),
                (2, "output_projection", (features, inner)),
            ):
                pair(
                    f"{theirs}.fc{number}",
                    f"{ours}.{layer}",
                    *(shape, ("kernel", "bias")),
                )
            pair(
                f"{theirs}.final_layer_norm",
                f"{ours}.feedforward_norm",
                *((features,), ("gamma", "beta")),
            )
    return weights
