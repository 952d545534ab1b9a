"""Checks of constructor arguments, with the same words everywhere."""

import math


def check_positive_int(**arguments: object) -> None:
    """Refuse anything but an integer of at least 1."""
    for name, value in arguments.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(
                f"`{name}` must be an integer of at least 1. "
                f"Received: {name}={value!r}"
            )


def check_non_negative_int(**arguments: object) -> None:
    """Refuse anything but an integer of at least 0."""
    for name, value in arguments.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ValueError(
                f"`{name}` must be an integer of at least 0. "
                f"Received: {name}={value!r}"
            )


def check_rate(**arguments: float) -> None:
    """Refuse a dropout rate outside `[0, 1)`."""
    for name, value in arguments.items():
        if not 0 <= value < 1:
            raise ValueError(
                f"`{name}` must be a rate of at least 0 and below 1. "
                f"Received: {name}={value!r}"
            )


def check_positive(**arguments: float | None) -> None:
    """Refuse a number that is not finite and above 0; `None` passes."""
    for name, value in arguments.items():
        if value is not None and not (value > 0 and math.isfinite(value)):
            raise ValueError(
                f"`{name}` must be a number above 0. Received: {name}={value!r}"
            )


def check_choice(choices: tuple[str, ...], **arguments: object) -> None:
    """Refuse a value that is not one of `choices`."""
    for name, value in arguments.items():
        if value not in choices:
            raise ValueError(
                f"`{name}` must be one of {', '.join(map(repr, choices))}. "
                f"Received: {name}={value!r}"
            )


def check_rank(rank: int, **tensors) -> None:
    """Refuse a tensor of another number of axes; `None` passes."""
    for name, tensor in tensors.items():
        if tensor is not None and len(tensor.shape) != rank:
            raise ValueError(
                f"`{name}` must have {rank} axes. "
                f"Received: shape={tuple(tensor.shape)}"
            )
