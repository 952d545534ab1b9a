"""Which array of a file is which variable of a model: the rows of a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_ctx.convert.files.weights_file import WeightsFile, problem_of, whole
from keras_ctx.layers.base.composite_layer import MATRICES, merged_matrix


class Layout(NamedTuple):
    """How a file's array and our numbers, in row-major order, differ."""

    to_ours: Callable[[np.ndarray], np.ndarray]
    to_theirs: Callable[[np.ndarray, tuple[int, ...]], np.ndarray]
    """From our numbers in one row, and the shape in the file."""


def _without_row_0(numbers: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return numbers[shape[-1] :].reshape(shape)


SAME = Layout(
    lambda array: array, lambda numbers, shape: numbers.reshape(shape)
)
TRANSPOSED = Layout(
    np.transpose, lambda numbers, shape: numbers.reshape(shape[::-1]).T
)
# Only our table has a row for "no token here", of zeros.
LACKS_ROW_0 = Layout(
    lambda array: np.concatenate([np.zeros_like(array[:1]), array]),
    _without_row_0,
)
# The two classes of a next sentence head change places: 0 is "follows" in
# the files of others, 1 here. Of a matrix with a row or a column a class, and
# of a bias.
CLASS_ROWS = Layout(
    lambda array: array[::-1].T,
    lambda numbers, shape: numbers.reshape(shape[::-1]).T[::-1],
)
CLASS_COLUMNS = Layout(
    lambda array: array[:, ::-1],
    lambda numbers, shape: numbers.reshape(shape)[:, ::-1],
)
CLASSES = Layout(
    lambda array: array[::-1],
    lambda numbers, shape: numbers.reshape(shape)[::-1],
)


@dataclass(frozen=True)
class Weight:
    """A row of the table: one array of a file.

    In row-major order its numbers, brought into our layout, are those of
    `variables`, one after the other; so a file may stack two matrices that
    are two variables here, or have an axis of length 1 more.
    """

    names: tuple[str, ...]
    """Names in the file; the first is official, the others are read too."""
    shape: tuple[int, ...]
    variables: tuple[str, ...]
    """Paths from the model: a layer's name, then attributes and indices."""
    layout: Layout = SAME

    def name_in(self, file: WeightsFile) -> str | None:
        """The name under which a file has it; `None` if it has not."""
        return next((name for name in self.names if name in file.shapes), None)


def differences(
    weights: Sequence[Weight],
    file: WeightsFile,
    config: str,
    is_weight: Callable[[str], bool] = lambda name: True,
) -> list[str]:
    """How a file differs from a table, a line each.

    Args:
        weights: The table.
        file: The file.
        config: What the table was made from, and its verb, for the lines.
        is_weight: Whether a name that the table lacks counts.
    """
    used = {weight.name_in(file): weight for weight in weights}
    return [
        *(
            f"  missing: {weight.names[0]} {weight.shape}"
            for weight in weights
            if weight.name_in(file) is None
        ),
        *(
            f"  not known: {name} {shape}"
            for name, shape in sorted(file.shapes.items())
            if name not in used and is_weight(name)
        ),
        *(
            f"  other shape: {name}: {config} {weight.shape}, the "
            f"file has {file.shapes[name]}"
            for name, weight in used.items()
            if name is not None and file.shapes[name] != weight.shape
        ),
    ]


def fill(
    weights: Sequence[Weight], file: WeightsFile, model: keras.Model
) -> None:
    """Copy array by array, so that no second copy of all is in memory."""
    bad = []
    for weight in weights:
        name = weight.name_in(file) or weight.names[0]
        with whole(file.said):
            array = file.read(name)
        if array.dtype.name == "bfloat16":  # which NumPy itself has not
            array = array.astype("float32")
        problem = problem_of(array)
        if problem:
            bad.append(f"  {name}: {problem}")
        elif not bad:
            assign(weight, array.astype("float32", copy=False), model)
    if bad:
        raise ValueError(
            f"Weights must be finite numbers. Received: {file.said}\n"
            + "\n".join(bad)
            + "\nThe training diverged or the file is damaged: take an "
            "earlier checkpoint."
        )


def assign(weight: Weight, array: np.ndarray, model: keras.Model) -> None:
    """Put an array of a file into its variables."""
    numbers = np.ravel(weight.layout.to_ours(array))
    start = 0
    for path in weight.variables:
        variable = _variable(model, path)
        end = start + int(np.prod(variable.shape))
        variable.assign(numbers[start:end].reshape(variable.shape))
        start = end


def collect(weight: Weight, model: keras.Model) -> np.ndarray:
    """An array of a file, float32, from its variables."""
    arrays = [
        np.ravel(keras.ops.convert_to_numpy(_variable(model, path)))
        for path in weight.variables
    ]
    numbers = np.concatenate(arrays)
    if numbers.dtype.kind in "iu":
        raise ValueError(
            "`model` must not be quantized: without their scales its weights "
            "are other numbers. Write the file before `quantize`. Received: "
            f"{weight.variables[0]} of {numbers.dtype}"
        )
    numbers = numbers.astype("float32")
    return weight.layout.to_theirs(numbers, weight.shape)


def _variable(model: keras.Model, path: str) -> Any:
    layer, *parts = path.split(".")
    found: Any = model.get_layer(layer)
    for part in parts:
        lora = part in MATRICES and getattr(found, "lora_enabled", False)
        if lora and found.quantization_mode is None:
            return merged_matrix(found)
        found = found[int(part)] if part.isdigit() else getattr(found, part)
    return found
