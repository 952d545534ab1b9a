"""Saves our BERT for Hugging Face `transformers`."""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import keras

from keras_ctx.convert.bert.arrays import ENCODER, HEADS, POOLER
from keras_ctx.convert.bert.huggingface import (
    CONFIG,
    ONE_FILE,
    huggingface_weights,
)
from keras_ctx.convert.files.weight_table import collect_all
from keras_ctx.files.tensor_file import write_tensors
from keras_ctx.files.whole_file import whole_file
from keras_ctx.layers import TokenAndSegmentEmbedding
from keras_ctx.layers.transformer.activations import ACTIVATIONS
from keras_ctx.text import SPECIAL_TOKENS, load_vocabulary

_ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_tanh": "gelu_new",
    "relu": "relu",
    "silu": "silu",
}
_HEAD_LAYERS = {"masked_lm_dense", "next_sentence"}


def save_bert(
    model: keras.Model,
    folder: str | Path,
    format: str = "huggingface",
    vocabulary: str | Path | Sequence[str] | None = None,
    lower_case: bool = True,
    strip_accents: bool | None = None,
    tokenize_chinese_chars: bool = True,
) -> None:
    """Saves an encoder, or a pretrainer with its heads, for `transformers`.

    All files are written completely before they replace existing files.
    `BertModel.from_pretrained(folder)` reads an encoder and
    `BertForPreTraining.from_pretrained(folder)` a pretrainer.

    Args:
        model: A model of `models.bert_encoder` or `models.bert_pretrainer`.
        folder: The folder for config.json and model.safetensors. It is
            created if needed.
        format: `"huggingface"`, the only format.
        vocabulary: The tokens, or the path of a file with one token per line,
            for vocab.txt and tokenizer_config.json; `None` writes neither.
        lower_case: Whether the model was trained on lower-cased text, for
            tokenizer_config.json.
        strip_accents: As in `text.BertInputs`, for the same file.
        tokenize_chinese_chars: As in `text.BertInputs`, for the same file.

    Raises:
        ValueError: If `model` is not a BERT, is pre-norm (which `transformers`
            does not have), or holds NaN or infinity; if the vocabulary has
            more tokens than the model; or for any other `format`.

    Example:
        >>> from keras_ctx import convert, models
        >>> save_bert(models.bert_tiny(100), "bert")
        >>> sorted(path.name for path in Path("bert").iterdir())
        ['config.json', 'model.safetensors']
        >>> convert.load_bert("bert").name
        'bert_encoder'

    Source:
        The files of Hugging Face `transformers`,
        https://github.com/huggingface/transformers.

    Differs:
        Class 0 of the next sentence head is "follows" there, but class 1
        here, so the rows are swapped. Weights are written in float32.
    """
    if format != "huggingface":
        raise ValueError(
            f'`format` must be "huggingface". Received: format={format!r}'
        )
    if not any(layer.name == "pooler" for layer in model.layers):
        raise _not_a_bert(model, "`embeddings`, `block_0` and `pooler`")
    write_bert(
        model,
        folder,
        vocabulary,
        lower_case,
        strip_accents,
        tokenize_chinese_chars,
    )


def write_bert(
    model: keras.Model,
    folder: str | Path,
    vocabulary: str | Path | Sequence[str] | None,
    lower_case: bool,
    strip_accents: bool | None,
    tokenize_chinese_chars: bool,
) -> None:
    """Saves like `save_bert`, also an encoder without a pooler."""
    arguments = arguments_of(model)
    names = {layer.name for layer in model.layers}
    heads = names >= _HEAD_LAYERS
    if heads:
        _check_heads(model, arguments)
    parts = huggingface_weights(arguments, "bert." if heads else "")
    wanted = (
        ENCODER,
        *([POOLER] if "pooler" in names else []),
        *(HEADS if heads else ()),
    )
    arrays = collect_all([row for part in wanted for row in parts[part]], model)
    config = _config(arguments, heads)
    texts = {}
    if vocabulary is not None:
        tokens = _checked(vocabulary, arguments["vocabulary_size"])
        config["pad_token_id"] = tokens.index("[PAD]")
        texts["vocab.txt"] = "".join(f"{token}\n" for token in tokens)
        texts["tokenizer_config.json"] = _json(
            {
                **_tokenizer_config(arguments, lower_case),
                "strip_accents": strip_accents,
                "tokenize_chinese_chars": tokenize_chinese_chars,
            }
        )
    texts[CONFIG] = _json(config)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        path = stack.enter_context(whole_file(folder / ONE_FILE))
        # `transformers` refuses a file without this format entry.
        write_tensors(path, arrays, {"format": "pt"})
        for name, text in texts.items():
            path = stack.enter_context(whole_file(folder / name))
            path.write_text(text, encoding="utf-8", newline="\n")


def arguments_of(model: keras.Model) -> dict[str, Any]:
    """Reads the arguments of `models.bert_encoder` back from its layers."""
    layers = {layer.name: layer for layer in model.layers}
    blocks = [name for name in layers if name.startswith("block_")]
    table = layers.get("embeddings")
    if "block_0" not in layers or not isinstance(
        table, TokenAndSegmentEmbedding
    ):
        raise _not_a_bert(model, "`embeddings` and `block_0`")
    embeddings, block = layers["embeddings"], layers["block_0"]
    if block.norm_first:
        raise ValueError(
            "`model` must be post-norm: `transformers` has no pre-norm BERT. "
            "Received: norm_first=True"
        )
    return {
        "vocabulary_size": embeddings.vocabulary_size,
        "num_layers": len(blocks),
        "num_heads": block.num_heads,
        "hidden_dim": embeddings.hidden_dim,
        "intermediate_dim": block.intermediate_dim,
        "max_length": embeddings.max_length,
        "num_segments": embeddings.num_segments,
        "activation": block.activation,
        "dropout": block.dropout,
        "attention_dropout": block.attention_dropout,
        "layer_norm_epsilon": block.layer_norm_epsilon,
        "initializer_range": embeddings.initializer_range,
    }


def _not_a_bert(model: keras.Model, wanted: str) -> ValueError:
    return ValueError(
        "`model` must be a model of `bert_encoder` or `bert_pretrainer`, "
        f"with the layers {wanted}. Received: a model with the layers "
        f"{sorted(layer.name for layer in model.layers)}. For a model on top "
        "of an encoder, pass `models.encoder_of(model)`."
    )


def _check_heads(model: keras.Model, arguments: dict[str, Any]) -> None:
    """Refuses a head that `transformers` would compute differently."""
    dense = model.get_layer("masked_lm_dense").activation
    epsilon = model.get_layer("masked_lm_norm").epsilon
    if (
        dense is not ACTIVATIONS[arguments["activation"]]
        or epsilon != arguments["layer_norm_epsilon"]
    ):
        raise ValueError(
            "`model` must have the same activation and epsilon in its masked "
            "language model head as in its encoder, as in `transformers`. "
            f"Received: {dense.__name__} and {epsilon}, and an encoder with "
            f"{arguments['activation']} and "
            f"{arguments['layer_norm_epsilon']}. Save only the encoder."
        )


def _config(arguments: dict[str, Any], heads: bool) -> dict[str, Any]:
    return {
        "architectures": ["BertForPreTraining" if heads else "BertModel"],
        "model_type": "bert",
        "vocab_size": arguments["vocabulary_size"],
        "hidden_size": arguments["hidden_dim"],
        "num_hidden_layers": arguments["num_layers"],
        "num_attention_heads": arguments["num_heads"],
        "intermediate_size": arguments["intermediate_dim"],
        "hidden_act": _ACTIVATIONS[arguments["activation"]],
        "max_position_embeddings": arguments["max_length"],
        "type_vocab_size": arguments["num_segments"],
        "layer_norm_eps": arguments["layer_norm_epsilon"],
        "hidden_dropout_prob": arguments["dropout"],
        "attention_probs_dropout_prob": arguments["attention_dropout"],
        "initializer_range": arguments["initializer_range"],
        "position_embedding_type": "absolute",
    }


def _tokenizer_config(
    arguments: dict[str, Any], lower_case: bool
) -> dict[str, Any]:
    return {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": lower_case,
        "model_max_length": arguments["max_length"],
        **{
            f"{token.strip('[]').lower()}_token": token
            for token in SPECIAL_TOKENS
        },
    }


def _checked(vocabulary: str | Path | Sequence[str], rows: int) -> list[str]:
    tokens = load_vocabulary(vocabulary, required=SPECIAL_TOKENS)
    if len(tokens) > rows:
        raise ValueError(
            "`vocabulary` must not have more tokens than the model. Received: "
            f"{len(tokens)} tokens for a model with {rows}"
        )
    return tokens


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2) + "\n"
