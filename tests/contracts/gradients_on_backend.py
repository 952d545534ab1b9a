"""Computes outputs and gradients of layers on the backend of KERAS_BACKEND.

KERAS_BACKEND=torch python gradients_on_backend.py FILE.npz CASE ...
"""

import sys

import keras
import numpy as np
from backends import gradients
from keras import ops
from layer_cases import CASES, Case
from random_weights import randomized


def answers(case: Case) -> dict[str, np.ndarray]:
    """Returns outputs by number, and gradients of their squares by weight."""
    flat = {name: each.value for name, each in case.flat_arguments.items()}
    layer = case.create()
    call = dict(case.call)
    if case.name == "BiLM":
        call["training"] = True  # keeps what the backward pass needs

    def outputs():
        return keras.tree.flatten(layer(**case.nested(flat), **call))

    outputs()
    randomized(layer)
    before = layer.get_weights()
    found = {
        f"{case.name}/output {k}": ops.convert_to_numpy(x)
        for k, x in enumerate(outputs())
    }

    def loss():
        squares = [ops.cast(x, "float32") ** 2 for x in outputs()]
        return sum(ops.sum(x) for x in squares)

    layer.set_weights(before)
    if layer.trainable_weights:
        for path, gradient in gradients(layer, loss).items():
            name = path.partition("/")[2]  # the first part counts layers
            found[f"{case.name}/{name}"] = (
                np.zeros(()) if gradient is None else gradient
            )
    return found


def main(path: str, *names: str) -> None:
    found = {}
    for case in CASES:
        if case.name in names:
            found |= answers(case)
    # Layer names have slashes; names in an npz file must not.
    np.savez(path, **{k.replace("/", "|"): x for k, x in found.items()})


if __name__ == "__main__":
    main(*sys.argv[1:])
