"""Trains a Transformer to translate.

Data      Two texts in UTF-8 whose lines are translations of each other, for
          training, and others for development and test; may be compressed.
          Pairs with a blank line are left out and counted.
Output    OUTPUT/translator.keras, OUTPUT/encoder.keras (an encoder like any
          other), OUTPUT/text_inputs.json (SentencePiece of both languages),
          OUTPUT/translations.txt of the test text, OUTPUT/results.json,
          OUTPUT/metrics.jsonl, OUTPUT/tensorboard/. A killed run, started
          again, resumes.
Command   python recipes/train_translator.py --train train.en train.de \
              --dev dev.en dev.de --test test.en test.de --output runs/en_de
Expected  The loss of the development text falls, and sacreBLEU scores the
          translations of the test text. For Multi30k see docs/results.md.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import run_command

import keras

from keras_ctx import models, pretraining, text, training


@dataclass(frozen=True, kw_only=True)
class Config(pretraining.TransformerTranslationOptions):
    output: Path = Path("runs/translator")


def make_model(config: Config, vocabulary_size: int) -> keras.Model:
    encoder = models.transformer_encoder(
        vocabulary_size,
        config.num_layers,
        config.num_heads,
        config.hidden_dim,
        config.intermediate_dim,
        config.max_length,
        dropout=config.dropout,
        norm_first=config.norm_first,
    )
    return training.distributed(models.encoder_decoder(encoder))


def compile_model(config: Config, model: keras.Model) -> None:
    model.compile(
        training.transformer_optimizer(
            config.learning_rate, config.warmup_steps
        ),
        loss=training.causal_losses(config.label_smoothing),
        weighted_metrics={
            "next_token": [
                keras.metrics.SparseCategoricalCrossentropy(
                    from_logits=True, name="token_loss"
                )
            ]
        },
        jit_compile=False,
    )


@training.writes_folder
def main(config: Config) -> dict:
    start = time.monotonic()
    strategy = training.strategy(config.strategy)
    texts = pretraining.begin_translator(config, strategy)
    before = training.seconds_trained(config.output)
    if done := training.ended_run(config.output, "translator.keras"):
        return pretraining.close_translator(config, done)
    keras.utils.set_random_seed(config.seed)
    train = texts["train"]
    text_inputs = text.SentencePieceInputs(
        text.sentence_piece_model(
            [*train.sources, *train.targets],
            config.vocabulary_size,
            normalization=config.normalization,
        ),
        config.max_length,
    )
    with strategy.scope():
        model = make_model(config, text_inputs.vocabulary_size)
        compile_model(config, model)
    print(
        f"Transformer: {model.count_params():,} weights, "
        f"{text_inputs.vocabulary_size:,} tokens in the vocabulary"
    )
    batches, dev = pretraining.translator_batches(
        config, texts, text_inputs, text_inputs
    )
    model.fit(
        batches,
        epochs=config.epochs,
        steps_per_epoch=config.steps_per_epoch,
        validation_data=dev,
        callbacks=training.run_callbacks(
            config.output,
            keep=max(2, config.averaged),
            perplexity_of=["token_loss"],
        ),
        shuffle=False,
    )
    if config.averaged > 1:
        training.average_checkpoints(model, config.output, config.averaged)
    if not training.is_chief():
        return {}
    results = training.read_metrics(config.output)[-1]
    results["seconds"] = time.monotonic() - start + before
    results = pretraining.save_translator(
        config, model, texts, text_inputs, text_inputs, results
    )
    return pretraining.close_translator(config, results)


if __name__ == "__main__":
    run_command(main, Config)
