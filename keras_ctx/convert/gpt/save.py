"""Saves our GPT for Hugging Face `transformers`."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import keras

from keras_ctx.convert.files.safetensors_files import ONE_FILE
from keras_ctx.convert.files.weight_table import collect_all
from keras_ctx.convert.gpt.load import CONFIG
from keras_ctx.convert.gpt.vocabulary import MERGES, VOCABULARY, file_texts
from keras_ctx.convert.gpt.weights import gpt_weights, huggingface_names
from keras_ctx.files.tensor_file import write_tensors
from keras_ctx.files.whole_file import whole_file
from keras_ctx.text import GPT1Inputs, GPTInputs

_GPT2_ACTIVATIONS = {
    "gelu_tanh": "gelu_new",
    "gelu": "gelu",
    "relu": "relu",
    "silu": "silu",
}
_GPT1_ACTIVATIONS = {"gelu_tanh": "gelu", "relu": "relu", "silu": "silu"}


def save_gpt(
    model: keras.Model,
    folder: str | Path,
    text_inputs: GPTInputs | GPT1Inputs | None = None,
) -> None:
    """Saves a GPT or GPT-2 for `transformers`.

    All files are written completely before they replace existing files. A
    pre-norm model is a `GPT2LMHeadModel` there, a post-norm model an
    `OpenAIGPTLMHeadModel`.

    Args:
        model: A model of `models.gpt_encoder` or
            `models.causal_language_model`.
        folder: The folder for config.json and model.safetensors. It is
            created if needed.
        text_inputs: The text inputs, for vocab.json and merges.txt; `None`
            writes neither. `transformers` reads those of a post-norm model as
            `text.GPT1Inputs`, those of a pre-norm model as `text.GPTInputs`.

    Raises:
        ValueError: If `model` is not a GPT, holds NaN or infinity, or has an
            activation or, of a post-norm GPT, an `intermediate_dim` that
            `transformers` does not have; or if the text inputs are not of its
            kind, or have more tokens than the model.

    Example:
        >>> from keras_ctx import models
        >>> save_gpt(models.gpt_encoder(100, 2, 2, 16, 32), "gpt")
        >>> sorted(path.name for path in Path("gpt").iterdir())
        ['config.json', 'model.safetensors']

    Source:
        The files of https://github.com/huggingface/transformers.
    """
    sizes = sizes_of(model)
    gpt1 = not sizes["norm_first"]
    activations = _GPT1_ACTIVATIONS if gpt1 else _GPT2_ACTIVATIONS
    if sizes["activation"] not in activations:
        raise ValueError(
            "`model` must have an activation that `transformers` has for "
            f"{'GPT' if gpt1 else 'GPT-2'}: {', '.join(activations)}. "
            f"Received: {sizes['activation']!r}"
        )
    if gpt1 and sizes["intermediate_dim"] != 4 * sizes["hidden_dim"]:
        raise ValueError(
            "`model` must have `intermediate_dim=4 * hidden_dim`, as every "
            "post-norm GPT of `transformers` has. Received: "
            f"intermediate_dim={sizes['intermediate_dim']}, "
            f"hidden_dim={sizes['hidden_dim']}"
        )
    names = huggingface_names(gpt1, "transformer.")
    arrays = collect_all(gpt_weights(sizes, names, axis=0), model)
    config = _config(sizes, gpt1, activations)
    texts = {}
    if text_inputs is not None:
        _check_text_inputs(text_inputs, sizes)
        if isinstance(text_inputs, GPTInputs):
            config |= {
                "bos_token_id": text_inputs.end_id,
                "eos_token_id": text_inputs.end_id,
            }
        vocabulary, merges = file_texts(text_inputs)
        texts = {VOCABULARY: vocabulary, MERGES: merges}
    texts[CONFIG] = json.dumps(config, indent=2) + "\n"
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        path = stack.enter_context(whole_file(folder / ONE_FILE))
        # `transformers` refuses a file without this format entry.
        write_tensors(path, arrays, {"format": "pt"})
        for name, text in texts.items():
            path = stack.enter_context(whole_file(folder / name))
            path.write_text(text, encoding="utf-8", newline="\n")


def sizes_of(model: keras.Model) -> dict[str, Any]:
    """Reads the arguments of `models.gpt_encoder` back from its layers."""
    layers: dict[str, Any] = {layer.name: layer for layer in model.layers}
    blocks = [name for name in layers if name.startswith("decoder_block_")]
    block = layers.get("decoder_block_0")
    if "embeddings" not in layers or block is None or block.cross_attention:
        raise ValueError(
            "`model` must be a model of `gpt_encoder` or "
            "`causal_language_model`. For a model on top of an encoder, pass "
            "`models.encoder_of(model)`. Received: a model with the layers "
            f"{sorted(layers)[:10]}"
        )
    embeddings = layers["embeddings"]
    return {
        "vocabulary_size": embeddings.vocabulary_size,
        "num_layers": len(blocks),
        "num_heads": block.num_heads,
        "hidden_dim": embeddings.hidden_dim,
        "intermediate_dim": block.intermediate_dim,
        "max_length": embeddings.max_length,
        "activation": block.activation,
        "dropout": block.dropout,
        "attention_dropout": block.attention_dropout,
        "norm_first": block.norm_first,
        "layer_norm_epsilon": block.layer_norm_epsilon,
        "initializer_range": block.initializer_range,
    }


def _config(
    sizes: dict[str, Any], gpt1: bool, activations: dict[str, str]
) -> dict[str, Any]:
    own = {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "activation_function": activations[sizes["activation"]],
        "n_inner": sizes["intermediate_dim"],
    }
    if gpt1:
        own = {
            "architectures": ["OpenAIGPTLMHeadModel"],
            "model_type": "openai-gpt",
            "afn": activations[sizes["activation"]],
        }
    return {
        **own,
        "vocab_size": sizes["vocabulary_size"],
        "n_positions": sizes["max_length"],
        "n_embd": sizes["hidden_dim"],
        "n_layer": sizes["num_layers"],
        "n_head": sizes["num_heads"],
        "resid_pdrop": sizes["dropout"],
        "embd_pdrop": sizes["dropout"],
        "attn_pdrop": sizes["attention_dropout"],
        "layer_norm_epsilon": sizes["layer_norm_epsilon"],
        "initializer_range": sizes["initializer_range"],
        "tie_word_embeddings": True,
    }


def _check_text_inputs(
    text_inputs: GPTInputs | GPT1Inputs, sizes: dict[str, Any]
) -> None:
    wanted = GPTInputs if sizes["norm_first"] else GPT1Inputs
    if not isinstance(text_inputs, wanted):
        kind = "pre" if sizes["norm_first"] else "post"
        raise ValueError(
            f"`text_inputs` must be {wanted.__name__} for a {kind}-norm "
            "model: `transformers` would split texts so. Received: "
            f"{type(text_inputs).__name__}. Leave them out."
        )
    rows, tokens = sizes["vocabulary_size"], text_inputs.vocabulary_size
    if tokens > rows:
        raise ValueError(
            "`text_inputs` must not have more tokens than the model. "
            f"Received: {tokens} tokens for a model with {rows}"
        )
