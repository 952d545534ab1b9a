"""Pairs the arrays of bilm-tf's files with the variables of our ELMo models.

bilm-tf names an array in two ways: in its training checkpoints, and in the
HDF5 files that it dumps and that it and allennlp read. With `n_layers` 1 its
LSTMs have other names, since there is no `MultiRNNCell`: a checkpoint has
`RNN_d/rnn/lstm_cell/...`, and the dump has `RNN_d/RNN/LSTMCell/...`, which
neither bilm-tf nor allennlp finds. We read these names too, but never write
them.
"""

from typing import Any

from keras_ctx.convert.elmo.options import ElmoOptions
from keras_ctx.convert.files.weight_table import LACKS_ROW_0, Weight


def encoder_weights(
    options: ElmoOptions, num_words: int = 0, checkpoint: bool = False
) -> list[Weight]:
    """Builds the weight table of an encoder.

    Args:
        options: Options of the model.
        num_words: Vocabulary size of a model that reads words.
        checkpoint: Whether the names are those of a checkpoint or of HDF5.
    """
    lstm = options.lstm
    size = lstm["projection_dim"]
    scope = "lm/" if checkpoint else ""
    if options.characters is None:
        rows = [
            Weight(
                (f"{scope}embedding",),
                (num_words, size),
                ("word_embedding.embeddings",),
                LACKS_ROW_0,
            )
        ]
    else:
        rows = _token_layer(options.characters, size, scope)
    for direction, cells in enumerate(("forward_cells", "backward_cells")):
        for i in range(lstm["num_layers"]):
            ours = f"bilm.{cells}.{i}"
            rows += _cell(lstm, direction, i, ours, checkpoint)
    return rows


def softmax_weights(options: ElmoOptions, num_words: int) -> list[Weight]:
    """Builds the weight table of the softmax, which HDF5 files lack."""
    size = options.lstm["projection_dim"]
    kernel = "lm/embedding" if options.shared_softmax else "lm/softmax/W"
    return [
        Weight((kernel,), (num_words, size), ("softmax.kernel",)),
        Weight(("lm/softmax/b",), (num_words,), ("softmax.bias",)),
    ]


def _token_layer(
    characters: dict[str, Any], size: int, scope: str
) -> list[Weight]:
    char_dim, filters = characters["char_dim"], characters["filters"]
    total = sum(count for _, count in filters)

    def row(name: str, shape: tuple[int, ...], variable: str, *layout):
        return Weight((scope + name,), shape, (variable,), *layout)

    rows = [
        row(
            "char_embed",
            (characters["vocabulary_size"] - 1, char_dim),
            "char_cnn.char_embedding.embeddings",
            LACKS_ROW_0,
        )
    ]
    for i, (width, count) in enumerate(filters):
        ours = f"char_cnn.convolutions.{i}"
        rows += [
            row(
                f"CNN/W_cnn_{i}", (1, width, char_dim, count), f"{ours}.kernel"
            ),
            row(f"CNN/b_cnn_{i}", (count,), f"{ours}.bias"),
        ]
    for k in range(characters["num_highways"]):
        # bilm-tf's "carry" is the gate of the transformed branch.
        for theirs, ours in (
            ("carry", f"char_cnn.highway_gates.{k}"),
            ("transform", f"char_cnn.highway_transforms.{k}"),
        ):
            high = f"CNN_high_{k}"
            rows += [
                row(f"{high}/W_{theirs}", (total, total), f"{ours}.kernel"),
                row(f"{high}/b_{theirs}", (total,), f"{ours}.bias"),
            ]
    if total != size:
        ours = "char_cnn.projection"
        rows += [
            row("CNN_proj/W_proj", (total, size), f"{ours}.kernel"),
            row("CNN_proj/b_proj", (size,), f"{ours}.bias"),
        ]
    return rows


def _cell(
    lstm: dict[str, Any], direction: int, i: int, ours: str, checkpoint: bool
) -> list[Weight]:
    hidden, size = lstm["hidden_dim"], lstm["projection_dim"]
    if checkpoint:
        scope, bare = f"lm/RNN_{direction}/rnn", "lstm_cell"
        parents = [f"{scope}/multi_rnn_cell/cell_{i}/{bare}"]
    else:
        scope, bare = f"RNN_{direction}/RNN", "LSTMCell"
        parents = [
            f"{scope}/MultiRNNCell/Cell{i}/{bare}",
            f"{scope}/MultiRNNCell/Cell {i}/{bare}",
        ]
    if lstm["num_layers"] == 1:
        parents.append(f"{scope}/{bare}")
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
            tuple(
                f"{parent}/{in_checkpoint if checkpoint else dataset}"
                for parent in parents
            ),
            shape,
            variables,
        )
        for dataset, in_checkpoint, shape, variables in arrays
    ]
