"""Describes a version in signature.json and README.md."""

import dataclasses
import hashlib
import importlib.metadata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ctx.files.json_text import json_text
from keras_ctx.files.whole_file import write_text
from keras_ctx.serving.card.example_texts import example_of
from keras_ctx.serving.card.readme import readme
from keras_ctx.serving.signatures.answer_windows import AnswerWindows
from keras_ctx.serving.signatures.graph_ops import python_imports
from keras_ctx.serving.signatures.signature import Signature
from keras_ctx.serving.signatures.text_windows import TextWindows
from keras_ctx.serving.verify.verify import Agreement
from keras_ctx.text import TextInputs

_PACKAGES = ("keras_ctx", "keras", "tensorflow", "tensorflow-text")


def write_card(
    folder: Path,
    name: str,
    task: str,
    model: keras.Model,
    text_inputs: TextInputs,
    made: Mapping[str, Signature],
    outputs: Mapping[str, Mapping[str, tf.TensorSpec]],
    labels: Sequence[str] | None,
    metrics: Mapping[str, float],
    measured_on: str | None,
    training_data: Mapping[str, str],
    multi_label: bool,
    windows: AnswerWindows | TextWindows | None,
    weights: str,
    agreement: Agreement,
    notes: Sequence[str] = (),
) -> None:
    """Writes signature.json, and README.md from its content."""
    config = text_inputs.get_config()
    config.pop("vocabulary", None)  # in assets/vocab.txt
    # A model that writes texts has one of its own, from the texts alone.
    default = "serving_default" if "serving_default" in made else task
    card = {
        "name": name,
        "task": task,
        "signatures": {
            signature_name: {
                "method": signature.method,
                "inputs": {
                    key: _spec(spec) for key, spec in signature.inputs.items()
                },
                "outputs": {
                    output: _spec(spec)
                    for output, spec in sorted(outputs[signature_name].items())
                },
                "defaults": {
                    key: x.numpy().item()
                    for key, x in signature.defaults.items()
                },
            }
            for signature_name, signature in made.items()
        },
        "serving_default": default,
        "text_inputs": {"class": type(text_inputs).__name__, **config},
        "windows": None if windows is None else dataclasses.asdict(windows),
        "labels": None if labels is None else list(labels),
        "multi_label": multi_label,
        "metrics": {name: float(value) for name, value in metrics.items()},
        "measured_on": measured_on,
        "notes": list(notes),
        "training_data": dict(training_data),
        "num_weights": int(model.count_params()),
        "weights_sha256": weights_sha256(model),
        "weights": weights,
        "agreement": agreement.largest(),
        "drift": agreement.drift,
        "python_imports": python_imports(folder),
        "example": example_of(task, list(made[default].inputs), text_inputs),
        "versions": {
            package: importlib.metadata.version(package)
            for package in _PACKAGES
        },
    }
    lines = json_text(card, indent=1)
    write_text(folder / "signature.json", f"{lines}\n")
    write_text(folder / "README.md", readme(card))


def weights_sha256(model: keras.Model) -> str:
    """Returns a digest of the shapes, types and bytes of all weights."""
    digest = hashlib.sha256()
    for weight in model.weights:
        array = np.asarray(keras.ops.convert_to_numpy(weight))
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _spec(spec: tf.TensorSpec) -> dict[str, Any]:
    return {"dtype": spec.dtype.name, "shape": list(spec.shape)}
