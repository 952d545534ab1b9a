"""The model around the layers of an encoder, and BERT's layers called again."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops


def wired(
    found: Mapping[str, Any],
    token_ids,
    segment_ids,
    padding_mask,
    position_ids=None,
    attention_mask=None,
) -> list:
    """Calls an encoder's embeddings and blocks, and its final norm.

    Args:
        found: Layers by name, as `bert_encoder` names them.
        token_ids: As `segment_ids` and `padding_mask`, `(B, T)`.
        position_ids: `(B, T)`; `None` counts the tokens of each row.
        attention_mask: `(B, T, T)`; `None` hides padding only.

    Returns:
        L + 1 tensors `(B, T, D)`, lowest layer first.
    """
    x = found["embeddings"](token_ids, segment_ids, position_ids=position_ids)
    outputs = [x]
    while block := found.get(f"block_{len(outputs) - 1}"):
        x = block(x, padding_mask=padding_mask, attention_mask=attention_mask)
        outputs.append(x)
    if "final_norm" in found:
        outputs[-1] = found["final_norm"](x)
    return outputs


def encoder_model(
    inputs: Mapping[str, Any],
    outputs: list,
    pooled,
    padding_mask,
    name: str,
    **others,
) -> keras.Model:
    """Builds the model of an encoder from its inputs and its layers' outputs.

    Args:
        inputs: Inputs by name.
        outputs: L + 1 tensors `(B, T, D)`, lowest layer first.
        pooled: The output `pooled`, `None` without a pooler.
        padding_mask: `(B, T)`.
        name: Name of the model.
        **others: Further outputs, or others of these names.
    """
    return keras.Model(
        dict(inputs),
        {
            "sequence": outputs[-1],
            "layers": outputs,
            **({} if pooled is None else {"pooled": pooled}),
            "padding_mask": padding_mask,
            **others,
        },
        name=name,
    )


def equal_widths(outputs: list) -> list:
    """Returns tensors `(B, T, D)` with the D of the widest, zeros behind."""
    widest = max(x.shape[-1] for x in outputs)
    return [
        x
        if x.shape[-1] == widest
        else ops.pad(x, ((0, 0), (0, 0), (0, widest - x.shape[-1])))
        for x in outputs
    ]


def outputs_of(found: Mapping[str, Any], prefix: str = "block_") -> list:
    """Returns the outputs of an encoder's layers, lowest first.

    Args:
        found: Layers by name; the outputs are those of their first call.
        prefix: Of the blocks' names.
    """
    outputs = [found["embeddings"].output]
    while block := found.get(f"{prefix}{len(outputs) - 1}"):
        outputs.append(block.output)
    if "final_norm" in found:
        outputs[-1] = found["final_norm"].output
    return outputs


def block_stack(
    encoder: keras.Model, prefix: str = "block_"
) -> list[list[keras.layers.Layer]]:
    """Returns the layers of a Transformer, lowest first, for layer rates."""
    found = {layer.name: layer for layer in encoder.layers}
    blocks = []
    while (name := f"{prefix}{len(blocks)}") in found:
        blocks.append([found[name]])
    if "final_norm" in found:
        blocks[-1].append(found["final_norm"])
    return [[found["embeddings"]], *blocks]


def numbered_layers(found: Mapping[str, Any], prefix: str) -> list[Any]:
    """Returns the layers with this prefix and a number, lowest first."""
    numbered = []
    while layer := found.get(f"{prefix}{len(numbered)}"):
        numbered.append(layer)
    return numbered


def decoder_table(found: Mapping[str, Any]) -> Any:
    """Returns the layer of a decoder's tokens: its own, or the encoder's."""
    own = "decoder_embeddings" in found
    return found["decoder_embeddings" if own else "embeddings"]


def final_states(found: Mapping[str, Any]) -> list[Any]:
    """Returns the states in which the LSTMs of an MT-LSTM end.

    Args:
        found: Layers by name, as `mt_lstm_encoder` names them.

    Returns:
        h and c of each layer, lowest first, `(B, 2H)`: the forward half first.
    """
    states = []
    pairs = [
        [layer.output for layer in numbered_layers(found, prefix)]
        for prefix in ("forward_", "backward_")
    ]
    for forward, backward in zip(*pairs, strict=True):
        states += [
            ops.concatenate([forward[k], backward[k]], axis=-1) for k in (1, 2)
        ]
    return states
