"""Writes the rows of some batches of a worker; run on each of TF_CONFIG.

TF_CONFIG=... python read_records.py FOLDER FILE.npz
"""

import sys

import numpy as np
import tensorflow as tf

from keras_ctx import data, text, training

STEPS, BATCH = 6, 6


def batches(folder: str) -> tf.data.Dataset:
    """Returns batches from fewer shards than workers."""
    settings = text.load_inputs(f"{folder}/text_inputs.json").get_config()
    return data.pair_records_dataset(
        folder,
        text.BertInputs.from_config({**settings, "padding": "max_length"}),
        batch_size=BATCH,
        seed=3,
        max_predictions=2,
        shuffle_buffer=8,
    ).take(STEPS)


def arrays(strategy: tf.distribute.Strategy, rows) -> dict[str, np.ndarray]:
    """Returns the values of this device by step and name."""
    return {
        f"{step}/{part}/{key}": np.asarray(
            strategy.experimental_local_results(values)[0]
        )
        for step, batch in enumerate(rows)
        for part, group in enumerate(batch)
        for key, values in group.items()
    }


if __name__ == "__main__":
    _, folder, path = sys.argv
    strategy = training.strategy("multi_worker", batch_size=BATCH)
    found = strategy.experimental_distribute_dataset(batches(folder))
    np.savez(path, **arrays(strategy, found))  # pyright: ignore
