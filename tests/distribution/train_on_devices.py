"""Trains `bert_pretrainer` and `elmo_language_model` on one or two devices.

The global batches are the same; it writes the loss curves and the final
weights. Run in its own process, for two logical devices, or as one of the
workers of TF_CONFIG.

    python train_on_devices.py FILE.npz MODEL ...
    TF_CONFIG=... python train_on_devices.py FILE.npz MODEL ...
"""

import os
import sys

import keras
import numpy as np
import tensorflow as tf

from keras_ctx import models, training
from keras_ctx.data.batching.sharding import global_batches
from keras_ctx.layers.transformer import attention, chunked_attention

STEPS, B, T, M, C, V = 50, 6, 7, 3, 5, 17


def normalized(weights: np.ndarray) -> np.ndarray:
    """Scales weights to sum 1 over each global batch, not per device."""
    axes = tuple(range(1, weights.ndim))
    total = weights.sum(axis=axes, keepdims=True)
    return (weights / total).astype("float32")


def uneven(generator: np.random.Generator, width: int) -> np.ndarray:
    """Returns weights with many targets in the first half, one in the
    second."""
    weights = np.zeros((STEPS, B, width), "float32")
    weights[:, : B // 2] = generator.integers(0, 2, (STEPS, B // 2, width))
    weights[:, 0, 0] = weights[:, -1, 0] = 1
    return weights


def bert_batches() -> tuple:
    g = np.random.default_rng(1)
    lengths = g.integers(2, T + 1, (STEPS, B, 1))
    masked = uneven(g, M)
    x = {
        "token_ids": g.integers(0, V, (STEPS, B, T)).astype("int32"),
        "segment_ids": g.integers(0, 2, (STEPS, B, T)).astype("int32"),
        "padding_mask": np.arange(T) < lengths,
        "masked_positions": g.integers(0, 2, (STEPS, B, M)).astype("int32"),
    }
    y = {
        "masked_lm": g.integers(0, V, (STEPS, B, M)).astype("int32"),
        "next_sentence": g.integers(0, 2, (STEPS, B)).astype("int32"),
    }
    w = {
        "masked_lm": normalized(masked),
        "next_sentence": normalized(np.ones((STEPS, B))),
    }
    return x, y, w


def elmo_batches() -> tuple:
    g = np.random.default_rng(2)
    lengths = g.integers(1, T + 1, (STEPS, B, 1))
    lengths[:, B // 2 :] = 1
    real = np.arange(T) < lengths
    negatives = [g.permutation(V)[:4] for _ in range(2 * STEPS)]
    negatives = np.reshape(negatives, (STEPS, 1, 2, 4))
    x = {
        "char_ids": g.integers(1, 262, (STEPS, B, T, C)) * real[..., None],
        "forward_targets": g.integers(0, V, (STEPS, B, T + 1)),
        "backward_targets": g.integers(0, V, (STEPS, B, T + 1)),
        "negative_ids": np.tile(negatives, (1, B, 1, 1)),
    }
    x = {key: value.astype("int32") for key, value in x.items()}
    zeros = np.zeros((STEPS, B, T + 1), "float32")
    counted = normalized((np.arange(T + 1) <= lengths).astype("float32"))
    directions = ("forward", "backward")
    return (
        x,
        dict.fromkeys(directions, zeros),
        dict.fromkeys(directions, counted),
    )


def bert_model(
    accumulated: int = 1, dropout: float = 0.0, jit_compile: bool = False
) -> keras.Model:
    encoder = models.bert_encoder(
        V, 2, 2, 8, 16, T, dropout=dropout, attention_dropout=dropout
    )
    model = training.distributed(models.bert_pretrainer(encoder))
    optimizer = training.bert_optimizer(
        0.01,
        STEPS // accumulated,
        clip_norm=0.5,
        gradient_accumulation_steps=accumulated,
    )
    # Adam divides by a root, which amplifies the last digit of a gradient near
    # 0.
    optimizer.epsilon = 1e-4
    model.compile(
        optimizer,
        training.bert_pretraining_losses(),
        jit_compile=jit_compile,
    )
    return model


def long_bert_model() -> keras.Model:
    """Returns a BERT whose rows are in chunks, and computed again."""
    attention.PLAIN_LENGTH = chunked_attention.PLAIN_LENGTH = 4
    chunked_attention.CHUNK = 3
    model = bert_model()
    models.enable_gradient_checkpointing(model)
    return model


def elmo_model(dropout: float = 0.0, jit_compile: bool = False) -> keras.Model:
    encoder = models.elmo_encoder(
        [(1, 4), (2, 4)], 6, 4, char_dim=4, max_characters=C, dropout=dropout
    )
    model = training.distributed(
        models.elmo_language_model(encoder, V, num_negatives=4, dropout=dropout)
    )
    return compiled_elmo(model, jit_compile)


def compiled_elmo(model: keras.Model, jit_compile: bool) -> keras.Model:
    model.compile(
        training.elmo_optimizer(0.2, clip_norm=0.5),
        training.elmo_pretraining_losses(),
        loss_weights={"forward": 0.5, "backward": 0.5},
        jit_compile=jit_compile,
    )
    return model


class LossOfEachStep(keras.callbacks.Callback):
    """Records the loss of each step; Keras logs the mean of the epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.losses: list[float] = []

    def on_train_batch_end(self, batch, logs=None) -> None:
        self.losses.append(float((logs or {})["loss"]))
        self.model.reset_metrics()


def fit(model: keras.Model, dataset: tf.data.Dataset) -> list[float]:
    """Trains on each batch once, and returns the losses."""
    record = LossOfEachStep()
    model.fit(dataset, callbacks=[record], shuffle=False, verbose=0)
    return record.losses


def train(
    make_model, batches: tuple, strategy: tf.distribute.Strategy
) -> tuple[list[float], list[np.ndarray]]:
    keras.utils.set_random_seed(3)
    with strategy.scope():
        model = make_model()
    # A global batch is an element; fit splits it over the devices.
    dataset = tf.data.Dataset.from_tensor_slices(batches)
    losses = fit(model, global_batches(dataset))
    return losses, [w.numpy() for w in model.trainable_variables]


def two_devices() -> tuple[tf.distribute.Strategy, tf.distribute.Strategy]:
    """Returns a strategy for one device, and one for both."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * 2
    )
    both = training.strategy("mirrored")
    assert both.num_replicas_in_sync == 2
    return tf.distribute.OneDeviceStrategy("CPU:0"), both


def main(path: str, *names: str) -> None:
    if "TF_CONFIG" in os.environ:
        strategies = {"workers": training.strategy("multi_worker")}
    else:
        strategies = dict(zip(("one", "two"), two_devices(), strict=True))
    results = {}
    made = {
        "bert": (bert_model, bert_batches),
        "accumulated": (lambda: bert_model(accumulated=2), bert_batches),
        "elmo": (elmo_model, elmo_batches),
        "long": (long_bert_model, bert_batches),
    }
    for name in names:
        make_model, make_batches = made[name]
        batches = make_batches()
        for devices, strategy in strategies.items():
            losses, weights = train(make_model, batches, strategy)
            results[f"{name}/{devices}/losses"] = np.array(losses)
            for i, weight in enumerate(weights):
                results[f"{name}/{devices}/{i}"] = weight
    np.savez(path, is_chief=training.is_chief(), **results)


if __name__ == "__main__":
    main(*sys.argv[1:])
