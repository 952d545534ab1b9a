"""One step of LSTMs with attention: the arithmetic, without a layer."""

from collections.abc import Mapping, Sequence
from typing import Any

from keras import ops

from keras_ctx.layers.recurrent.gate_order import KERAS
from keras_ctx.layers.recurrent.lstm_loop import lstm_step, recurrent_gates
from keras_ctx.layers.transformer.chunked_attention import masked_softmax


def attention_weights(h, keys, padding_mask=None):
    """Returns the attention of each h to the encoder's tokens.

    Args:
        h: `(B, T, H)`, outputs of the last LSTM.
        keys: `(B, K, H)`, of the encoder's tokens.
        padding_mask: Booleans `(B, K)`; `None`: all are real.

    Returns:
        `(B, T, K)`, 0 at padding, of the dtype of `h`; the softmax is computed
        in float32 at least.
    """
    scores = ops.matmul(h, ops.transpose(keys, (0, 2, 1)))
    if padding_mask is None:
        return ops.cast(masked_softmax(scores, None), scores.dtype)
    real = ops.expand_dims(padding_mask, 1)
    shares = masked_softmax(scores, real)
    # Of a row without tokens all shares are equal.
    shares = ops.where(real, shares, ops.zeros_like(shares))
    return ops.cast(shares, scores.dtype)


def lstm_stack_step(
    gates,
    noise,
    states: Sequence[Any],
    weights: Mapping[str, Any],
    keys,
    values,
    padding_mask=None,
) -> list:
    """Computes one step of all LSTMs, and the attentional vector.

    Args:
        gates: `(B, 4H)`, the part of the first LSTM's gates that needs no
            state, without the bias.
        noise: The factors of dropout between the LSTMs and of the attentional
            vector, `(B, L * H)`, or `(B, 0)` for none.
        states: The last attentional vector, then h and c of each LSTM.
        weights: `kernels`, `(2H, 4H)` for each LSTM, of the input from below
            and of the LSTM's own last output; `biases`, `(4H,)` for each
            LSTM; and `output`, `(H, H)`.
        keys: `(B, K, H)`, whose products with h are the scores.
        values: `(B, K, H)`, whose mean, weighted by the attention, is the
            context.
        padding_mask: Booleans `(B, K)`, true = real token; `None`: all are.

    Returns:
        The next states, in the order of `states`.
    """
    below, *cells = states
    size = below.shape[-1]
    dropped = noise.shape[-1] > 0
    new = []
    layers = zip(weights["kernels"], weights["biases"], strict=True)
    for k, (kernel, bias) in enumerate(layers):
        h, c = cells[2 * k : 2 * k + 2]
        joined = ops.concatenate([below, h], axis=-1)
        z = recurrent_gates(joined, kernel, bias)
        h, c = lstm_step(
            KERAS.activated(z if k else gates + z), c, None, None, None
        )
        new += [h, c]
        below = h
        if dropped and k < len(weights["kernels"]) - 1:
            below = h * noise[:, k * size : (k + 1) * size]
    h = new[-2]
    shares = attention_weights(h[:, None], keys, padding_mask)
    context = ops.matmul(shares, values)[:, 0]
    vector = ops.tanh(context + ops.matmul(h, weights["output"]))
    if dropped:
        vector = vector * noise[:, -size:]
    return [vector, *new]
