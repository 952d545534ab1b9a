"""Opens the safetensors files of a model as one weights file."""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from safetensors import safe_open

from keras_ctx.convert.files.options import read_json
from keras_ctx.convert.files.weights_file import (
    WeightsFile,
    check_pointer,
    whole,
)
from keras_ctx.files.names import is_file_name

ONE_FILE = "model.safetensors"
INDEX = "model.safetensors.index.json"

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


def open_model_files(folder: Path, stack: ExitStack) -> WeightsFile:
    """Opens the weights of a folder of `transformers`, whole or in shards."""
    path = folder / ONE_FILE
    if path.is_file():
        paths = [path]
    else:
        paths = _shards(folder)
    return open_safetensors(paths, folder, stack)


def _shards(folder: Path) -> list[Path]:
    index = folder / INDEX
    weight_map = read_json(index, "folder").get("weight_map")
    if not isinstance(weight_map, dict) or not all(
        is_file_name(name) for name in weight_map.values()
    ):
        raise ValueError(
            f"{INDEX} must have a `weight_map` from tensors to files in the "
            f"same folder. Received: {str(index)!r} with "
            f"{json.dumps(weight_map)[:100]}. Get the file again."
        )
    names = sorted(set(weight_map.values()))
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"`folder` must hold every file that {INDEX} names. Received: "
            f"folder={str(folder)!r} without {', '.join(missing)}. Get them "
            "again."
        )
    return [folder / name for name in names]
