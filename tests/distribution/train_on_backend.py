"""Trains models of a folder, and writes their losses and weights.

Run in its own process, on the backend of KERAS_BACKEND. `NAME.keras` is a model
with its optimizer, `NAME.npz` has its batches, whose keys are `0/KEY` for
features, `1/KEY` for labels and `2/KEY` for weights.

    python train_on_backend.py FOLDER
"""

import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from train_on_devices import fit


def read_batches(path: Path) -> tuple:
    batches = ({}, {}, {})
    for key, value in np.load(path).items():
        part, name = key.split("/")
        batches[int(part)][name] = value
    return batches


def train_all(folder: Path) -> None:
    backend = keras.backend.backend()
    for path in sorted(folder.glob("*.keras")):
        model = keras.saving.load_model(path)
        # Otherwise JAX compiles each operation separately.
        model.jit_compile = backend == "jax"
        batches = read_batches(path.with_suffix(".npz"))
        losses = fit(model, tf.data.Dataset.from_tensor_slices(batches))
        weights = {
            x.path: keras.ops.convert_to_numpy(x)
            for x in model.trainable_variables
        }
        np.savez(
            folder / f"{path.stem}.{backend}.results.npz",
            allow_pickle=False,
            losses=np.array(losses),
            **weights,
        )


if __name__ == "__main__":
    train_all(Path(sys.argv[1]))
