"""Opens the safetensors files of a model as one weights file."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from safetensors import safe_open

from keras_ctx.convert.files.weights_file import (
    WeightsFile,
    check_pointer,
    whole,
)

# Types that NumPy does not have.
_SMALL = ("F4", "F6_E2M3", "F6_E3M2", "F8_E4M3", "F8_E5M2", "F8_E8M0")


def open_safetensors(
    paths: Sequence[Path], folder: Path, stack: ExitStack
) -> WeightsFile:
    """Opens files whose tensors have unique names.

    Args:
        paths: The files.
        folder: The folder of the files, for error messages.
        stack: An `ExitStack` that closes the files.
    """
    shapes, types, holders = {}, {}, {}
    for path in paths:
        check_pointer(path)
        with whole(f"folder={str(folder)!r}, {path.name}"):
            opened = stack.enter_context(safe_open(path, framework="numpy"))
            for name in opened.keys():
                if name in holders:
                    raise ValueError(f"{name} is in two of the files")
                tensor = opened.get_slice(name)
                shapes[name] = tuple(tensor.get_shape())
                types[name] = tensor.get_dtype()
                holders[name] = opened
    said = f"folder={str(folder)!r}"
    odd = [
        f"{name} of {kind}" for name, kind in types.items() if kind in _SMALL
    ]
    if odd:
        raise ValueError(
            "Weights must be float64, float32, float16 or bfloat16. Received: "
            f"{said} with {len(odd)} others, such as {odd[0]}. Use the "
            "checkpoint that this one was quantized from."
        )

    def read(name: str) -> np.ndarray:
        return holders[name].get_tensor(name)

    return WeightsFile(said, shapes, read)
