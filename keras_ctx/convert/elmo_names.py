"""Which array of bilm-tf's files is which variable of our ELMo models.

bilm-tf names an array in two ways: in the checkpoints of its training, and in
the HDF5 files that it dumps and that it and allennlp read. Its LSTMs have a
third and a fourth name where `n_layers` is 1: no `MultiRNNCell` is made then,
so a checkpoint says `RNN_d/rnn/lstm_cell/...`, and the dump, which renames
word by word, `RNN_d/RNN/LSTMCell/...`, which no reader looks for. Those names
are read here, and never written.
"""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_ctx.convert.elmo_options import ElmoOptions


@dataclass(frozen=True)
class Weight:
    """A line of the table: one array of a file.

    In row-major order its numbers are those of `variables`, one after the
    other; so `W_0` is the kernel above the recurrent kernel, and a
    convolution's axis of length 1 needs no care.
    """

    datasets: tuple[str, ...]
    """Names in HDF5; the first is official, the others are read as well."""
    checkpoint: tuple[str, ...]
    """Names in a checkpoint."""
    shape: tuple[int, ...]
    variables: tuple[str, ...]
    """Paths from the model: a layer's name, then attributes and indices."""
    lacks_row_0: bool = False
    """Whether only our table has a row for "no token here", of zeros."""


def encoder_weights(options: ElmoOptions, num_words: int = 0) -> list[Weight]:
    """The table of an encoder; `num_words` of a model of words."""
    lstm = options.lstm
    size = lstm["projection_dim"]
    if options.characters is None:
        rows = [
            Weight(
                ("embedding",),
                ("lm/embedding",),
                (num_words, size),
                ("word_embedding.embeddings",),
                lacks_row_0=True,
            )
        ]
    else:
        rows = _token_layer(options.characters, size)
    for direction, cells in enumerate(("forward_cells", "backward_cells")):
        for i in range(lstm["num_layers"]):
            rows += _cell(lstm, direction, i, f"bilm.{cells}.{i}")
    return rows


def softmax_weights(options: ElmoOptions, num_words: int) -> list[Weight]:
    """The table of a language model's softmax, which HDF5 files leave out."""
    size = options.lstm["projection_dim"]
    kernel = "lm/embedding" if options.shared_softmax else "lm/softmax/W"
    return [
        Weight((), (kernel,), (num_words, size), ("softmax.kernel",)),
        Weight((), ("lm/softmax/b",), (num_words,), ("softmax.bias",)),
    ]


def _same(name: str, shape: tuple[int, ...], variable: str, **flags) -> Weight:
    """A name that the two kinds of file share, but for the scope."""
    return Weight((name,), (f"lm/{name}",), shape, (variable,), **flags)


def _token_layer(characters: dict[str, Any], size: int) -> list[Weight]:
    char_dim, filters = characters["char_dim"], characters["filters"]
    total = sum(count for _, count in filters)
    rows = [
        _same(
            "char_embed",
            (characters["vocabulary_size"] - 1, char_dim),
            "char_cnn.char_embedding.embeddings",
            lacks_row_0=True,
        )
    ]
    for i, (width, count) in enumerate(filters):
        ours = f"char_cnn.convolutions.{i}"
        rows += [
            _same(
                f"CNN/W_cnn_{i}", (1, width, char_dim, count), f"{ours}.kernel"
            ),
            _same(f"CNN/b_cnn_{i}", (count,), f"{ours}.bias"),
        ]
    for k in range(characters["num_highways"]):
        # What bilm-tf calls carry is the gate of the transformed branch.
        for theirs, ours in (
            ("carry", f"char_cnn.highway_gates.{k}"),
            ("transform", f"char_cnn.highway_transforms.{k}"),
        ):
            rows += [
                _same(
                    f"CNN_high_{k}/W_{theirs}", (total, total), f"{ours}.kernel"
                ),
                _same(f"CNN_high_{k}/b_{theirs}", (total,), f"{ours}.bias"),
            ]
    if total != size:
        rows += [
            _same(
                "CNN_proj/W_proj", (total, size), "char_cnn.projection.kernel"
            ),
            _same("CNN_proj/b_proj", (size,), "char_cnn.projection.bias"),
        ]
    return rows


def _cell(lstm: dict[str, Any], direction: int, i: int, ours: str):
    hidden, size = lstm["hidden_dim"], lstm["projection_dim"]
    root, scope = f"RNN_{direction}/RNN", f"lm/RNN_{direction}/rnn"
    datasets = [
        f"{root}/MultiRNNCell/Cell{i}/LSTMCell",
        f"{root}/MultiRNNCell/Cell {i}/LSTMCell",
    ]
    checkpoint = [f"{scope}/multi_rnn_cell/cell_{i}/lstm_cell"]
    if lstm["num_layers"] == 1:
        datasets.append(f"{root}/LSTMCell")
        checkpoint.append(f"{scope}/lstm_cell")
    arrays = [
        (
            *("W_0", "kernel", (2 * size, 4 * hidden)),
            (f"{ours}.kernel", f"{ours}.recurrent_kernel"),
        ),
        ("B", "bias", (4 * hidden,), (f"{ours}.bias",)),
    ]
    if hidden != size:
        arrays.append(
            (
                *("W_P_0", "projection/kernel", (hidden, size)),
                (f"{ours}.projection_kernel",),
            )
        )
    return [
        Weight(
            tuple(f"{parent}/{dataset}" for parent in datasets),
            tuple(f"{parent}/{variable}" for parent in checkpoint),
            shape,
            variables,
        )
        for dataset, variable, shape, variables in arrays
    ]


def assign(weight: Weight, array: np.ndarray, model: keras.Model) -> None:
    """Put an array of a file into its variables."""
    numbers = np.ravel(array)
    if weight.lacks_row_0:
        row = np.zeros_like(numbers[: weight.shape[-1]])
        numbers = np.concatenate([row, numbers])
    start = 0
    for path in weight.variables:
        variable = _variable(model, path)
        end = start + int(np.prod(variable.shape))
        variable.assign(numbers[start:end].reshape(variable.shape))
        start = end


def collect(weight: Weight, model: keras.Model) -> np.ndarray:
    """An array of a file, float32, from its variables."""
    numbers = np.concatenate(
        [
            np.ravel(keras.ops.convert_to_numpy(_variable(model, path)))
            for path in weight.variables
        ]
    ).astype("float32")
    if weight.lacks_row_0:
        numbers = numbers[weight.shape[-1] :]
    return numbers.reshape(weight.shape)


def _variable(model: keras.Model, path: str):
    layer, *parts = path.split(".")
    found: Any = model.get_layer(layer)
    for part in parts:
        found = found[int(part)] if part.isdigit() else getattr(found, part)
    return found
