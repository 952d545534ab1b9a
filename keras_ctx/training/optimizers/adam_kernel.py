"""The step of Adam by TensorFlow's kernel: one pass over memory, not ten."""

from typing import Any

import keras
import tensorflow as tf


def has_kernel(gradient: Any, variable: Any) -> bool:
    """Returns whether `apply_adam` can update this variable.

    A gradient may be a `tf.IndexedSlices`, which the kernel does not take.
    """
    return isinstance(gradient, tf.Tensor) and updates_by_kernel(variable)


def updates_by_kernel(variable: Any) -> bool:
    """Returns whether a kernel of TensorFlow can update this variable.

    Not on other backends, and not on a TPU, whose compiler fuses the
    arithmetic of Keras by itself.
    """
    return (
        keras.backend.backend() == "tensorflow"
        and hasattr(variable, "handle")
        and not isinstance(
            tf.distribute.get_strategy(), tf.distribute.TPUStrategy
        )
    )


def apply_adam(
    gradient: Any,
    variable: Any,
    momentum: Any,
    velocity: Any,
    learning_rate: Any,
    step: Any,
    beta_1: float,
    beta_2: float,
    epsilon: float,
) -> None:
    """Updates a variable and the moments of its gradient.

    Args:
        gradient: A tensor.
        variable: The `tf.Variable`.
        momentum: The `keras.Variable` of the mean of gradients.
        velocity: The `keras.Variable` of the mean of squared gradients.
        learning_rate: Before the bias correction.
        step: The number of this step, from 1.
        beta_1: Decay of `momentum`.
        beta_2: Decay of `velocity`.
        epsilon: Added to the root of `velocity`.

    Source:
        Kingma and Ba 2015, section 2, with the order of the last lines that
        it calls more efficient, https://arxiv.org/abs/1412.6980; the same as
        `keras.optimizers.Adam`.
    """
    dtype = variable.dtype
    first, second = (tf.cast(beta, dtype) for beta in (beta_1, beta_2))
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=momentum.value.handle,
        v=velocity.value.handle,
        beta1_power=tf.pow(first, tf.cast(step, dtype)),
        beta2_power=tf.pow(second, tf.cast(step, dtype)),
        lr=tf.cast(learning_rate, dtype),
        beta1=first,
        beta2=second,
        epsilon=tf.cast(epsilon, dtype),
        grad=tf.cast(gradient, dtype),
    )
