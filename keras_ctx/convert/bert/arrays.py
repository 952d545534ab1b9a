"""The arrays of a BERT, by the names of google-research/bert.

Every other format stores the same arrays under its own names. The module of
each format derives its table from this one.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

ENCODER, POOLER = "encoder", "pooler"
MASKED_LM, NEXT_SENTENCE = "masked LM head", "next sentence head"
HEADS = (MASKED_LM, NEXT_SENTENCE)


class Array(NamedTuple):
    """A pair of an array in a file and the variable of our model."""

    name: str
    shape: tuple[int, ...]
    """Shape in google-research/bert, where all kernels are matrices."""
    variable: str
    """Path of the variable in our model, as in `weight_table.Weight`."""
    keras_shape: tuple[int, ...]
    """Shape of our variable; attention has an axis of heads."""


def arrays(sizes: dict[str, Any]) -> dict[str, list[Array]]:
    """Returns the arrays of each part, from `models.bert_encoder` arguments."""
    vocabulary_size, features = sizes["vocabulary_size"], sizes["hidden_dim"]
    rows = []
    for theirs, ours, count in (
        ("word", "token", vocabulary_size),
        ("token_type", "segment", sizes["num_segments"]),
        ("position", "position", sizes["max_length"]),
    ):
        rows.append(
            _array(
                f"embeddings/{theirs}_embeddings",
                f"embeddings.{ours}_embedding.embeddings",
                (count, features),
            )
        )
    rows += _norm("embeddings/LayerNorm", "embeddings.norm", features)
    for i in range(sizes["num_layers"]):
        rows += _block(f"encoder/layer_{i}", f"block_{i}", sizes)
    square = (features, features)
    transform = "cls/predictions/transform"
    return {
        ENCODER: rows,
        POOLER: _dense("pooler/dense", "pooler", square),
        MASKED_LM: [
            *_dense(f"{transform}/dense", "masked_lm_dense", square),
            *_norm(f"{transform}/LayerNorm", "masked_lm_norm", features),
            _array(
                "cls/predictions/output_bias",
                "masked_lm_bias.bias",
                (vocabulary_size,),
            ),
        ],
        NEXT_SENTENCE: [
            Array(
                "cls/seq_relationship/output_weights",
                (2, features),
                "next_sentence.kernel",
                (features, 2),
            ),
            _array(
                "cls/seq_relationship/output_bias", "next_sentence.bias", (2,)
            ),
        ],
    }


def _block(theirs: str, ours: str, sizes: dict[str, Any]) -> list[Array]:
    features, inner = sizes["hidden_dim"], sizes["intermediate_dim"]
    heads = sizes["num_heads"]
    by_head = (heads, features // heads)
    square = (features, features)
    rows = []
    for part in ("query", "key", "value"):
        rows += _dense(
            f"{theirs}/attention/self/{part}",
            f"{ours}.attention.{part}_dense",
            square,
            (features, *by_head),
            by_head,
        )
    return [
        *rows,
        *_dense(
            f"{theirs}/attention/output/dense",
            f"{ours}.attention.output_dense",
            square,
            (*by_head, features),
        ),
        *_norm(
            f"{theirs}/attention/output/LayerNorm",
            f"{ours}.attention_norm",
            features,
        ),
        *_dense(
            f"{theirs}/intermediate/dense",
            f"{ours}.intermediate",
            (features, inner),
        ),
        *_dense(
            f"{theirs}/output/dense",
            f"{ours}.output_projection",
            (inner, features),
        ),
        *_norm(
            f"{theirs}/output/LayerNorm", f"{ours}.feedforward_norm", features
        ),
    ]


def _array(name: str, variable: str, shape: tuple[int, ...]) -> Array:
    return Array(name, shape, variable, shape)


def _norm(theirs: str, ours: str, features: int) -> list[Array]:
    return [
        _array(f"{theirs}/{kind}", f"{ours}.{kind}", (features,))
        for kind in ("gamma", "beta")
    ]


def _dense(
    theirs: str,
    ours: str,
    shape: tuple[int, int],
    keras_shape: tuple[int, ...] | None = None,
    keras_bias: tuple[int, ...] | None = None,
) -> list[Array]:
    return [
        Array(
            f"{theirs}/kernel", shape, f"{ours}.kernel", keras_shape or shape
        ),
        Array(
            f"{theirs}/bias",
            shape[1:],
            f"{ours}.bias",
            keras_bias or shape[1:],
        ),
    ]


def renamed(
    name: str,
    block: Callable[[int], str],
    inside: Mapping[str, str],
    outside: Mapping[str, str],
) -> str:
    """Translates a name into that of a file with Keras layers.

    Args:
        name: The name in google-research/bert.
        block: Returns the name that replaces `encoder/layer_...`.
        inside: Names of the layers in a block.
        outside: Names of other layers, and whole names.
    """
    if name in outside:
        return outside[name]
    parent, _, kind = name.rpartition("/")
    found = re.fullmatch(r"encoder/layer_(\d+)/(.*)", parent)
    if found is None:
        return f"{outside[parent]}/{kind}"
    return f"{block(int(found[1]))}/{inside[found[2]]}/{kind}"
