"""A causal BERT with the head that pretrains it: the next token."""

import keras

from keras_ctx.models.bert.token_head import token_logits
from keras_ctx.models.family import family_of


def bert_causal_pretrainer(
    encoder: keras.Model,
    activation: str | None = None,
    layer_norm_epsilon: float | None = None,
    name: str = "bert_causal_pretrainer",
) -> keras.Model:
    """Builds a left-to-right encoder with BERT's head, at every position.

    BERT's ablation "LTR & No NSP": the same layers as `bert_pretrainer`, but
    each vector predicts the token after it, and there is no next sentence.
    The layers are shared: training this model trains `encoder`. It has no
    decoder with a cache, so `generation.Generator` refuses it: pretrain a
    `gpt_encoder` to write texts.

    Inputs: those of the encoder. Output: `next_token` `(B, T, V)`, the logits
    of the token after each position. For training, give the tokens as targets
    one position earlier, and weight 0 to the last one and to padding.

    Layer names in addition to the encoder's: `masked_lm_dense`,
    `masked_lm_norm`, `masked_lm_bias`.

    Args:
        encoder: A model of `bert_encoder(causal=True)`.
        activation: As of `bert_pretrainer`.
        layer_norm_epsilon: As of `bert_pretrainer`.
        name: Name of the model.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: An unknown activation, or `encoder` is of another kind.

    Example:
        >>> from keras_ctx.models import bert_tiny
        >>> model = bert_causal_pretrainer(bert_tiny(100, causal=True))
        >>> {key: x.shape for key, x in model.output.items()}
        {'next_token': (None, None, 100)}

    Source:
        Devlin et al. 2019, section 5.1.
    """
    if (family := family_of(encoder).name) != "bert_causal":
        raise ValueError(
            "`encoder` must be one of `bert_encoder(causal=True)`: one that "
            "sees the whole text would read the tokens that it has to "
            f"predict. Received: one of {family!r}"
        )
    logits = token_logits(
        *(encoder, encoder.output["sequence"], activation, layer_norm_epsilon)
    )
    return keras.Model(encoder.input, {"next_token": logits}, name=name)
