"""Loads every model of a folder, as a user would; run in a fresh process.

The only import of the library is `keras_ctx`, which must register all layers.

    python answer_saved_models.py FOLDER
"""

import sys
from pathlib import Path

import keras
import numpy as np

import keras_ctx  # noqa: F401  # registers the layers


def main(folder: Path) -> None:
    for path in sorted(folder.glob("*.keras")):
        model = keras.saving.load_model(path)
        inputs = dict(np.load(path.with_suffix(".inputs.npz")))
        outputs = flat(model(inputs))
        outputs["trainable"] = np.array(len(model.trainable_weights))
        if path.stem == "frozen":
            outputs["training"] = flat(model(inputs, training=True))["logits"]
        np.savez(
            path.with_suffix(".outputs.npz"), allow_pickle=False, **outputs
        )


def flat(outputs) -> dict[str, np.ndarray]:
    return {
        "/".join(map(str, key)): keras.ops.convert_to_numpy(value)
        for key, value in keras.tree.flatten_with_path(outputs)
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
