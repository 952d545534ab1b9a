"""LSTMs of PyTorch, an AWD-LSTM and an MT-LSTM, read with NumPy.

One row at a time, one step after another, in float64, from arrays with the
names of their files.
"""

import numpy as np

Arrays = dict[str, np.ndarray]
State = tuple[np.ndarray, np.ndarray]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def lstm(
    x: np.ndarray,
    w_ih: np.ndarray,
    w_hh: np.ndarray,
    bias: np.ndarray,
    state: State | None = None,
) -> tuple[np.ndarray, State]:
    """Returns the outputs `(T, H)` of a row `(T, D)`, and the last state."""
    hidden = w_hh.shape[1]
    h, c = state or (np.zeros(hidden), np.zeros(hidden))
    outputs = np.zeros((len(x), hidden))
    for t, step in enumerate(x):
        z = w_ih.astype("float64") @ step + w_hh.astype("float64") @ h + bias
        i, f, g, o = np.split(z, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs[t] = h
    return outputs, (h, c)


def awd_lstm(
    arrays: Arrays,
    ids: np.ndarray,
    states: list[State] | None = None,
) -> tuple[list[np.ndarray], list[State]]:
    """Returns all layers of a row of ids, and the last states.

    The names are those of awd-lstm-lm: `encoder.weight`,
    `rnns.0.module.weight_ih_l0`, `rnns.0.module.weight_hh_l0_raw`, ...
    """
    layers = [arrays["encoder.weight"][ids].astype("float64")]
    last = []
    while f"rnns.{len(last)}.module.weight_ih_l0" in arrays:
        k = len(last)
        name = f"rnns.{k}.module."
        y, state = lstm(
            layers[-1],
            arrays[f"{name}weight_ih_l0"],
            arrays[f"{name}weight_hh_l0_raw"],
            arrays[f"{name}bias_ih_l0"].astype("float64")
            + arrays[f"{name}bias_hh_l0"],
            states[k] if states else None,
        )
        layers.append(y)
        last.append(state)
    return layers, last


def mt_lstm(arrays: Arrays, x: np.ndarray) -> list[np.ndarray]:
    """Returns all layers of a row of word vectors `(T, D)`."""
    layers = [x.astype("float64")]
    while f"weight_ih_l{len(layers) - 1}" in arrays:
        halves = []
        for end, step in (("", 1), ("_reverse", -1)):
            name = f"l{len(layers) - 1}{end}"
            y, _ = lstm(
                layers[-1][::step],
                arrays[f"weight_ih_{name}"],
                arrays[f"weight_hh_{name}"],
                arrays[f"bias_ih_{name}"].astype("float64")
                + arrays[f"bias_hh_{name}"],
            )
            halves.append(y[::step])
        layers.append(np.concatenate(halves, axis=1))
    return layers


def attentional_decoder(
    arrays: Arrays,
    x: np.ndarray,
    encoded: np.ndarray,
    states: list[State],
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the attentional vectors `(T, H)` of a row, and the attention.

    The names are those of salesforce/cove's decoder. `x` `(T, E)` is the text,
    `encoded` `(K, D)` the encoder's tokens.
    """
    cells = list(states)
    w_in = arrays["attn.linear_in.weight"].astype("float64")
    w_out = arrays["attn.linear_out.weight"].astype("float64")
    fed = np.zeros(len(w_out))
    outputs, attention = [], []
    for step in x:
        below = np.concatenate([step, fed])
        for k in range(len(cells)):
            name = f"rnn.layers.{k}."
            y, cells[k] = lstm(
                below[None],
                arrays[f"{name}weight_ih"],
                arrays[f"{name}weight_hh"],
                arrays[f"{name}bias_ih"].astype("float64")
                + arrays[f"{name}bias_hh"],
                cells[k],
            )
            below = y[0]
        context = np.zeros(encoded.shape[1])
        shares = np.zeros(len(encoded))
        if len(encoded):
            scores = encoded @ (w_in @ below)
            shares = np.exp(scores - scores.max())
            shares /= shares.sum()
            context = shares @ encoded
        fed = np.tanh(w_out @ np.concatenate([context, below]))
        outputs.append(fed)
        attention.append(shares)
    return np.array(outputs), np.array(attention)


def random_attentional_decoder(
    features: int, encoded: int, hidden: int, layers: int = 2, seed: int = 5
) -> Arrays:
    """Returns the arrays of a decoder, with salesforce/cove's names."""
    shapes: dict[str, tuple[int, ...]] = {
        "attn.linear_in.weight": (encoded, hidden),
        "attn.linear_out.weight": (hidden, encoded + hidden),
    }
    size = features + hidden
    for k in range(layers):
        name = f"rnn.layers.{k}."
        shapes[f"{name}weight_ih"] = (4 * hidden, size)
        shapes[f"{name}weight_hh"] = (4 * hidden, hidden)
        shapes[f"{name}bias_ih"] = shapes[f"{name}bias_hh"] = (4 * hidden,)
        size = hidden
    return _random(shapes, seed)


def decoder_weights(arrays: Arrays, features: int, encoded: int) -> Arrays:
    """Returns the weights of an `AttentionalLSTMDecoder`, by their names."""
    w_out = arrays["attn.linear_out.weight"]
    found = {
        "attention_kernel": arrays["attn.linear_in.weight"].T,
        "context_kernel": w_out[:, :encoded].T,
        "output_kernel": w_out[:, encoded:].T,
    }
    k = 0
    while (name := f"rnn.layers.{k}.") + "weight_ih" in arrays:
        kernel = arrays[f"{name}weight_ih"].T
        if k:
            found[f"lstm_{k}_kernel"] = kernel
        else:
            found["kernel"] = kernel[:features]
            found["feed_kernel"] = kernel[features:]
        found[f"lstm_{k}_recurrent_kernel"] = arrays[f"{name}weight_hh"].T
        found[f"lstm_{k}_bias"] = (
            arrays[f"{name}bias_ih"].astype("float64")
            + arrays[f"{name}bias_hh"]
        )
        k += 1
    return found


def random_awd_lstm(
    vocabulary: int, features: int, widths: tuple[int, ...], seed: int = 3
) -> Arrays:
    """Returns the arrays of a language model with a tied output."""
    shapes: dict[str, tuple[int, ...]] = {
        "encoder.weight": (vocabulary, features),
        "decoder.bias": (vocabulary,),
    }
    size = features
    for k, width in enumerate(widths):
        name = f"rnns.{k}.module."
        shapes[f"{name}weight_ih_l0"] = (4 * width, size)
        shapes[f"{name}weight_hh_l0_raw"] = (4 * width, width)
        shapes[f"{name}bias_ih_l0"] = shapes[f"{name}bias_hh_l0"] = (4 * width,)
        size = width
    arrays = _random(shapes, seed)
    arrays["decoder.weight"] = arrays["encoder.weight"].copy()
    return arrays


def random_mt_lstm(
    features: int, hidden: int, layers: int = 2, seed: int = 3
) -> Arrays:
    """Returns the arrays of `torch.nn.LSTM(bidirectional=True)`."""
    shapes: dict[str, tuple[int, ...]] = {}
    for k in range(layers):
        for end in ("", "_reverse"):
            size = 2 * hidden if k else features
            shapes[f"weight_ih_l{k}{end}"] = (4 * hidden, size)
            shapes[f"weight_hh_l{k}{end}"] = (4 * hidden, hidden)
            for bias in ("bias_ih", "bias_hh"):
                shapes[f"{bias}_l{k}{end}"] = (4 * hidden,)
    return _random(shapes, seed)


def _random(shapes: dict[str, tuple[int, ...]], seed: int) -> Arrays:
    generator = np.random.default_rng(seed)
    return {
        name: (0.6 * generator.normal(size=shape)).astype("float32")
        for name, shape in shapes.items()
    }
