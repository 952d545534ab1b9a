"""BERT's encoder with the heads that it is pretrained with."""

import keras

from keras_ctx import layers
from keras_ctx.checks import check_choice
from keras_ctx.layers.transformer.activations import ACTIVATIONS


def bert_pretrainer(
    encoder: keras.Model,
    activation: str | None = None,
    layer_norm_epsilon: float | None = None,
    name: str = "bert_pretrainer",
) -> keras.Model:
    """An encoder with the two heads that BERT is pretrained with.

    The masked language model computes on the masked positions only and maps
    back to the vocabulary with the encoder's own token table; the tie holds
    after saving and loading, since it is a second call of the same layer.
    The layers are shared: training this model trains `encoder`.

    Inputs are the encoder's and `masked_positions`, integers `(B, M)`. Outputs
    are logits: `masked_lm` `(B, M, V)` and `next_sentence` `(B, 2)`, where
    class 1 is "the second segment follows the first".

    Layer names beside the encoder's: `masked_lm_gather`, `masked_lm_dense`,
    `masked_lm_norm`, `masked_lm_bias`, `next_sentence`.

    Args:
        encoder: A model of `bert_encoder`.
        activation: Of the dense layer before the scores of masked words, by
            the names of `bert_encoder`; `None` for the encoder's.
        layer_norm_epsilon: Of the norm there; `None` for the encoder's.
        name: Name of the model.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: An unknown activation.

    Example:
        >>> from keras_ctx.models import bert_tiny
        >>> model = bert_pretrainer(bert_tiny(100))
        >>> {key: x.shape for key, x in model.output.items()}
        {'masked_lm': (None, None, 100), 'next_sentence': (None, 2)}

    Source:
        Devlin et al. 2019, section 3.1 and appendix A.1.
    """
    embeddings = encoder.get_layer("embeddings")
    block = encoder.get_layer("block_0")
    used = block.activation if activation is None else activation
    if layer_norm_epsilon is None:
        layer_norm_epsilon = block.layer_norm_epsilon
    check_choice(tuple(ACTIVATIONS), activation=used)
    start = embeddings.initializer_range
    masked_positions = keras.Input(
        (None,), dtype="int32", name="masked_positions"
    )
    x = layers.GatherPositions(name="masked_lm_gather")(
        encoder.output["sequence"], masked_positions
    )
    x = keras.layers.Dense(
        embeddings.hidden_dim,
        activation=ACTIVATIONS[used],
        kernel_initializer=keras.initializers.TruncatedNormal(stddev=start),
        name="masked_lm_dense",
    )(x)
    x = keras.layers.LayerNormalization(
        epsilon=layer_norm_epsilon, name="masked_lm_norm"
    )(x)
    masked_lm = layers.VocabularyBias(name="masked_lm_bias")(
        embeddings(x, reverse=True)
    )
    next_sentence = keras.layers.Dense(
        2,
        kernel_initializer=keras.initializers.TruncatedNormal(stddev=start),
        name="next_sentence",
    )(encoder.output["pooled"])
    return keras.Model(
        {**encoder.input, "masked_positions": masked_positions},
        {"masked_lm": masked_lm, "next_sentence": next_sentence},
        name=name,
    )
