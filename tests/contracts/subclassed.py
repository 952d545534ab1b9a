"""A model as users write them: a class that holds layers and calls them.

Run as a script, in a fresh process, it loads one and answers:

    python subclassed.py FOLDER
"""

import sys
from pathlib import Path
from typing import Any

import keras
import layer_cases
import model_cases
import numpy as np
from keras import ops

LAYERS = {case.name: case for case in layer_cases.CASES}
MODELS = {case.name: case for case in model_cases.CASES}


@keras.saving.register_keras_serializable(package="tests")
class Everything(keras.Model):
    """Every layer and model of the library, each with a layer after it.

    Keras does not save the wiring of such a model. To load it, Keras calls it
    on float placeholders of the saved shapes. If that fails, Keras warns, and
    layers not built by then get new weights.
    """

    def __init__(self, names: list[str], **kwargs):
        super().__init__(**kwargs)
        self.names = names
        self.parts = [(LAYERS | MODELS)[name].create() for name in names]
        self.after = [keras.layers.Dense(2) for _ in names]

    def call(self, inputs):
        outputs = {}
        for name, part, after in zip(
            self.names, self.parts, self.after, strict=True
        ):
            if name in LAYERS:
                case = LAYERS[name]
                y = part(**case.nested(inputs[name]), **case.call)
            else:
                y = part(inputs[name])
            y = keras.tree.flatten(y)
            floats = ops.cast(y[0], "float32")
            outputs[name] = [
                *y,
                after(ops.reshape(floats, (-1, y[0].shape[-1] or 1))),
            ]
        return outputs

    def get_config(self):
        return {**super().get_config(), "names": self.names}


def arrays(names: list[str]) -> dict[str, dict[str, np.ndarray]]:
    return {
        name: {
            key: each.value for key, each in LAYERS[name].flat_arguments.items()
        }
        if name in LAYERS
        else {
            key: value
            for key, (value, *_) in model_cases.INPUTS[
                MODELS[name].family
            ].items()
        }
        for name in names
    }


def answers(model: Everything) -> dict[str, np.ndarray]:
    """Returns outputs by case and index."""
    outputs: dict[str, Any] = model(arrays(model.names))
    return {
        f"{name}, output {i}": ops.convert_to_numpy(value)
        for name, values in outputs.items()
        for i, value in enumerate(values)
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    loaded = keras.saving.load_model(folder / "model.keras")
    np.savez(folder / "answers.npz", allow_pickle=False, **answers(loaded))
