"""Reads the sizes and weights of a Dense module of sentence-transformers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import keras
from safetensors import safe_open

from keras_ctx.convert.files.options import (
    COUNT,
    FLAG,
    Option,
    Rule,
    read_json,
    read_table,
)
from keras_ctx.convert.files.weight_table import (
    SAME,
    TRANSPOSED,
    Weight,
    differences,
    fill,
)
from keras_ctx.convert.files.weights_file import (
    WeightsFile,
    check_pointer,
    whole,
)

WEIGHTS, _PICKLE = "model.safetensors", "pytorch_model.bin"
ACTIVATIONS = {
    "Tanh": "tanh",
    "Identity": "linear",
    "ReLU": "relu",
    "GELU": "gelu",
    "Sigmoid": "sigmoid",
}
_TABLE = (
    Option("in_features", "inputs", COUNT),
    Option("out_features", "units", COUNT),
    Option("bias", "use_bias", FLAG, True),
    Option(
        "activation_function",
        "activation",
        Rule(
            f"one of torch's {', '.join(ACTIVATIONS)}",
            lambda value: (
                isinstance(value, str)
                and value.startswith("torch.nn.")
                and value.rpartition(".")[2] in ACTIVATIONS
            ),
        ),
        "torch.nn.modules.activation.Tanh",
    ),
)


class DenseModule(NamedTuple):
    """A dense layer on the pooled vector."""

    folder: Path
    inputs: int
    units: int
    activation: str
    use_bias: bool

    def weights(self, layer: str) -> list[Weight]:
        """Builds the weight table for a layer of this name."""
        shape = (self.units, self.inputs)
        found = [
            Weight(("linear.weight",), shape, (f"{layer}.kernel",), TRANSPOSED)
        ]
        if self.use_bias:
            found.append(
                Weight(
                    ("linear.bias",), (self.units,), (f"{layer}.bias",), SAME
                )
            )
        return found

    def load(self, model: keras.Model, layer: str) -> None:
        """Loads the weights into the layer of this name."""
        with _opened(self.folder) as file:
            fill(self.weights(layer), file, model)


def read_dense(folder: Path) -> DenseModule:
    """Reads the settings of a Dense module and checks its weights file.

    Raises:
        FileNotFoundError: If config.json is missing.
        ValueError: If a setting or the weights are not supported.
    """
    path = folder / "config.json"
    content = read_json(path, "folder")
    found, problems = read_table(content, _TABLE)
    for key, only in (
        ("module_input_name", "sentence_embedding"),
        ("module_output_name", "sentence_embedding"),
    ):
        if content.get(key) not in (None, only):
            problems.append(
                f"`{key}` must be {only!r}: layers on tokens are not "
                f"supported. Received: {content[key]!r}"
            )
    if problems:
        raise ValueError(f"{path}: " + "\n".join(problems))
    name = found.pop("activation").rpartition(".")[2]
    module = DenseModule(folder, activation=ACTIVATIONS[name], **found)
    with _opened(folder) as file:
        lines = differences(
            module.weights("dense"), file, "config.json requires"
        )
        if lines:
            raise ValueError(
                f"The weights must fit config.json. Received: {file.said}\n"
                + "\n".join(lines)
            )
    return module


@contextmanager
def _opened(folder: Path) -> Iterator[WeightsFile]:
    path = folder / WEIGHTS
    if not path.is_file():
        pickled = (
            f" Its {_PICKLE} is a pickle, which can run any code when it is "
            "opened, and is never opened here. Convert it once, with torch "
            "and safetensors installed:\n"
            "  import torch, safetensors.torch\n"
            f"  tensors = torch.load({str(folder / _PICKLE)!r}, "
            "weights_only=True)\n"
            f"  safetensors.torch.save_file(tensors, {str(path)!r})"
        )
        raise ValueError(
            f"{folder}: a Dense module must hold its weights in {WEIGHTS}."
            + (pickled if (folder / _PICKLE).is_file() else " Get it again.")
        )
    check_pointer(path)
    said = f"folder={str(folder)!r}, {WEIGHTS}"
    with whole(said):
        opened = safe_open(path, framework="numpy")
    with opened as file:
        shapes = {
            name: tuple(file.get_slice(name).get_shape())
            for name in file.keys()
        }
        yield WeightsFile(said, shapes, file.get_tensor)
