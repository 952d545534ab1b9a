"""AWD-LSTM for documents of any length, as an encoder like any other."""

from typing import Any

import keras

from keras_ctx import layers
from keras_ctx.checks import check_at_least
from keras_ctx.models.family import Family
from keras_ctx.models.ulmfit.encoder import of_outputs, stack_outputs
from keras_ctx.models.ulmfit.family import AWD_LSTM, lstms_of


def awd_lstm_document_encoder(
    encoder: keras.Model,
    bptt: int = 70,
    num_windows: int = 20,
    name: str = "awd_lstm_document_encoder",
) -> keras.Model:
    """Copies an AWD-LSTM as an encoder of documents in constant memory.

    For classifiers: a document of any length is read from a zero state, and
    the outputs are those of its last windows; see `layers.DocumentLSTM`. For a
    document that fits into these windows, the outputs are those of `encoder`,
    but gradients stop between windows.

    Inputs: those of `encoder`. Outputs: `layers`, `sequence`, `pooled` and
    `padding_mask`, as those of `encoder`, but with K tokens instead of T: the
    last ones of each row, where K is the smaller of T and `bptt *
    num_windows`. So a tagger or a span extractor on it is refused.
    `encoder_of` a classifier on it is an `awd_lstm_encoder` that shares its
    weights.

    Layer names: `documents`, a `layers.DocumentLSTM`; `last_token`.

    Args:
        encoder: A model of `awd_lstm_encoder`, without carried states.
        bptt: Number of tokens of a window.
        num_windows: Number of windows at the end of a document whose outputs
            a head reads, and through which gradients pass; 20 of 70 tokens
            are ULMFiT's 1,400.
        name: Name of the model.

    Returns:
        A `keras.Model` with weights of its own, and the dropout rates of
        `encoder`.

    Raises:
        ValueError: `encoder` is of another kind or carries states, or a
            number is not positive.

    Example:
        >>> from keras_ctx.models import awd_lstm_encoder, classifier
        >>> encoder = awd_lstm_document_encoder(awd_lstm_encoder(100, 8, 12))
        >>> model = classifier(encoder, 2, head="concat_pooling")
        >>> model.output["logits"].shape
        (None, 2)

    Source:
        Howard and Ruder 2018, section 3.3, https://arxiv.org/abs/1801.06146.
    """
    check_at_least(1, bptt=bptt, num_windows=num_windows)
    lstms = lstms_of(encoder)
    if not AWD_LSTM.fits(encoder) or lstms[0].stateful:
        raise ValueError(
            "`encoder` must be a model of `awd_lstm_encoder` without carried "
            f"states. Received: {encoder.name!r} with the layers "
            f"{[layer.name for layer in encoder.layers]}"
        )
    embeddings: Any = encoder.get_layer("embeddings")
    dropouts: list[Any] = [
        encoder.get_layer(f"dropout_{k}") for k in range(len(lstms))
    ]
    reader = layers.DocumentLSTM(
        *(embeddings.vocabulary_size, embeddings.hidden_dim),
        [lstm.hidden_dim for lstm in lstms],
        input_dropout=dropouts[0].rate,
        hidden_dropout=dropouts[-1].rate if dropouts[1:] else 0.0,
        weight_dropout=lstms[0].weight_dropout,
        word_dropout=embeddings.word_dropout,
        bptt=bptt,
        num_windows=num_windows,
        dtype=embeddings.dtype_policy,
        name="documents",
    )
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    padding_mask = keras.Input((None,), dtype="bool", name="padding_mask")
    *outputs, kept = reader(token_ids, padding_mask)
    _copy_weights([embeddings, *lstms], [reader.embeddings, *reader.lstms])
    return of_outputs(outputs, token_ids, padding_mask, name, kept)


def _copy_weights(sources: list[Any], targets: list[Any]) -> None:
    for source, target in zip(sources, targets, strict=True):
        target.set_weights(source.get_weights())


def _encoder(model: keras.Model, name: str | None) -> keras.Model:
    """Returns an encoder of the same weights with all tokens, for any head."""
    reader: Any = model.get_layer("documents")
    stack: list[Any] = [reader.embeddings]
    for dropout, lstm in zip(reader.dropouts, reader.lstms, strict=True):
        stack += [dropout, lstm.of_whole_rows(lstm.name)]
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    padding_mask = keras.Input((None,), dtype="bool", name="padding_mask")
    outputs = stack_outputs(stack, token_ids, padding_mask)
    encoder = of_outputs(
        outputs, token_ids, padding_mask, name or "awd_lstm_encoder"
    )
    if not (model.trainable and reader.trainable):
        encoder.trainable = False
    return encoder


def _stack(encoder: keras.Model) -> list[list[keras.layers.Layer]]:
    reader: Any = encoder.get_layer("documents")
    return [[reader.embeddings], *([x] for x in reader.lstms)]


AWD_LSTM_DOCUMENTS = Family(
    "awd_lstm_documents",
    reads=AWD_LSTM.reads,
    inputs=AWD_LSTM.inputs,
    layers=("documents",),
    text_inputs=AWD_LSTM.text_inputs,
    encoder=_encoder,
    stack=_stack,
    sizes=lambda encoder: {
        "vocabulary_size": encoder.get_layer("documents").vocabulary_size
    },
)
