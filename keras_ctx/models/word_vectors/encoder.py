"""Static word vectors, as an encoder like any other."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from keras_ctx import layers
from keras_ctx.checks import check_at_least
from keras_ctx.models.wiring import encoder_model


def word_vector_encoder(
    vocabulary_size: int,
    hidden_dim: int,
    num_unknown: int = 1,
    num_buckets: int = 0,
    char_filters: Sequence[tuple[int, int]] = (),
    char_output_dim: int = 50,
    char_dim: int = 16,
    num_highways: int = 2,
    max_characters: int = 50,
    trainable: bool = True,
    name: str = "word_vector_encoder",
) -> keras.Model:
    """Builds an encoder of word vectors as a functional model.

    It has one layer, without context: the vector of a word is its row in a
    table. With `num_buckets` it is the mean of this row and of those of the
    word's character n-grams, as in fastText, and a word outside the vocabulary
    has its n-grams only. With `char_filters` the vector that a character CNN
    computes from the word's bytes is joined to it.

    Inputs: `word_ids` `(B, T)`: 0 = no token, then `num_unknown` ids for
    unknown words, then the words, as `keras_ctx.text.WordVectorInputs` returns
    them; with `num_buckets` also `subword_ids` `(B, T, S)`, and with
    `char_filters` `char_ids` `(B, T, C)`. Outputs: `layers`, a list of that
    one layer, `(B, T, D)`; `sequence`, the same; `pooled` `(B, D)`, its mean
    over the words; and `padding_mask` `(B, T)`, true = word.

    Layer names: `word_table`, `char_cnn`, `pooler`.

    Args:
        vocabulary_size: Number of words.
        hidden_dim: Number of features of a row.
        num_unknown: Number of rows for unknown words.
        num_buckets: Number of rows for character n-grams; 0: none.
        char_filters: Pairs (width, count) of character convolutions; empty
            for none.
        char_output_dim: Features of the vector from characters; D is
            `hidden_dim + char_output_dim` then.
        char_dim: Number of features of a character.
        num_highways: Number of highway layers of the character CNN.
        max_characters: Number C of characters of a word.
        trainable: Whether the table is trained. Frozen, a word that is not in
            the training texts stays comparable to those that are.
        name: Name of the model.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: The layers refuse an argument.

    Example:
        >>> import numpy as np
        >>> encoder = word_vector_encoder(100, 8, num_buckets=20)
        >>> words = np.array([[7, 1]])
        >>> grams = np.array([[[20, 3], [4, 0]]])
        >>> outputs = encoder({"word_ids": words, "subword_ids": grams})
        >>> [tuple(layer.shape) for layer in outputs["layers"]]
        [(1, 2, 8)]

    Source:
        Mikolov et al. 2013, https://arxiv.org/abs/1301.3781; Pennington et
        al. 2014, https://aclanthology.org/D14-1162; Bojanowski et al. 2017,
        https://aclanthology.org/Q17-1010.
    """
    check_at_least(1, hidden_dim=hidden_dim)  # `output_dim` below
    inputs = {"word_ids": keras.Input((None,), dtype="int32", name="word_ids")}
    found: dict[str, Any] = {
        "word_table": layers.WordTable(
            vocabulary_size,
            hidden_dim,
            num_unknown,
            num_buckets,
            trainable=trainable,
            name="word_table",
        )
    }
    if num_buckets:
        inputs["subword_ids"] = keras.Input(
            (None, None), dtype="int32", name="subword_ids"
        )
    if char_filters:
        found["char_cnn"] = layers.CharCNNHighway(
            char_filters,
            char_output_dim,
            char_dim,
            num_highways,
            name="char_cnn",
        )
        inputs["char_ids"] = keras.Input(
            (None, max_characters), dtype="int32", name="char_ids"
        )
    return wired_table(found, inputs, name)


def wired_table(
    found: Mapping[str, Any], inputs: Mapping[str, Any], name: str
) -> keras.Model:
    """Builds an encoder from the layers `word_table` and `char_cnn`.

    Args:
        found: Layers by name.
        inputs: Inputs by name, those that the layers read.
        name: Name of the model.
    """
    word_ids = inputs["word_ids"]
    x = found["word_table"](word_ids, inputs.get("subword_ids"))
    if "char_ids" in inputs:
        x = ops.concatenate([x, found["char_cnn"](inputs["char_ids"])], axis=-1)
    padding_mask = layers.PaddingMask(name="padding_mask")(word_ids)
    pooled = layers.MaskedMean(name="pooler")(x, padding_mask)
    return encoder_model(inputs, [x], pooled, padding_mask, name)
