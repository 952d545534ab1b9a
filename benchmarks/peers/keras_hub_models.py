"""KerasHub's BERT, with the weights of the folder."""

from pathlib import Path

import keras
import keras_hub
import numpy as np

from .keras_hub_generation import greedy, next_token
from .keras_steps import (
    features,
    inference_step,
    training_step,
    use_threads,
    with_classes,
)
from .step import Step, Task

PACKAGES = ("keras", "keras-hub", "tensorflow")


def load(task: Task) -> keras.Model:
    use_threads(task)
    keras.config.set_dtype_policy(task["policy"])
    return keras_hub.models.BertBackbone.from_preset(
        task["folder"], dropout=task["dropout"]
    )


def heads(task: Task, name: str) -> np.ndarray:
    with np.load(Path(task["folder"]) / "heads.npz") as arrays:
        return arrays[name]


def inference(task: Task) -> Step:
    return inference_step(load(task), "sequence_output", "int32")


def named(inputs):
    fed = features(inputs)
    return {**fed, "padding_mask": fed["padding_mask"].astype("int32")}


def classes(task: Task) -> Step:
    backbone = load(task)
    model = with_classes(
        backbone.input, backbone.output["pooled_output"], heads(task, "classes")
    )
    return training_step(
        model, lambda inputs: (named(inputs), np.array(inputs["labels"]))
    )


def masked_lm(task: Task) -> Step:
    whole = keras_hub.models.BertMaskedLM(load(task), preprocessor=None)
    # Without the accuracy that it would compute in each step.
    model = keras.Model(whole.input, whole.output)
    for weight in model.get_layer("mlm_head").weights:
        if weight.path.endswith("intermediate_dense/kernel"):
            weight.assign(heads(task, "dense"))

    def feed(inputs):
        positions = np.array(inputs["positions"], "int32")
        fed = {**named(inputs), "mask_positions": positions}
        return fed, np.array(inputs["targets"])

    return training_step(model, feed)


STEPS = {
    "inference": inference,
    "training": classes,
    "masked_lm": masked_lm,
    "greedy": greedy,
    "next_token": next_token,
}
