"""The encoder inside a model that was made to train it."""

import keras

from keras_ctx.models.elmo_wiring import of_characters, of_words


def encoder_of(model: keras.Model, name: str | None = None) -> keras.Model:
    """The encoder inside a language model, such as one that was loaded.

    Args:
        model: A model of `elmo_language_model` or of `bert_pretrainer`.
        name: Name of the encoder; None for that of its kind, such as
            `elmo_encoder`.

    Returns:
        A `keras.Model`, as of `elmo_encoder`, `elmo_word_encoder` or
        `bert_encoder`; the layers are shared.

    Raises:
        ValueError: a model of another kind.

    Example:
        >>> from keras_ctx.models import bert_pretrainer, bert_tiny
        >>> sorted(encoder_of(bert_pretrainer(bert_tiny(100))).output)
        ['layers', 'padding_mask', 'pooled', 'sequence']
    """
    if "token_ids" in model.input:
        return _bert(model, name or "bert_encoder")
    if "char_ids" in model.input:
        return of_characters(
            model.input["char_ids"].shape[-1],
            model.get_layer("char_cnn"),
            model.get_layer("bilm"),
            name or "elmo_encoder",
        )
    if "word_ids" in model.input:
        return of_words(
            model.get_layer("sentence_markers"),
            model.get_layer("word_embedding"),
            model.get_layer("bilm"),
            name or "elmo_encoder",
        )
    raise ValueError(
        "`model` must be one of `elmo_language_model` or `bert_pretrainer`. "
        f"Received: a model with the inputs {sorted(model.input)}"
    )


def _bert(pretrainer: keras.Model, name: str) -> keras.Model:
    found = {layer.name: layer for layer in pretrainer.layers}
    outputs = [found["embeddings"].output]  # of its first call, forwards
    while f"block_{len(outputs) - 1}" in found:
        outputs.append(found[f"block_{len(outputs) - 1}"].output)
    if "final_norm" in found:
        outputs[-1] = found["final_norm"].output
    inputs = {
        key: pretrainer.input[key]
        for key in ("token_ids", "segment_ids", "padding_mask")
    }
    return keras.Model(
        inputs,
        {
            "sequence": outputs[-1],
            "layers": outputs,
            "pooled": found["pooler"].output,
            "padding_mask": inputs["padding_mask"],
        },
        name=name,
    )
