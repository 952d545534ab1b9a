"""Saves our translators in Marian's form for Hugging Face `transformers`."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_ctx.convert.files.safetensors_files import ONE_FILE
from keras_ctx.convert.files.weight_table import collect_all
from keras_ctx.convert.marian.load import CONFIG, marian_weights
from keras_ctx.files.tensor_file import write_tensors
from keras_ctx.files.whole_file import whole_file

# Marian's names; two of ours have the same numbers there.
_ACTIVATIONS = {
    "silu": "swish",
    "relu": "relu",
    "gelu": "gelu",
    "gelu_tanh": "gelu_new",
}
_BIAS = "final_logits_bias"
# What all blocks of both sides have in common.
_SHARED = ("activation", "dropout", "attention_dropout")
_FIXED = {
    "norm_first": False,
    "layer_norm_epsilon": 1e-5,
    "attention_bias": True,
}
_SIZES = ("num_heads", "intermediate_dim")


def save_marian(
    model: keras.Model,
    folder: str | Path,
    *,
    start_id: int,
    end_id: int,
    pad_id: int,
) -> None:
    """Saves a translator as a `MarianMTModel` of `transformers`.

    All files are written completely before they replace existing files.
    `load_marian` reads them back, equal in every bit. A model without a bias
    of the logits gets one of zeros.

    Args:
        model: A model of `models.encoder_decoder` with the form of Marian:
            `positions="halves"`, post-norm, `layer_norm_epsilon=1e-5` and one
            table for both languages.
        folder: The folder for config.json and model.safetensors. It is
            created if needed.
        start_id: The token with which the decoder begins; in Marian that of
            padding.
        end_id: The token that ends a text.
        pad_id: The token of padding.

    Raises:
        ValueError: If `model` is no translator, has what Marian does not have
            (the message lists all of it), or holds NaN or infinity; or if an
            id is no token.

    Example:
        >>> from keras_ctx import models
        >>> encoder = models.transformer_encoder(
        ...     9, 1, 2, 8, 16, layer_norm_epsilon=1e-5, positions="halves")
        >>> model = models.encoder_decoder(encoder, output_bias=True)
        >>> save_marian(model, "marian", start_id=8, end_id=0, pad_id=8)
        >>> sorted(path.name for path in Path("marian").iterdir())
        ['config.json', 'model.safetensors']

    Source:
        The files of https://github.com/huggingface/transformers.
    """
    sizes = _sizes_of(model)
    ids = {"start_id": start_id, "end_id": end_id, "pad_id": pad_id}
    for name, value in ids.items():
        rows = sizes["vocabulary_size"]
        if type(value) is not int or not 0 <= value < rows:
            raise ValueError(
                f"`{name}` must be a token, from 0 to {rows - 1}. "
                f"Received: {name}={value!r}"
            )
    weights = marian_weights(sizes)
    if not sizes["output_bias"]:
        weights = [x for x in weights if x.names != (_BIAS,)]
    arrays = collect_all(weights, model)
    bias = np.zeros((1, sizes["vocabulary_size"]), "float32")
    arrays.setdefault(_BIAS, bias)
    config = json.dumps(_config(sizes, ids), indent=2) + "\n"
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        path = stack.enter_context(whole_file(folder / ONE_FILE))
        # `transformers` refuses a file without this format entry.
        write_tensors(path, arrays, {"format": "pt"})
        path = stack.enter_context(whole_file(folder / CONFIG))
        path.write_text(config, encoding="utf-8", newline="\n")


def _sizes_of(model: keras.Model) -> dict[str, Any]:
    """Reads the content of `read_marian` back from the layers."""
    layers: dict[str, Any] = {layer.name: layer for layer in model.layers}
    sides = {
        prefix: [x for name, x in layers.items() if name.startswith(prefix)]
        for prefix in ("block_", "decoder_block_")
    }
    encoder, decoder = sides.values()
    if not encoder or not decoder or "next_token" not in model.output:
        raise ValueError(
            "`model` must be a model of `encoder_decoder` on a "
            "`transformer_encoder`. Received: a model with the layers "
            f"{sorted(layers)[:10]}"
        )
    embeddings, first = layers["embeddings"], encoder[0]
    problems = []
    if "decoder_embeddings" in layers:
        problems.append("a table of the decoder's own: both must share one")
    positions = getattr(embeddings, "positions", "learned")
    if positions != "halves":
        problems.append(f'positions={positions!r}: they must be "halves"')
    if getattr(embeddings, "zero_id", None) is not None:
        problems.append(f"zero_id={embeddings.zero_id}: it must be None")
    if first.activation not in _ACTIVATIONS:
        problems.append(
            f"activation={first.activation!r}: it must be one of "
            f"{', '.join(_ACTIVATIONS)}"
        )
    for block in (*encoder, *decoder):
        side = decoder if block in decoder else encoder
        wanted = {
            **_FIXED,
            **{key: getattr(first, key) for key in _SHARED},
            **{key: getattr(side[0], key) for key in _SIZES},
        }
        problems += [
            f"{key}={getattr(block, key)} in {block.name}: it must be {value}"
            for key, value in wanted.items()
            if getattr(block, key) != value
        ]
    if problems:
        raise ValueError(
            "`model` must have the form of Marian. Received:\n  "
            + "\n  ".join(problems)
            + '\nBuild it with `positions="halves"`, '
            "`layer_norm_epsilon=1e-5` and one table, or save it with "
            "`model.save`."
        )
    return {
        "vocabulary_size": embeddings.vocabulary_size,
        "hidden_dim": embeddings.hidden_dim,
        "max_length": embeddings.max_length,
        "scale": embeddings.scale,
        **{key: getattr(first, key) for key in _SHARED},
        "output_bias": "output_bias" in layers,
        "num_layers": len(encoder),
        "decoder.num_layers": len(decoder),
        **{key: getattr(first, key) for key in _SIZES},
        **{f"decoder.{key}": getattr(decoder[0], key) for key in _SIZES},
    }


def _config(sizes: dict[str, Any], ids: dict[str, int]) -> dict[str, Any]:
    return {
        "architectures": ["MarianMTModel"],
        "model_type": "marian",
        "vocab_size": sizes["vocabulary_size"],
        "decoder_vocab_size": sizes["vocabulary_size"],
        "d_model": sizes["hidden_dim"],
        "encoder_layers": sizes["num_layers"],
        "encoder_attention_heads": sizes["num_heads"],
        "encoder_ffn_dim": sizes["intermediate_dim"],
        "decoder_layers": sizes["decoder.num_layers"],
        "decoder_attention_heads": sizes["decoder.num_heads"],
        "decoder_ffn_dim": sizes["decoder.intermediate_dim"],
        "max_position_embeddings": sizes["max_length"],
        "activation_function": _ACTIVATIONS[sizes["activation"]],
        "dropout": sizes["dropout"],
        "attention_dropout": sizes["attention_dropout"],
        "activation_dropout": 0.0,
        "scale_embedding": sizes["scale"],
        "share_encoder_decoder_embeddings": True,
        "static_position_embeddings": True,
        "tie_word_embeddings": True,
        "decoder_start_token_id": ids["start_id"],
        "eos_token_id": ids["end_id"],
        "forced_eos_token_id": ids["end_id"],
        "pad_token_id": ids["pad_id"],
    }
