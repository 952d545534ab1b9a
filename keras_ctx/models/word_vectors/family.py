"""The entry of static word vectors among the families of encoders."""

from typing import Any

import keras

from keras_ctx.models.family import Family
from keras_ctx.models.word_vectors.encoder import wired_table

_INPUTS = ("word_ids", "subword_ids", "char_ids")


def _encoder(model: keras.Model, name: str | None) -> keras.Model:
    return wired_table(
        {layer.name: layer for layer in model.layers},
        {key: model.input[key] for key in _INPUTS if key in model.input},
        name or "word_vector_encoder",
    )


def _stack(encoder: keras.Model) -> list[list[keras.layers.Layer]]:
    names = ("word_table", "char_cnn")
    return [[layer for layer in encoder.layers if layer.name in names]]


def _sizes(encoder: keras.Model) -> dict[str, Any]:
    table = encoder.get_layer("word_table")
    sizes = {
        "vocabulary_size": table.vocabulary_size,
        "num_unknown": table.num_unknown,
        "num_buckets": table.num_buckets,
    }
    if "char_ids" in encoder.input:
        sizes["max_characters"] = encoder.input["char_ids"].shape[-1]
    return sizes


WORD_VECTORS = Family(
    "word_vectors",
    reads="the word ids of a table of word vectors",
    inputs=("word_ids",),
    layers=("word_table",),
    text_inputs=("WordVectorInputs",),
    encoder=_encoder,
    stack=_stack,
    sizes=_sizes,
)
