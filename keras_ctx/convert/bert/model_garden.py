"""Reads BERT from checkpoints of TensorFlow Model Garden (tf-models-official).

New checkpoints name the attributes of the encoder (`_embedding_layer` ...).
Old ones hold a Keras model with numbered layers (`layer_with_weights-0` ...).
"""

import re
from pathlib import Path
from typing import Any

from keras_ctx.convert.bert.arrays import POOLER, arrays, renamed
from keras_ctx.convert.bert.checkpoint import BertCheckpoint
from keras_ctx.convert.files.tf_object_graph import GRAPH, ObjectGraph
from keras_ctx.convert.files.weight_table import (
    CLASS_COLUMNS,
    CLASSES,
    SAME,
    Weight,
)
from keras_ctx.convert.files.weights_file import WeightsFile, whole

_INSIDE = {
    "attention/self/query": "_attention_layer/_query_dense",
    "attention/self/key": "_attention_layer/_key_dense",
    "attention/self/value": "_attention_layer/_value_dense",
    "attention/output/dense": "_attention_layer/_output_dense",
    "attention/output/LayerNorm": "_attention_layer_norm",
    "intermediate/dense": "_intermediate_dense",
    "output/dense": "_output_dense",
    "output/LayerNorm": "_output_layer_norm",
}
# In 2020 the output of attention was a separate layer.
_INSIDE_2020 = {**_INSIDE, "attention/output/dense": "_attention_output_dense"}
_NAMED = {
    "embeddings/word_embeddings": "_embedding_layer/embeddings",
    "embeddings/position_embeddings": "_position_embedding_layer/embeddings",
    "embeddings/token_type_embeddings": "_type_embedding_layer/embeddings",
    "embeddings/LayerNorm": "_embedding_norm_layer",
    "pooler/dense": "_pooler_layer",
}
_NUMBERED = {
    "embeddings/word_embeddings": "layer_with_weights-0/embeddings",
    "embeddings/position_embeddings": "layer_with_weights-1/embeddings",
    "embeddings/token_type_embeddings": "layer_with_weights-2/embeddings",
    "embeddings/LayerNorm": "layer_with_weights-3",
}
# Paths from the root to layers outside the encoder. The first that exists
# counts: a pretrained model uses the pooler of its next sentence head, and
# never trained the pooler of its encoder.
_POOLERS = (
    "next_sentence..pooler_dense",
    "model/classification_heads/0/dense",
)
_MASKED_LMS = ("masked_lm", "model/masked_lm")
_NEXT_SENTENCES = (
    "model/classification_heads/0/out_proj",
    "model/classification/layer_with_weights-0",
)
_HEADS = {
    "cls/predictions/transform/dense/kernel": (_MASKED_LMS, "dense/kernel"),
    "cls/predictions/transform/dense/bias": (_MASKED_LMS, "dense/bias"),
    "cls/predictions/transform/LayerNorm/gamma": (
        _MASKED_LMS,
        "layer_norm/gamma",
    ),
    "cls/predictions/transform/LayerNorm/beta": (
        _MASKED_LMS,
        "layer_norm/beta",
    ),
    "cls/predictions/output_bias": (_MASKED_LMS, "bias"),
    "cls/seq_relationship/output_weights": (_NEXT_SENTENCES, "kernel"),
    "cls/seq_relationship/output_bias": (_NEXT_SENTENCES, "bias"),
}
_LAYOUTS = {
    "cls/seq_relationship/output_weights": CLASS_COLUMNS,
    "cls/seq_relationship/output_bias": CLASSES,
}

_VARIABLE = "/.ATTRIBUTES/VARIABLE_VALUE"
# Training state that is saved along with the weights.
_BOOKKEEPING = re.compile(
    r"(^|/)(optimizer|save_counter|global_step|\.OPTIMIZER_SLOT|keras_api)(/|$)"
)


def is_garden(file: WeightsFile) -> bool:
    return GRAPH in file.shapes


def garden_checkpoint(
    config: Path, arguments: dict[str, Any], raw: WeightsFile
) -> BertCheckpoint:
    """Finds the encoder among the objects of an open checkpoint."""
    with whole(raw.said):
        graph = ObjectGraph(bytes(raw.read(GRAPH)))
    encoder = _find_encoder(graph, raw)
    parts = {
        part: [
            Weight(
                _ways(array.name, encoder, arguments["num_layers"]),
                array.keras_shape,
                (array.variable,),
                _LAYOUTS.get(array.name, SAME),
            )
            for array in rows
        ]
        for part, rows in arrays(arguments).items()
    }
    ways = [way for rows in parts.values() for row in rows for way in row.names]
    ways += [f"{head}/embedding_table" for head in _MASKED_LMS]
    keys = {way: key for way in ways if (key := graph.key(way)) in raw.shapes}
    strangers = graph.keys_below(encoder) - set(keys.values())
    keys.update({key: key for key in strangers})
    file = WeightsFile(
        raw.said,
        {way: raw.shapes[key] for way, key in keys.items()},
        lambda way: raw.read(keys[way]),
        is_checkpoint=True,
    )
    tied = [way for way in ways[-len(_MASKED_LMS) :] if way in keys]
    read = {*keys.values(), *graph.keys_below(encoder)}
    return BertCheckpoint(
        config,
        arguments,
        parts,
        file,
        lambda name: name in strangers,
        tied[0] if tied else None,
        not_read=tuple(
            name
            for name in sorted(set(raw.shapes) - read)
            if name.endswith(_VARIABLE) and not _BOOKKEEPING.search(name)
        ),
    )


def _find_encoder(graph: ObjectGraph, raw: WeightsFile) -> str:
    found = graph.find("_embedding_norm_layer", "_transformer_layers")
    if found is None:
        found = graph.find(
            "layer_with_weights-0/embeddings",
            "layer_with_weights-3/gamma",
            "layer_with_weights-4/_attention_layer",
        )
    if found is None:
        raise ValueError(
            "`folder` must hold a checkpoint of Model Garden's BertEncoder or "
            "BertEncoderV2, alone or in a model. Received: "
            f"{raw.said}, without such an encoder. Encoders with factorized "
            "embeddings or of another class cannot be loaded."
        )
    return found


def _ways(name: str, encoder: str, num_layers: int) -> tuple[str, ...]:
    """Returns the possible paths of an array; the first that exists counts."""
    if name in _HEADS:
        parents, kind = _HEADS[name]
        return tuple(f"{parent}/{kind}" for parent in parents)
    pooler = {"pooler/dense": f"layer_with_weights-{4 + num_layers}"}
    ways = [
        f"{encoder}/{renamed(name, block, inside, outside)}"
        for block, inside, outside in (
            (_named_block, _INSIDE, _NAMED),
            (_numbered_block, _INSIDE, {**_NUMBERED, **pooler}),
            (_numbered_block, _INSIDE_2020, {**_NUMBERED, **pooler}),
        )
    ]
    if name.startswith(f"{POOLER}/"):
        kind = name.rpartition("/")[2]
        ways = [*(f"{parent}/{kind}" for parent in _POOLERS), *ways]
    return tuple(dict.fromkeys(way.removeprefix("/") for way in ways))


def _named_block(number: int) -> str:
    return f"_transformer_layers/{number}"


def _numbered_block(number: int) -> str:
    # Three embeddings and a norm come before the blocks.
    return f"layer_with_weights-{number + 4}"
