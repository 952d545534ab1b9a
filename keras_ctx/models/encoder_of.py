"""Takes the encoder out of a language or task model."""

import keras

from keras_ctx.models.family import encoder_part, family_of


def encoder_of(model: keras.Model, name: str | None = None) -> keras.Model:
    """Returns the encoder inside a language or task model.

    Args:
        model: A model of `elmo_language_model`, of `bert_pretrainer`, or with
            a head of `keras_ctx.models`; also a loaded one.
        name: Name of the encoder; `None`: the default of its kind, such as
            `elmo_encoder`.

    Returns:
        A `keras.Model`, as from `elmo_encoder`, `elmo_word_encoder`,
        `elmo_for_many_langs` or `bert_encoder`, or of another registered
        family; the layers are shared. Of a model on an encoder of `packed` it
        is the encoder for rows of one text. A BERT under a head that does not
        read `pooled` has no pooler, so this output is missing.

    Raises:
        ValueError: The model is of another kind.

    Example:
        >>> from keras_ctx.models import bert_pretrainer, bert_tiny
        >>> sorted(encoder_of(bert_pretrainer(bert_tiny(100))).output)
        ['layers', 'padding_mask', 'pooled', 'sequence']
    """
    inner = encoder_part(model)
    if inner is not model:
        name = name or inner.name
    return family_of(inner).encoder(inner, name)
