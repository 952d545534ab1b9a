"""Checks of arguments, with the same messages everywhere.

A value that an argument cannot have raises a `ValueError`, as in Keras,
whether its type is wrong or it is out of range.
"""

import math
import reprlib
from numbers import Integral, Real


def check_at_least(minimum: int, **arguments: object) -> None:
    """Refuses anything but integers, also NumPy's, of at least `minimum`."""
    for name, value in arguments.items():
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise ValueError(
                f"`{name}` must be an integer of at least {minimum}. "
                f"Received: {name}={reprlib.repr(value)}"
            )
        if value < minimum:
            raise ValueError(
                f"`{name}` must be at least {minimum}. Received: {name}={value}"
            )


def check_rate(**arguments: float) -> None:
    """Refuses anything but a dropout rate in `[0, 1)`."""
    for name, value in arguments.items():
        if not isinstance(value, int | float) or not 0 <= value < 1:
            raise ValueError(
                f"`{name}` must be a rate of at least 0 and below 1. "
                f"Received: {name}={value!r}"
            )


def check_positive(**arguments: object) -> None:
    """Refuses anything but a finite number above 0; `None` passes."""
    for name, value in arguments.items():
        if value is not None and not (
            isinstance(value, Real)
            and 0 < float(value)
            and math.isfinite(value)
        ):
            raise ValueError(
                f"`{name}` must be a number above 0. Received: {name}={value!r}"
            )


def check_choice(choices: tuple[str, ...], **arguments: object) -> None:
    """Refuses a value that is not one of `choices`."""
    for name, value in arguments.items():
        if value not in choices:
            raise ValueError(
                f"`{name}` must be one of {', '.join(map(repr, choices))}. "
                f"Received: {name}={value!r}"
            )


def check_dense(**tensors) -> None:
    """Refuses ragged and sparse tensors of TensorFlow, and strings."""
    for name, tensor in tensors.items():
        kind = type(tensor).__name__
        if kind in ("RaggedTensor", "SparseTensor"):
            raise ValueError(
                f"`{name}` must be a dense tensor, with padding and a mask. "
                "Call `to_tensor()` on a ragged tensor, or "
                f"`tf.sparse.to_dense` on a sparse one. Received: a {kind}"
            )
        dtype = str(getattr(tensor, "dtype", None))
        if "string" in dtype or "complex" in dtype:
            raise ValueError(
                f"`{name}` must hold integers, floats or booleans. The text "
                "inputs of `keras_ctx.text` turn texts into ids. "
                f"Received: dtype={dtype}"
            )


def check_rank(rank: int, **tensors) -> None:
    """Refuses a tensor or a shape without `rank` axes; `None` passes."""
    check_dense(**tensors)
    for name, tensor in tensors.items():
        if tensor is not None and len(shape_of(tensor)) != rank:
            raise ValueError(
                f"`{name}` must have {rank} axes. "
                f"Received: shape={shape_of(tensor)}"
            )


def check_features(layer, weight: str, axis: int, **tensors) -> None:
    """Refuses tensors or shapes whose features a layer was not built for.

    Args:
        layer: A layer; before it is built it takes any number of features.
        weight: The attribute with a row or column for each feature.
        axis: The axis of that weight which counts the features.
        **tensors: `(..., D)`; `None` passes.
    """
    if not layer.built:
        return
    features = getattr(layer, weight).shape[axis]
    for name, tensor in tensors.items():
        if tensor is not None and shape_of(tensor)[-1] not in (None, features):
            raise ValueError(
                f"`{name}` must have {features} features on the last axis, as "
                f"{layer.name!r} had when it was built. "
                f"Received: shape={shape_of(tensor)}"
            )


def check_axes(axes: str, **tensors) -> None:
    """Refuses tensors or shapes that differ in their first axes.

    Args:
        axes: A letter for each axis.
        **tensors: The first is the one that the others must match; `None`
            passes.
    """
    check_dense(**tensors)
    (first, *_), count = tensors, len(axes)
    wanted = shape_of(tensors[first])
    for name, tensor in tensors.items():
        if tensor is not None and any(
            None not in pair and pair[0] != pair[1]
            for pair in zip(shape_of(tensor)[:count], wanted, strict=False)
        ):
            raise ValueError(
                f"`{name}` must have the same axes ({', '.join(axes)}) as "
                f"`{first}`. Received: shape={shape_of(tensor)} and "
                f"shape={wanted}"
            )


def shape_of(tensor) -> tuple:
    """Returns the shape of a tensor, or a shape as it is."""
    return tuple(getattr(tensor, "shape", tensor))
