"""A text classifier on any encoder."""

import keras

from keras_ctx.checks import check_at_least, check_rate
from keras_ctx.models.bidirectional import bidirectional_lstms
from keras_ctx.models.family import family_of
from keras_ctx.models.gpt.language_model import next_token_logits
from keras_ctx.models.heads.concat_pooling import Head, concat_pooled
from keras_ctx.models.heads.logits import logits_layer
from keras_ctx.models.heads.packed_texts import refuse_packed, token_mean
from keras_ctx.models.heads.task_model import task_model
from keras_ctx.models.heads.whole_rows import check_whole_rows
from keras_ctx.models.mixture import Mix


def classifier(
    encoder: keras.Model,
    num_classes: int,
    mix: Mix = "last",
    frozen: bool = False,
    dropout: float = 0.1,
    name: str = "classifier",
    language_model: bool = False,
    head: Head = "linear",
    pooled_dropout: float = 0.4,
    lstm_dim: int | None = None,
    lstm_layers: int = 2,
) -> keras.Model:
    """Builds a classifier of texts or text pairs.

    With `mix="last"` it reads the encoder's `pooled` vector, otherwise the
    mean over the real tokens of its layers, mixed or concatenated. The head
    "concat_pooling" reads more than that, with any `mix`. With `lstm_dim`, it
    reads the outputs of LSTMs on the tokens' vectors instead of these: their
    mean, with any `mix`.

    Args:
        encoder: Any encoder of `keras_ctx.models`.
        num_classes: Number N of classes.
        mix: "last"; "concat_last_4", which concatenates the last four layers;
            "scalar_mix", a `ScalarMix` over all layers; or your own
            `ScalarMix`. The output of a `ScalarMix` is layer-normalized.
        frozen: Whether the encoder is frozen: its weights are not trained
            (this sets `encoder.trainable`) and its dropout is off.
        dropout: Dropout rate of the vector that the head reads.
        name: Name of the model.
        language_model: Whether the model has a second output, `next_token`
            `(B, T, V)`, as `causal_language_model`: training both is GPT's
            fine-tuning. `without_language_model` takes it off.
        head: "linear", one dense layer; or "concat_pooling", that of ULMFiT:
            the last real token, the maximum and the mean over the real tokens
            side by side, batch norm, `pooled_dropout`, 50 features with relu,
            batch norm, `dropout`, and the dense layer.
        pooled_dropout: Dropout rate of the pooled vectors of
            "concat_pooling".
        lstm_dim: Number of features, in each direction, of bidirectional
            LSTMs between the encoder and the head, named `lstm_0` ... ;
            `None`: no LSTMs.
        lstm_layers: Number of these LSTMs.

    Returns:
        A `keras.Model` from the encoder's inputs to `{"logits": (B, N)}`; on
        an encoder of `packed` `(B, max_texts, N)`.

    Raises:
        ValueError: `num_classes` is not positive, a rate is outside
            [0, 1), `mix` is unknown, a `ScalarMix` is for another number of
            layers, "concat_last_4" has fewer than four layers, with
            `language_model` the encoder is not causal or `frozen`, `head` is
            unknown, `lstm_dim` or `lstm_layers` is not positive, or one of
            "concat_pooling" and `lstm_dim` is given on an encoder of
            `packed`.

    Example:
        >>> from keras_ctx.models import bert_tiny
        >>> classifier(bert_tiny(100), 3).output["logits"].shape
        (None, 3)

    Source:
        Devlin et al. 2019, section 4.1, and 5.3 ("concat_last_4");
        "scalar_mix": Peters et al. 2018, section 3.2; `language_model`:
        Radford et al. 2018, section 3.2; "concat_pooling": Howard and Ruder
        2018, section 3.3, with fastai's norms and rates; `lstm_dim`: Devlin
        et al. 2019, section 5.1.
    """
    check_at_least(1, num_classes=num_classes, lstm_layers=lstm_layers)
    if lstm_dim is not None:
        check_at_least(1, lstm_dim=lstm_dim)
        check_whole_rows(encoder)
        refuse_packed(encoder, "`lstm_dim`", ", or leave it out")
    check_rate(dropout=dropout, pooled_dropout=pooled_dropout)
    if language_model:
        _check_language_model(encoder, frozen)
    if head not in ("linear", "concat_pooling"):
        raise ValueError(
            '`head` must be "linear" or "concat_pooling". '
            f"Received: head={head!r}"
        )
    concat = head == "concat_pooling"
    if concat:
        refuse_packed(encoder, '`head="concat_pooling"`', "")

    def logits(outputs, sequence):
        if lstm_dim is not None:
            mask = outputs["padding_mask"]
            sequence = bidirectional_lstms(
                *(sequence, mask, lstm_dim, lstm_layers)
            )
        if concat:
            x = concat_pooled(
                *(sequence, outputs["padding_mask"], pooled_dropout)
            )
        elif mix == "last" and lstm_dim is None:
            x = outputs["pooled"]
        else:
            x = token_mean(encoder, outputs, sequence)
        x = keras.layers.Dropout(dropout, name="dropout")(x)
        found = {"logits": logits_layer(num_classes, encoder)(x)}
        if language_model:
            found["next_token"] = outputs["next_token"]
        return found

    # Computed in the encoder, so that a file has the token table once.
    more = {"next_token": next_token_logits(encoder)} if language_model else {}
    by_token = concat or lstm_dim is not None
    last = ("sequence", "padding_mask") if by_token else ("pooled",)
    return task_model(encoder, logits, last, mix, frozen, name, more)


def without_language_model(model: keras.Model) -> keras.Model:
    """Returns a classifier without the output `next_token`, to be served.

    Args:
        model: A model of `classifier`.

    Returns:
        A model with the same layers, inputs, `logits` and name, not compiled;
        `model` itself if it has no such output.

    Example:
        >>> from keras_ctx.models import gpt_encoder
        >>> encoder = gpt_encoder(100, 2, 2, 16, 32)
        >>> model = classifier(encoder, 3, language_model=True)
        >>> sorted(model.output), sorted(without_language_model(model).output)
        (['logits', 'next_token'], ['logits'])
    """
    if "next_token" not in model.output:
        return model
    logits = {"logits": model.output["logits"]}
    alone = keras.Model(model.input, logits, name=model.name)
    alone.jit_compile = model.jit_compile
    return alone


def _check_language_model(encoder: keras.Model, frozen: bool) -> None:
    family = family_of(encoder)
    if not family.causal:
        raise ValueError(
            "`language_model` needs an encoder in which a token sees only the "
            "tokens before it, such as `gpt_encoder`: another one sees the "
            f"token that it must predict. Received: one of {family.name!r}"
        )
    if frozen:
        raise ValueError(
            "`language_model` has nothing to train in a `frozen` encoder. "
            "Give one of both. Received: language_model=True, frozen=True"
        )
