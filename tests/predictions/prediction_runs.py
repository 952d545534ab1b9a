"""Creates run folders of the fine-tuning recipes, with random weights."""

import json
from pathlib import Path

import keras
import numpy as np

from keras_ctx import models, text

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
INPUTS = text.BertInputs([*SPECIAL, *"abcdefghij", *"?."], 24)


def randomized(model: keras.Model) -> keras.Model:
    rng = np.random.default_rng(3)
    for weight in model.trainable_weights:
        weight.assign(0.3 * rng.normal(size=weight.shape))
    return model


def encoder() -> keras.Model:
    return models.bert_encoder(
        INPUTS.vocabulary_size, 2, 2, 8, 16, INPUTS.max_length
    )


def save_run(
    folder: Path, model: keras.Model, labels: tuple[str, ...] = (), **task
) -> keras.Model:
    """Writes the folder; without a `task`, as an older version did."""
    folder.mkdir()
    randomized(model)
    model.save(folder / "model.keras")
    text.save_inputs(INPUTS, folder / "text_inputs.json")
    if labels:
        text.save_vocabulary(labels, folder / "labels.txt")
    if task:
        (folder / "task.json").write_text(json.dumps(task))
    return model
