"""The layers of a BERT encoder, called again on other inputs."""

from collections.abc import Mapping
from typing import Any


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
