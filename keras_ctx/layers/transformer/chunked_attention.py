"""Exact attention of long rows, in memory that grows with T, not with T^2."""

import keras
from keras import ops

from keras_ctx.layers.base.dropout import DrawnSeed, noise_like
from keras_ctx.layers.transformer.activations import softmax

PLAIN_LENGTH = 512
"""Most tokens of a row that is one chunk."""
CHUNK = 128
"""Queries of a chunk of longer rows: their scores exist at the same time."""
_FAR = 1640531527  # 2^32 / golden ratio, negated: sets seeds of chunks apart


def chunked_attention(query, key, value, mask, rate=0.0, seed=None):
    """Computes attention for a few queries at a time, each with all its keys.

    The softmax of a query needs its own scores alone, so the result is that
    of all queries at once. Backpropagation computes the scores again, and
    drops what was dropped.

    Args:
        query: `(B, T, H, D / H)`, scaled.
        key: `(B, T, H, D / H)`.
        value: `(B, T, H, D / H)`.
        mask: Booleans `(B or 1, T or 1, T)`, true where the query (second
            axis) may attend to the key (third axis), or `None`.
        rate: Dropout rate of the scores.
        seed: A `DrawnSeed`; `None`: no dropout.

    Returns:
        `(B, T, H, D / H)`.

    Source:
        Rabe and Staats 2021, https://arxiv.org/abs/2112.05682; there keys
        are in chunks, too.
    """
    batch, length, heads, size = ops.shape(query)
    chunk = _chunk_of(length)
    count = (length + chunk - 1) // chunk
    rest = count * chunk - length
    x = ops.pad(query, [(0, 0), (0, rest), (0, 0), (0, 0)])
    x = ops.reshape(x, (batch, count, chunk, heads, size))
    x = ops.transpose(x, (1, 0, 3, 2, 4))  # (chunks, B, H, chunk, D / H)
    key, value = (ops.transpose(y, (0, 2, 1, 3)) for y in (key, value))
    x = _attend(x, key, value, _mask_of(mask, chunk), _noise_of(rate, seed))
    x = ops.transpose(x, (1, 0, 3, 2, 4))
    x = ops.reshape(x, (batch, count * chunk, heads, size))
    return x[:, :length]


def _chunk_of(length):
    """Returns the queries of a chunk, a tensor if the length is one."""
    if not isinstance(length, int):
        whole = ops.maximum(length, 1)
        return ops.where(length > PLAIN_LENGTH, CHUNK, whole)
    return CHUNK if length > PLAIN_LENGTH else max(length, 1)


def masked_softmax(scores, mask):
    """Computes the softmax of `(B, H, T, T)` in float32, or in float64.

    A query that sees no key attends to all equally.
    """
    if keras.backend.standardize_dtype(scores.dtype) != "float64":
        scores = ops.cast(scores, "float32")
    if mask is not None:
        scores = ops.where(mask, scores, ops.cast(-1e9, scores.dtype))
    return softmax(scores)


def _attend(queries, key, value, mask_of, noise_of):
    """Runs the chunks one after the other: `(chunks, B, H, chunk, D / H)`.

    A result takes the place of its queries. So each chunk waits for the one
    before, beside which TensorFlow would otherwise run it.
    """
    count, dtype = ops.shape(queries)[0], queries.dtype

    def scores_of(i, query, key):
        scores = ops.einsum("bhqd,bhkd->bhqk", query, key)
        return masked_softmax(scores, mask_of(i))

    @ops.custom_gradient
    def run(queries, key, value):
        def forward(i, outputs):
            query = ops.take(outputs, i, axis=0)
            weights = ops.cast(scores_of(i, query, key), dtype)
            weights = _times(weights, noise_of(i, weights))
            return _put(outputs, i, ops.matmul(weights, value))

        def gradient(*upstream):
            d_outputs = upstream[0]

            def backward(i, sums):
                d_queries, d_key, d_value = sums
                query = ops.take(d_queries, i, axis=0)
                d_output = ops.take(d_outputs, i, axis=0)
                scores = scores_of(i, query, key)
                weights = ops.cast(scores, dtype)
                noise = noise_of(i, weights)
                d_value += _over_queries(_times(weights, noise), d_output)
                d = ops.einsum("bhqd,bhkd->bhqk", d_output, value)
                d = ops.cast(_times(d, noise), scores.dtype)
                d = scores * (d - ops.sum(d * scores, axis=-1, keepdims=True))
                mask = mask_of(i)
                if mask is not None:
                    d = ops.where(mask, d, ops.zeros_like(d))
                d = ops.cast(d, dtype)
                d_key += _over_queries(d, query)
                d_queries = _put(d_queries, i, ops.matmul(d, key))
                return d_queries, d_key, d_value

            zeros = ops.zeros_like(_sum_dtype(key))
            d_queries, d_key, d_value = ops.fori_loop(
                0, count, backward, (queries, zeros, zeros)
            )
            return d_queries, ops.cast(d_key, dtype), ops.cast(d_value, dtype)

        return ops.fori_loop(0, count, forward, queries), gradient

    return run(queries, key, value)


def _mask_of(mask, chunk):
    """Returns the function from a chunk's index to its mask, or to `None`."""

    def of_chunk(i):
        if mask is None or mask.shape[1] == 1:
            rows = mask
        else:
            # The queries that fill up the last chunk may see anything; the
            # size may be 1, though that is known only when it runs.
            places = i * chunk + ops.arange(chunk)
            last = ops.shape(mask)[1] - 1
            rows = ops.take(mask, ops.minimum(places, last), axis=1)
        return None if rows is None else ops.expand_dims(rows, 1)

    return of_chunk


def _noise_of(rate, seed):
    """Returns the function from a chunk's index to its dropout, or `None`."""

    def of_chunk(i, weights):
        if seed is None:
            return None
        step = ops.cast(i, seed.seed.dtype) * _FAR
        apart = ops.stack([step, ops.zeros_like(step)])
        return noise_like(weights, rate, DrawnSeed(seed.seed + apart))

    return of_chunk


def _times(x, noise):
    return x if noise is None else x * noise


def _over_queries(weights, x):
    """Sums `x` by weights of `(B, H, chunk, T)`, in float32 or float64."""
    return _sum_dtype(ops.einsum("bhqk,bhqd->bhkd", weights, x))


def _sum_dtype(x):
    """Casts half precision to float32, in which many chunks are summed."""
    if keras.backend.standardize_dtype(x.dtype) == "float64":
        return x
    return ops.cast(x, "float32")


def _put(x, i, chunk):
    """Replaces `x[i]`."""
    return ops.scatter_update(x, ops.reshape(i, (1, 1)), chunk[None])
