"""The few operations that differ between the backends of Keras."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

BACKEND = keras.backend.backend()


def compiled(layer: keras.layers.Layer, call: Callable[..., Any]) -> Callable:
    """Compiles `call`, which runs `layer` on a dict of arrays, by XLA."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return tf.function(call, jit_compile=True)
    import jax

    trainable, rest = _values(layer)

    @jax.jit
    def pure(trainable, rest, arrays):
        with _scope(layer, trainable, rest):
            return call(arrays)

    return lambda arrays: pure(trainable, rest, arrays)


def quickest(layer: keras.layers.Layer, call: Callable[..., Any]) -> Callable:
    """Compiles `call` on JAX, where eager calls of a new shape are slow."""
    return compiled(layer, call) if BACKEND == "jax" else call


def gradients(
    layer: keras.layers.Layer, loss: Callable[[], Any]
) -> dict[str, np.ndarray | None]:
    """Returns the gradient of each trainable weight, by its path."""
    weights = layer.trainable_weights
    if BACKEND == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            value = loss()
        found = tape.gradient(value, [w.value for w in weights])
        # Keras's optimizers fail on sparse gradients with repeated ids.
        assert not any(isinstance(g, tf.IndexedSlices) for g in found)
        found = [None if g is None else np.asarray(g) for g in found]
    elif BACKEND == "torch":
        layer.zero_grad()
        loss().backward()
        found = [w.value.grad for w in weights]
        found = [None if g is None else g.numpy() for g in found]
    else:
        import jax

        trainable, rest = _values(layer)

        def pure(trainable):
            with _scope(layer, trainable, rest):
                return loss()

        found = [np.asarray(g) for g in jax.jit(jax.grad(pure))(trainable)]
    return {w.path: g for w, g in zip(weights, found, strict=True)}


def _values(layer):
    return (
        [w.value for w in layer.trainable_variables],
        [w.value for w in layer.non_trainable_variables],
    )


def _scope(layer, trainable, rest):
    variables = [*layer.trainable_variables, *layer.non_trainable_variables]
    return keras.StatelessScope(
        state_mapping=list(zip(variables, [*trainable, *rest], strict=True))
    )
