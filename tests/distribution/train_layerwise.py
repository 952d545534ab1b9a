"""Trains a classifier with layer rates on one device and on two.

Each layer has its own rate and first step; the global batches are the same. It
writes both results. Run in its own process, for two logical devices.

    python train_layerwise.py FILE.npz
"""

import sys

import keras
import numpy as np
import tensorflow as tf
from train_on_devices import LossOfEachStep, two_devices

from keras_ctx import models, training

STEPS, B, T = 12, 6, 5


def batches() -> tuple:
    g = np.random.default_rng(1)
    ids = g.integers(0, 9, (STEPS, B, T)).astype("int32")
    features = {
        "token_ids": ids,
        "segment_ids": 0 * ids,
        "padding_mask": 0 * ids + 1,
    }
    labels = {"logits": g.integers(0, 3, (STEPS, B)).astype("int32")}
    weights = {"logits": np.full((STEPS, B), 1 / B, "float32")}
    return features, labels, weights


def train(strategy: tf.distribute.Strategy) -> dict[str, np.ndarray]:
    keras.utils.set_random_seed(3)
    with strategy.scope():
        encoder = models.bert_encoder(
            *(9, 2, 2, 8, 16, T), dropout=0.0, attention_dropout=0.0
        )
        model = models.classifier(encoder, 3, dropout=0.0)
        rates = training.layer_rates(model, decay=0.5, unfreeze_every=4)
        model.compile(
            training.bert_optimizer(
                0.01, STEPS, clip_norm=None, layer_rates=rates
            ),
            loss={
                "logits": keras.losses.SparseCategoricalCrossentropy(
                    from_logits=True, reduction="sum"
                )
            },
            jit_compile=False,
        )
    first = {x.path: x.numpy().copy() for x in model.trainable_variables}
    record = LossOfEachStep()
    model.fit(
        tf.data.Dataset.from_tensor_slices(batches()),
        callbacks=[record],
        shuffle=False,
        verbose=0,
    )
    ends = {x.path: x.numpy() for x in model.trainable_variables}
    return {
        "losses": np.array(record.losses),
        **{f"first/{path}": x for path, x in first.items()},
        **{f"end/{path}": x for path, x in ends.items()},
    }


def main(path: str) -> None:
    one, both = two_devices()
    results = {}
    for name, strategy in (("one", one), ("two", both)):
        for key, value in train(strategy).items():
            results[f"{name}/{key}"] = value
    np.savez(path, **results)


if __name__ == "__main__":
    main(sys.argv[1])
