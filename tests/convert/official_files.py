"""Writes files like allenai/bilm-tf, from arrays with official names.

Names in checkpoints are derived here by renaming (ELMO.md, section 9),
independently of the library's table.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import tensorflow as tf
from parity.elmo_numpy import Options, random_weights
from parity.elmo_variants import CHAR_DIM, LENGTH

Arrays = Mapping[str, np.ndarray]


def arrays_of(options: Options) -> dict[str, np.ndarray]:
    """Returns random arrays, large enough for the clips to take effect."""
    return random_weights(options, CHAR_DIM, seed=3, scale=2.5)


def content_of(o: Options, length: int = LENGTH) -> dict[str, Any]:
    """Returns the content of options.json."""
    return {
        "lstm": {
            "dim": o.dim,
            "projection_dim": o.projection_dim,
            "n_layers": o.n_layers,
            "cell_clip": o.cell_clip,
            "proj_clip": o.proj_clip,
            "use_skip_connections": o.use_skip_connections,
        },
        "char_cnn": {
            "activation": o.activation,
            "embedding": {"dim": CHAR_DIM},
            "filters": [list(pair) for pair in o.filters],
            "n_highway": o.n_highway,
            "n_characters": 262,
            "max_characters_per_token": length,
        },
    }


def write_options(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def write_hdf5(path: Path, arrays: Arrays) -> Path:
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array)
    return path


def read_hdf5(path: Path) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}

    def keep(name: str, item) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    with h5py.File(path) as file:
        file.visititems(keep)
    return found


def without_multi_cell(arrays: Arrays) -> dict[str, np.ndarray]:
    """Renames arrays as bilm-tf does for a model of one layer."""
    return {
        name.replace("MultiRNNCell/Cell0/", ""): array
        for name, array in arrays.items()
    }


def checkpoint_name(name: str) -> str:
    """Returns the variable behind an official name."""
    for pattern, ours in (
        ("/RNN/", "/rnn/"),
        (r"MultiRNNCell/Cell(\d)", r"multi_rnn_cell/cell_\1"),
        ("LSTMCell", "lstm_cell"),
        ("W_P_0$", "projection/kernel"),
        ("W_0$", "kernel"),
        ("/B$", "/bias"),
    ):
        name = re.sub(pattern, ours, name)
    return f"lm/{name}"


def write_checkpoint(prefix: Path, arrays: Arrays) -> Path:
    """Writes a checkpoint, also with the variables of training."""
    variables = {checkpoint_name(name): a for name, a in arrays.items()}
    slots = {f"{name}/Adagrad": a + 1 for name, a in variables.items()}
    counters = {"global_step": 3.0, "train_perplexity": 9.0}
    tensors = {
        **variables,
        **slots,
        **{name: np.float32(value) for name, value in counters.items()},
    }
    tensors = dict(sorted(tensors.items()))  # the order of TensorFlow 1
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=list(tensors),
        shape_and_slices=[""] * len(tensors),
        tensors=list(tensors.values()),
    )
    return prefix
