"""BERT's encoder with its two pretraining heads."""

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
    """Builds an encoder with the two heads that pretrain BERT.

    The masked language model computes logits at the masked positions only,
    with the encoder's token table as output weights. The weights stay tied
    after saving and loading, since the head calls the same layer again. The
    layers are shared: training this model trains `encoder`.

    Inputs: those of the encoder, and `masked_positions`, integers `(B, M)`.
    Outputs: the logits `masked_lm` `(B, M, V)` and `next_sentence` `(B, 2)`,
    where class 1 is "the second segment follows the first".

    Layer names in addition to the encoder's: `masked_lm_gather`,
    `masked_lm_dense`, `masked_lm_norm`, `masked_lm_bias`, `next_sentence`.

    Args:
        encoder: A model of `bert_encoder`.
        activation: Activation of the dense layer before the logits of masked
            tokens, named as in `bert_encoder`; `None`: the encoder's.
        layer_norm_epsilon: Epsilon of the layer normalization after it;
            `None`: the encoder's.
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
