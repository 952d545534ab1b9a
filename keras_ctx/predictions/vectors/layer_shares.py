"""Selects layers of an encoder to write, or a mixture of them."""

from collections.abc import Sequence

import numpy as np


def layer_shares(
    num_layers: int,
    layers: Sequence[str] = ("all",),
    mix: Sequence[float] = (),
    scale: float = 1.0,
) -> np.ndarray:
    """Returns the shares of the layers, `(written, num_layers)`.

    Args:
        num_layers: Layers of the encoder, including the embeddings.
        layers: Numbers of layers, 0 for the lowest; or "all", "last" or "mean".
        mix: Shares of all layers in one mixture, instead of `layers`.
        scale: Factor of the mixture.

    Raises:
        ValueError: A layer does not exist, the number of shares is not that of
            the layers, or a number is not finite.

    Example:
        >>> layer_shares(3, layers=["2", "0"]).tolist()
        [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
        >>> layer_shares(2, mix=[0.25, 0.75], scale=2).tolist()
        [[0.5, 1.5]]
    """
    everything = np.eye(num_layers, dtype="float32")
    layers = tuple(layers)
    if mix:
        if not np.isfinite([*mix, scale]).all():
            raise ValueError(
                "`mix` and `scale` must be finite. "
                f"Received: mix={mix}, scale={scale}"
            )
        if len(mix) != num_layers:
            raise ValueError(
                f"`mix` must have {num_layers} shares, one per layer. "
                f"Received: {mix}"
            )
        return scale * np.array([mix], "float32")
    if layers == ("mean",):
        return everything.mean(0, keepdims=True)
    if layers in (("all",), ("last",)):
        return everything[0 if layers == ("all",) else -1 :]
    numbers = [str(k) for k in range(num_layers)]
    if not layers or any(k not in numbers for k in layers):
        raise ValueError(
            '`layers` must be "all", "last", "mean", or numbers from 0 to '
            f"{num_layers - 1}. Received: {' '.join(layers)}"
        )
    return everything[[int(k) for k in layers]]
