"""BERT's encoder over rows of several texts."""

from collections.abc import Mapping
from typing import Any

import keras

from keras_ctx import layers
from keras_ctx.models.wiring import encoder_model, wired


def packed(
    encoder: keras.Model, max_texts: int, name: str | None = None
) -> keras.Model:
    """Builds the same encoder for rows into which several texts are packed.

    Positions restart at each text, and a token attends to the tokens of its
    own text only, so a text has the same vectors as in a row of its own. The
    layers are shared: training one model trains the other. The heads of
    `keras_ctx.models` and `bert_pretrainer` take it as any encoder, and
    have one output for each token or for each text; those that would read a
    row as one text (a span extractor, a CRF, LSTMs) refuse it. The same head
    on `encoder` has the same weights in the same order, for `set_weights`;
    `encoder_of` returns the encoder for rows of one text.

    Inputs, as `keras_ctx.data.packed_dataset` returns them: `token_ids`,
    `segment_ids` and `text_ids`, integers `(B, T)`; `text_ids` is the number
    of each token's text in its row, from 1 to N = `max_texts`, all tokens of
    a text beside each other, and 0 at padding. T may exceed the encoder's
    `max_length`, a text may not. Outputs: `layers`, `sequence` and
    `padding_mask`, as of `encoder`; `text_ids`, unchanged; and, if `encoder`
    has it, `pooled` `(B, N, D)`: text n of the row at index n - 1, and
    undefined numbers where there is no such text.

    An id outside the vocabulary, a text beyond `max_length` or ids of more
    than `max_texts` texts give NaN for the whole row in a graph, and an error
    eagerly.

    Args:
        encoder: A model of `bert_encoder`.
        max_texts: Maximum number N of texts in a row.
        name: Name of the model; `None`: that of `encoder`.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: `max_texts` is not positive, or the encoder is of another
            kind, such as an ELMo.

    Example:
        >>> import numpy as np
        >>> from keras_ctx.models import bert_encoder
        >>> model = packed(bert_encoder(9, 2, 2, 8, 16), max_texts=2)
        >>> ids = np.array([[2, 7, 3, 2, 3, 0]])
        >>> outputs = model({"token_ids": ids, "segment_ids": 0 * ids,
        ...                  "text_ids": np.array([[1, 1, 1, 2, 2, 0]])})
        >>> tuple(outputs["sequence"].shape), tuple(outputs["pooled"].shape)
        ((1, 6, 8), (1, 2, 8))

    Source:
        Krell et al. 2021, https://arxiv.org/abs/2107.02027.
    """
    found = _check(encoder)
    token_ids, segment_ids, text_ids = (
        keras.Input((None,), dtype="int32", name=key)
        for key in ("token_ids", "segment_ids", "text_ids")
    )
    padding_mask = layers.PaddingMask(name="padding_mask")(text_ids)
    position_ids, attention_mask = layers.PackedTexts(
        max_texts, name="packed_texts"
    )(text_ids)
    outputs = wired(
        *(found, token_ids, segment_ids, padding_mask),
        *(position_ids, attention_mask),
    )
    pooled = None
    if "pooler" in found:
        first = layers.TextPooling(max_texts, "cls", name="first_tokens")(
            outputs[-1], text_ids
        )
        pooled = found["pooler"](first)
    inputs = {
        "token_ids": token_ids,
        "segment_ids": segment_ids,
        "text_ids": text_ids,
    }
    return encoder_model(
        *(inputs, outputs, pooled, padding_mask),
        name=name or encoder.name,
        text_ids=text_ids,
    )


def _check(encoder: keras.Model) -> Mapping[str, Any]:
    """Returns the layers by name, and refuses what is no `bert_encoder`."""
    found = {layer.name: layer for layer in encoder.layers}
    inputs = encoder.input if isinstance(encoder.input, dict) else {}
    if not {"embeddings", "block_0"} <= set(found) or set(inputs) != {
        "token_ids",
        "segment_ids",
        "padding_mask",
    }:
        raise ValueError(
            "`encoder` must be a model of `bert_encoder`, whose attention can "
            "be held inside each text; for a task model give "
            "`encoder_of(model)`. The LSTMs of an ELMo read a row from end to "
            "end: batch its texts by length instead, with `token_counts` and "
            "`order_of_lengths` of `keras_ctx.data`. Received: "
            f"{encoder.name!r} with the inputs {sorted(inputs)}"
        )
    return found
