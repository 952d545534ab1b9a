"""Our side of `bert_accelerator.py`, in a separate process."""

import os
import time
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("XLA_PYTHON_CLIENT_MEM_FRACTION", "0.92")

import jax  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402

from harness.worker import answer  # noqa: E402
from keras_ctx import models  # noqa: E402

WARM_UP = 2


class Clock(keras.callbacks.Callback):
    """Measures the seconds of each epoch, until Keras has fetched its loss."""

    def __init__(self):
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        assert logs is not None and np.isfinite(float(logs["loss"]))  # noqa: S101
        self.seconds.append(time.perf_counter() - self.start)


def inputs(request: dict[str, Any], generator: np.random.Generator):
    """Returns the rows of a round, with ids drawn by Zipf's law."""
    rows = request["steps"] * request["batch_size"]
    shape = (rows, request["length"])
    shares = np.cumsum(1 / np.arange(1, request["vocabulary_size"]))
    ids = 1 + np.searchsorted(shares, shares[-1] * generator.random(shape))
    return {
        "token_ids": ids.astype("int32"),
        "segment_ids": generator.integers(0, 2, shape).astype("int32"),
        "padding_mask": np.ones(shape, "bool"),
    }


def train(request: dict[str, Any]) -> list[float]:
    keras.config.set_dtype_policy("mixed_bfloat16")
    dropout = request["dropout"]
    model = models.bert_pretrainer(
        getattr(models, request["size"])(
            request["vocabulary_size"],
            dropout=dropout,
            attention_dropout=dropout,
        )
    )
    model.compile(
        keras.optimizers.AdamW(1e-4, weight_decay=0.01),
        {
            key: keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            for key in ("masked_lm", "next_sentence")
        },
    )
    generator = np.random.default_rng(1)
    features = inputs(request, generator)
    ids = features["token_ids"]
    drawn = generator.random(ids.shape)
    positions = np.sort(np.argsort(drawn)[:, : request["masked"]])
    words = np.take_along_axis(ids, positions, 1)
    masks = generator.random(words.shape) < 0.8
    shown = np.where(masks, request["mask_id"], words)
    np.put_along_axis(ids, positions, shown, 1)
    targets = {
        "masked_lm": words,
        "next_sentence": generator.integers(0, 2, len(ids), "int32"),
    }
    clock = Clock()
    model.fit(
        {**features, "masked_positions": positions.astype("int32")},
        targets,
        batch_size=request["batch_size"],
        epochs=WARM_UP + request["rounds"],
        callbacks=[clock],
        verbose=0,
    )
    return clock.seconds[WARM_UP:]


def forward(request: dict[str, Any]) -> list[float]:
    keras.config.set_dtype_policy("bfloat16")
    encoder = getattr(models, request["size"])(request["vocabulary_size"])
    model = models.embedder(encoder)
    features = inputs(request, np.random.default_rng(1))
    seconds = []
    for _ in range(WARM_UP + request["rounds"]):
        start = time.perf_counter()
        model.predict(features, batch_size=request["batch_size"], verbose=0)
        seconds.append(time.perf_counter() - start)
    return seconds[WARM_UP:]


def handle(request: dict[str, Any]) -> dict[str, Any]:
    seconds = {"train": train, "forward": forward}[request["mode"]](request)
    device = jax.devices()[0]
    memory = device.memory_stats() or {}
    return {
        "seconds": [second / request["steps"] for second in seconds],
        "peak_bytes": memory.get("peak_bytes_in_use", float("nan")),
        "device": device.device_kind,
        "versions": f"keras {keras.__version__} on jax {jax.__version__}",
    }


if __name__ == "__main__":
    answer(handle)
