"""Loads AWD-LSTM from the arrays of fastai and awd-lstm-lm."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import keras

from keras_ctx import models
from keras_ctx.convert.files.torch_lstm_file import open_torch_lstm
from keras_ctx.convert.files.weight_table import Weight, differences, fill
from keras_ctx.convert.ulmfit.arrays import Arrays, read_arrays


def load_awd_lstm(
    path: str | Path,
    input_dropout: float = 0.25,
    hidden_dropout: float = 0.15,
    weight_dropout: float = 0.2,
    word_dropout: float = 0.02,
    name: str = "awd_lstm_encoder",
) -> keras.Model:
    """Loads the encoder of an AWD-LSTM.

    These files are recognised by their names: language models of fastai 1, 2
    and 0.7 (`0.encoder.weight`, ...), their encoders alone (without `0.`),
    their classifiers (`0.module.encoder.weight`, ...), whose heads are not
    read, and language models of salesforce/awd-lstm-lm. All sizes are those
    of the arrays. The recurrent kernel is always `weight_hh_l0_raw`: a file
    of fastai 1 also has a copy, of which training dropped half. The two
    biases are added.

    A file of `torch.save` is never opened; `docs/howto/recurrent.md` has a
    script that writes safetensors from it.

    Args:
        path: The safetensors file.
        input_dropout: As the next rates, see `models.awd_lstm_encoder`: they
            are not in the file.
        hidden_dropout: Dropout rate between the LSTMs.
        weight_dropout: Dropout rate of the recurrent weights.
        word_dropout: Dropout rate of whole tokens.
        name: Name of the model.

    Returns:
        A trainable model of `models.awd_lstm_encoder`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is a pickle or of another kind, if an array is
            missing, unknown, of another shape or holds NaN (the message lists
            all of them), or if a copy of the token table differs from it.

    Example:
        >>> load_awd_lstm("lm.pth")
        Traceback (most recent call last):
        FileNotFoundError: ...

    Source:
        The files of https://github.com/fastai/fastai1,
        https://github.com/fastai/fastai and
        https://github.com/salesforce/awd-lstm-lm.
    """
    with _open(path) as arrays:
        weights = arrays.encoder_weights()
        _check(arrays, [*weights, *arrays.output_weights()])
        encoder = _encoder(
            *(arrays, input_dropout, hidden_dropout),
            *(weight_dropout, word_dropout, name),
        )
        fill(weights, arrays.file, encoder)
    return encoder


def load_awd_lstm_language_model(
    path: str | Path,
    input_dropout: float = 0.25,
    hidden_dropout: float = 0.15,
    weight_dropout: float = 0.2,
    word_dropout: float = 0.02,
    output_dropout: float = 0.1,
    activation_penalty: float = 2.0,
    change_penalty: float = 1.0,
    name: str = "awd_lstm_language_model",
) -> keras.Model:
    """Loads an AWD-LSTM with its output, to train it on or to score texts.

    Args:
        path: The safetensors file of a language model; see `load_awd_lstm`.
        input_dropout: As the next rates, see `models.awd_lstm_encoder`.
        hidden_dropout: Dropout rate between the LSTMs.
        weight_dropout: Dropout rate of the recurrent weights.
        word_dropout: Dropout rate of whole tokens.
        output_dropout: As the next two, see `models.awd_lstm_language_model`.
        activation_penalty: Weight of the penalty on large outputs.
        change_penalty: Weight of the penalty on quick changes.
        name: Name of the model.

    Returns:
        A model of `models.awd_lstm_language_model`. Its output is the table
        of the embeddings if the last LSTM has as many features; without a
        bias in the file (fastai 0.7) it has none.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: As for `load_awd_lstm`, or if the file has no output.

    Example:
        >>> load_awd_lstm_language_model("lm.safetensors")
        Traceback (most recent call last):
        FileNotFoundError: ...

    Source:
        As of `load_awd_lstm`.
    """
    with _open(path) as arrays:
        if arrays.decoder is None:
            raise ValueError(
                "`path` must be a language model, with `1.decoder.weight` or "
                "`decoder.weight`. Load the encoder alone with "
                "`load_awd_lstm`. Received: "
                f"{arrays.file.said}, which has no such array"
            )
        weights = arrays.encoder_weights()
        _check(arrays, [*weights, *arrays.output_weights()])
        encoder = _encoder(
            *(arrays, input_dropout, hidden_dropout),
            *(weight_dropout, word_dropout, "awd_lstm_encoder"),
        )
        model = models.awd_lstm_language_model(
            *(encoder, output_dropout, activation_penalty, change_penalty),
            *(arrays.has_bias, arrays.tied, name),
        )
        fill(weights, arrays.file, encoder)
        fill(arrays.output_weights(), arrays.file, model)
    return model


@contextmanager
def _open(path: str | Path) -> Iterator[Arrays]:
    with ExitStack() as stack:
        yield read_arrays(open_torch_lstm(Path(path), stack))


def _check(arrays: Arrays, weights: list[Weight]) -> None:
    """Refuses arrays that do not belong together."""
    found = differences(
        *(weights, arrays.file, "the other arrays require", arrays.is_weight)
    )
    if found:
        lines = [
            f"`path` must have the arrays of one AWD-LSTM. Received: "
            f"{arrays.file.said}",
            *found,
        ]
        raise ValueError("\n".join(lines))
    arrays.check_copies()


def _encoder(
    arrays: Arrays,
    input_dropout: float,
    hidden_dropout: float,
    weight_dropout: float,
    word_dropout: float,
    name: str,
) -> keras.Model:
    return models.awd_lstm_encoder(
        *(arrays.vocabulary_size, arrays.embedding_dim),
        *(arrays.widths[0], len(arrays.widths)),
        *(input_dropout, hidden_dropout, weight_dropout, word_dropout),
        tied=arrays.tied,
        name=name,
    )
