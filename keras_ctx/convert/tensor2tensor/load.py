"""Loads a Transformer from a checkpoint of tensor2tensor."""

import re
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_ctx import models
from keras_ctx.convert.files.options import (
    COUNT,
    PARTS,
    POSITIVE,
    RATE,
    Option,
    only,
    read_json,
    read_table,
)
from keras_ctx.convert.files.weight_table import (
    Weight,
    assign,
    check_fit,
    fill,
)
from keras_ctx.convert.files.weights_file import (
    WeightsFile,
    newest_checkpoint,
    open_checkpoint,
)

HPARAMS = "hparams.json"
_SCOPE = "transformer/body/"
_TABLE = re.compile(r"transformer/symbol_modality_\d+_\d+/shared/weights_(\d+)")
_SHARED, _SPACES = "shared table", f"{_SCOPE}target_space_embedding/kernel"
_TABLE_ROWS = (
    Option("hidden_size", "hidden_dim", COUNT),
    Option("num_hidden_layers", "num_layers", PARTS),
    Option("num_heads", "num_heads", COUNT),
    Option("filter_size", "intermediate_dim", COUNT),
    Option("layer_prepostprocess_dropout", "dropout", RATE, 0.1),
    Option("attention_dropout", "attention_dropout", RATE, 0.1),
    Option("norm_epsilon", "layer_norm_epsilon", POSITIVE, 1e-6),
)

# These are not arguments, but only these values can be loaded.
_FIXED = (
    only("pos", "timing"),
    only("layer_preprocess_sequence", "n"),
    only("layer_postprocess_sequence", "da"),
    only("norm_type", "layer"),
    only("ffn_layer", "dense_relu_dense"),
    only("self_attention_type", "dot_product"),
    only("multiply_embedding_mode", "sqrt_depth"),
    only("shared_embedding_and_softmax_weights", True),
    only("num_encoder_layers", 0),
    only("num_decoder_layers", 0),
    only("attention_key_channels", 0),
    only("attention_value_channels", 0),
    only("max_relative_position", 0),
    only("factored_logits", False),
)


def load_tensor2tensor(
    folder: str | Path,
    *,
    target_space_id: int,
    max_length: int = 256,
    name: str = "encoder_decoder",
) -> keras.Model:
    """Loads a Transformer of tensor2tensor: `hparams.json` and a checkpoint.

    Pre-norm, without biases in the attention, positions in the form
    "tensor2tensor". Token 0 is padding, has the vector 0 and begins a
    translation: `start_id=0` of `generation.Generator`; token 1 ends it.

    Args:
        folder: The folder.
        target_space_id: Number of the target's space, `target_space_id` of
            the problem: its vector is added to every source position.
        max_length: Maximum number of tokens of a row.
        name: Name of the model.

    Returns:
        A trainable model of `models.encoder_decoder`. Its two tables are the
        one of the file; the encoder's has the vector of the target's space in
        every row.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the weights are of other hyperparameters (the message
            lists them all), truncated, or hold NaN, or if there is no such
            space.

    Example:
        >>> load_tensor2tensor("a folder that is not there", target_space_id=0)
        Traceback (most recent call last):
        FileNotFoundError: ...

    Source:
        https://github.com/tensorflow/tensor2tensor, `transformer.py`.
    """
    folder = Path(folder)
    sizes = _sizes(folder / HPARAMS)
    file = _joined(
        open_checkpoint(newest_checkpoint(folder, "folder"), "folder")
    )
    features = sizes["hidden_dim"]
    rows = file.shapes.get(_SHARED, (0,))[0]
    weights = _weights(sizes, rows)
    check_fit(
        [*weights, Weight((_SPACES,), (32, features), ())],
        *(file, HPARAMS),
        lambda name: name.startswith(_SCOPE) and not file.is_slot(name),
    )
    spaces = file.read(_SPACES)
    if not 0 <= target_space_id < len(spaces):
        raise ValueError(
            f"`target_space_id` must be from 0 to {len(spaces) - 1}. "
            f"Received: {target_space_id}"
        )
    model = _model(sizes, rows, max_length, name)
    fill(weights, file, model)
    # Token 0 has the vector 0; then the vector of the space is added, which
    # the layer multiplies by the root of D.
    table = file.read(_SHARED).astype("float32")
    table[0] = 0
    table += spaces[target_space_id] / np.float32(features**0.5)
    ours = "embeddings.token_embedding.embeddings"
    assign(Weight((_SHARED,), table.shape, (ours,)), table, model)
    return model


def _sizes(path: Path) -> dict[str, Any]:
    content = read_json(path, "folder")
    sizes, problems = read_table(content, _TABLE_ROWS)
    problems += read_table(content, _FIXED)[1]
    if problems:
        raise ValueError(
            f"{str(path)!r} must have the hyperparameters of a Transformer "
            "that can be loaded:\n  " + "\n  ".join(problems)
        )
    return sizes


def _joined(file: WeightsFile) -> WeightsFile:
    """Returns the file with its table, which is in shards, as one array."""
    shards = {
        int(found[1]): name
        for name in file.shapes
        if (found := _TABLE.fullmatch(name))
    }
    names = [shards[i] for i in sorted(shards)]  # `weights_10` is behind 9
    if not names:
        return file
    rows = sum(file.shapes[name][0] for name in names)
    shape = (rows, *file.shapes[names[0]][1:])

    def read(name: str) -> np.ndarray:
        if name != _SHARED:
            return file.read(name)
        return np.concatenate([file.read(x) for x in names])

    return WeightsFile(
        file.said, {**file.shapes, _SHARED: shape}, read, is_checkpoint=True
    )


def _model(
    sizes: dict[str, Any], rows: int, max_length: int, name: str
) -> keras.Model:
    encoder = models.transformer_encoder(
        vocabulary_size=rows,
        max_length=max_length,
        activation="relu",
        norm_first=True,
        positions="tensor2tensor",
        attention_bias=False,
        **sizes,
    )
    return models.encoder_decoder(
        encoder, vocabulary_size=rows, zero_id=0, name=name
    )


def _weights(sizes: dict[str, Any], rows: int) -> list[Weight]:
    features, inner = sizes["hidden_dim"], sizes["intermediate_dim"]
    weights = [
        Weight(
            (_SHARED,),
            (rows, features),
            ("decoder_embeddings.token_embedding.embeddings",),
        )
    ]

    def add(theirs: str, shape: tuple[int, ...], ours: str) -> None:
        weights.append(Weight((f"{_SCOPE}{theirs}",), shape, (ours,)))

    def norm(theirs: str, ours: str) -> None:
        for kind, variable in (("scale", "gamma"), ("bias", "beta")):
            add(
                f"{theirs}layer_prepostprocess/layer_norm/layer_norm_{kind}",
                *((features,), f"{ours}.{variable}"),
            )

    for side, prefix in (("encoder", ""), ("decoder", "decoder_")):
        for i in range(sizes["num_layers"]):
            theirs, ours = f"{side}/layer_{i}", f"{prefix}block_{i}"
            parts = [("self_attention", "attention", "attention_norm")]
            if prefix:
                parts.append(("encdec_attention", "cross", "cross_norm"))
            for attention, layer, of_norm in parts:
                norm(f"{theirs}/{attention}/", f"{ours}.{of_norm}")
                for kernel, part in (
                    ("q", "query"),
                    ("k", "key"),
                    ("v", "value"),
                    ("output_transform", "output"),
                ):
                    add(
                        f"{theirs}/{attention}/multihead_attention/"
                        f"{kernel}/kernel",
                        (features, features),
                        f"{ours}.{layer}.{part}_dense.kernel",
                    )
            norm(f"{theirs}/ffn/", f"{ours}.feedforward_norm")
            for conv, layer, shape in (
                ("conv1", "intermediate", (features, inner)),
                ("conv2", "output_projection", (inner, features)),
            ):
                add(
                    f"{theirs}/ffn/{conv}/kernel",
                    shape,
                    f"{ours}.{layer}.kernel",
                )
                add(
                    f"{theirs}/ffn/{conv}/bias",
                    shape[1:],
                    f"{ours}.{layer}.bias",
                )
        norm(f"{side}/", f"{prefix}final_norm")
    return weights
