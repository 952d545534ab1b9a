"""The encoder inside a model that was made to train it."""

import keras

from keras_ctx.models.elmo.views import distinct_words
from keras_ctx.models.elmo.wiring import (
    of_characters,
    of_characters_and_words,
    of_words,
)


def encoder_of(model: keras.Model, name: str | None = None) -> keras.Model:
    """The encoder inside a language or task model, such as one that was loaded.

    Args:
        model: A model of `elmo_language_model`, of `bert_pretrainer`, or with
            a head of `keras_ctx.models`.
        name: Name of the encoder; None for that of its kind, such as
            `elmo_encoder`.

    Returns:
        A `keras.Model`, as of `elmo_encoder`, `elmo_word_encoder`,
        `elmo_for_many_langs` or `bert_encoder`; the layers are shared. A BERT
        under a head that does not read `pooled` has lost its pooler, and gives
        none.

    Raises:
        ValueError: a model of another kind.

    Example:
        >>> from keras_ctx.models import bert_pretrainer, bert_tiny
        >>> sorted(encoder_of(bert_pretrainer(bert_tiny(100))).output)
        ['layers', 'padding_mask', 'pooled', 'sequence']
    """
    # Under a head it is a layer of its own, cut to what the head reads.
    inside = [x for x in model.layers if isinstance(x, keras.Model)]
    if len(inside) == 1:
        model = inside[0]
        name = name or model.name
    if "token_ids" in model.input:
        return _bert(model, name or "bert_encoder")
    if "character_ids" in model.input:
        words = None
        if "word_ids" in model.input:
            words = (
                model.get_layer("word_markers"),
                model.get_layer("word_embedding"),
                model.get_layer("word_projection"),
            )
        return of_characters_and_words(
            model.get_layer("sentence_markers"),
            model.get_layer("char_cnn"),
            words,
            model.get_layer("bilm"),
            name or "elmo_for_many_langs",
        )
    for key in ("char_ids", "distinct_char_ids"):
        if key in model.input:
            encoder = of_characters(
                model.input[key].shape[-1],
                model.get_layer("char_cnn"),
                model.get_layer("bilm"),
                name or "elmo_encoder",
            )
            return encoder if key == "char_ids" else distinct_words(encoder)
    if "word_ids" in model.input:
        return of_words(
            model.get_layer("sentence_markers"),
            model.get_layer("word_embedding"),
            model.get_layer("bilm"),
            name or "elmo_encoder",
        )
    raise ValueError(
        "`model` must be one of `elmo_language_model` or `bert_pretrainer`, or "
        "have a head of `keras_ctx.models`. "
        f"Received: a model with the inputs {sorted(model.input)}"
    )


def _bert(model: keras.Model, name: str) -> keras.Model:
    found = {layer.name: layer for layer in model.layers}
    outputs = [found["embeddings"].output]  # of its first call, forwards
    while f"block_{len(outputs) - 1}" in found:
        outputs.append(found[f"block_{len(outputs) - 1}"].output)
    if "final_norm" in found:
        outputs[-1] = found["final_norm"].output
    inputs = {
        key: model.input[key]
        for key in ("token_ids", "segment_ids", "padding_mask")
    }
    pooled = {"pooled": found["pooler"].output} if "pooler" in found else {}
    return keras.Model(
        inputs,
        {
            "sequence": outputs[-1],
            "layers": outputs,
            **pooled,
            "padding_mask": inputs["padding_mask"],
        },
        name=name,
    )
