"""This library's AWD-LSTM: its last layer, and a training step."""

from pathlib import Path

from keras_ctx.command_line.kept_memory import keep_freed_memory
from keras_ctx.command_line.packed_weights import keep_weights_packed

import keras
import numpy as np

from keras_ctx import convert, training

from .keras_steps import inference_step, use_threads
from .step import AWD_RATE, Step, Task

WEIGHTS = "model.safetensors"


def _policy(task: Task) -> Path:
    keep_freed_memory()  # as recipes do
    use_threads(task)
    keras.config.set_dtype_policy(task["policy"])
    return Path(task["folder"]) / WEIGHTS


def awd_lstm(task: Task) -> Step:
    keep_weights_packed()
    encoder = convert.load_awd_lstm(_policy(task))
    step = inference_step(encoder, "sequence")

    def feed(inputs):
        fed = step.feed(inputs)
        return {key: fed[key] for key in encoder.input}

    return step._replace(feed=feed)


def awd_lstm_training(task: Task) -> Step:
    """Returns a step of SGD, which returns the loss before it."""
    model = convert.load_awd_lstm_language_model(
        *(_policy(task), 0.0, 0.0, 0.0, 0.0),
        output_dropout=0.0,
        activation_penalty=0.0,
        change_penalty=0.0,
    )
    model.compile(
        keras.optimizers.SGD(AWD_RATE),
        training.causal_losses(),
        jit_compile=False,
    )

    def feed(inputs):
        ids = np.array(inputs["token_ids"], "int32")
        targets = np.array(inputs["targets"], "int32")
        weights = np.full(ids.shape, 1 / ids.size, "float32")
        given = {"token_ids": ids, "padding_mask": np.ones(ids.shape, bool)}
        return given, {"next_token": targets}, {"next_token": weights}

    def compute(fed):
        # Without the reset it would be the mean loss of all steps.
        model.reset_metrics()
        return model.train_on_batch(*fed, return_dict=True)["loss"]

    return Step(feed, compute, lambda loss: np.array([loss], "float32"))


STEPS = {"awd_lstm": awd_lstm, "awd_lstm_training": awd_lstm_training}
