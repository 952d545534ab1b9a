"""Which tokens are real: what a layer is told, or what Keras carries.

`Embedding(mask_zero=True)` and `Masking` attach a mask to their output, and
layers hand it on. Keras fills it in for the call arguments `mask`, where the
inputs are the only tensor, and `inputs_mask`, where there are others.
"""

import functools

import keras
from keras import ops

from keras_ctx.checks import check_axes, check_rank


def token_mask(inputs, padding_mask, *carried):
    """Booleans `(B, T)`; `None`: all tokens are real.

    Args:
        inputs: `(B, T, ...)`, or their shape.
        padding_mask: The layer's argument; it wins.
        *carried: What Keras has filled in: a mask, a list of masks for a list
            of inputs, or `None`.
    """
    if padding_mask is None:
        padding_mask = merged(carried)
    if padding_mask is None:
        return None
    check_mask(inputs, padding_mask)
    return ops.cast(padding_mask, "bool")


def needed_mask(inputs, padding_mask, carried, advice=""):
    """As `token_mask`, where a layer means nothing without a mask."""
    mask = token_mask(inputs, padding_mask, carried)
    if mask is None:
        raise ValueError(
            "`padding_mask` is needed, or `inputs` with a mask of Keras's "
            f"own, such as `Embedding(mask_zero=True)` makes.{advice} "
            "Received: padding_mask=None"
        )
    return mask


def merged(masks):
    """True where all masks of a nest are; `None` where there are none."""
    found = {id(x): x for x in keras.tree.flatten(masks) if x is not None}
    return functools.reduce(ops.logical_and, found.values()) if found else None


def check_mask(inputs, padding_mask):
    """Refuses what is no mask of these inputs; `None` passes."""
    if padding_mask is None:
        return
    check_rank(2, padding_mask=padding_mask)
    check_axes("BT", inputs=inputs, padding_mask=padding_mask)
    check_is_mask("padding_mask", "at padding", "at real tokens", padding_mask)


def check_is_mask(name: str, hidden: str, seen: str, mask) -> None:
    """Refuses numbers other than 0 and 1; in a graph all but 0 are 1."""
    if isinstance(mask, tuple | list):  # a shape
        return
    dtype = keras.backend.standardize_dtype(mask.dtype)
    wrong = dtype == "string" or dtype.startswith("complex")
    if not wrong and dtype != "bool":
        wrong = _holds_others(mask)
    if wrong:
        raise ValueError(
            f"`{name}` must hold booleans, or numbers that are 0 {hidden} and "
            f"1 {seen}. What is added to scores (0 and -10000, say) is no "
            "such mask; compare it with 0. "
            f"Received: dtype={dtype}, {mask}"
        )


def _holds_others(mask) -> bool:
    """Returns whether a number is neither 0 nor 1; in a graph nobody knows."""
    try:
        return bool(ops.any((mask != 0) & (mask != 1)))
    except TypeError:  # what TensorFlow and JAX raise while they trace
        return False
