"""Stores weights of a served model in fewer bits than it computes with."""

import contextlib

import keras
import numpy as np
import tensorflow as tf

# Least size of a weight: below, the saved bytes are not worth the errors.
SMALLEST = 1024
# Kernels (D, H, D/H) of attention: all axes but the first are channels.
_INTO_HEADS = ("query/kernel", "key/kernel", "value/kernel")


def stored_weights(model: keras.Model, weights: str) -> "StoredWeights | None":
    """Returns what `export` stores instead of the model's weights, if any."""
    formats = ("float32", "bfloat16", "int8")
    if weights not in formats:
        raise ValueError(
            f"`weights` must be one of {formats}, the format of the export's "
            f"weights. Received: weights={weights!r}"
        )
    return None if weights == "float32" else StoredWeights(model, weights)


class StoredWeights:
    """A model's kernels and tables in half or a quarter of their bytes.

    Weights of float32 with at least `SMALLEST` numbers are stored in new
    variables, as bfloat16, or as int8 from -127 to 127 with a scale for each
    output channel of a kernel and each row of a table, symmetric about 0.
    Biases, norms and other weights stay those of the model. The model itself is
    not changed.

    In `scope()`, in a graph or eagerly, the model computes with these values,
    converted to float32.

    Source: post-training dynamic range quantization with float activations,
    Jacob et al. 2018, section 2.1, https://arxiv.org/abs/1712.05877, with
    zero-point 0.
    """

    def __init__(self, model: keras.Model, weights: str) -> None:
        self.weights = weights
        self._kept = []
        for weight in model.weights:
            if _is_large(weight):
                value = keras.ops.convert_to_numpy(weight)
                scale = None
                if weights == "bfloat16":
                    value = value.astype("bfloat16")
                else:
                    value, scale = in_int8(value, reduced_axes(weight))
                    scale = _variable(scale, f"{weight.path}/scale")
                stored = _variable(value, f"{weight.path}/{weights}")
                self._kept.append((weight, stored, scale))
        if not self._kept:
            raise ValueError(
                "`weights` must be 'float32' for a model without a float32 "
                f"kernel or table of at least {SMALLEST} numbers: no other is "
                f"stored in fewer bits. Received: weights={weights!r}"
            )

    @property
    def variables(self) -> list[tf.Variable]:
        """All stored variables: numbers of fewer bits, and scales."""
        return [x for _, *kept in self._kept for x in kept if x is not None]

    def values(self) -> list[tuple[keras.Variable, tf.Tensor]]:
        """Returns the weights concerned, with their stored values in
        float32."""
        values = []
        for weight, stored, scale in self._kept:
            value = tf.cast(stored, tf.float32)
            values.append((weight, value if scale is None else value * scale))
        return values

    def scope(self) -> contextlib.AbstractContextManager:
        return keras.StatelessScope(self.values(), initialize_variables=False)


def in_int8(
    array: np.ndarray, axes: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Converts an array to int8, with one scale for numbers along `axes`."""
    largest = np.max(np.abs(array), axis=axes, keepdims=True)
    scale = (np.where(largest > 0, largest, 1) / 127).astype("float32")
    return np.rint(array / scale).astype("int8"), scale


def _is_large(weight: keras.Variable) -> bool:
    # By name, because a bias or an LSTM's state may have two axes, too.
    named = weight.name == "embeddings" or weight.name.endswith("kernel")
    size = int(np.prod(weight.shape))
    return named and weight.dtype == "float32" and size >= SMALLEST


def reduced_axes(weight: keras.Variable) -> tuple[int, ...]:
    if weight.name == "embeddings":
        return (1,)
    if weight.path.endswith(_INTO_HEADS):
        return (0,)
    return tuple(range(len(weight.shape) - 1))


def _variable(value: np.ndarray, name: str) -> tf.Variable:
    tensor = tf.constant(value)
    return tf.Variable(tensor, trainable=False, name=name)
