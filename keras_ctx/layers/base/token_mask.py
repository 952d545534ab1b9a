"""The mask of a layer: its argument `padding_mask`, or the mask of Keras.

`Embedding(mask_zero=True)` and `Masking` attach a mask to their output, and
layers pass it on. Keras gives it to the call argument `mask` of a layer with
one input tensor, and to `inputs_mask` of a layer with several.
"""

import functools

import keras
from keras import ops

from keras_ctx.checks import check_axes, check_rank


def token_mask(inputs, padding_mask, *carried):
    """Returns booleans `(B, T)`, or `None` if all tokens are real.

    Args:
        inputs: `(B, T, ...)`, or their shape.
        padding_mask: The layer's argument; it has precedence.
        *carried: Masks from Keras: a mask, a list of masks for a list of
            inputs, or `None`.
    """
    if padding_mask is None:
        padding_mask = merged(carried)
    if padding_mask is None:
        return None
    check_mask(inputs, padding_mask)
    return ops.cast(padding_mask, "bool")


def needed_mask(inputs, padding_mask, carried, advice=""):
    """Returns the mask as `token_mask` does, and refuses a missing one."""
    mask = token_mask(inputs, padding_mask, carried)
    if mask is None:
        raise ValueError(
            "`padding_mask` is required, or `inputs` with a Keras mask, such "
            f"as the output of `Embedding(mask_zero=True)`.{advice} "
            "Received: padding_mask=None"
        )
    return mask


def merged(masks):
    """Returns the logical and of nested masks; `None` if there are none."""
    found = {id(x): x for x in keras.tree.flatten(masks) if x is not None}
    return functools.reduce(ops.logical_and, found.values()) if found else None


def check_mask(inputs, padding_mask):
    """Refuses a mask that does not fit the inputs; `None` passes."""
    if padding_mask is None:
        return
    check_rank(2, padding_mask=padding_mask)
    check_axes("BT", inputs=inputs, padding_mask=padding_mask)
    check_is_mask("padding_mask", "at padding", "at real tokens", padding_mask)


def check_is_mask(name: str, hidden: str, seen: str, mask) -> None:
    """Refuses numbers other than 0 and 1; a graph takes all but 0 for 1."""
    if isinstance(mask, tuple | list):  # a shape
        return
    dtype = keras.backend.standardize_dtype(mask.dtype)
    wrong = dtype == "string" or dtype.startswith("complex")
    if not wrong and dtype != "bool":
        wrong = _holds_others(mask)
    if wrong:
        raise ValueError(
            f"`{name}` must hold booleans, or numbers that are 0 {hidden} and "
            f"1 {seen}. Convert a mask that is added to scores, such as 0 and "
            "-10000, with `mask == 0`. "
            f"Received: dtype={dtype}, {mask}"
        )


def _holds_others(mask) -> bool:
    """Returns whether a number is not 0 or 1; always `False` in a graph."""
    try:
        return bool(ops.any((mask != 0) & (mask != 1)))
    except TypeError:  # TensorFlow and JAX raise it while they trace
        return False
