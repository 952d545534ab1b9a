"""The tokens of a batch as the rows of one matrix."""

from keras import ops


def by_token(function, x):
    """Applies a function of each token to `(B, T, D)` as `(B * T, D)`.

    TensorFlow fuses product, bias and activation of a matrix into one kernel,
    those of a batch of matrices it computes one after the other.
    """
    y = function(ops.reshape(x, (-1, x.shape[-1])))
    return ops.reshape(y, (*ops.shape(x)[:-1], y.shape[-1]))
