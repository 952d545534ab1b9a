"""ELMo's entries among the families of encoders: one for each kind of input."""

from typing import Any

import keras

from keras_ctx.models.elmo.views import distinct_words, of_word_vectors
from keras_ctx.models.elmo.wiring import (
    of_characters,
    of_characters_and_words,
    of_words,
)
from keras_ctx.models.family import Family


def _of_characters(model: keras.Model, name: str | None) -> keras.Model:
    # The last axis holds the characters of a word, in a view, too.
    first = next(model.input[x] for x in _KEYS if x in model.input)
    return of_characters(
        first.shape[-1],
        model.get_layer("char_cnn"),
        model.get_layer("bilm"),
        name or "elmo_encoder",
    )


def _of_distinct_words(model: keras.Model, name: str | None) -> keras.Model:
    return distinct_words(_of_characters(model, name))


def _of_word_vectors(model: keras.Model, name: str | None) -> keras.Model:
    table = model.input["word_vectors"]
    bilm: Any = model.get_layer("bilm")
    return of_word_vectors(
        table.shape[-1], table.dtype, bilm, name or "elmo_encoder"
    )


def _of_words(model: keras.Model, name: str | None) -> keras.Model:
    return of_words(
        model.get_layer("sentence_markers"),
        model.get_layer("word_embedding"),
        model.get_layer("bilm"),
        name or "elmo_encoder",
    )


def _of_many_langs(model: keras.Model, name: str | None) -> keras.Model:
    found = {layer.name: layer for layer in model.layers}
    words: Any = None
    if "word_embedding" in found:
        words = tuple(
            found[x]
            for x in ("word_markers", "word_embedding", "word_projection")
        )
    return of_characters_and_words(
        model.get_layer("sentence_markers"),
        model.get_layer("char_cnn"),
        words,
        model.get_layer("bilm"),
        name or "elmo_for_many_langs",
    )


def _stack(encoder: keras.Model) -> list[list[keras.layers.Layer]]:
    found: dict[str, Any] = {layer.name: layer for layer in encoder.layers}
    of_words = ("char_cnn", "word_embedding", "word_projection")
    bilm = found["bilm"]
    cells = zip(bilm.forward_cells, bilm.backward_cells, strict=True)
    return [[found[x] for x in of_words if x in found], *map(list, cells)]


def _sizes_of_characters(encoder: keras.Model) -> dict[str, Any]:
    first = next(encoder.input[x] for x in _KEYS if x in encoder.input)
    return {"max_characters": first.shape[-1]}


def _sizes_of_words(encoder: keras.Model) -> dict[str, Any]:
    # The table has one more row, for "no token".
    table = encoder.get_layer("word_embedding")
    return {"vocabulary_size": table.input_dim - 1}


def _sizes_of_many_langs(encoder: keras.Model) -> dict[str, Any]:
    markers = encoder.get_layer("sentence_markers")
    has_words = any(x.name == "word_embedding" for x in encoder.layers)
    rows = _sizes_of_words(encoder) if has_words else {"vocabulary_size": None}
    return {
        **rows,
        "characters": encoder.get_layer("char_cnn").vocabulary_size - 1,
        "begin_characters": tuple(markers.begin or ()),
        "end_characters": tuple(markers.end or ()),
    }


_KEYS = ("char_ids", "distinct_char_ids")
CHARACTERS = Family(
    "elmo",
    reads="the characters of an ELMo",
    inputs=("char_ids",),
    layers=("char_cnn", "bilm"),
    text_inputs=("ElmoInputs",),
    encoder=_of_characters,
    stack=_stack,
    sizes=_sizes_of_characters,
    token_layer="char_cnn",
    recurrent=True,
)
DISTINCT_WORDS = Family(
    "elmo_distinct",
    reads="the characters of an ELMo's distinct words",
    inputs=("distinct_char_ids", "word_ids"),
    layers=("char_cnn", "bilm"),
    text_inputs=("ElmoInputs",),
    encoder=_of_distinct_words,
    stack=_stack,
    sizes=_sizes_of_characters,
    recurrent=True,
)
WORD_VECTORS = Family(
    "elmo_word_vectors",
    reads="the vectors of an ELMo's words",
    inputs=("word_vectors", "word_ids"),
    layers=("take_words", "bilm"),
    text_inputs=(),  # of `keras_ctx.data.WordVectorCache`
    encoder=_of_word_vectors,
    stack=_stack,
    recurrent=True,
)
WORDS = Family(
    "elmo_words",
    reads="the word ids of an ELMo",
    inputs=("word_ids",),
    layers=("word_embedding", "bilm"),
    text_inputs=("WordInputs",),
    encoder=_of_words,
    stack=_stack,
    sizes=_sizes_of_words,
    recurrent=True,
)
MANY_LANGS = Family(
    "elmo_for_many_langs",
    reads="the characters of a model of ELMoForManyLangs",
    inputs=("character_ids",),
    # Three, so that this row is chosen over `elmo_words`.
    layers=("sentence_markers", "char_cnn", "bilm"),
    text_inputs=("ElmoForManyLangsInputs",),
    encoder=_of_many_langs,
    stack=_stack,
    sizes=_sizes_of_many_langs,
    recurrent=True,
)
ROWS = (CHARACTERS, DISTINCT_WORDS, WORD_VECTORS, WORDS, MANY_LANGS)
