"""Pretrains CoVe: the MT-LSTM of a translator with LSTMs and attention.

Data      Two texts in UTF-8 whose lines are translations of each other, for
          training, and others for development and test; may be compressed.
          With --vectors the first text is split at blanks, so put blanks
          around punctuation, as in the text of the vectors.
Output    OUTPUT/encoder.keras (an encoder like any other, for `--init`),
          OUTPUT/text_inputs.json (of the first text), OUTPUT/translator.keras,
          with --vectors OUTPUT/target_inputs.json (of the second text),
          OUTPUT/translations.txt of the test text, OUTPUT/results.json,
          OUTPUT/metrics.jsonl, OUTPUT/tensorboard/. A killed run, started
          again, resumes.
Command   python recipes/pretrain_cove.py --vectors glove.6B.50d.txt \
              --train train.en train.de --dev dev.en dev.de \
              --test test.en test.de --output runs/cove
          For the optimizer of the paper add --optimizer sgd, and for
          --steps-per-epoch the number of batches of the text.
Expected  The loss of the development text falls, and sacreBLEU scores the
          translations of the test text.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import run_command

import keras

from keras_ctx import data, models, pretraining, training


@dataclass(frozen=True, kw_only=True)
class Config(pretraining.CovePretrainingOptions):
    output: Path = Path("runs/cove")


def make_model(config: Config, encoder, target_inputs) -> keras.Model:
    return training.distributed(
        models.attentional_lstm_translator(
            encoder,
            target_inputs.vocabulary_size,
            config.embedding_dim,
            config.dropout,
            config.max_length,
        )
    )


def compile_model(
    config: Config, model: keras.Model, texts: data.ParallelTexts, target_inputs
) -> None:
    # The paper's rate of 1 is for the sum over a text, not for the mean.
    tokens = target_inputs.num_tokens(texts.targets).numpy().mean()
    model.compile(
        training.lstm_translator_optimizer(
            config.optimizer, config.learning_rate
        ),
        loss=training.causal_losses(config.label_smoothing),
        loss_weights={
            "next_token": float(tokens) if config.optimizer == "sgd" else 1.0
        },
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
    vectors = pretraining.cove_vectors(config)
    texts = pretraining.begin_translator(config, strategy, config.vector_files)
    before = training.seconds_trained(config.output)
    if done := training.ended_run(config.output, "translator.keras"):
        return pretraining.close_translator(config, done)
    keras.utils.set_random_seed(config.seed)
    with strategy.scope():
        encoder, source_inputs, target_inputs = pretraining.cove_start(
            config, vectors, texts["train"]
        )
        model = make_model(config, encoder, target_inputs)
        compile_model(config, model, texts["train"], target_inputs)
    print(
        f"MT-LSTM and its decoder: {model.count_params():,} weights, "
        f"{source_inputs.vocabulary_size:,} tokens to read, "
        f"{target_inputs.vocabulary_size:,} to write"
    )
    batches, dev = pretraining.translator_batches(
        config, texts, source_inputs, target_inputs
    )
    halve = training.HalveRate("val_token_loss", config.output)
    model.fit(
        batches,
        epochs=halve.last_epoch(config.epochs) if dev else config.epochs,
        steps_per_epoch=config.steps_per_epoch,
        validation_data=dev,
        callbacks=training.run_callbacks(
            config.output,
            keep=max(2, config.averaged),
            perplexity_of=["token_loss"],
            callbacks=[halve] if dev else [],
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
        config, model, texts, source_inputs, target_inputs, results
    )
    return pretraining.close_translator(config, results)


if __name__ == "__main__":
    run_command(main, Config)
