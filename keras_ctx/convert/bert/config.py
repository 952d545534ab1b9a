"""Reads BERT configuration files as arguments of `models.bert_encoder`."""

import warnings
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
    read_json,
    read_table,
)
from keras_ctx.convert.tokenizers.other_families import check_architecture

# `transformers` computes "gelu" exactly; its other names are the tanh form.
HUGGINGFACE_ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
}
# google-research/bert computes the tanh form under the name "gelu".
GOOGLE_ACTIVATIONS = {"gelu": "gelu_tanh", "relu": "relu"}
# Model Garden's own GELU is the tanh form; Keras's, with no prefix, is exact.
GARDEN_ACTIVATIONS = {
    "<lambda>": "gelu_tanh",
    "Text>gelu": "gelu_tanh",
    "gelu": "gelu",
    "relu": "relu",
}

_ABSOLUTE = Rule(
    '"absolute": other position embeddings are not supported',
    lambda value: value == "absolute",
)
_ENCODER = Rule(
    "false: this library supports BERT only as an encoder",
    lambda value: value is False,
)
_SIZES = (
    Option("vocab_size", "vocabulary_size", COUNT),
    Option("num_hidden_layers", "num_layers", PARTS),
    Option("num_attention_heads", "num_heads", COUNT),
    Option("hidden_size", "hidden_dim", COUNT),
    Option("intermediate_size", "intermediate_dim", COUNT),
    Option("max_position_embeddings", "max_length", COUNT, 512),
    Option("hidden_dropout_prob", "dropout", RATE, 0.1),
    Option("attention_probs_dropout_prob", "attention_dropout", RATE, 0.1),
    Option("initializer_range", "initializer_range", POSITIVE, 0.02),
)
HUGGINGFACE = (
    *_SIZES,
    Option("type_vocab_size", "num_segments", COUNT, 2),
    Option("layer_norm_eps", "layer_norm_epsilon", POSITIVE, 1e-12),
)
GOOGLE = (*_SIZES, Option("type_vocab_size", "num_segments", COUNT, 16))
# The configuration of Model Garden's encoders, as `get_config` returns it.
GARDEN = (
    Option("vocab_size", "vocabulary_size", COUNT),
    Option("num_layers", "num_layers", PARTS),
    Option("num_attention_heads", "num_heads", COUNT),
    Option("hidden_size", "hidden_dim", COUNT),
    Option("inner_dim", "intermediate_dim", COUNT),
    Option("max_sequence_length", "max_length", COUNT),
    Option("type_vocab_size", "num_segments", COUNT),
    Option("output_dropout", "dropout", RATE, 0.1),
    Option("attention_dropout", "attention_dropout", RATE, 0.1),
    Option(
        "norm_first",
        "norm_first",
        Rule(
            "false: a pre-norm encoder of Model Garden lacks the norm after "
            "its last block, which encoders of this library have",
            lambda value: value is False,
        ),
        False,
    ),
)
KERAS_HUB = (
    Option("vocabulary_size", "vocabulary_size", COUNT),
    Option("num_layers", "num_layers", PARTS),
    Option("num_heads", "num_heads", COUNT),
    Option("hidden_dim", "hidden_dim", COUNT),
    Option("intermediate_dim", "intermediate_dim", COUNT),
    Option("max_sequence_length", "max_length", COUNT),
    Option("num_segments", "num_segments", COUNT),
    # One rate for both.
    Option("dropout", "dropout", RATE),
    Option("dropout", "attention_dropout", RATE),
)
# These are not arguments, but only these values can be loaded.
_FIXED = (
    Option("position_embedding_type", "position", _ABSOLUTE, "absolute"),
    Option("is_decoder", "decoder", _ENCODER, False),
    Option("add_cross_attention", "cross_attention", _ENCODER, False),
)


def read_huggingface(path: Path) -> dict[str, Any]:
    """Reads config.json of `transformers`."""
    content = read_json(path, "folder")
    check_architecture(content, path)
    _warn_of_code(content, path)
    activation = ("hidden_act", HUGGINGFACE_ACTIVATIONS)
    return _arguments(path, content, HUGGINGFACE, *activation)


def _warn_of_code(content: dict[str, Any], path: Path) -> None:
    named = member(content, "auto_map", dict, path)
    models = {x: y for x, y in named.items() if x.startswith("AutoModel")}
    if models:
        warnings.warn(
            f"{path}: `auto_map` names custom model code, "
            f"{next(iter(models.values()))!r}, which is never run here. The "
            "weights are loaded into a standard BERT; if the custom code "
            "computes something else, the outputs are wrong.",
            UserWarning,
            stacklevel=3,
        )


def read_google(path: Path) -> dict[str, Any]:
    """Reads bert_config.json of google-research/bert or Model Garden."""
    content = read_json(path, "folder")
    if "num_layers" in content:
        activation = ("inner_activation", GARDEN_ACTIVATIONS)
        return _arguments(path, content, GARDEN, *activation)
    activation = ("hidden_act", GOOGLE_ACTIVATIONS)
    return _arguments(path, content, GOOGLE, *activation)


def read_keras_hub(path: Path, content: dict[str, Any]) -> dict[str, Any]:
    """Reads the configuration of KerasHub's BertBackbone."""
    # KerasHub always computes the tanh form, with our epsilon.
    content = {"activation": "gelu", **content}
    activation = ("activation", GOOGLE_ACTIVATIONS)
    return _arguments(path, content, KERAS_HUB, *activation)


def _arguments(
    path: Path,
    content: dict[str, Any],
    table: tuple[Option, ...],
    key: str,
    activations: dict[str, str],
) -> dict[str, Any]:
    activation = Option(
        key,
        "activation",
        Rule(
            f"one of {', '.join(activations)}",
            lambda value: isinstance(value, str) and value in activations,
        ),
        "gelu",
    )
    arguments, problems = read_table(content, (*table, activation))
    problems += read_table(content, _FIXED)[1]
    if not problems and arguments["hidden_dim"] % arguments["num_heads"]:
        problems.append(
            "The number of attention heads must divide the number of "
            f"features. Received: {arguments['num_heads']} heads, "
            f"{arguments['hidden_dim']} features"
        )
    if problems:
        raise ValueError(
            f"{str(path)!r} must be a configuration of a BERT that can be "
            "loaded:\n  "
            + "\n  ".join(problems)
            + "\nUse the configuration that belongs to the weights."
        )
    return {**arguments, "activation": activations[arguments["activation"]]}
