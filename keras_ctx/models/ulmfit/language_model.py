"""The language models that train an AWD-LSTM and score texts."""

from collections.abc import Mapping
from typing import Any

import keras

from keras_ctx import layers
from keras_ctx.checks import check_at_least, check_rate
from keras_ctx.models.family import family_of
from keras_ctx.models.ulmfit.encoder import stack_outputs
from keras_ctx.models.ulmfit.family import AWD_LSTM, lstms_of


def awd_lstm_language_model(
    encoder: keras.Model,
    output_dropout: float = 0.1,
    activation_penalty: float = 2.0,
    change_penalty: float = 1.0,
    output_bias: bool = True,
    tied: bool = True,
    name: str = "awd_lstm_language_model",
) -> keras.Model:
    """Builds an AWD-LSTM with the logits of each next token.

    The layers are shared: training this model trains `encoder`. In training
    the loss of `fit` has two penalties in it, on large outputs of the last
    LSTM and on quick changes of them; see `layers.ActivationPenalty`. The
    loss of `evaluate` and of validation has not, and neither has a metric of
    `next_token`: give these as perplexities.

    Inputs: those of the encoder. Output: `next_token` `(B, T, V)`, the logits
    of the token after each position. For training, give the tokens as targets
    one position earlier, and weight 0 to the last position and to padding.

    Layer names in addition to the encoder's: `output_dropout`,
    `activation_penalty`, and `output_bias`, or without `tied` `output`.

    Args:
        encoder: A model of `awd_lstm_encoder`.
        output_dropout: Dropout rate of the last LSTM's output, with one mask
            for all tokens of a row.
        activation_penalty: Weight of the mean square of the outputs after
            dropout (AR).
        change_penalty: Weight of the mean square of the change from token to
            token, before dropout (TAR).
        output_bias: Whether the logits have a bias.
        tied: Whether the output uses the table of the embeddings; else it has
            a kernel of its own.
        name: Name of the model.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: `encoder` is of another kind, an argument is out of range,
            or with `tied` the last LSTM has another number of features than
            the embeddings.

    Example:
        >>> from keras_ctx.models import awd_lstm_encoder
        >>> model = awd_lstm_language_model(awd_lstm_encoder(100, 8, 12))
        >>> model.output["next_token"].shape
        (None, None, 100)

    Source:
        Merity et al. 2018, https://arxiv.org/abs/1708.02182, section 4;
        the tied output: Inan et al. 2017, https://arxiv.org/abs/1611.01462.
    """
    check_rate(output_dropout=output_dropout)
    _check_family(encoder, "encoder")
    embeddings: Any = encoder.get_layer("embeddings")
    width = encoder.output["sequence"].shape[-1]
    if tied and width != embeddings.hidden_dim:
        raise ValueError(
            "`tied` needs a last LSTM with as many features as the "
            "embeddings. Build the encoder with `tied=True`, or give "
            f"`tied=False` here, too. Received: {width} and "
            f"{embeddings.hidden_dim} features"
        )
    output: dict[str, Any] = {
        "output_dropout": layers.LockedDropout(
            output_dropout, name="output_dropout"
        ),
        "embeddings": embeddings,
    }
    if activation_penalty or change_penalty:
        output["activation_penalty"] = layers.ActivationPenalty(
            activation_penalty, change_penalty, name="activation_penalty"
        )
    if not tied:
        bound = width**-0.5
        output["output"] = keras.layers.Dense(
            embeddings.vocabulary_size,
            use_bias=output_bias,
            kernel_initializer=keras.initializers.RandomUniform(-bound, bound),
            name="output",
        )
    elif output_bias:
        output["output_bias"] = layers.VocabularyBias(name="output_bias")
    logits = _logits(
        output, encoder.output["sequence"], encoder.output["padding_mask"]
    )
    return keras.Model(encoder.input, {"next_token": logits}, name=name)


def awd_lstm_stream_model(
    language_model: keras.Model,
    batch_size: int,
    name: str = "awd_lstm_stream_model",
) -> keras.Model:
    """Builds a language model that reads endless texts in windows.

    Row k of a batch continues row k of the previous batch: states are
    carried, gradients stop at the window (truncated backpropagation). The
    layers are those of `language_model`: training this model trains
    `language_model` and its encoder, which themselves keep no state.

    Inputs and output are those of `language_model`; a window has no padding,
    except behind a text that ends.

    Layer names are those of `language_model`, with `stream_lstm_0` ...
    instead of `lstm_0` ... . Their `reset_state()` resets the states.

    Args:
        language_model: A model of `awd_lstm_language_model`.
        batch_size: Largest B.
        name: Name of the model.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: `language_model` is of another kind, or `batch_size` is
            not positive.

    Example:
        >>> from keras_ctx.models import awd_lstm_encoder
        >>> model = awd_lstm_language_model(awd_lstm_encoder(100, 8, 12))
        >>> stream = awd_lstm_stream_model(model, batch_size=4)
        >>> tuple(stream.get_layer("stream_lstm_0").states[0].shape)
        (4, 12)

    Source:
        Merity et al. 2018; salesforce/awd-lstm-lm.
    """
    check_at_least(1, batch_size=batch_size)
    _check_family(language_model, "language_model")
    found: dict[str, Any] = {x.name: x for x in language_model.layers}
    if "output_dropout" not in found:
        raise ValueError(
            "`language_model` must be one of `awd_lstm_language_model`. "
            f"Received: {language_model.name!r} with the outputs "
            f"{sorted(language_model.output)}"
        )
    stack: list[Any] = [found["embeddings"]]
    for lstm in lstms_of(language_model):
        stack += [
            found[lstm.name.replace("lstm", "dropout")],
            lstm.carrying_state(batch_size, f"stream_{lstm.name}"),
        ]
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    padding_mask = keras.Input((None,), dtype="bool", name="padding_mask")
    last = stack_outputs(stack, token_ids, padding_mask)[-1]
    return keras.Model(
        {"token_ids": token_ids, "padding_mask": padding_mask},
        {"next_token": _logits(found, last, padding_mask)},
        name=name,
    )


def _check_family(model: keras.Model, argument: str) -> None:
    family = family_of(model)
    if family is not AWD_LSTM:
        raise ValueError(
            f"`{argument}` must be a model of `awd_lstm_encoder`, or a "
            "language model on one; `causal_language_model` is for a GPT. "
            f"Received: {model.name!r}, which reads {family.reads}"
        )


def _logits(found: Mapping[str, Any], sequence, padding_mask):
    """Calls the layers of the output, by their names."""
    x = found["output_dropout"](sequence)
    if "activation_penalty" in found:
        x = found["activation_penalty"](sequence, x, padding_mask=padding_mask)
    if "output" in found:
        return found["output"](x)
    logits = found["embeddings"](x, reverse=True)
    if "output_bias" in found:
        return found["output_bias"](logits)
    return logits
