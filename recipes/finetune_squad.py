"""Fine-tunes an encoder to find the answer to a question in a text.

Data      JSON of SQuAD 1.1 or 2.0, or of a dataset in a similar layout (DRCD,
          CMRC 2018, rows of Hugging Face's `datasets`), may be compressed.
          Without `--test`, a share of the articles of `--train` is held out for
          it. A test file without answers is predicted but not scored.
Output    OUTPUT/model.keras, OUTPUT/text_inputs.json, OUTPUT/task.json,
          OUTPUT/results.json and the official files OUTPUT/predictions.json,
          OUTPUT/nbest_predictions.json and, if questions may have no answer,
          OUTPUT/null_odds.json; a folder for each seed with its curves. A
          killed run, started again, resumes. Chinese is scored by CMRC 2018's
          formula, with SQuAD's beside it (`squad_f1`).
Command   python recipes/finetune_squad.py --init runs/bert \
              --train train-v2.0.json --test dev-v2.0.json --output runs/squad
Expected  See the table of docs/results.md.

`--init` takes a run of this library or a checkpoint: Hugging Face, Google's,
KerasHub's, Model Garden's, ELMo's.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import closing, export_command, run_command

import keras

from keras_ctx import data, fine_tuning, models, predictions, text, training
from keras_ctx.files.model_file import load_model


@dataclass(frozen=True, kw_only=True)
class Config(fine_tuning.QuestionOptions):
    output: Path = Path("runs/squad")
    mix: Literal["last", "scalar_mix", "concat_last_4"] = "last"
    learning_rate: float = 5e-5


def make_windows(config: Config, questions: dict, text_inputs) -> dict:
    """Splits the context of each question into windows."""
    windows = {}
    for name, rows in questions.items():
        windows[name] = data.question_windows(
            rows,
            text_inputs,
            training=name == "train",
            stride=config.stride,
            max_question=config.max_question,
            max_answer=config.max_answer,
        )
        print(f"{name}: {windows[name].findings.report()}")
    data.check_training_windows(windows["train"], config.batch_size)
    return windows


def make_model(config: Config, encoder, steps: int) -> keras.Model:
    model = models.span_extractor(encoder, config.mix, config.frozen)
    loss = training.task_loss("question_answering")
    return fine_tuning.compile_model(config, model, steps, loss)


def train(config: Config, strategy, windows, text_inputs, scorer, seed, folder):
    """Trains once, and returns the scores on the test questions."""
    path = folder / "model.keras"
    if path.exists():  # the run was killed after training
        return scorer.test_scores(load_model(path), folder)
    steps = len(windows["train"].windows) // config.batch_size
    with strategy.scope():
        model = make_model(config, fine_tuning.load_encoder(config), steps)
    alone = training.without_strategy(model)
    best = fine_tuning.best_epoch(
        config, folder, "f1", lambda: scorer.development_f1(alone)
    )
    model.fit(
        data.squad_dataset(
            windows["train"],
            text_inputs,
            batch_size=config.batch_size,
            training=True,
            seed=seed,
            first_step=training.completed_steps(folder),  # where it resumes
        ),
        epochs=config.epochs,
        steps_per_epoch=steps,
        callbacks=training.run_callbacks(folder, callbacks=best),
        shuffle=False,
    )
    for callback in best:
        callback.restore_best()
    if training.is_chief():
        training.save_model(alone, path)
    return scorer.test_scores(alone, folder)


def save(config: Config, text_inputs, results: dict) -> None:
    """Copies the run of the first seed to where others load it."""
    threshold = results["scores"].get("threshold", {"seeds": [None]})
    fine_tuning.save_run(
        config,
        config.output / f"seed_{config.seeds[0]}",
        ["model.keras", "*predictions.json", "null_odds.json"],
        text_inputs,
        {
            "task": "question_answering",
            "stride": config.stride,
            "max_question": config.max_question,
            "max_answer": config.max_answer,
            "null_threshold": threshold["seeds"][0],
            "language": results["language"],
        },
        results,
    )


def table(results: dict) -> list[list[str]]:
    """Returns the scores, and those of always the longest name."""
    if results["baseline"] is None:
        return []
    rows = [("longest name", results["baseline"]), ("model", results)]
    return [
        [results["formula"], "exact", "F1"],
        *([name, f"{x['exact']:.2f}", f"{x['f1']:.2f}"] for name, x in rows),
    ]


@training.writes_folder
def main(config: Config) -> dict:
    start = time.monotonic()
    strategy = training.strategy(config.strategy, batch_size=config.batch_size)
    text_inputs = config.load_text_inputs()
    questions = config.read()
    predictions.check_file(config.predict, {"task": "question_answering"})
    language = config.language or data.find_language(questions["train"])
    metrics = data.answer_metrics(language)
    print(f"Answers are in {metrics.note}.")
    baseline = None
    if test := data.scorable(questions["test"]):
        names = {row.id: data.longest_name(row) for row in test}
        baseline = data.squad_scores(test, names, metrics.exact, metrics.f1)
    windows = make_windows(config, questions, text_inputs)
    for name, rows in questions.items():
        contexts = sorted({row.context for row in rows})
        text.warn_unknown(text_inputs, contexts, name)
    fine_tuning.begin(
        config,
        strategy,
        {"train": config.train, "dev": config.dev, "test": config.test},
        text_inputs,
        lambda encoder: make_model(config, encoder, steps=1),
        pairs=True,
    )
    scorer = fine_tuning.AnswerScorer(
        windows,
        metrics,
        text_inputs,
        batch_size=2 * config.batch_size,
        top_k=config.top_k,
        max_answer=config.max_answer,
    )
    runs = training.SeedRuns(config.seeds, config.output)
    for seed, folder in runs:
        scores = train(
            config, strategy, windows, text_inputs, scorer, seed, folder
        )
        runs.end(seed, scores)
    found = runs.scores()
    results = {
        "metric": "F1",
        "formula": metrics.formula,
        "language": language,
        "f1": found["f1"]["mean"] if test else None,
        "exact": found["exact"]["mean"] if test else None,
        "scores": found,
        "baseline": baseline,
        "data": {
            name: dict(made.findings.counts) for name, made in windows.items()
        },
    }
    results["seconds"] = time.monotonic() - start
    results["seconds"] += training.seconds_before(config.output)
    if training.is_chief():
        save(config, text_inputs, results)
        predictions.predict_into(config.output, config.predict)
        if not test:
            print(
                "`test` has no answers; see predictions.json for the model's."
            )
        export = export_command(config.output)
        closing(table(results), config.output, export)
    return results


if __name__ == "__main__":
    run_command(main, Config)
