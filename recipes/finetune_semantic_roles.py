"""Fine-tunes an encoder to find who did what: the arguments of predicates.

Data      Predicates and their arguments as JSON lines, or as columns of
          CoNLL-2005 or CoNLL-2012. All files are read and checked first.
Output    OUTPUT/model.keras, OUTPUT/text_inputs.json, OUTPUT/labels.txt (the
          tags of the model), OUTPUT/task.json, OUTPUT/predictions.jsonl,
          report.txt and classes.json (scores of each label, of the first seed),
          OUTPUT/results.json, with --predict OUTPUT/predicted.jsonl, and a
          folder for each seed with its curves. A killed run, started again,
          resumes.
Command   A BERT, with the predicate as second segment (Shi and Lin 2019):
          python recipes/finetune_semantic_roles.py --init FOLDER \
              --train train.jsonl --test dev.jsonl --mix last \
              --predicate second_segment --learning-rate 1e-4
          LSTMs with highways on word vectors (He et al. 2017):
          python recipes/finetune_semantic_roles.py --init runs/words \
              --train train.jsonl --test dev.jsonl --mix last \
              --body highway_lstm --body-layers 8
Expected  The scores are those of CoNLL-2005's script.

`--context runs/elmo` joins the vectors of a frozen ELMo. `--predicates` scores
the same model with predicates that another one found, too: the sentences of
`--test` in the same form.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import closing, export_command, run_command

import keras

from keras_ctx import data, evaluation, fine_tuning, models, text, training
from keras_ctx.files.json_text import load_json_file
from keras_ctx.predictions import check_file, predict_into


@dataclass(frozen=True, kw_only=True)
class Config(fine_tuning.RoleOptions):
    output: Path = Path("runs/roles")


def flat(sentences) -> list[evaluation.Proposition]:
    return [one for _, found in sentences for one in found]


def by_sentence(sentences, predicted) -> list[list[evaluation.Proposition]]:
    """Returns predictions, which are in the order of `flat`, by sentence."""
    left = iter(predicted)
    return [[next(left) for _ in found] for _, found in sentences]


def tags_of(rows) -> list[str]:
    """Returns the tags of a model, "O" first."""
    found = {tag for one in rows for tag in one.tags()} - {"O"}
    types = sorted({tag[2:] for tag in found})
    return ["O", *(f"{x}-{name}" for name in types for x in "BI")]


def make_dataset(config: Config, rows, labels, text_inputs, run):
    return data.roles_dataset(
        rows,
        [data.label_ids(one.tags(), labels) for one in rows],
        text_inputs,
        predicate=config.predicate,
        batch_size=config.batch_size,
        training=True,
        seed=run.seed,
        first_step=training.completed_steps(run.folder),  # where it resumes
        bucket_batches=8,
    )


def make_model(config: Config, encoder, labels, steps: int) -> keras.Model:
    model = models.semantic_roles(
        encoder,
        len(labels),
        *(config.mixture(encoder), config.frozen, config.dropout),
        body=config.body,
        num_layers=config.body_layers,
        hidden_dim=config.body_dim,
        recurrent_dropout=config.body_dropout,
        predicate_dim=config.predicate_dim,
    )
    loss = training.task_loss("tagging")
    return fine_tuning.compile_model(config, model, steps, loss)


def train(config: Config, strategy, sentences, labels, inputs, run) -> dict:
    """Trains once, and returns the scores on the test sentences."""
    rows = flat(sentences["train"])
    steps = len(rows) // config.batch_size
    with strategy.scope():
        encoder = fine_tuning.load_encoder(config, run.pretrained)
        read = fine_tuning.stored_context(config, encoder, inputs, sentences)
        model = make_model(config, read.encoder, labels, steps)
    alone = training.without_strategy(model)

    def predict(name: str) -> list[list[evaluation.Proposition]]:
        found = fine_tuning.predict_roles(
            *(alone, flat(sentences[name]), labels, read.text_inputs),
            *(4 * config.batch_size, config.predicate),
        )
        return by_sentence(sentences[name], found)

    def scores(name: str, predicted) -> dict[str, float]:
        right = "test" if name == "predicates" else name
        true = [found for _, found in sentences[right]]
        return evaluation.role_scores(true, predicted)

    best = fine_tuning.best_epoch(
        *(config, run.folder, "f1"), lambda: scores("dev", predict("dev"))["f1"]
    )
    model.fit(
        make_dataset(config, rows, labels, read.text_inputs, run),
        epochs=config.epochs,
        steps_per_epoch=steps,
        callbacks=training.run_callbacks(run.folder, callbacks=best),
        shuffle=False,
    )
    for callback in best:
        callback.restore_best()
    predicted = predict("test")
    results = scores("test", predicted)
    if "predicates" in sentences:
        found = scores("predicates", predict("predicates"))
        results["f1_of_predicted_predicates"] = found["f1"]
    if training.is_chief():
        data.save_role_report(sentences["test"], predicted, run.folder)
        whole = read.whole(
            alone, lambda: make_model(config, encoder, labels, steps)
        )
        training.save_model(whole, run.folder / "model.keras")
    return results


def save(config: Config, text_inputs, task, labels, results) -> None:
    """Copies the run of the first seed to where others load it."""
    first = config.output / "pretrained" / f"seed_{config.seeds[0]}"
    print((first / "report.txt").read_text("utf-8"))
    results["labels"] = load_json_file(first / "classes.json")
    files = ["model.keras", *data.ROLE_REPORT]
    fine_tuning.save_run(
        *(config, first, files, text_inputs, task, results, labels)
    )


@training.writes_folder
def main(config: Config) -> dict:
    start = time.monotonic()
    strategy = training.strategy(config.strategy, batch_size=config.batch_size)
    sentences, notes = config.read()
    task = {"task": "semantic_roles", "predicate": config.predicate}
    check_file(config.predict, task)
    labels = tags_of(flat(sentences["train"]))
    text_inputs = config.load_text_inputs()
    for name, found in sentences.items():
        text.warn_unknown(text_inputs, [words for words, _ in found], name)
    notes += data.cut_roles_notes(sentences, text_inputs, config.predicate)
    print(*notes, f"{len(labels)} tags", sep="\n")
    steps = len(flat(sentences["train"])) // config.batch_size
    fine_tuning.begin(
        config,
        strategy,
        {**config.files, "predicates": config.predicates},
        text_inputs,
        lambda encoder: make_model(config, encoder, labels, steps),
        pairs=config.predicate == "second_segment",
    )
    runs = fine_tuning.EncoderRuns(config)
    for run in runs:
        found = train(config, strategy, sentences, labels, text_inputs, run)
        runs.end(run, found)
    frequent = fine_tuning.FrequentRoles(flat(sentences["train"]))
    true = [found for _, found in sentences["test"]]
    guessed = [[frequent.found(one) for one in found] for found in true]
    results = {
        "metric": "span F1",
        "majority": evaluation.role_scores(true, guessed)["f1"],
        **{f"num_{x}": len(flat(found)) for x, found in sentences.items()},
        **runs.results("f1"),
    }
    results["seconds"] = time.monotonic() - start
    results["seconds"] += training.seconds_before(config.output)
    if training.is_chief():
        save(config, text_inputs, task, labels, results)
        predict_into(config.output, config.predict)
        export = export_command(config.output)
        closing(fine_tuning.score_rows(results), config.output, export)
    return results


if __name__ == "__main__":
    run_command(main, Config)
