"""Derives how much rounding may change a model's answers.

The order of a model's computations depends on where it runs: alone or in a
graph that fuses its ops, on one core or on many. This module derives the
resulting differences for each output of each model; errors of weights are
larger.

1.  *Backward error.* An inner product of n products, `x . w`, computed with
    the unit roundoff u (2**-24 in float32), is the exact one for other
    weights: `x . (w + dw)` with `|dw| <= g |w|`. In the worst case g is n u. If
    rounding errors have random signs, g is about sqrt(n) u (Higham and Mary
    2019). The functions between two kernels (softmax, norms, gelu) are accurate
    to a few units in the last place: 4 u more. So each kernel has
    `g = u (4 + sqrt(n))`, where n is the number of inputs of one of its
    outputs, or, if greater, the positions of a row, over which attention, means
    and loops sum. A table counts as a kernel, since it may be used as one; a
    bias or the scale of a norm sums nothing, so its n is 1. Half precision
    rounds each result to its u, 2**-8 or 2**-11, and sums in float32: g is 4 u.

2.  *Condition.* How much the answers change with the weights depends on depth,
    magnitudes, norms and cancellation. It is measured: the model runs again
    with every number of every weight moved by +g or -g of its size, at random.
    One such answer is a random draw of the effect of all roundings; e is the
    largest change of an output over all requests and `DRAWS` draws.

3.  *Bound.* `4 e + 8 u |x|` for an answer x: four times the largest of several
    draws of a sum of many independent parts is not reached by chance, and 8 u
    covers the roundings of the last op.

An error of 1e-3 in one kernel is 1e-3/g, about 500, times the move made here,
but in one kernel instead of all L, whose moves add up as sqrt(L). This leaves a
factor of 10 and more, including the factor of four above.

Source: N. J. Higham and T. Mary, A new approach to probabilistic rounding
error analysis, SIAM J. Sci. Comput. 41(5), 2019, theorem 2.4 and section 3;
backward errors of inner products: N. J. Higham, Accuracy and Stability of
Numerical Algorithms, 2nd edition, 2002, section 3.1.
"""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from keras_ctx.serving.output_kinds.bound import FLOAT32_ROUNDOFF
from keras_ctx.serving.signatures.sublayers import all_layers
from keras_ctx.serving.weights.quantized import reduced_axes

Values = Sequence[tuple[keras.Variable, tf.Tensor]]

DRAWS = 2
_FUNCTIONS = 4.0
_ROUNDOFFS = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float64": 2.0**-53}


def unit_roundoff(model: keras.Model) -> float:
    """Returns the unit roundoff of the coarsest dtype of `model`."""
    kinds = {layer.compute_dtype for layer in all_layers(model)}
    found = max(_ROUNDOFFS.get(str(kind), FLOAT32_ROUNDOFF) for kind in kinds)
    tf32 = tf.config.experimental.tensor_float_32_execution_enabled()
    if tf32 and tf.config.list_physical_devices("GPU"):
        # With TF32, float32 kernels are multiplied with 11 bits.
        return max(found, _ROUNDOFFS["float16"])
    return found


def moved_weights(
    values: Values, roundoff: float, positions: int, draw: int
) -> Values:
    """Returns weights with every number moved up or down.

    Args:
        values: The weights and their values.
        roundoff: See `unit_roundoff`.
        positions: Most positions of a row.
        draw: Number of the draw.
    """
    moved = []
    for place, (weight, value) in enumerate(values):
        if not value.dtype.is_floating:
            moved.append((weight, value))
            continue
        size = roundoff * (_FUNCTIONS + _terms(weight, roundoff, positions))
        signs = tf.random.stateless_uniform(
            tf.shape(value), (draw, place), 0, 2, tf.int32
        )
        step = tf.cast(2 * signs - 1, value.dtype) * tf.cast(size, value.dtype)
        moved.append((weight, value + value * step))
    return moved


def _terms(weight: keras.Variable, roundoff: float, positions: int) -> float:
    """Returns the square root of the number of terms in a sum."""
    if roundoff > FLOAT32_ROUNDOFF:
        return 0.0
    if len(weight.shape) < 2 or weight.name == "bias":
        return 1.0
    sizes = [weight.shape[axis] for axis in reduced_axes(weight)]
    return max(int(np.prod(sizes)), positions) ** 0.5
