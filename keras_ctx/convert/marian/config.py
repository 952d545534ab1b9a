"""Reads config.json of a Marian translator in `transformers`."""

from pathlib import Path
from typing import Any

from keras_ctx.convert.files.options import (
    COUNT,
    FLAG,
    PARTS,
    POSITIVE,
    RATE,
    Option,
    Rule,
    only,
    read_json,
    read_table,
)

ACTIVATIONS = {
    "swish": "silu",
    "silu": "silu",
    "relu": "relu",
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
}
_ID = Rule("an integer of at least 0", lambda x: type(x) is int and x >= 0)
_TABLE = (
    Option("vocab_size", "vocabulary_size", COUNT),
    Option("d_model", "hidden_dim", COUNT),
    Option("encoder_layers", "num_layers", PARTS),
    Option("encoder_attention_heads", "num_heads", COUNT),
    Option("encoder_ffn_dim", "intermediate_dim", COUNT),
    Option("decoder_layers", "decoder.num_layers", PARTS),
    Option("decoder_attention_heads", "decoder.num_heads", COUNT),
    Option("decoder_ffn_dim", "decoder.intermediate_dim", COUNT),
    Option("max_position_embeddings", "max_length", COUNT, 1024),
    Option("dropout", "dropout", RATE, 0.1),
    Option("attention_dropout", "attention_dropout", RATE, 0.0),
    Option("scale_embedding", "scale", FLAG, False),
    Option("init_std", "init_std", POSITIVE, 0.02),
    Option(
        "activation_function",
        "activation",
        Rule(
            f"one of {', '.join(ACTIVATIONS)}",
            lambda x: isinstance(x, str) and x in ACTIVATIONS,
        ),
        "gelu",
    ),
    Option("decoder_start_token_id", "start_id", _ID),
    Option("eos_token_id", "end_id", _ID),
    Option("pad_token_id", "pad_id", _ID),
)

# These are not arguments, but only these values can be loaded.
_FIXED = (
    only("share_encoder_decoder_embeddings", True),
    only("normalize_embedding", False),
    only("normalize_before", False),
    only("add_final_layer_norm", False),
    only("static_position_embeddings", True),
)


def read_marian(path: Path) -> dict[str, Any]:
    """Reads the sizes and the special ids."""
    content = read_json(path, "folder")
    found, problems = read_table(content, _TABLE)
    problems += read_table(content, _FIXED)[1]
    if content.get("model_type") != "marian":
        problems.append(
            '`model_type` must be "marian". '
            f"Received: {content.get('model_type')!r}"
        )
    rows = content.get("decoder_vocab_size")
    if not problems and rows not in (None, found["vocabulary_size"]):
        problems.append(
            "`decoder_vocab_size` must be `vocab_size`. Received: "
            f"{rows} and {found['vocabulary_size']}"
        )
    if problems:
        raise ValueError(
            f"{str(path)!r} must be a configuration of a Marian translator "
            "that can be loaded:\n  "
            + "\n  ".join(problems)
            + "\nUse the configuration that belongs to the weights."
        )
    return {**found, "activation": ACTIVATIONS[found["activation"]]}
