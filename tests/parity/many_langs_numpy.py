"""ELMoForManyLangs in NumPy, after its PyTorch modules.

It is independent of `keras_ctx`. Weights are in two dicts by the names of its
state dicts. It reads one sentence at a time in float64.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Tensors = Mapping[str, np.ndarray]


@dataclass
class Settings:
    """The content of the file that `config_path` names."""

    filters: Sequence[tuple[int, int]]
    dim: int
    projection_dim: int
    n_layers: int = 2
    n_highway: int = 2
    char_dim: int = 3
    word_dim: int = 4
    max_characters: int = 8
    activation: str = "relu"
    cell_clip: float | None = 3.0
    proj_clip: float | None = 3.0


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def character_row(
    ids: Mapping[str, int], word: str, max_characters: int
) -> list[int]:
    """Returns a word's ids of `char.dic`; begin and end are swapped."""
    names = [word] if word in ("<bos>", "<eos>") else list(word)
    middle = [ids.get(name, ids["<oov>"]) for name in names]
    row = [ids["<eow>"], *middle[: max_characters - 2], ids["<bow>"]]
    return row + [ids["<pad>"]] * (max_characters - len(row))


def token_vectors(
    t: Tensors, s: Settings, characters: np.ndarray, words: np.ndarray
) -> np.ndarray:
    """Maps ids `(n, max_characters)` and `(n,)` to `(n, projection_dim)`."""
    x = t["char_emb_layer.embedding.weight"][characters]
    activation = np.tanh if s.activation == "tanh" else lambda v: v * (v > 0)
    parts = []
    for i, (width, _) in enumerate(s.filters):
        kernel = t[f"convolutions.{i}.weight"]  # (count, char_dim, width)
        answers = [
            np.einsum("nwd,cdw->nc", x[:, k : k + width], kernel)
            + t[f"convolutions.{i}.bias"]
            for k in range(x.shape[1] - width + 1)
        ]
        parts.append(activation(np.max(answers, axis=0)))
    x = np.concatenate(parts, axis=1)
    for k in range(s.n_highway):
        projected = x @ t[f"highways._layers.{k}.weight"].T
        projected = projected + t[f"highways._layers.{k}.bias"]
        new, gate = np.split(projected, 2, axis=1)
        gate = sigmoid(gate)
        x = gate * x + (1 - gate) * new * (new > 0)
    if s.word_dim:
        table = t["word_emb_layer.embedding.weight"]
        x = np.concatenate([table[words], x], axis=1)
    return x @ t["projection.weight"].T + t["projection.bias"]


def lstm(e: Tensors, s: Settings, name: str, x: np.ndarray) -> np.ndarray:
    h, c = np.zeros(s.projection_dim), np.zeros(s.dim)
    outputs = []
    for x_t in x:
        z = e[f"{name}.input_linearity.weight"] @ x_t
        z = z + e[f"{name}.state_linearity.weight"] @ h
        z = z + e[f"{name}.state_linearity.bias"]
        i, f, j, o = np.split(z, 4)
        c = sigmoid(i) * np.tanh(j) + sigmoid(f) * c
        if s.cell_clip:
            c = np.clip(c, -s.cell_clip, s.cell_clip)
        h = e[f"{name}.state_projection.weight"] @ (sigmoid(o) * np.tanh(c))
        if s.proj_clip:
            h = np.clip(h, -s.proj_clip, s.proj_clip)
        outputs.append(h)
    return np.stack(outputs)


def layers_of(
    t: Tensors, e: Tensors, s: Settings, characters, words
) -> list[np.ndarray]:
    """Returns layers of a sentence read with markers, without them."""
    tokens = token_vectors(t, s, np.array(characters), np.array(words))
    forward = backward = tokens
    found = [np.concatenate([tokens, tokens], axis=1)]
    for k in range(s.n_layers):
        ahead = lstm(e, s, f"forward_layer_{k}", forward)
        back = lstm(e, s, f"backward_layer_{k}", backward[::-1])[::-1]
        forward = ahead + forward if k else ahead
        backward = back + backward if k else back
        found.append(np.concatenate([forward, backward], axis=1))
    return [layer[1:-1] for layer in found]


def random_tensors(
    s: Settings, num_characters: int, num_words: int, seed: int = 0
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Returns tensors of both modules, large enough for the clips."""
    generator = np.random.default_rng(seed)

    def draw(*shape: int) -> np.ndarray:
        # Sums of larger ones would exceed float32's seven digits.
        fan_in = np.prod(shape[1:]) if len(shape) > 1 else 4
        values = generator.normal(size=shape) * 1.5 * fan_in**-0.5
        return values.astype("float32")

    count = sum(number for _, number in s.filters)
    t = {"char_emb_layer.embedding.weight": draw(num_characters, s.char_dim)}
    if s.word_dim:
        t["word_emb_layer.embedding.weight"] = draw(num_words, s.word_dim)
    for i, (width, number) in enumerate(s.filters):
        t[f"convolutions.{i}.weight"] = draw(number, s.char_dim, width)
        t[f"convolutions.{i}.bias"] = draw(number)
    for k in range(s.n_highway):
        t[f"highways._layers.{k}.weight"] = draw(2 * count, count)
        t[f"highways._layers.{k}.bias"] = draw(2 * count)
    t["projection.weight"] = draw(s.projection_dim, s.word_dim + count)
    t["projection.bias"] = draw(s.projection_dim)
    e = {}
    for direction in ("forward", "backward"):
        for k in range(s.n_layers):
            name = f"{direction}_layer_{k}"
            for part in ("input", "state"):
                e[f"{name}.{part}_linearity.weight"] = draw(
                    4 * s.dim, s.projection_dim
                )
            e[f"{name}.state_linearity.bias"] = draw(4 * s.dim)
            e[f"{name}.state_projection.weight"] = draw(s.projection_dim, s.dim)
    return t, e
