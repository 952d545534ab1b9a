"""All steps of an LSTM, with an efficient gradient for long rows."""

import keras
from keras import ops

from keras_ctx.layers.recurrent.gate_order import TENSORFLOW_1, GateOrder
from keras_ctx.layers.recurrent.recurrence import loop


def lstm_step(gates, c, projection_kernel, cell_clip, projection_clip):
    """Computes one step from its activated gates.

    Args:
        gates: As `GateOrder.activated` returns them.
        c: `(B, H)`, the last cell.
        projection_kernel: `(H, P)`; `None`: no projection.
        cell_clip: Bound on the cell; `None`: no bound.
        projection_clip: Bound on the projected output; `None`: no bound.

    Returns:
        The output `(B, P)` and the new cell `(B, H)`.
    """
    i, j, f, o = gates
    c = _clip(f * c + i * j, cell_clip)
    h = o * ops.tanh(c)
    if projection_kernel is not None:
        h = _clip(ops.matmul(h, projection_kernel), projection_clip)
    return h, c


def recurrent_gates(h, kernel, bias):
    """Returns `h U + b`: with the bias TensorFlow can fuse and pack it."""
    return ops.add(ops.matmul(h, kernel), bias)


def lstm_loop(
    inputs,
    h,
    c,
    recurrent_kernel,
    bias,
    projection_kernel=None,
    clips=(None, None),
    keep_gates=False,
    order: GateOrder = TENSORFLOW_1,
    state_gradient: bool = False,
    bptt: int | None = None,
):
    """Runs all steps; work that needs no state is done outside of the loop.

    Automatic differentiation of a loop adds a weight gradient to a sum in
    each step, which costs more than the arithmetic. Here the backward loop
    only computes the gradients of the gates; the gradients of the weights are
    one product over all steps. The initial state is a constant unless
    `state_gradient`: truncated backpropagation.

    Args:
        inputs: `(B, T, 4H)`, the part of the gates that needs no state,
            without the bias.
        h: `(B, P)`, the output before the first step.
        c: `(B, H)`, the cell before the first step.
        recurrent_kernel: `(P, 4H)`.
        bias: `(4H,)`.
        projection_kernel: `(H, P)`; `None`: no projection.
        clips: `(cell_clip, projection_clip)`.
        keep_gates: Whether to keep the gates for backpropagation, which takes
            memory, or to compute them again, which takes time.
        order: The order of the gates in the columns.
        state_gradient: Whether `h`, `c` and the returned cells have gradients.
        bptt: Number of steps after which no gradient passes to the steps
            before; `None`: it passes through all.

    Returns:
        Outputs `(B, T, P)` and cells `(B, T, H)`.
    """
    size, cells = h.shape[-1], c.shape[-1]
    # On PyTorch `ops.custom_gradient` supports only one output.
    as_one = keras.backend.backend() == "torch"

    def forward(inputs, recurrent, bias, projection, h, c):
        def step(x, states):
            h, c = states
            gates = order.activated(x + recurrent_gates(h, recurrent, bias))
            h, c = lstm_step(gates, c, projection, *clips)
            kept = gates if keep_gates else ()
            return ops.concatenate([h, c, *kept], axis=-1), [h, c]

        steps = loop(step, inputs, [h, c])
        return ops.split(steps, [size, size + cells], axis=-1)

    def backward(weights, first, run, d_hs, d_cs):
        (inputs, recurrent, bias, projection), (h, c) = weights, first
        hs, cs, gates = run
        hs_before, cs_before = _shifted(hs, h), _shifted(cs, c)
        if keep_gates:
            i, j, f, o = ops.split(gates, 4, axis=-1)
        else:
            i, j, f, o = order.activated(
                inputs + recurrent_gates(hs_before, recurrent, bias)
            )
        squashed = ops.tanh(cs)
        # Local derivatives: of the cell and the output by z (four factors), of
        # the output by the cell, of the cell by the previous cell, and of the
        # clip. They do not depend on the loop, so they are computed before it.
        factors = [
            i * (1 - i) * j,
            i * (1 - j * j),
            f * (1 - f) * cs_before,
            o * (1 - o) * squashed,
            o * (1 - squashed * squashed),
            f,
        ]
        clipped = clips[0] is not None
        factors += [_inside(cs, clips[0])] if clipped else []
        factors += [d_cs] if state_gradient else []
        factors += [] if bptt is None else [_passes(d_hs, bptt)]
        h_inside = None
        if projection is not None:
            h_inside = _inside(hs, clips[1])
            factors.append(h_inside)
        widths = [size, *(x.shape[-1] for x in factors)]
        ends = [sum(widths[: k + 1]) for k in range(len(widths) - 1)]
        # Transposed once, not in every step.
        recurrent_back = ops.transpose(recurrent)
        projection_back = None
        if projection is not None:
            projection_back = ops.transpose(projection)

        def step(x, states):
            d_h, d_c = states
            d_h_t, *local = ops.split(x, ends, axis=-1)
            of_i, of_j, of_f, of_o, to_c, f, *others = local
            d_h = d_h + d_h_t
            if projection is not None:
                d_h = ops.matmul(d_h * others[-1], projection_back)
            d_c = d_c + d_h * to_c
            if state_gradient:
                d_c = d_c + others[1 if clipped else 0]
            if clipped:
                d_c = d_c * others[0]
            d_z = order.joined(d_c * of_i, d_c * of_j, d_c * of_f, d_h * of_o)
            d_h, d_c = ops.matmul(d_z, recurrent_back), d_c * f
            if bptt is not None:
                passes = others[-1 if projection is None else -2]
                d_h, d_c = d_h * passes, d_c * passes
            of_c = [d_c] if state_gradient else []
            return ops.concatenate([d_h, d_z, *of_c], axis=-1), [d_h, d_c]

        steps = loop(
            step,
            ops.concatenate([d_hs, *factors], axis=-1),
            [ops.zeros_like(h), ops.zeros_like(c)],
            reverse=True,
        )
        d_hs_before, d_zs, *of_cs = ops.split(
            steps,
            [size, size + 4 * cells][: 2 if state_gradient else 1],
            axis=-1,
        )
        gradients = [
            d_zs,
            _weight_gradient(hs_before, d_zs),
            ops.sum(d_zs, axis=(0, 1)),
        ]
        if projection is not None:
            from_later = ops.pad(d_hs_before[:, 1:], ((0, 0), (0, 1), (0, 0)))
            d_hs = (d_hs + from_later) * h_inside
            gradients.append(_weight_gradient(o * squashed, d_hs))
        if state_gradient:
            gradients += [d_hs_before[:, 0], of_cs[0][:, 0]]
        return gradients

    first = [h, c]

    @ops.custom_gradient
    def run(inputs, recurrent, bias, *others):
        projection = others[0] if projection_kernel is not None else None
        h, c = others[-2:] if state_gradient else first
        weights = (inputs, recurrent, bias, projection)
        hs, cs, gates = forward(*weights, h, c)

        def gradient(*upstreams, upstream=None):
            # TensorFlow passes two arguments, JAX one pair.
            pair = upstreams[0] if len(upstreams) == 1 else upstreams
            if upstream is not None:  # one tensor, on PyTorch
                pair = ops.split(upstream, [size], axis=-1)
            return tuple(backward(weights, (h, c), (hs, cs, gates), *pair))

        if as_one:
            return ops.concatenate([hs, cs], axis=-1), gradient
        return (hs, cs), gradient

    arguments = [recurrent_kernel, bias]
    arguments += [] if projection_kernel is None else [projection_kernel]
    outputs = run(inputs, *arguments, *(first if state_gradient else []))
    return ops.split(outputs, [size], axis=-1) if as_one else outputs


def _shifted(steps, before):
    """Shifts `(B, T, D)` by one step: `before`, then all but the last step."""
    return ops.concatenate([before[:, None], steps[:, :-1]], axis=1)


def _passes(steps, bptt: int):
    """Returns `(B, T, 1)`: 0 at the first step of each window but the first."""
    places = ops.arange(ops.shape(steps)[1])
    stops = ops.logical_and(places > 0, ops.mod(places, bptt) == 0)
    passes = 1 - ops.cast(stops, steps.dtype)
    return ops.ones_like(steps[..., :1]) * passes[None, :, None]


def _weight_gradient(x, d_y):
    """Returns the gradient of W in `x W`, summed over steps and rows."""
    x = ops.reshape(x, (-1, x.shape[-1]))
    return ops.matmul(ops.transpose(x), ops.reshape(d_y, (-1, d_y.shape[-1])))


def _inside(x, bound):
    """Returns 1 where a value is inside the clip's bound, else 0."""
    if bound is None:
        return ops.ones_like(x)
    return ops.cast(ops.abs(x) < bound, x.dtype)


def _clip(x, bound):
    return x if bound is None else ops.clip(x, -bound, bound)
