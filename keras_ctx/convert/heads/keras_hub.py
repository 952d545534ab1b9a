"""Reads the head of a KerasHub classifier, and refuses other tasks."""

import math
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_ctx.convert.bert.checkpoint import BertCheckpoint
from keras_ctx.convert.files.keras_weights import hdf5_shapes
from keras_ctx.convert.files.options import RATE, read_json
from keras_ctx.convert.files.weights_file import problem_of, whole
from keras_ctx.files.hdf5_file import open_hdf5
from keras_ctx.files.json_text import load_json

_TASK, _TASK_WEIGHTS = "task.json", "task.weights.h5"
# The second is the name before version 0.16.
_CLASSIFIERS = ("BertTextClassifier", "BertClassifier")
# Activations of the logits, and the `problem_type` of `transformers` for each.
# Our models return logits, without a softmax or a sigmoid.
_PROBLEMS = {
    None: None,
    "linear": None,
    "softmax": "single_label_classification",
    "sigmoid": "multi_label_classification",
}


class KerasHubHead(NamedTuple):
    """The weights of a classifier's head."""

    kernel: np.ndarray
    bias: np.ndarray
    problem: str | None
    dropout: float


def keras_hub_task(path: Path) -> dict[str, Any] | None:
    """Reads the task of a preset or a `.keras` file; `None` without one."""
    if (path / _TASK).is_file():
        return read_json(path / _TASK, "folder")
    if path.is_file() and path.suffix == ".keras":
        with whole(f"folder={str(path)!r}"), zipfile.ZipFile(path) as archive:
            content = load_json(archive.read("config.json").decode("utf-8"))
        inside = content.get("config") if isinstance(content, dict) else None
        if isinstance(inside, dict) and "backbone" in inside:
            return content
    return None


def read_keras_hub_head(
    path: Path, content: dict[str, Any], checkpoint: BertCheckpoint
) -> KerasHubHead:
    """Reads the head of a BertTextClassifier; raises for any other task.

    Args:
        path: The preset, or the `.keras` file.
        content: The result of `keras_hub_task`.
        checkpoint: Its open backbone.
    """
    name = content.get("class_name")
    if name not in _CLASSIFIERS:
        others = "Read only the backbone with `load_encoder`"
        if name == "BertMaskedLM":
            others = "Read this model with `load_pretrainer`"
        raise ValueError(
            f"`folder` must hold a {_CLASSIFIERS[0]}, the only task of "
            f"KerasHub whose head is supported. Received: {str(path)!r} of "
            f"{name!r}. {others}."
        )
    config = content.get("config")
    config = config if isinstance(config, dict) else {}
    activation, dropout = config.get("activation"), config.get("dropout", 0.1)
    if not isinstance(activation, str | None) or activation not in _PROBLEMS:
        raise ValueError(
            f"{path}: the `activation` of the classifier must be one of "
            f"{', '.join(str(x) for x in _PROBLEMS)}: the model returns "
            f"logits. Received: {str(activation)[:100]!r}"
        )
    if not RATE.holds(dropout):
        raise ValueError(
            f"{path}: `dropout` must be {RATE.words}. Received: {dropout!r}"
        )
    arrays = _arrays(path, checkpoint)
    features = checkpoint.arguments["hidden_dim"]
    shapes = sorted((x.shape for x in arrays), key=len)
    if (
        [len(shape) for shape in shapes] != [1, 2]
        or shapes[1] != (features, *shapes[0])
        or config.get("num_classes", shapes[0][0]) != shapes[0][0]
    ):
        raise ValueError(
            f"{path}: the head must be a matrix with {features} rows and a "
            "bias, with one column for each of the "
            f"{config.get('num_classes')} classes (`num_classes`). "
            f"Received: arrays of shapes {shapes}"
        )
    bias, kernel = sorted(arrays, key=np.ndim)
    for array in arrays:
        if problem := problem_of(array):
            raise ValueError(
                f"Weights must be finite numbers. Received: {path}, its head: "
                f"{problem}"
            )
    return KerasHubHead(kernel, bias, _PROBLEMS[activation], dropout)


def _arrays(path: Path, checkpoint: BertCheckpoint) -> list[np.ndarray]:
    file = checkpoint.file
    if path.is_file():
        return [
            file.read(name) for name in file.shapes if name.startswith("logits")
        ]
    weights = path / _TASK_WEIGHTS
    if not weights.is_file():
        raise FileNotFoundError(
            f"`folder` must hold {_TASK_WEIGHTS} next to {_TASK}. Received: "
            f"folder={str(path)!r} without it. Get it again."
        )
    found: list[np.ndarray] = []
    said = f"folder={str(path)!r}, {weights.name}"
    with whole(said), open_hdf5(weights, said) as opened:
        # `layers/dense/vars/0` and `1`, and the variables of an optimizer.
        places = hdf5_shapes(opened)
        for name in sorted(places):
            if name.startswith("optimizer/"):
                continue
            if len(found) == 2 or math.prod(places[name]) > 2**31:
                raise ValueError(
                    f"the head has more than a dense layer: {name}"
                )
            found.append(np.asarray(opened[name]))
    return found
