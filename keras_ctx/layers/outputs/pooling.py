"""Pools the tokens of a row, with the modes of sentence-transformers."""

from collections.abc import Sequence

import keras
from keras import ops

from keras_ctx.checks import check_at_least, check_rank
from keras_ctx.layers.base.token_mask import check_mask, needed_mask

MODES = ("cls", "max", "mean", "mean_sqrt_len", "weighted_mean", "last")


@keras.saving.register_keras_serializable(package="keras_ctx")
class Pooling(keras.layers.Layer):
    """Pools the real tokens of each row into one vector, in one or more modes.

    The results of several modes are concatenated, always in this order,
    whatever the order of `modes`:

    * `"cls"`: the first token.
    * `"max"`: the maximum of each feature.
    * `"mean"`: the mean.
    * `"mean_sqrt_len"`: the sum divided by the square root of the number of
      tokens.
    * `"weighted_mean"`: the mean with weight k for the k-th real token of the
      row.
    * `"last"`: the last real token.

    Sums are computed in float32. A row without tokens gives zeros.

    Args:
        modes: One mode or several.
        num_skipped: Number of tokens at the start of each row that are not
            pooled: `[CLS]` and a prompt. `"cls"` still takes the first token,
            and `"weighted_mean"` counts the positions of all tokens.

    Call arguments:
        inputs: `(B, T, D)`.
        padding_mask: Booleans `(B, T)`, true = real token. `None`: the Keras
            mask of `inputs`.

    Returns:
        `(B, D * number of modes)`.

    Raises:
        ValueError: `modes` is empty, or holds an unknown or repeated mode;
            `num_skipped` is negative; `inputs` has another rank, the mask has
            another shape, or there is no mask.

    Masking:
        No mask is passed on: the output has no tokens.

    Example:
        >>> import numpy as np
        >>> x = np.array([[[1.0], [3.0], [9.0]]])
        >>> is_real = np.array([[True, True, False]])
        >>> np.asarray(Pooling(("mean", "max"))(x, is_real))
        array([[3., 2.]], dtype=float32)

    Source:
        Reimers and Gurevych 2019, section 3,
        https://arxiv.org/abs/1908.10084; `Pooling` of sentence-transformers.
        "weighted_mean": Muennighoff 2022, https://arxiv.org/abs/2202.08904.
    """

    def __init__(
        self,
        modes: str | Sequence[str] = "mean",
        num_skipped: int = 0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.modes = check_modes(modes=modes)
        check_at_least(0, num_skipped=num_skipped)
        self.num_skipped = num_skipped

    def compute_mask(self, inputs, previous_mask):
        return None

    def call(self, inputs, padding_mask=None, mask=None):
        check_rank(3, inputs=inputs)
        mask = needed_mask(inputs, padding_mask, mask)
        dtype = keras.backend.standardize_dtype(inputs.dtype)
        if not keras.backend.is_float_dtype(dtype):
            dtype = self.compute_dtype
        x = ops.cast(inputs, "float64" if dtype == "float64" else "float32")
        # One more token of padding, since a batch may have none.
        x = ops.pad(x, [[0, 0], [0, 1], [0, 0]])
        mask = ops.pad(mask, [[0, 0], [0, 1]])
        # Index of each real token, from 0: padding may be anywhere.
        places = ops.cumsum(ops.cast(mask, "int32"), axis=1) - 1
        pooled = ops.logical_and(mask, places >= self.num_skipped)
        found = [
            _pool(mode, x, mask if mode == "cls" else pooled, places)
            for mode in self.modes
        ]
        return ops.cast(ops.concatenate(found, axis=-1), dtype)

    def compute_output_shape(self, inputs_shape, padding_mask_shape=None):
        check_rank(3, inputs=inputs_shape)
        check_mask(inputs_shape, padding_mask_shape)
        size = inputs_shape[-1]
        if size is not None:
            size *= len(self.modes)
        return (inputs_shape[0], size)

    def get_config(self):
        return {
            **super().get_config(),
            "modes": list(self.modes),
            "num_skipped": self.num_skipped,
        }


def check_modes(**arguments: str | Sequence[str]) -> tuple[str, ...]:
    """Returns the modes in the order of `MODES`, and refuses unknown ones."""
    ((name, modes),) = arguments.items()
    given = (modes,) if isinstance(modes, str) else tuple(modes)
    if not given or set(given) - set(MODES) or len(set(given)) < len(given):
        raise ValueError(
            f"`{name}` must be one or several of "
            f"{', '.join(map(repr, MODES))}, each once. "
            f"Received: {name}={modes!r}"
        )
    return tuple(mode for mode in MODES if mode in given)


def _pool(mode: str, x, mask, places):
    """Returns `(B, D)` for x `(B, T, D)`, mask and places `(B, T)`."""
    real = ops.expand_dims(mask, -1)
    # `where`, not a product: the values at padding may be NaN.
    kept = ops.where(real, x, ops.zeros_like(x))
    any_real = ops.any(real, axis=1)
    if mode == "max":
        lowest = -float("inf")
        highest = ops.where(real, x, ops.full_like(x, lowest))
        # `initial` allows a batch without rows.
        highest = ops.max(highest, axis=1, initial=lowest)
        return ops.where(any_real, highest, ops.zeros_like(highest))
    numbers = ops.cast(mask, x.dtype)
    if mode == "cls":
        weights = numbers * ops.cast(places == 0, x.dtype)
    elif mode == "last":
        # Padding after it has the same index, but is masked.
        weights = numbers * ops.cast(places == places[:, -1:], x.dtype)
    else:
        if mode == "weighted_mean":
            numbers = numbers * ops.cast(places + 1, x.dtype)
        total = ops.maximum(ops.sum(numbers, axis=1, keepdims=True), 1)
        if mode == "mean_sqrt_len":
            total = ops.sqrt(total)
        weights = numbers / total
    return ops.sum(kept * ops.expand_dims(weights, -1), axis=1)
