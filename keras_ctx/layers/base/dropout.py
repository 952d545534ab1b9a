"""Dropout with 16 random bits a number."""

import keras
from keras import ops

_LEVELS = 2**16


class DrawnSeed(keras.random.SeedGenerator):
    """A seed that was drawn before: each use draws the same numbers.

    What is computed again in backpropagation must drop what was dropped.

    Args:
        seed: As `SeedGenerator.next` returns it.
    """

    def __init__(self, seed):
        self.seed = seed  # no variable: it is not drawn from

    def next(self, ordered=True):
        return self.seed


def drawn_seed(layer: keras.layers.Dropout, training) -> DrawnSeed | None:
    """Draws the seed of the next call of `drop`; `None`: it draws nothing."""
    if not training or layer.rate == 0:
        return None
    return DrawnSeed(layer.seed_generator.next())


def drop(layer: keras.layers.Dropout, x, training, seed=None):
    """Applies a dropout layer with half of the random numbers.

    Keras draws a float for each number, which takes longer than some of the
    products between dropouts. Here one draw of 32 bits serves two numbers. The
    rate is rounded to a multiple of 2^-16, also in bfloat16, where Keras rounds
    it to a multiple of 2^-7.

    Args:
        layer: Has the rate and the seed; its noise has the shape of `x`.
        x: Floats; the last axis is dropped in pairs.
        training: Whether to drop.
        seed: A `DrawnSeed`; `None`: the layer's next.

    Source:
        Srivastava et al. 2014, section 4,
        https://jmlr.org/papers/v15/srivastava14a.html, scaled in training.
    """
    if not training or layer.rate == 0:
        return x
    return x * noise_like(x, layer.rate, seed or layer.seed_generator)


def noise_like(x, rate: float, seed: keras.random.SeedGenerator):
    """Draws the factors of dropout, of the shape and dtype of x."""
    dropped = max(round(rate * _LEVELS), 1)
    if dropped == _LEVELS:
        return ops.zeros_like(x)
    *shape, size = ops.shape(x)
    pairs = keras.random.randint(
        (*shape, (size + 1) // 2, 1),
        minval=-(2**31),
        maxval=2**31 - 1,
        seed=seed,
    )
    bits = ops.view(pairs, "int16")  # (..., size / 2, 2)
    bits = ops.reshape(bits, (*shape, 2 * ((size + 1) // 2)))[..., :size]
    scale = ops.cast(_LEVELS / (_LEVELS - dropped), x.dtype)
    return ops.where(
        bits >= dropped - _LEVELS // 2, scale, ops.zeros_like(scale)
    )
