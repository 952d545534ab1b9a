"""Fine-tune an encoder to find the answer to a question in a text.

Command   python recipes/finetune_squad.py --init runs/bert \
              --train train-v2.0.json --test dev-v2.0.json --output runs/squad
Data      JSON of SQuAD 1.1 or 2.0, or of a set in one of its layouts (DRCD,
          CMRC 2018, rows of Hugging Face's `datasets`), or compressed. Without
          `--test` a share of the articles of `--train` is held out for it. A
          test file without answers is answered, not scored.
Output    OUTPUT/model.keras, OUTPUT/text_inputs.json, OUTPUT/task.json,
          OUTPUT/results.json and the official files OUTPUT/predictions.json,
          OUTPUT/nbest_predictions.json and, where questions may have no
          answer, OUTPUT/null_odds.json; a folder for each seed with its
          curves. A killed run, started again, resumes. Chinese is scored by
          CMRC 2018's formula, with SQuAD's beside it (`squad_f1`).
Expected  See the table of docs/results.md.

`--init` takes a run of this library or a checkpoint: Hugging Face, Google's,
KerasHub's, Model Garden's, ELMo's.
"""

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import run_command

import keras

from keras_ctx import convert, data, models, predictions, text, training
from keras_ctx.files.model_file import load_model

# Positions of a row in the published runs; longer ones cost more time.
MAX_LENGTH = 384


@dataclass(frozen=True)
class Config:
    train: Path
    """Questions to learn from."""
    init: Path = Path("runs/bert")
    """Folder of a pretrained encoder and its vocabulary."""
    dev: Path | None = None
    """Questions to choose the best epoch by, and the threshold above which
    no answer is given. Left out: the last epoch; and for the threshold, where
    one is needed, `dev_articles` of the articles of `train`."""
    test: Path | None = None
    """Questions to score on; left out: `split_articles` of `train`."""
    predict: Path | None = None
    """Questions to answer when all is done, into OUTPUT/predicted.json."""
    empty_answers: Literal["impossible", "skip"] | None = None
    """What an empty list of answers means, where a file does not tell: the
    text has none, or they are not known."""
    language: str | None = None
    """Of the questions, such as en, zh or de; left out: zh or not, by their
    letters. It chooses the formula of the scores."""
    output: Path = Path("runs/squad")
    """Folder of the run."""
    split_articles: float = 0.2
    """Share of the articles of `train` that are held out to be tested on."""
    dev_articles: float = 0.1
    """Share of the articles of `train` that are held out for `dev`."""
    split_seed: int = 0
    """Of the choice of these articles."""
    max_length: int | None = None
    """Positions of a row, with question and window of the context; left out:
    all of the encoder's, at most 384."""
    stride: int = 128
    """Most positions from one window of a context to the next; fewer where
    windows are short, so that no answer is cut by all of them."""
    max_question: int = 64
    """Longer questions are cut, in positions."""
    max_answer: int = 30
    """Most positions of an answer that is given."""
    n_best: int = 20
    """Answers of each question that are written down."""
    mix: Literal["last", "scalar_mix", "concat_last_4"] = "last"
    """Layers that the head reads: the last, a mixture of all, four of them."""
    frozen: bool = False
    """Whether the encoder stays as it is."""
    lora_rank: int | None = None
    """Rank of the updates of the encoder that are trained (LoRA); left out:
    its weights themselves are."""
    batch_size: int = 16
    """Windows a step."""
    epochs: int = 3
    """Passes over the windows of `train`."""
    patience: int | None = None
    """Epochs without a better F1 on `dev` after which a run stops."""
    learning_rate: float = 5e-5
    """Highest learning rate."""
    layer_decay: float = 1.0
    """The rate of a layer, as a share of that of the layer above."""
    dtype: Literal["float32", "mixed_bfloat16"] = "float32"
    """What the encoder computes in."""
    seeds: tuple[int, ...] = (1,)
    """Of the head, dropout and the order; one run each."""
    strategy: training.StrategyName = "one_device"
    """What trains: one device, all of this machine, or the workers of
    TF_CONFIG, each of which runs this same command and sees OUTPUT."""
    restart: bool = False
    """Whether to move a run that is there to OUTPUT.old-1 and begin anew."""

    def __post_init__(self):
        training.check_run_numbers(self)
        training.check_output(self)
        if self.patience is not None and self.dev is None:
            raise ValueError("`patience` needs `dev`, to see no better score.")
        if self.lora_rank is not None and self.frozen:
            raise ValueError("Give `lora_rank` or `frozen`, not both.")
        if self.language is not None:
            data.answer_metrics(self.language)


def make_text_inputs(config: Config):
    """The encoder's own text inputs, with rows that it has positions for."""
    inputs = convert.load_text_inputs(config.init, config.max_length)
    if config.max_length is None:
        length = min(inputs.max_length or MAX_LENGTH, MAX_LENGTH)
        inputs = convert.load_text_inputs(config.init, length)
    data.check_window_sizes(inputs, config.max_question, config.max_answer)
    return inputs


def read_questions(config: Config, path: Path, required: bool):
    questions = data.read_squad(path)
    return data.check_answers(questions, path, config.empty_answers, required)


def read_data(config: Config) -> dict[str, list[data.SquadQuestion]]:
    train, dev = read_questions(config, config.train, required=True), []
    if config.test is not None:
        test = read_questions(config, config.test, required=False)
    else:
        train, test = data.split_articles(
            train, config.split_articles, config.split_seed
        )
    if config.dev is not None:
        dev = read_questions(config, config.dev, required=True)
    elif any(question.is_impossible for question in train + test):
        train, dev = data.split_articles(
            train, config.dev_articles, config.split_seed
        )
    return {"train": train, "test": test, **({"dev": dev} if dev else {})}


def make_windows(config: Config, questions: dict, text_inputs) -> dict:
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
    return windows


def make_model(config: Config, encoder, steps: int) -> keras.Model:
    if config.dtype != "float32":
        encoder = models.with_dtype(encoder, config.dtype)
    model = models.span_extractor(encoder, config.mix, config.frozen)
    if config.lora_rank is not None:
        models.enable_lora(model, config.lora_rank)
    model = training.distributed(model)
    rates = None
    if config.layer_decay != 1:
        rates = training.layer_rates(model, config.layer_decay)
    ends = ("start_logits", "end_logits")
    model.compile(
        training.bert_optimizer(
            config.learning_rate, config.epochs * steps, layer_rates=rates
        ),
        loss={
            key: keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            for key in ends
        },
        loss_weights=dict.fromkeys(ends, 0.5),
        metrics={key: ["accuracy"] for key in ends},
        jit_compile=False,
    )
    return model


def begin(config: Config, strategy, text_inputs) -> None:
    """Refuse what cannot be trained, before anything is written."""
    files = {"train": config.train, "dev": config.dev, "test": config.test}
    with strategy.scope():
        encoder = convert.load_encoder(config.init)
        convert.check_text_inputs(text_inputs, encoder, config.init, pairs=True)
        digests = training.input_digests(files, encoder, text_inputs)
        make_model(config, encoder, steps=1)
    free = ("seeds", "predict")
    training.begin_recipe(config, digests, *free, strategy=strategy)


def predict(config: Config, model, windows, text_inputs, null_answer: bool):
    """The answers to the questions, from all windows."""
    dataset = data.squad_dataset(
        windows,
        text_inputs,
        batch_size=2 * config.batch_size,
        training=False,
    )
    bar = keras.utils.Progbar(len(windows.windows), unit_name="window")

    def batches():
        for features, where in dataset:
            yield where, model.predict_on_batch(features)
            bar.add(len(where["window"]))

    return data.decode_answers(
        windows,
        batches(),
        n_best=config.n_best,
        max_answer=config.max_answer,
        null_answer=null_answer,
    )


def fit(config: Config, strategy, windows, text_inputs, seed, folder, score):
    """Train, or take the model of a run that was killed after training."""
    path = folder / "model.keras"
    if path.exists():
        return load_model(path)
    steps = len(windows["train"].windows) // config.batch_size
    with strategy.scope():
        model = make_model(config, convert.load_encoder(config.init), steps)
    alone = training.without_strategy(model)
    best = None
    if config.dev is not None:
        best = training.DevelopmentScore(
            lambda: score(alone, "dev"), "f1", folder, config.patience
        )
    model.fit(
        data.squad_dataset(
            windows["train"],
            text_inputs,
            batch_size=config.batch_size,
            training=True,
            seed=seed,
            first_step=training.completed_steps(folder),
        ),
        epochs=config.epochs,
        steps_per_epoch=steps,
        callbacks=training.run_callbacks(
            folder, callbacks=[] if best is None else [best]
        ),
        shuffle=False,
    )
    if best is not None:
        best.restore_best()
    if training.is_chief():
        training.save_model(alone, path)
    return alone


def run(config: Config, strategy, windows, text_inputs, metrics, seed, folder):
    """Train once, write the answers to the test questions, score them."""
    version_2 = any(
        question.is_impossible
        for made in windows.values()
        for question in made.questions
    )
    scored = {
        name: data.scorable(made.questions) for name, made in windows.items()
    }

    def answers(model, name: str):
        return predict(config, model, windows[name], text_inputs, version_2)

    def tuned(found, name: str) -> data.BestThreshold:
        return data.best_threshold(
            scored[name],
            data.best_texts(found),
            data.null_odds(found),
            metrics.f1,
        )

    def scores(texts: dict, name: str) -> dict[str, float]:
        return data.squad_scores(scored[name], texts, metrics.exact, metrics.f1)

    def development_f1(model, name: str) -> float:
        found = answers(model, name)
        if version_2:
            return tuned(found, name).score
        return scores(data.best_texts(found), name)["f1"]

    model = fit(
        config, strategy, windows, text_inputs, seed, folder, development_f1
    )
    threshold, extra = None, {}
    if version_2:
        threshold = tuned(answers(model, "dev"), "dev").threshold
        extra["threshold"] = threshold
    found = answers(model, "test")
    texts = data.best_texts(found, threshold)
    if training.is_chief():
        data.save_answers(found, folder, threshold)
    if not scored["test"]:
        return extra
    if version_2:
        # What the test questions' own best threshold would give: the
        # official script's figure, and more than one can know beforehand.
        extra["best_f1"] = tuned(found, "test").score
    if metrics.formula != "SQuAD":
        by_squad = data.squad_scores(scored["test"], texts)
        extra |= {f"squad_{key}": by_squad[key] for key in ("exact", "f1")}
    return scores(texts, "test") | extra


def save(config: Config, text_inputs, results: dict) -> None:
    first = config.output / f"seed_{config.seeds[0]}"
    for pattern in ("model.keras", "*predictions.json", "null_odds.json"):
        for path in first.glob(pattern):
            shutil.copy(path, config.output / path.name)
    text.save_inputs(text_inputs, config.output / "text_inputs.json")
    threshold = results["scores"].get("threshold", {"seeds": [None]})
    training.save_json(
        {
            "task": "question_answering",
            "stride": config.stride,
            "max_question": config.max_question,
            "max_answer": config.max_answer,
            "null_threshold": threshold["seeds"][0],
            "language": results["language"],
        },
        config.output / "task.json",
    )
    training.save_results(config, results)


@training.writes_folder
def main(config: Config) -> dict:
    start = time.monotonic()
    strategy = training.strategy(config.strategy, batch_size=config.batch_size)
    text_inputs = make_text_inputs(config)
    questions = read_data(config)
    predictions.check_file(config.predict, {"task": "question_answering"})
    test = data.scorable(questions["test"])
    language = config.language or data.find_language(questions["train"])
    metrics = data.answer_metrics(language)
    print(f"Answers are in {metrics.note}.")
    baseline = None
    if test:
        names = {row.id: data.longest_name(row) for row in test}
        baseline = data.squad_scores(test, names, metrics.exact, metrics.f1)
    windows = make_windows(config, questions, text_inputs)
    data.check_training_windows(windows["train"], config.batch_size)
    for name, rows in questions.items():
        contexts = sorted({row.context for row in rows})
        text.warn_unknown(text_inputs, contexts, name)
    begin(config, strategy, text_inputs)
    found = training.over_seeds(
        lambda seed, folder: run(
            config, strategy, windows, text_inputs, metrics, seed, folder
        ),
        config.seeds,
        config.output,
    )
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
        "seconds": training.seconds_before(config.output)
        + time.monotonic()
        - start,
    }
    if training.is_chief():
        save(config, text_inputs, results)
    if baseline is None:
        print("`test` has no answers: the model's are in predictions.json.")
    else:
        print(f"{metrics.formula:12}{'exact':>8}{'F1':>8}")
        for name, scores in (("longest name", baseline), ("model", results)):
            print(f"{name:12}{scores['exact']:8.2f}{scores['f1']:8.2f}")
    if training.is_chief():
        predictions.predict_into(config.output, config.predict)
    return results


if __name__ == "__main__":
    run_command(main, Config)
