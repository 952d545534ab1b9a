"""Pairs the arrays of ELMoForManyLangs with the variables of our model.

The names are those of its PyTorch modules. Its LSTM gates have the order i, f,
j, o, with the forget bias of 1 in the bias, as in Keras; ours have the order
i, j, f, o, and the 1 is not in the bias. Its highway gate weights the input,
ours the transformed input, so the gate changes its sign.
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
    raise NotImplementedError("These files can only be read, not written.")


def _gates(array: np.ndarray) -> np.ndarray:
    """Reorders the rows of the gates i, f, j, o to i, j, f, o."""
    i, f, j, o = np.split(array, 4)
    return np.concatenate([i, j, f, o])


def _gate_biases(array: np.ndarray) -> np.ndarray:
    i, f, j, o = np.split(array, 4)
    return np.concatenate([i, j, f - 1, o])


def _highway(array: np.ndarray) -> np.ndarray:
    """Splits the rows of the transform and of the gate: kernels or biases."""
    new, gate = np.split(array, 2)
    return np.stack([new.T, -gate.T])


_GATES = Layout(lambda array: _gates(array).T, _never)
_GATE_BIASES = Layout(_gate_biases, _never)
_HIGHWAY = Layout(_highway, _never)


def many_langs_weights(
    options: ManyLangsOptions, num_characters: int, num_words: int
) -> list[Weight]:
    """Builds the weight table of a model.

    Args:
        options: Options of the model.
        num_characters: Rows of the character embeddings.
        num_words: Rows of the word embeddings; 0 for none.
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
        # The word embedding comes before the outputs of the filters.
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
