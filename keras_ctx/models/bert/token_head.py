"""BERT's head that predicts tokens with the encoder's table."""

import keras

from keras_ctx import layers
from keras_ctx.checks import check_choice
from keras_ctx.layers.transformer.activations import ACTIVATIONS


def token_logits(
    encoder: keras.Model,
    vectors: keras.KerasTensor,
    activation: str | None,
    layer_norm_epsilon: float | None,
) -> keras.KerasTensor:
    """Returns the logits `(B, M, V)` of the tokens of vectors `(B, M, D)`.

    Args:
        encoder: A model of `bert_encoder`.
        vectors: Vectors of its last layer.
        activation: Of the dense layer; `None`: the encoder's.
        layer_norm_epsilon: Of the norm after it; `None`: the encoder's.
    """
    embeddings = encoder.get_layer("embeddings")
    block = next(x for x in encoder.layers if x.name.endswith("block_0"))
    used = block.activation if activation is None else activation
    if layer_norm_epsilon is None:
        layer_norm_epsilon = block.layer_norm_epsilon
    check_choice(tuple(ACTIVATIONS), activation=used)
    x = keras.layers.Dense(
        embeddings.hidden_dim,
        activation=ACTIVATIONS[used],
        kernel_initializer=table_initializer(encoder),
        name="masked_lm_dense",
    )(vectors)
    x = keras.layers.LayerNormalization(
        epsilon=layer_norm_epsilon, name="masked_lm_norm"
    )(x)
    return layers.VocabularyBias(name="masked_lm_bias")(
        embeddings(x, reverse=True)
    )


def table_initializer(encoder: keras.Model) -> keras.initializers.Initializer:
    """Returns the initializer of the encoder's tables, for heads."""
    start = encoder.get_layer("embeddings").initializer_range
    return keras.initializers.TruncatedNormal(stddev=start)
