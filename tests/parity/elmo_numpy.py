"""ELMo in NumPy, from the reference sheet alone (ELMO.md, sections 1-6).

It is independent of `keras_ctx`. Weights are in a dict by the names of the
original HDF5 files (section 9). It reads one sentence at a time in float64,
without batches and masks, so there are no errors with padding.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

Weights = Mapping[str, np.ndarray]
State = dict[tuple[int, int], tuple[np.ndarray, np.ndarray]]


@dataclass
class Options:
    """The content of options.json."""

    filters: Sequence[tuple[int, int]]
    dim: int
    projection_dim: int
    n_layers: int = 2
    n_highway: int = 2
    activation: str = "relu"
    cell_clip: float | None = 3.0
    proj_clip: float | None = 3.0
    use_skip_connections: bool = True


@dataclass
class Clipped:
    """Counts of values changed by the two clips."""

    cells: int = 0
    projections: int = 0
    outputs_beyond: int = field(default=0)
    """Number of results above `proj_clip`, which only the residual causes."""


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def word_ids(word: bytes | str, length: int) -> list[int]:
    """Returns ids by section 1; literal markers give the special bytes."""
    if word in ("<S>", "</S>"):
        middle = [256 if word == "<S>" else 257]
    else:
        data = word.encode("utf-8", "ignore") if isinstance(word, str) else word
        middle = list(data[: length - 2])
    row = [258, *middle, 259]
    row += [260] * (length - len(row))
    return [i + 1 for i in row]


def token_layer(weights: Weights, o: Options, ids: np.ndarray) -> np.ndarray:
    """Section 2: maps ids `(n, characters)` to `(n, projection_dim)`."""
    table = np.asarray(weights["char_embed"], "float64")
    table = np.concatenate([np.zeros_like(table[:1]), table])
    chars = table[ids]  # (n, characters, char_dim)
    act = np.tanh if o.activation == "tanh" else lambda v: np.maximum(v, 0)
    parts = []
    for i, (width, _) in enumerate(o.filters):
        kernel = np.asarray(weights[f"CNN/W_cnn_{i}"], "float64")[0]
        windows = [
            np.einsum("nwd,wdc->nc", chars[:, s : s + width], kernel)
            for s in range(ids.shape[1] - width + 1)
        ]
        parts.append(
            act(np.max(windows, axis=0) + np.asarray(weights[f"CNN/b_cnn_{i}"]))
        )
    x = np.concatenate(parts, axis=1)
    for k in range(o.n_highway):
        w = {
            name: np.asarray(weights[f"CNN_high_{k}/{name}"], "float64")
            for name in ("W_carry", "b_carry", "W_transform", "b_transform")
        }
        gate = sigmoid(x @ w["W_carry"] + w["b_carry"])
        new = np.maximum(x @ w["W_transform"] + w["b_transform"], 0)
        x = gate * new + (1 - gate) * x
    if x.shape[1] != o.projection_dim:
        x = x @ np.asarray(weights["CNN_proj/W_proj"], "float64")
        x = x + np.asarray(weights["CNN_proj/b_proj"])
    return x


def lstm(
    weights: Weights,
    o: Options,
    direction: int,
    layer: int,
    x: np.ndarray,
    state: State,
    clipped: Clipped,
) -> np.ndarray:
    """Section 3: maps `(T, in)` to `(T, projection_dim)`; updates `state`."""
    prefix = f"RNN_{direction}/RNN/MultiRNNCell/Cell{layer}/LSTMCell/"
    w = np.asarray(weights[prefix + "W_0"], "float64")
    b = np.asarray(weights[prefix + "B"], "float64")
    h, c = state.get(
        (direction, layer), (np.zeros(o.projection_dim), np.zeros(o.dim))
    )
    outputs = []
    for x_t in x:
        z = np.concatenate([x_t, h]) @ w + b
        i, j, f, g = np.split(z, 4)
        c = sigmoid(f + 1) * c + sigmoid(i) * np.tanh(j)
        if o.cell_clip is not None:
            clipped.cells += int((np.abs(c) > o.cell_clip).sum())
            c = np.clip(c, -o.cell_clip, o.cell_clip)
        h = sigmoid(g) * np.tanh(c)
        if o.projection_dim != o.dim:
            h = h @ np.asarray(weights[prefix + "W_P_0"], "float64")
            if o.proj_clip is not None:
                clipped.projections += int((np.abs(h) > o.proj_clip).sum())
                h = np.clip(h, -o.proj_clip, o.proj_clip)
        outputs.append(h)
    state[direction, layer] = (h, c)
    return np.stack(outputs)


def stacks(
    weights: Weights,
    o: Options,
    tokens: np.ndarray,
    state: State | None = None,
    clipped: Clipped | None = None,
) -> list[np.ndarray]:
    """Section 4: maps `(T, P)` to `(T, 2P)` for each LSTM layer."""
    state = {} if state is None else state
    clipped = Clipped() if clipped is None else clipped
    halves = []
    for direction in (0, 1):
        x = tokens[::-1] if direction else tokens
        outputs = []
        for layer in range(o.n_layers):
            y = lstm(weights, o, direction, layer, x, state, clipped)
            x = y + x if o.use_skip_connections and layer > 0 else y
            outputs.append(x[::-1] if direction else x)
        halves.append(outputs)
    results = [
        np.concatenate(pair, axis=1) for pair in zip(*halves, strict=True)
    ]
    if o.proj_clip is not None:
        clipped.outputs_beyond += sum(
            int((np.abs(r) > o.proj_clip).sum()) for r in results
        )
    return results


def elmo(
    weights: Weights,
    o: Options,
    ids: np.ndarray,
    state: State | None = None,
    clipped: Clipped | None = None,
) -> list[np.ndarray]:
    """Section 5: maps ids of words to layers, without markers."""
    length = ids.shape[1]
    ids = np.concatenate(
        [[word_ids("<S>", length)], ids, [word_ids("</S>", length)]]
    )
    tokens = token_layer(weights, o, ids)
    layers = [np.concatenate([tokens, tokens], axis=1)]
    layers += stacks(weights, o, tokens, state, clipped)
    return [layer[1:-1] for layer in layers]


def random_weights(
    o: Options, char_dim: int, seed: int, scale: float
) -> dict[str, np.ndarray]:
    """Returns weights large enough for the clips to take effect."""
    generator = np.random.default_rng(seed)

    def draw(*shape: int, by: float = 1.0) -> np.ndarray:
        fan_in = shape[-2] if len(shape) > 1 else 1
        values = generator.normal(size=shape) * by * fan_in**-0.5
        return values.astype("float32")

    weights = {"char_embed": draw(261, char_dim, by=char_dim)}
    for i, (width, count) in enumerate(o.filters):
        weights[f"CNN/W_cnn_{i}"] = draw(1, width, char_dim, count)
        weights[f"CNN/b_cnn_{i}"] = draw(count, by=0.1)
    size = sum(count for _, count in o.filters)
    for k in range(o.n_highway):
        for name in ("carry", "transform"):
            weights[f"CNN_high_{k}/W_{name}"] = draw(size, size)
            weights[f"CNN_high_{k}/b_{name}"] = draw(size)
    if size != o.projection_dim:
        weights["CNN_proj/W_proj"] = draw(size, o.projection_dim)
        weights["CNN_proj/b_proj"] = draw(o.projection_dim)
    for direction in (0, 1):
        for layer in range(o.n_layers):
            prefix = f"RNN_{direction}/RNN/MultiRNNCell/Cell{layer}/LSTMCell/"
            rows = 2 * o.projection_dim
            weights[prefix + "W_0"] = draw(rows, 4 * o.dim, by=scale)
            weights[prefix + "B"] = draw(4 * o.dim)
            if o.projection_dim != o.dim:
                weights[prefix + "W_P_0"] = draw(
                    o.dim, o.projection_dim, by=scale
                )
    return weights
