"""Reads configuration files as arguments of `models.gpt_encoder`."""

from pathlib import Path
from typing import Any

from keras_ctx.convert.files.options import (
    COUNT,
    PARTS,
    POSITIVE,
    RATE,
    Option,
    Rule,
    member,
    only,
    read_json,
    read_table,
)

# `transformers` computes "gelu" exactly in GPT-2, and as tanh form in GPT.
_GPT2_ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
}
_GPT1_ACTIVATIONS = {
    "gelu": "gelu_tanh",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
}
_INNER = Rule(
    "null or an integer of at least 1",
    lambda value: value is None or COUNT.holds(value),
)
_SIZES = (
    Option("vocab_size", "vocabulary_size", COUNT),
    Option("n_layer", "num_layers", PARTS),
    Option("n_head", "num_heads", COUNT),
    Option("n_embd", "hidden_dim", COUNT),
    Option("n_inner", "intermediate_dim", _INNER, None),
    Option("resid_pdrop", "dropout", RATE, 0.1),
    Option("attn_pdrop", "attention_dropout", RATE, 0.1),
    Option("layer_norm_epsilon", "layer_norm_epsilon", POSITIVE, 1e-5),
    Option("initializer_range", "initializer_range", POSITIVE, 0.02),
)
_RELEASE = (
    Option("n_vocab", "vocabulary_size", COUNT),
    Option("n_ctx", "max_length", COUNT),
    Option("n_layer", "num_layers", PARTS),
    Option("n_head", "num_heads", COUNT),
    Option("n_embd", "hidden_dim", COUNT),
)

# KerasHub has one rate, and always the tanh form and GPT-2's epsilon.
_KERAS_HUB = (
    Option("vocabulary_size", "vocabulary_size", COUNT),
    Option("num_layers", "num_layers", PARTS),
    Option("num_heads", "num_heads", COUNT),
    Option("hidden_dim", "hidden_dim", COUNT),
    Option("intermediate_dim", "intermediate_dim", COUNT),
    Option("max_sequence_length", "max_length", COUNT, 1024),
    Option("dropout", "dropout", RATE, 0.1),
)

# These are not arguments, but only these values can be loaded.
_FIXED = (
    only("scale_attn_weights", True),
    only("scale_attn_by_inverse_layer_idx", False),
    only("add_cross_attention", False),
    only("tie_word_embeddings", True),
)


def read_huggingface(path: Path) -> dict[str, Any]:
    """Reads config.json of `transformers`, of `gpt2` or `openai-gpt`."""
    content = read_json(path, "folder")
    gpt1 = content.get("model_type") == "openai-gpt"
    activations = _GPT1_ACTIVATIONS if gpt1 else _GPT2_ACTIVATIONS
    activation = Option(
        "afn" if gpt1 else "activation_function",
        "activation",
        Rule(
            f"one of {', '.join(activations)}",
            lambda value: isinstance(value, str) and value in activations,
        ),
        "gelu" if gpt1 else "gelu_new",
    )
    length = Option("n_positions", "max_length", COUNT, 512 if gpt1 else 1024)
    arguments, problems = read_table(content, (*_SIZES, length, activation))
    problems += read_table(content, _FIXED)[1]
    _check(path, arguments, problems)
    return {
        **arguments,
        "intermediate_dim": arguments["intermediate_dim"]
        or 4 * arguments["hidden_dim"],
        "activation": activations[arguments["activation"]],
        "norm_first": not gpt1,
    }


def read_release(path: Path) -> dict[str, Any]:
    """Reads hparams.json of openai/gpt-2."""
    arguments, problems = read_table(read_json(path, "folder"), _RELEASE)
    _check(path, arguments, problems)
    return {
        **arguments,
        "intermediate_dim": 4 * arguments["hidden_dim"],
        "norm_first": True,
    }


def read_keras_hub(path: Path) -> dict[str, Any]:
    """Reads config.json of a preset with KerasHub's GPT2Backbone."""
    content = member(read_json(path, "folder"), "config", dict, path)
    arguments, problems = read_table(content, _KERAS_HUB)
    _check(path, arguments, problems)
    return {
        **arguments,
        "attention_dropout": arguments["dropout"],
        "norm_first": True,
    }


def _check(path: Path, arguments: dict[str, Any], problems: list[str]) -> None:
    if not problems and arguments["hidden_dim"] % arguments["num_heads"]:
        problems.append(
            "The number of attention heads must divide the number of "
            f"features. Received: {arguments['num_heads']} heads, "
            f"{arguments['hidden_dim']} features"
        )
    if problems:
        raise ValueError(
            f"{str(path)!r} must be a configuration of a GPT that can be "
            "loaded:\n  "
            + "\n  ".join(problems)
            + "\nUse the configuration that belongs to the weights."
        )
