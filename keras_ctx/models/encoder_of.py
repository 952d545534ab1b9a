"""The encoder inside a model that was made to train it."""

import keras

from keras_ctx.models.family import encoder_part, family_of


def encoder_of(model: keras.Model, name: str | None = None) -> keras.Model:
    """The encoder inside a language or task model, such as one that was loaded.

    Args:
        model: A model of `elmo_language_model`, of `bert_pretrainer`, or with
            a head of `keras_ctx.models`.
        name: Name of the encoder; None for that of its kind, such as
            `elmo_encoder`.

    Returns:
        A `keras.Model`, as of `elmo_encoder`, `elmo_word_encoder`,
        `elmo_for_many_langs` or `bert_encoder`, or of another family that is
        registered; the layers are shared. A BERT under a head that does not
        read `pooled` has lost its pooler, and gives none.

    Raises:
        ValueError: A model of another kind.

    Example:
        >>> from keras_ctx.models import bert_pretrainer, bert_tiny
        >>> sorted(encoder_of(bert_pretrainer(bert_tiny(100))).output)
        ['layers', 'padding_mask', 'pooled', 'sequence']
    """
    inner = encoder_part(model)
    if inner is not model:
        name = name or inner.name
    return family_of(inner).encoder(inner, name)
