"""Opens safetensors of PyTorch's LSTMs, whose two biases are one here."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np

from keras_ctx.convert.files.safetensors_files import open_safetensors
from keras_ctx.convert.files.weight_table import TRANSPOSED, Weight
from keras_ctx.convert.files.weights_file import WeightsFile
from keras_ctx.files.existing_file import check_file

PAGE = "docs/howto/recurrent.md"
_ENDINGS = (".pth", ".pt", ".h5", ".pkl", ".bin")
# How a zip archive and a pickle begin; torch.save writes either.
_BEGINNINGS = (b"PK", b"\x80")
_FIRST, _SECOND = "bias_ih_", "bias_hh_"


def open_torch_lstm(path: Path, stack: ExitStack) -> WeightsFile:
    """Opens a safetensors file, with the sums of each pair of biases.

    Args:
        path: The file.
        stack: An `ExitStack` that closes it.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is a pickle, or damaged.
    """
    check_file(path)
    with path.open("rb") as file:
        start = file.read(9)
    # A length of 8 bytes is in front of the JSON of safetensors.
    is_pickle = start[8:] != b"{" and start.startswith(_BEGINNINGS)
    if path.suffix in _ENDINGS or is_pickle:
        raise ValueError(
            "`path` must be a safetensors file. A file of torch.save is a "
            "pickle, which can run any code when it is opened, and is never "
            f"opened here. {PAGE} has a script of ten lines that writes "
            "safetensors from it, in an environment of yours with PyTorch. "
            f"Received: path={str(path)!r}"
        )
    file = open_safetensors([path], path.parent, stack)
    return _summed(replace(file, said=f"path={str(path)!r}"))


def bias_name(prefix: str, suffix: str) -> str:
    """Returns the name of the sum of two biases.

    Args:
        prefix: What is in front of `bias_ih_`.
        suffix: What is behind it, such as "l0".
    """
    return f"{prefix}{_FIRST}{suffix} + {prefix}{_SECOND}{suffix}"


def lstm_weights(
    prefixes: tuple[str, ...],
    recurrent: tuple[str, ...],
    suffix: str,
    features: int,
    hidden: int,
    layer: str,
) -> list[Weight]:
    """Returns the rows of the table for one LSTM of ours.

    Args:
        prefixes: In front of `weight_ih_` and the biases, each as good.
        recurrent: Names of the recurrent kernel, each as good.
        suffix: Of PyTorch's names, such as "l0" or "l1_reverse".
        features: Number of features of the input.
        hidden: Number of features of the output.
        layer: Name of our layer.
    """
    return [
        Weight(
            tuple(f"{prefix}weight_ih_{suffix}" for prefix in prefixes),
            *((4 * hidden, features), (f"{layer}.kernel",), TRANSPOSED),
        ),
        Weight(
            *(recurrent, (4 * hidden, hidden)),
            *((f"{layer}.recurrent_kernel",), TRANSPOSED),
        ),
        Weight(
            tuple(bias_name(prefix, suffix) for prefix in prefixes),
            *((4 * hidden,), (f"{layer}.bias",)),
        ),
    ]


def _summed(file: WeightsFile) -> WeightsFile:
    """Returns the file with one array for each pair of biases.

    A bias without its pair keeps its name, and so is found to be unknown.
    """
    shapes, pairs = dict(file.shapes), {}
    for name in file.shapes:
        prefix, found, suffix = name.rpartition(_FIRST)
        other = f"{prefix}{_SECOND}{suffix}"
        if found and file.shapes[name] == file.shapes.get(other):
            joined = bias_name(prefix, suffix)
            pairs[joined] = name, other
            shapes[joined] = shapes.pop(name)
            del shapes[other]

    def read(name: str) -> np.ndarray:
        if name not in pairs:
            return file.read(name)
        first, second = (file.read(x) for x in pairs[name])
        # In float32: a file may be in half precision.
        return first.astype("float32") + second.astype("float32")

    return replace(file, shapes=shapes, read=read)
