"""The MT-LSTM, whose outputs are CoVe."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from keras_ctx import layers
from keras_ctx.checks import check_at_least, check_rate
from keras_ctx.models.wiring import encoder_model, equal_widths


def mt_lstm_encoder(
    vocabulary_size: int,
    embedding_dim: int = 300,
    hidden_dim: int = 300,
    num_layers: int = 2,
    dropout: float = 0.2,
    layer0: bool = False,
    residual_embeddings: bool = False,
    subwords: bool = False,
    name: str = "mt_lstm_encoder",
) -> keras.Model:
    """Builds the encoder of a translator, for context vectors (CoVe).

    A table of word vectors, which is frozen, under LSTMs that read in both
    directions; a layer reads both directions of the layer below.
    `attentional_lstm_translator` adds the decoder that trains it.

    Input: `word_ids` `(B, T)`: 0 = no token, else the index of a word in the
    vocabulary, counted from 1, as `keras_ctx.text.WordInputs` and
    `WordVectorInputs` return them. With `subwords` instead `token_ids` and
    `padding_mask` (booleans, true = real token), each `(B, T)`.
    Outputs: `layers`, the list of the word vectors and every layer's output
    (forward half, backward half), zero at padding, each `(B, T, D)`, where D
    is that of the widest and narrower ones have zeros behind their features;
    `sequence` `(B, T, 2H)`, the last layer's, which is CoVe; `pooled`, the
    mean of `sequence` over the words; and `padding_mask` `(B, T)`, true =
    word.

    Layer names: `word_embedding`, or with `subwords` `token_embedding`;
    `dropout_0`, `forward_0`, `backward_0`, `layer_0` ... ; `joined` with
    `layer0` or `residual_embeddings`; `pooler`. The table begins random;
    `convert.load_cove` sets it, or
    `encoder.get_layer("word_embedding").set_weights([table])`, row 0 for "no
    token".

    Args:
        vocabulary_size: Number V of words; the table has a row more.
        embedding_dim: Number of features of a word.
        hidden_dim: Number H of features of an LSTM.
        num_layers: Number of LSTMs in each direction.
        dropout: Dropout rate of the input of each layer.
        layer0: Whether the outputs of the layers below the last come first
            in `sequence`.
        residual_embeddings: Whether the word vectors come first in
            `sequence`. `encoder_of` a model whose head reads `layers`
            instead of `sequence` has neither of both options.
        subwords: Whether it reads subwords instead of words. The table then
            has V rows and is trained.
        name: Name of the model.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: A size is not positive, or `dropout` is outside [0, 1).

    Example:
        >>> import numpy as np
        >>> encoder = mt_lstm_encoder(100, embedding_dim=6, hidden_dim=4)
        >>> outputs = encoder({"word_ids": np.array([[7, 8, 0]])})
        >>> tuple(outputs["sequence"].shape), len(outputs["layers"])
        ((1, 3, 8), 3)

    Source:
        McCann et al. 2017, https://arxiv.org/abs/1708.00107; the names of the
        options are those of https://github.com/salesforce/cove.
    """
    check_at_least(
        1,
        vocabulary_size=vocabulary_size,
        embedding_dim=embedding_dim,
        num_layers=num_layers,
    )
    check_rate(dropout=dropout)
    inputs, x, padding_mask = _embedded(
        vocabulary_size, embedding_dim, subwords
    )
    outputs = [ops.where(ops.expand_dims(padding_mask, -1), x, 0)]
    for k in range(num_layers):
        x = layers.EncoderDropout(dropout, name=f"dropout_{k}")(outputs[-1])
        pair = [
            layers.WeightDroppedLSTM(
                hidden_dim,
                reverse=direction == "backward",
                return_state=True,  # a decoder begins with it
                uniform_bound=0.1,
                name=f"{direction}_{k}",
            )(x, padding_mask=padding_mask)[0]
            for direction in ("forward", "backward")
        ]
        outputs.append(keras.layers.Concatenate(name=f"layer_{k}")(pair))
    joined = [
        *(outputs[:1] if residual_embeddings else []),
        *(outputs[1:-1] if layer0 else []),
        outputs[-1],
    ]
    sequence = outputs[-1]
    if len(joined) > 1:
        sequence = keras.layers.Concatenate(name="joined")(joined)
    return of_outputs(inputs, padding_mask, outputs, sequence, name)


def _embedded(
    vocabulary_size: int, embedding_dim: int, subwords: bool
) -> tuple[dict[str, Any], Any, Any]:
    """Returns the inputs, the vectors of the tokens, and the mask."""
    key = "token_ids" if subwords else "word_ids"
    ids = keras.Input((None,), dtype="int32", name=key)
    if subwords:
        padding_mask = keras.Input((None,), dtype="bool", name="padding_mask")
        x = layers.WordEmbedding(
            vocabulary_size,
            embedding_dim,
            embeddings_initializer=keras.initializers.RandomUniform(-0.1, 0.1),
            name="token_embedding",
        )(ids)
        return {key: ids, "padding_mask": padding_mask}, x, padding_mask
    padding_mask = layers.PaddingMask(name="padding_mask")(ids)
    x = layers.WordEmbedding(
        vocabulary_size + 1,
        embedding_dim,
        # As large as the numbers of GloVe.
        embeddings_initializer=keras.initializers.RandomNormal(stddev=0.4),
        trainable=False,
        name="word_embedding",
    )(ids)
    return {key: ids}, x, padding_mask


def of_outputs(
    inputs: Mapping[str, Any],
    padding_mask,
    outputs: list,
    sequence: Any,
    name: str,
) -> keras.Model:
    """Builds the encoder from its inputs and the outputs of its layers."""
    pooled = layers.MaskedMean(name="pooler")(sequence, padding_mask)
    return encoder_model(
        inputs,
        equal_widths(outputs),
        *(pooled, padding_mask, name),
        sequence=sequence,
    )
