"""Loads the MT-LSTM of CoVe."""

import re
from contextlib import ExitStack
from pathlib import Path

import keras
import numpy as np

from keras_ctx import models
from keras_ctx.convert.files.torch_lstm_file import (
    lstm_weights,
    open_torch_lstm,
)
from keras_ctx.convert.files.weight_table import Weight, differences, fill
from keras_ctx.convert.files.weights_file import WeightsFile

_KERNEL = re.compile(r"weight_hh_l(\d+)")


def load_cove(
    path: str | Path,
    word_vectors: np.ndarray,
    layer0: bool = False,
    residual_embeddings: bool = False,
    dropout: float = 0.2,
    name: str = "mt_lstm_encoder",
) -> keras.Model:
    """Loads the MT-LSTM, whose outputs are CoVe, over word vectors.

    The published one reads the 300 numbers of GloVe's 840B file, with capital
    letters, and a vector of zeros for an unknown word. A file has no words,
    so the vectors are given: those of your vocabulary, in its order.

    A file of `torch.save` is never opened; `docs/howto/recurrent.md` has a
    script that writes safetensors from it.

    Args:
        path: The safetensors file, with the names of `torch.nn.LSTM`
            (`weight_ih_l0` ... `bias_hh_l1_reverse`). All sizes are those of
            the arrays.
        word_vectors: `(V, D)`; row k is the vector of the word with the id
            k + 1. They are not trained.
        layer0: As the next two, see `models.mt_lstm_encoder`.
        residual_embeddings: Whether the word vectors come first in
            `sequence`.
        dropout: Dropout rate of the input of each layer.
        name: Name of the model.

    Returns:
        A trainable model of `models.mt_lstm_encoder`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is a pickle, if an array is missing, unknown, of
            another shape or holds NaN (the message lists all of them), or if
            `word_vectors` has another shape or holds NaN.

    Example:
        >>> load_cove("wmtlstm-8f474287.pth", np.zeros((9, 300)))
        Traceback (most recent call last):
        FileNotFoundError: ...

    Source:
        McCann et al. 2017, https://arxiv.org/abs/1708.00107; the file of
        https://github.com/salesforce/cove.
    """
    with ExitStack() as stack:
        file = open_torch_lstm(Path(path), stack)
        features, hidden, layers = _sizes(file)
        vectors = _checked(word_vectors, features)
        weights = _weights(features, hidden, layers)
        found = differences(weights, file, "the other arrays require")
        if found:
            lines = [
                f"`path` must have the arrays of one MT-LSTM. Received: "
                f"{file.said}",
                *found,
            ]
            raise ValueError("\n".join(lines))
        encoder = models.mt_lstm_encoder(
            *(len(vectors), features, hidden, layers, dropout),
            *(layer0, residual_embeddings),
            name=name,
        )
        fill(weights, file, encoder)
    table = encoder.get_layer("word_embedding")
    table.set_weights([np.pad(vectors, ((1, 0), (0, 0)))])
    return encoder


def _sizes(file: WeightsFile) -> tuple[int, int, int]:
    """Returns the features of input and output, and the number of layers."""
    shapes = file.shapes
    first, second = (shapes.get(f"weight_{x}_l0", ()) for x in ("ih", "hh"))
    if len(first) != 2 or len(second) != 2:
        raise ValueError(
            "`path` must have `weight_ih_l0` and `weight_hh_l0`, with 2 axes, "
            "as torch.nn.LSTM names them. Received: "
            f"{file.said} with {sorted(shapes)[:10]}"
        )
    layers = [int(x[1]) for x in map(_KERNEL.fullmatch, shapes) if x]
    return first[1], second[1], max(layers) + 1


def _weights(features: int, hidden: int, layers: int) -> list[Weight]:
    weights = []
    for k in range(layers):
        for direction, end in (("forward", ""), ("backward", "_reverse")):
            weights += lstm_weights(
                *(("",), (f"weight_hh_l{k}{end}",), f"l{k}{end}"),
                *(features, hidden, f"{direction}_{k}"),
            )
        features = 2 * hidden
    return weights


def _checked(word_vectors: np.ndarray, features: int) -> np.ndarray:
    vectors = np.asarray(word_vectors)
    if vectors.ndim != 2 or vectors.shape[1] != features or not len(vectors):
        raise ValueError(
            f"`word_vectors` must have the shape (V, {features}): a row for "
            "each word, of as many numbers as the LSTMs read. Received: "
            f"shape={vectors.shape}"
        )
    if vectors.dtype.kind not in "fiu" or not np.isfinite(vectors).all():
        raise ValueError(
            "`word_vectors` must hold finite numbers; an unknown word has "
            f"zeros. Received: {vectors.dtype} with NaN or infinity, or "
            "another kind of values"
        )
    return vectors.astype("float32")
