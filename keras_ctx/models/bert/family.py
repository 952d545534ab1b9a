"""BERT's entries among the families of encoders."""

from typing import Any

import keras
from keras import ops

from keras_ctx import layers
from keras_ctx.models.bert.encoder import CAUSAL_PREFIX
from keras_ctx.models.family import Family
from keras_ctx.models.wiring import (
    block_stack,
    encoder_model,
    outputs_of,
    wired,
)


def _encoder(model: keras.Model, name: str | None) -> keras.Model:
    found: dict[str, Any] = {layer.name: layer for layer in model.layers}
    outputs = outputs_of(found)
    inputs = {
        key: model.input[key]
        for key in ("token_ids", "segment_ids", "padding_mask")
    }
    pooled = found["pooler"].output if "pooler" in found else None
    return encoder_model(
        *(inputs, outputs, pooled, inputs["padding_mask"]),
        name=name or "bert_encoder",
    )


def _causal(model: keras.Model, name: str | None) -> keras.Model:
    found: dict[str, Any] = {layer.name: layer for layer in model.layers}
    outputs = outputs_of(found, CAUSAL_PREFIX)
    inputs = {key: model.input[key] for key in BERT_CAUSAL.inputs}
    padding_mask = inputs["padding_mask"]
    pooled = layers.Pooling("last", name="last_token")(
        outputs[-1], padding_mask
    )
    return encoder_model(
        inputs, outputs, pooled, padding_mask, name or "bert_encoder"
    )


def _unpacked(model: keras.Model, name: str | None) -> keras.Model:
    """Returns the encoder for rows of one text, from one of `packed`."""
    found = {layer.name: layer for layer in model.layers}
    token_ids, segment_ids = (
        keras.Input((None,), dtype="int32", name=key)
        for key in ("token_ids", "segment_ids")
    )
    padding_mask = keras.Input((None,), dtype="bool", name="padding_mask")
    outputs = wired(found, token_ids, segment_ids, padding_mask)
    pooled = None
    if "pooler" in found:
        pooled = found["pooler"](ops.sum(outputs[-1][:, :1], axis=1))
    inputs = {
        "token_ids": token_ids,
        "segment_ids": segment_ids,
        "padding_mask": padding_mask,
    }
    return encoder_model(
        inputs, outputs, pooled, padding_mask, name or "bert_encoder"
    )


def _sizes(encoder: keras.Model) -> dict[str, Any]:
    embeddings = encoder.get_layer("embeddings")
    return {
        "vocabulary_size": embeddings.vocabulary_size,
        "num_segments": embeddings.num_segments,
        "positions": embeddings.max_length,
    }


BERT = Family(
    "bert",
    reads="the token ids of a BERT",
    inputs=("token_ids", "segment_ids", "padding_mask"),
    layers=("embeddings", "block_0"),
    text_inputs=("BertInputs",),
    encoder=_encoder,
    stack=block_stack,
    sizes=_sizes,
    position_table="TokenAndSegmentEmbedding",
)

BERT_CAUSAL = Family(
    "bert_causal",
    reads="the token ids of a BERT that reads from left to right",
    inputs=("token_ids", "segment_ids", "padding_mask"),
    layers=("embeddings", f"{CAUSAL_PREFIX}0"),
    text_inputs=("BertInputs",),
    encoder=_causal,
    stack=lambda encoder: block_stack(encoder, CAUSAL_PREFIX),
    sizes=_sizes,
    position_table="TokenAndSegmentEmbedding",
    causal=True,
)

# No text inputs return rows of several texts: `data.packed_dataset` does.
BERT_PACKED = Family(
    "bert_packed",
    reads="the token ids of texts packed for a BERT",
    inputs=("token_ids", "segment_ids", "text_ids"),
    layers=("embeddings", "block_0", "packed_texts"),
    text_inputs=(),
    encoder=_unpacked,
    stack=block_stack,
    sizes=_sizes,
    position_table="TokenAndSegmentEmbedding",
)
