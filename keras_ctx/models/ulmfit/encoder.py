"""AWD-LSTM, as an encoder like any other."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_ctx import layers
from keras_ctx.checks import check_at_least
from keras_ctx.models.wiring import encoder_model, equal_widths


def awd_lstm_encoder(
    vocabulary_size: int,
    embedding_dim: int = 400,
    hidden_dim: int = 1152,
    num_layers: int = 3,
    input_dropout: float = 0.25,
    hidden_dropout: float = 0.15,
    weight_dropout: float = 0.2,
    word_dropout: float = 0.02,
    tied: bool = True,
    stateful: bool = False,
    max_batch_size: int = 128,
    name: str = "awd_lstm_encoder",
) -> keras.Model:
    """Builds the AWD-LSTM of ULMFiT as a functional model.

    A table of tokens under LSTMs that read from left to right. A token sees
    itself and the tokens before it, so `pooled` is the last real token.
    `awd_lstm_language_model` predicts the next token.

    Inputs: `token_ids` (integers) and `padding_mask` (booleans, true = real
    token), each `(B, T)`; padding may stand before or behind the text, and
    changes nothing. Outputs: `layers`, the list of the embeddings and every
    LSTM's output, each `(B, T, D)`; `sequence` `(B, T, E)`, the last LSTM's;
    `pooled` `(B, E)`; and `padding_mask`, unchanged, for heads. Since heads
    add or join `layers`, they all have the D of the widest: the features of
    a narrower one come first, with zeros behind. E is the real width.

    Layer names: `embeddings`; `dropout_0`, `lstm_0` ... , where `dropout_k`
    is in front of `lstm_k`; `last_token`.

    Args:
        vocabulary_size: Number of tokens in the vocabulary.
        embedding_dim: Number of features of a token.
        hidden_dim: Number of features of the LSTMs but the last.
        num_layers: Number of LSTMs.
        input_dropout: Dropout rate of the embeddings, with one mask for all
            tokens of a row.
        hidden_dropout: The same between the LSTMs.
        weight_dropout: Dropout rate of the recurrent weights.
        word_dropout: Dropout rate of whole tokens of the vocabulary.
        tied: Whether the last LSTM has `embedding_dim` features, so that the
            output can use the table of the embeddings; else it has
            `hidden_dim`.
        stateful: Whether a row starts from the state in which the same row
            of the last batch ended; see `WeightDroppedLSTM`. To train on
            endless texts, `awd_lstm_stream_model` is the better way: the
            encoder stays as it is served.
        max_batch_size: Rows of that state.
        name: Name of the model.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: A size is not positive or a rate is outside [0, 1).

    Example:
        >>> import numpy as np
        >>> encoder = awd_lstm_encoder(100, embedding_dim=8, hidden_dim=12)
        >>> ids = np.array([[2, 7, 3]])
        >>> outputs = encoder({"token_ids": ids, "padding_mask": ids > 0})
        >>> tuple(outputs["pooled"].shape), outputs["layers"][0].shape[-1]
        ((1, 8), 12)

    Source:
        Merity et al. 2018, https://arxiv.org/abs/1708.02182; Howard and Ruder
        2018, https://arxiv.org/abs/1801.06146. The default sizes and rates
        are those of fastai 2 for a language model; `awd_lstm_with_dropout`
        returns a copy with the rates for a classifier.

    Differs:
        awd-lstm-lm and fastai carry the state from batch to batch.
    """
    check_at_least(1, num_layers=num_layers)
    stack: list[Any] = [
        layers.WordDropoutEmbedding(
            vocabulary_size, embedding_dim, word_dropout, name="embeddings"
        )
    ]
    for k in range(num_layers):
        last = k == num_layers - 1
        stack += [
            layers.LockedDropout(
                hidden_dropout if k else input_dropout, name=f"dropout_{k}"
            ),
            layers.WeightDroppedLSTM(
                embedding_dim if last and tied else hidden_dim,
                weight_dropout,
                stateful=stateful,
                max_batch_size=max_batch_size,
                name=f"lstm_{k}",
            ),
        ]
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    padding_mask = keras.Input((None,), dtype="bool", name="padding_mask")
    outputs = stack_outputs(stack, token_ids, padding_mask)
    return of_outputs(outputs, token_ids, padding_mask, name)


def stack_outputs(stack: Sequence[Any], token_ids, padding_mask) -> list:
    """Calls the embeddings, and pairs of a dropout and an LSTM.

    Returns:
        The embeddings' and every LSTM's output.
    """
    embeddings, *others = stack
    outputs = [embeddings(token_ids)]
    for dropout, lstm in zip(others[::2], others[1::2], strict=True):
        x = dropout(outputs[-1])
        outputs.append(lstm(x, padding_mask=padding_mask))
    return outputs


def of_outputs(
    outputs: list, token_ids, padding_mask, name: str, kept=None
) -> keras.Model:
    """Builds the encoder from its inputs and the outputs of its layers.

    `kept` is the mask of the outputs, `None` if it is that of the inputs.
    """
    kept = padding_mask if kept is None else kept
    pooled = layers.Pooling("last", name="last_token")(outputs[-1], kept)
    return encoder_model(
        {"token_ids": token_ids, "padding_mask": padding_mask},
        equal_widths(outputs),
        *(pooled, kept, name),
        sequence=outputs[-1],
    )
