"""BERT's encoder with its two pretraining heads."""

import keras

from keras_ctx import layers
from keras_ctx.models.bert.token_head import table_initializer, token_logits


def bert_pretrainer(
    encoder: keras.Model,
    activation: str | None = None,
    layer_norm_epsilon: float | None = None,
    name: str = "bert_pretrainer",
    next_sentence: bool = True,
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
        next_sentence: Whether the model has the second head. Without it, as
            in RoBERTa, it does not read `pooled`, so the encoder that
            `encoder_of` takes out of it has no pooler.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: An unknown activation, `encoder` is causal or no BERT, or
            has no `pooled` for `next_sentence`.

    Example:
        >>> from keras_ctx.models import bert_tiny
        >>> model = bert_pretrainer(bert_tiny(100))
        >>> {key: x.shape for key, x in model.output.items()}
        {'masked_lm': (None, None, 100), 'next_sentence': (None, 2)}

    Source:
        Devlin et al. 2019, section 3.1 and appendix A.1; without
        `next_sentence`: Liu et al. 2019, https://arxiv.org/abs/1907.11692.
    """
    _check(encoder, next_sentence)
    masked_positions = keras.Input(
        (None,), dtype="int32", name="masked_positions"
    )
    vectors = layers.GatherPositions(name="masked_lm_gather")(
        encoder.output["sequence"], masked_positions
    )
    outputs = {
        "masked_lm": token_logits(
            encoder, vectors, activation, layer_norm_epsilon
        )
    }
    if next_sentence:
        outputs["next_sentence"] = keras.layers.Dense(
            2,
            kernel_initializer=table_initializer(encoder),
            name="next_sentence",
        )(encoder.output["pooled"])
    return keras.Model(
        {**encoder.input, "masked_positions": masked_positions},
        outputs,
        name=name,
    )


def _check(encoder: keras.Model, next_sentence: bool) -> None:
    found = {layer.name for layer in encoder.layers}
    if "block_0" not in found:
        raise ValueError(
            "`encoder` must be a BERT that sees the whole text; for one of "
            "`bert_encoder(causal=True)` use `bert_causal_pretrainer`. "
            f"Received: {encoder.name!r} with the layers {sorted(found)[:10]}"
        )
    if next_sentence and "pooled" not in encoder.output:
        raise ValueError(
            "`next_sentence` needs an encoder with `pooled`, which one that "
            "was trained without this task lacks. Set it to False. Received: "
            f"{encoder.name!r} with the outputs {sorted(encoder.output)}"
        )
