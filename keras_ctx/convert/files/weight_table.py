"""Tables that pair the arrays of a file with the variables of a model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_ctx.convert.files.weights_file import WeightsFile, problem_of, whole
from keras_ctx.layers.base.composite_layer import MATRICES, merged_matrix


class Layout(NamedTuple):
    """Conversions between an array of a file and our row-major numbers."""

    to_ours: Callable[[np.ndarray], np.ndarray]
    to_theirs: Callable[[np.ndarray, tuple[int, ...]], np.ndarray]
    """Takes our flat numbers and the shape in the file."""


def _without_row_0(numbers: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return numbers[shape[-1] :].reshape(shape)


SAME = Layout(
    lambda array: array, lambda numbers, shape: numbers.reshape(shape)
)
TRANSPOSED = Layout(
    np.transpose, lambda numbers, shape: numbers.reshape(shape[::-1]).T
)
# Only our embeddings have row 0, zeros for padding.
LACKS_ROW_0 = Layout(
    lambda array: np.concatenate([np.zeros_like(array[:1]), array]),
    _without_row_0,
)
# These swap the two classes of a next sentence head: "follows" is 0 in files,
# but 1 here. For a matrix with a row or a column per class, and for a bias.
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
    """A row of the table: an array of a file, and its variables in our model.

    The numbers of the array, in our layout and row-major order, are those of
    all `variables`, concatenated. So a file may stack two matrices that are
    two variables here, or have an extra axis of length 1.
    """

    names: tuple[str, ...]
    """Names in the file: the first is written, all are read."""
    shape: tuple[int, ...]
    variables: tuple[str, ...]
    """Paths in the model: a layer's name, then attributes and indices."""
    layout: Layout = SAME

    def name_in(self, file: WeightsFile) -> str | None:
        """Returns the name of the array in a file; `None` if it is absent."""
        return next((name for name in self.names if name in file.shapes), None)


def differences(
    weights: Sequence[Weight],
    file: WeightsFile,
    config: str,
    is_weight: Callable[[str], bool] = lambda name: True,
) -> list[str]:
    """Lists the differences between a file and a table, one per line.

    Args:
        weights: The table.
        file: The file.
        config: Source of the table with its verb, such as "the options
            require", for the lines.
        is_weight: Whether a name that is not in the table is a difference.
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


def check_fit(
    weights: Sequence[Weight],
    file: WeightsFile,
    config: str,
    is_weight: Callable[[str], bool] = lambda name: True,
    words: str = "configuration",
) -> None:
    """Refuses a file that differs from a table, and lists all differences.

    Args:
        weights: The table.
        file: The file.
        config: Name of the file that the table is from.
        is_weight: As of `differences`.
        words: What that file has.

    Raises:
        ValueError: There is a difference.
    """
    found = differences(weights, file, f"the {words} requires", is_weight)
    if found:
        lines = [
            f"The weights do not fit the {words}. Received: {file.said}",
            *found,
            f"Use the {config} that belongs to these weights.",
        ]
        raise ValueError("\n".join(lines))


def fill(
    weights: Sequence[Weight], file: WeightsFile, model: keras.Model
) -> None:
    """Copies weights one by one, to avoid a second copy of all in memory."""
    bad = []
    for weight in weights:
        name = weight.name_in(file) or weight.names[0]
        with whole(file.said):
            array = file.read(name)
        if array.dtype.name == "bfloat16":  # NumPy itself does not have it.
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
            + "\nThe training diverged or the file is damaged: use an "
            "earlier checkpoint."
        )


def assign(weight: Weight, array: np.ndarray, model: keras.Model) -> None:
    """Assigns an array of a file to its variables."""
    numbers = np.ravel(weight.layout.to_ours(array))
    start = 0
    for path in weight.variables:
        variable = _variable(model, path)
        end = start + int(np.prod(variable.shape))
        variable.assign(numbers[start:end].reshape(variable.shape))
        start = end


def collect(weight: Weight, model: keras.Model) -> np.ndarray:
    """Returns the float32 array for a file from its variables."""
    arrays = [
        np.ravel(keras.ops.convert_to_numpy(_variable(model, path)))
        for path in weight.variables
    ]
    numbers = np.concatenate(arrays)
    if numbers.dtype.kind in "iu":
        raise ValueError(
            "`model` must not be quantized: its integer weights mean nothing "
            "without their scales. Save the file before `quantize`. Received: "
            f"{weight.variables[0]} of {numbers.dtype}"
        )
    numbers = numbers.astype("float32")
    return weight.layout.to_theirs(numbers, weight.shape)


def collect_all(
    weights: Sequence[Weight], model: keras.Model
) -> dict[str, np.ndarray]:
    """Returns all arrays for a file by their names, and refuses NaN."""
    arrays, bad = {}, []
    for weight in weights:
        array = np.ascontiguousarray(collect(weight, model))
        problem = problem_of(array)
        if problem:
            bad.append(f"  {weight.names[0]}: {problem}")
        arrays[weight.names[0]] = array
    if bad:
        raise ValueError(
            "`model` must hold finite numbers. Received:\n"
            + "\n".join(bad)
            + "\nThe training diverged: use an earlier checkpoint."
        )
    return arrays


def _variable(model: keras.Model, path: str) -> Any:
    layer, *parts = path.split(".")
    found: Any = model.get_layer(layer)
    for part in parts:
        lora = part in MATRICES and getattr(found, "lora_enabled", False)
        if lora and found.quantization_mode is None:
            return merged_matrix(found)
        found = found[int(part)] if part.isdigit() else getattr(found, part)
    return found
