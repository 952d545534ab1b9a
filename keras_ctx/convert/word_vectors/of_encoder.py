"""The word vectors of an encoder."""

from typing import Any

import keras
import numpy as np

from keras_ctx import models, text
from keras_ctx.convert.word_vectors.vectors import Subwords, WordVectors


def word_vectors_of(
    encoder: keras.Model, text_inputs: text.WordVectorInputs
) -> WordVectors:
    """Returns the word vectors of an encoder, to save or to query.

    Args:
        encoder: A model of `models.word_vector_encoder`, or one that contains
            it. Vectors from characters are left out.
        text_inputs: Its text inputs, which know the words.

    Returns:
        `WordVectors`, with the rows of the n-grams if the encoder has any.

    Raises:
        ValueError: The encoder is of another family, or has another number of
            words.

    Example:
        >>> from keras_ctx.convert import word_vector_encoder_from
        >>> rows = np.eye(2, dtype="float32")
        >>> made = word_vector_encoder_from(WordVectors(["a", "b"], rows))
        >>> word_vectors_of(*made).vector("b")
        array([0., 1.], dtype=float32)
    """
    family = models.family_of(encoder)
    if family.name != "word_vectors":
        raise ValueError(
            "`encoder` must be one of `word_vector_encoder`. Received: one of "
            f"the family {family.name!r}"
        )
    table: Any = models.encoder_of(encoder).get_layer("word_table")
    if table.vocabulary_size != text_inputs.vocabulary_size:
        raise ValueError(
            "`text_inputs` must have the words of `encoder`, "
            f"{table.vocabulary_size}. Received: {text_inputs.vocabulary_size}"
        )
    rows = keras.ops.convert_to_numpy(table.words.embeddings)
    subwords = None
    if table.num_buckets:
        grams = keras.ops.convert_to_numpy(table.subwords.embeddings)
        subwords = Subwords(
            text_inputs.min_ngram,
            text_inputs.max_ngram,
            np.asarray(grams[1:], np.float32),
            text_inputs.first_rules,
        )
    own = np.asarray(rows[1 + table.num_unknown :], np.float32)
    return WordVectors(text_inputs.vocabulary, own, subwords)
