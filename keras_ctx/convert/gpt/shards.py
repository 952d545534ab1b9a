"""The release of GPT: one flat array in `params_0.npy` and further files."""

import json
from bisect import bisect_right
from itertools import accumulate, count, takewhile
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from keras_ctx.convert.files.options import is_int
from keras_ctx.convert.files.weights_file import (
    WeightsFile,
    check_pointer,
    whole,
)
from keras_ctx.convert.gpt.weights import tensorflow_names
from keras_ctx.files.existing_file import check_file
from keras_ctx.files.json_text import load_json

SHAPES = "params_shapes.json"
# The arrays of a block, in the order of the release.
_BLOCK = (
    *("attn/c_attn/w", "attn/c_attn/b", "attn/c_proj/w", "attn/c_proj/b"),
    *("ln_1/g", "ln_1/b"),
    *("mlp/c_fc/w", "mlp/c_fc/b", "mlp/c_proj/w", "mlp/c_proj/b"),
    *("ln_2/g", "ln_2/b"),
)
# No file has the number of heads.
_HEAD_FEATURES = 64


def read_shapes(path: Path) -> dict[str, Any]:
    """Returns the arguments of `models.gpt_encoder` for params_shapes.json."""
    found = _shapes(path)
    positions, features = found["model/wpe"]
    if features % _HEAD_FEATURES:
        raise ValueError(
            f"{str(path)!r}: the number of features must be a multiple of "
            f"{_HEAD_FEATURES}, those of a head of GPT. Received: {features}"
        )
    return {
        "vocabulary_size": found["model/wte"][0],
        "num_layers": (len(found) - 2) // len(_BLOCK),
        "num_heads": features // _HEAD_FEATURES,
        "hidden_dim": features,
        "intermediate_dim": found["model/h0/mlp/c_fc/b"][0],
        "max_length": positions,
        "norm_first": False,
    }


def open_shards(folder: Path) -> WeightsFile:
    """Opens the arrays by the names of a checkpoint of openai/gpt-2.

    Raises:
        FileNotFoundError: The first file is missing.
        ValueError: A file is missing, damaged, no flat array, or pickled.
    """
    shapes = _shapes(folder / SHAPES)
    said = f"folder={str(folder)!r}"
    check_file(folder / _name(0), "folder")
    paths = takewhile(Path.is_file, (folder / _name(i) for i in count()))
    parts = [_part(path, said) for path in paths]
    ends = [*accumulate(len(part) for part in parts)]
    wanted, starts = 0, {}
    for name, shape in shapes.items():
        starts[name] = wanted
        wanted += prod(shape)
    if ends[-1] != wanted:
        raise ValueError(
            f"The files params_*.npy must have the numbers of {SHAPES} "
            f"together: {wanted:,}. Received: {said} with {ends[-1]:,} in "
            f"{_name(0)} to {_name(len(parts) - 1)}. Get {_name(len(parts))} "
            "and those behind it, or all files again."
        )

    def read(name: str) -> np.ndarray:
        start = starts[name]
        end = start + prod(shapes[name])
        found = []
        first, last = bisect_right(ends, start), bisect_right(ends, end - 1)
        for place in range(first, last + 1):
            before = ends[place - 1] if place else 0
            found.append(parts[place][max(start - before, 0) : end - before])
        return np.concatenate(found).reshape(shapes[name])

    return WeightsFile(said, shapes, read)


def _name(number: int) -> str:
    return f"params_{number}.npy"


def _part(path: Path, said: str) -> np.ndarray:
    check_pointer(path)
    with whole(f"{said}, {path.name}"):
        part = np.load(path, mmap_mode="r", allow_pickle=False)
    if part.ndim != 1 or part.dtype.kind != "f":
        raise ValueError(
            f"{path}: the file must have a flat array of floating point "
            f"numbers. Received: {part.dtype} {part.shape}"
        )
    return part


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Returns the shapes by name."""
    check_file(path, "folder")
    try:
        content = load_json(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(
            f"{path} must be JSON in UTF-8. Received: {error}"
        ) from error
    if not _are_shapes(content):
        raise ValueError(
            f"{path} must list the shapes of GPT's arrays: of the positions, "
            f"the words, and {len(_BLOCK)} arrays of each block. Received: "
            f"{json.dumps(content)[:100]}. Get the file of the release."
        )
    blocks = (len(content) - 2) // len(_BLOCK)
    names = ["wpe", "wte"]
    names += [f"h{i}/{name}" for i in range(blocks) for name in _BLOCK]
    return {
        theirs: tuple(shape)
        for name, shape in zip(names, content, strict=True)
        for theirs in tensorflow_names(name)
    }


def _are_shapes(content: Any) -> bool:
    return (
        isinstance(content, list)
        and len(content) > 2
        and len(content) % len(_BLOCK) == 2
        and all(
            isinstance(shape, list) and shape and all(map(is_int, shape))
            for shape in content
        )
        and [len(shape) for shape in content[:2]] == [2, 2]
    )
