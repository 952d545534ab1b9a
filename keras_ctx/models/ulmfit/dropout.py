"""Gives an AWD-LSTM other dropout rates."""

from typing import Any

import keras

from keras_ctx.checks import check_rate
from keras_ctx.models.ulmfit.family import AWD_LSTM


def awd_lstm_with_dropout(
    model: keras.Model,
    input_dropout: float = 0.4,
    hidden_dropout: float = 0.3,
    weight_dropout: float = 0.5,
    word_dropout: float = 0.05,
    output_dropout: float | None = None,
) -> keras.Model:
    """Copies an AWD-LSTM with other dropout rates, by default a classifier's.

    Args:
        model: A model of `awd_lstm_encoder` or `awd_lstm_language_model`.
        input_dropout: Dropout rate of the embeddings.
        hidden_dropout: Dropout rate between the LSTMs.
        weight_dropout: Dropout rate of the recurrent weights.
        word_dropout: Dropout rate of whole tokens of the vocabulary.
        output_dropout: Dropout rate of a language model's last output;
            `None`: it stays as it is.

    Returns:
        A `keras.Model` with weights of its own, equal to the model's.

    Raises:
        ValueError: `model` is of another kind, or a rate is outside [0, 1).

    Example:
        >>> from keras_ctx.models import awd_lstm_encoder
        >>> encoder = awd_lstm_encoder(100, embedding_dim=8, hidden_dim=12)
        >>> copy = awd_lstm_with_dropout(encoder)
        >>> encoder.get_layer("dropout_0").rate, copy.get_layer(
        ...     "dropout_0").rate
        (0.25, 0.4)

    Source:
        Howard and Ruder 2018, section 4.1, https://arxiv.org/abs/1801.06146,
        for the kinds of dropout; the default rates are those of fastai for a
        classifier.
    """
    check_rate(
        input_dropout=input_dropout,
        hidden_dropout=hidden_dropout,
        weight_dropout=weight_dropout,
        word_dropout=word_dropout,
        output_dropout=output_dropout or 0.0,
    )
    if not AWD_LSTM.fits(model):
        raise ValueError(
            "`model` must be one of `awd_lstm_encoder`, or a language model "
            f"on one. Received: {model.name!r} with the layers "
            f"{[layer.name for layer in model.layers]}"
        )
    rates = {
        "embeddings": {"word_dropout": word_dropout},
        "dropout_0": {"rate": input_dropout},
    }
    if output_dropout is not None:
        rates["output_dropout"] = {"rate": output_dropout}

    def copied(layer: keras.Operation) -> keras.Operation:
        config: dict[str, Any] = layer.get_config()
        if layer.name.startswith("lstm_"):
            config["weight_dropout"] = weight_dropout
        elif layer.name in rates:
            config |= rates[layer.name]
        elif layer.name.startswith("dropout_"):
            config["rate"] = hidden_dropout
        return type(layer).from_config(config)

    copy = keras.models.clone_model(model, clone_function=copied)
    for layer in model.layers:
        copy.get_layer(layer.name).set_weights(layer.get_weights())
    return copy
