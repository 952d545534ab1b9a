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

from keras_ctx.command_line import closing, run_command

import keras

from keras_ctx import (
    data,
    evaluation,
    generation,
    models,
    pretraining,
    text,
    training,
)
from keras_ctx.files.whole_file import write_text
from keras_ctx.predictions.translator import Translator

FIGURES = ("token_loss", "val_token_loss", "val_token_perplexity", "bleu")


@dataclass(frozen=True, kw_only=True)
class Config(pretraining.TranslationOptions):
    output: Path = Path("runs/translator")


def read_data(config: Config) -> dict[str, data.ParallelTexts]:
    """Reads and checks all files before anything is trained."""
    found = {
        name: data.read_parallel(*pair) for name, pair in config.files.items()
    }
    for name, texts in found.items():
        blank = f", {texts.num_blank} with a blank line left out"
        print(f"{name}: {len(texts.sources):,} pairs{blank}")
    return found


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


def make_dataset(config: Config, texts, text_inputs, **steps):
    return data.translation_dataset(
        *(texts.sources, texts.targets, text_inputs, text_inputs),
        start_id=text_inputs.begin_id,
        tokens_per_batch=config.tokens_per_batch,
        **steps,
    )


def translate(config: Config, model, text_inputs, texts) -> dict:
    """Translates the test texts; returns their score."""
    translator = Translator(
        *(model, text_inputs, text_inputs, text_inputs.begin_id),
        generation.BeamSearch(config.beams, config.length_penalty),
    )
    found = translator.best(texts.sources)
    lines = "".join(f"{line}\n" for line in found)
    write_text(config.output / "translations.txt", lines)
    return evaluation.bleu(found, texts.targets, config.bleu_tokenizer)


@training.writes_folder
def main(config: Config) -> dict:
    start = time.monotonic()
    strategy = training.strategy(config.strategy)
    texts = read_data(config)
    files = {
        f"{name}_{side}": path
        for name, pair in config.files.items()
        for side, path in zip(("source", "target"), pair, strict=True)
    }
    training.begin_recipe(
        config, training.input_digests(files), strategy=strategy
    )
    before = training.seconds_trained(config.output)
    if done := training.ended_run(config.output, "translator.keras"):
        return close(config, done)
    keras.utils.set_random_seed(config.seed)
    train = texts["train"]
    text_inputs = text.SentencePieceInputs(
        text.sentence_piece_model(
            [*train.sources, *train.targets], config.vocabulary_size
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
    dev = None
    if "dev" in texts:
        dev = make_dataset(config, texts["dev"], text_inputs, seed=0)
        dev = data.first_batches(dev, 20)
    model.fit(
        make_dataset(
            config,
            train,
            text_inputs,
            seed=config.seed,
            first_step=training.completed_steps(config.output),
        ),
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
    model = keras.Model(model.input, model.output, name=model.name)
    if "test" in texts:
        results |= translate(config, model, text_inputs, texts["test"])
    results["seconds"] = time.monotonic() - start + before
    text.save_inputs(text_inputs, config.output / "text_inputs.json")
    training.save_model(model, config.output / "translator.keras")
    encoder = models.encoder_of(model)
    training.save_model(encoder, config.output / "encoder.keras")
    training.save_results(config, results)
    training.remove_checkpoints(config.output)
    return close(config, results)


def close(config: Config, results: dict) -> dict:
    names = [x for x in FIGURES if x in results]
    closing(
        [names, [results[x] for x in names]],
        config.output,
        ["translate.py", "--model", config.output, "--text", "A dog."],
    )
    return results


if __name__ == "__main__":
    run_command(main, Config)
