"""Which array of ELMoForManyLangs is which variable of our model.

The names are those of its modules in PyTorch. Its LSTMs order their gates i,
f, j, o, with the 1 of the forget gate in the bias, as Keras's do; ours are
ordered i, j, f, o, with that 1 outside. The gate of its highways keeps what
comes in; ours lets through what is new, so that its sign changes.
"""

import numpy as np

from keras_ctx.convert.elmo_for_many_langs.options import ManyLangsOptions
from keras_ctx.convert.files.weight_table import (
    LACKS_ROW_0,
    SAME,
    TRANSPOSED,
    Layout,
    Weight,
)

CHARACTER_TABLE = "char_emb_layer.embedding.weight"
WORD_TABLE = "word_emb_layer.embedding.weight"


def _never(numbers: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    raise NotImplementedError("these files are read, and never written")


def _gates(array: np.ndarray) -> np.ndarray:
    """Rows of the gates i, f, j, o as i, j, f, o."""
    i, f, j, o = np.split(array, 4)
    return np.concatenate([i, j, f, o])


def _gate_biases(array: np.ndarray) -> np.ndarray:
    i, f, j, o = np.split(array, 4)
    return np.concatenate([i, j, f - 1, o])


def _highway(array: np.ndarray) -> np.ndarray:
    """Rows of what is new, then of the gate: kernels, or biases."""
    new, gate = np.split(array, 2)
    return np.stack([new.T, -gate.T])


_GATES = Layout(lambda array: _gates(array).T, _never)
_GATE_BIASES = Layout(_gate_biases, _never)
_HIGHWAY = Layout(_highway, _never)


def many_langs_weights(
    options: ManyLangsOptions, num_characters: int, num_words: int
) -> list[Weight]:
    """The table of a model.

    Args:
        options: What the model is.
        num_characters: Rows of its table of characters.
        num_words: Of that of words; 0 for none.
    """
    model = options.model
    size, hidden = model["projection_dim"], model["hidden_dim"]
    rows = _token_layer(options, num_characters, num_words)
    for direction in ("forward", "backward"):
        for i in range(model["num_layers"]):
            theirs = f"{direction}_layer_{i}"
            ours = f"bilm.{direction}_cells.{i}"
            for name, shape, variable, layout in (
                (
                    *("input_linearity.weight", (4 * hidden, size)),
                    *("kernel", _GATES),
                ),
                (
                    *("state_linearity.weight", (4 * hidden, size)),
                    *("recurrent_kernel", _GATES),
                ),
                (
                    *("state_linearity.bias", (4 * hidden,)),
                    *("bias", _GATE_BIASES),
                ),
                (
                    *("state_projection.weight", (size, hidden)),
                    *("projection_kernel", TRANSPOSED),
                ),
            ):
                rows.append(
                    Weight(
                        (f"{theirs}.{name}",),
                        shape,
                        (f"{ours}.{variable}",),
                        layout,
                    )
                )
    return rows


def _token_layer(
    options: ManyLangsOptions, num_characters: int, num_words: int
) -> list[Weight]:
    model, word_dim = options.model, options.word_dim
    char_dim, size = model["char_dim"], model["projection_dim"]
    count = sum(count for _, count in model["filters"])
    rows = [
        Weight(
            (CHARACTER_TABLE,),
            (num_characters, char_dim),
            ("char_cnn.char_embedding.embeddings",),
            LACKS_ROW_0,
        )
    ]
    projected = ["char_cnn.projection.kernel"]
    if word_dim:
        rows.append(
            Weight(
                (WORD_TABLE,),
                (num_words, word_dim),
                ("word_embedding.embeddings",),
                LACKS_ROW_0,
            )
        )
        # A word's row stands before the answers of the filters.
        projected.insert(0, "word_projection.kernel")
    for i, (width, number) in enumerate(model["filters"]):
        ours = f"char_cnn.convolutions.{i}"
        rows += [
            Weight(
                (f"convolutions.{i}.weight",),
                (number, char_dim, width),
                (f"{ours}.kernel",),
                TRANSPOSED,
            ),
            Weight(
                (f"convolutions.{i}.bias",), (number,), (f"{ours}.bias",), SAME
            ),
        ]
    for k in range(model["num_highways"]):
        parts = (
            f"char_cnn.highway_transforms.{k}",
            f"char_cnn.highway_gates.{k}",
        )
        for kind, ours, shape in (
            ("weight", "kernel", (2 * count, count)),
            ("bias", "bias", (2 * count,)),
        ):
            rows.append(
                Weight(
                    (f"highways._layers.{k}.{kind}",),
                    shape,
                    tuple(f"{part}.{ours}" for part in parts),
                    _HIGHWAY,
                )
            )
    return [
        *rows,
        Weight(
            ("projection.weight",),
            (size, word_dim + count),
            tuple(projected),
            TRANSPOSED,
        ),
        Weight(("projection.bias",), (size,), ("char_cnn.projection.bias",)),
    ]
