"""Greedy generation by KerasHub's GPT-2, which XLA compiles, its default."""

import keras
import keras_hub
import numpy as np

from .generation_steps import next_token_step, whole_step
from .keras_steps import use_threads
from .step import Step, Task


def greedily(task: Task):
    use_threads(task)
    keras.config.set_dtype_policy(task["policy"])
    model = keras_hub.models.GPT2CausalLM(
        keras_hub.models.GPT2Backbone.from_preset(task["folder"])
    )
    model.compile(sampler="greedy")

    def generate(ids, new):
        length = ids.shape[1]
        there = np.arange(length + new) < length
        fed = {
            "token_ids": np.pad(ids, [(0, 0), (0, new)]).astype("int32"),
            "padding_mask": np.tile(there, (len(ids), 1)).astype("int32"),
        }
        found = model.generate(fed, stop_token_ids=None)
        return found["token_ids"][:, length:]

    return generate


def greedy(task: Task) -> Step:
    return whole_step(greedily(task), task)


def next_token(task: Task) -> Step:
    return next_token_step(greedily(task), task)
