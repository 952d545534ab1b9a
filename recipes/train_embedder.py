"""Trains vectors of texts: similar texts get similar vectors.

Data      A table, .tsv, .csv or .jsonl, of pairs of similar texts; of texts,
          similar ones and negatives; or of pairs with a score. `--columns`
          names them, `--loss` says what is trained. All files are read and
          checked before training.
Output    OUTPUT/model.keras, OUTPUT/text_inputs.json, OUTPUT/task.json,
          results.json with the scores before and after training, a folder for
          each seed, and for a BERT OUTPUT/sentence_transformers, a folder for
          sentence-transformers. A killed run, started again, resumes.
Command   Pairs, whose second text must be found among those of the batch; the
          same with a third column of hard negatives; and pairs with scores:
          python recipes/train_embedder.py --init FOLDER --train pairs.tsv \
              --test held_out.tsv --batch-size 64
          python recipes/train_embedder.py --init FOLDER \
              --train triplets.jsonl --columns anchor positive negative \
              --test sts.csv --eval-columns 0 1 2
          python recipes/train_embedder.py --init FOLDER --train sts_train.csv \
              --dev sts_dev.csv --test sts_test.csv --columns 0 1 2 \
              --loss cosent --epochs 4
Expected  Scored pairs are tested by Spearman's correlation of scores and
          cosines, others by the mean reciprocal rank and the recall of the
          second text, before and after training.

More rows in a batch are more negatives. On several devices a row has only the
negatives of its own device. Texts of a batch that are equal to a row's own do
not count as its negatives.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import closing, export_command, run_command

from keras_ctx import convert, data, fine_tuning, text, training
from keras_ctx.files.model_file import load_model


@dataclass(frozen=True, kw_only=True)
class Config(fine_tuning.EmbeddingOptions):
    output: Path = Path("runs/embedder")
    batch_size: int = 32
    learning_rate: float = 2e-5


def make_dataset(config: Config, rows, text_inputs, seed: int, folder: Path):
    return data.siamese_dataset(
        rows.columns,
        text_inputs,
        batch_size=config.batch_size,
        scores=config.targets(rows),
        seed=seed,
        first_step=training.completed_steps(folder),  # where it resumes
        # Negatives of equal length would be told by it.
        bucket_batches=1 if config.in_batch else 8,
    )


def train(config: Config, strategy, rows, seed: int, folder: Path) -> dict:
    """Trains once, and returns the scores on the test texts."""
    steps = len(rows["train"]) // config.batch_size
    with strategy.scope():
        embedder, text_inputs = fine_tuning.load_embedder(config)
        model = fine_tuning.compile_embedder(config, embedder, steps)
    alone = training.without_strategy(embedder)
    scorer = fine_tuning.EmbeddingScorer(
        alone, text_inputs, 4 * config.batch_size
    )
    best = fine_tuning.best_epoch(
        config,
        folder,
        config.metric,
        lambda: scorer(rows["dev"])[config.metric],
    )
    model.fit(
        make_dataset(config, rows["train"], text_inputs, seed, folder),
        epochs=config.epochs,
        steps_per_epoch=steps,
        callbacks=training.run_callbacks(folder, callbacks=best),
        shuffle=False,
    )
    for callback in best:
        callback.restore_best()
    if training.is_chief():
        training.save_model(alone, folder / "model.keras")
    return scorer(rows["test"])


def save(config: Config, text_inputs, results: dict) -> list[Path]:
    """Copies the run of the first seed to where others load it."""
    first = config.output / "trained" / f"seed_{config.seeds[0]}"
    made = fine_tuning.save_sentence_transformers(
        load_model(first / "model.keras", compile=False),
        config.output / "sentence_transformers",
        text_inputs,
    )
    fine_tuning.save_run(
        config,
        first,
        ["model.keras"],
        text_inputs,
        config.settings(),
        results,
    )
    return [config.output, *made]


@training.writes_folder
def main(config: Config) -> dict:
    start = time.monotonic()
    strategy = training.strategy(config.strategy, batch_size=config.batch_size)
    rows = config.read()
    for found in rows.values():
        print(found.summary())
    steps = len(rows["train"]) // config.batch_size
    fine_tuning.begin_embedder(config, strategy, steps)
    embedder, text_inputs = fine_tuning.load_embedder(config)
    for note in convert.prompt_notes(convert.sentence_settings(config.init)):
        print(note)
    for name, found in rows.items():
        for place, column in enumerate(found.by_column(), 1):
            text.warn_unknown(text_inputs, column.texts, name)
            texts = {f"{name}, text {place}": column}
            for note in data.cut_texts_notes(texts, text_inputs):
                print(note)
    print("Before training:")
    scorer = fine_tuning.EmbeddingScorer(
        embedder, text_inputs, 4 * config.batch_size
    )
    before = scorer(rows["test"])
    runs = training.SeedRuns(config.seeds, config.output / "trained")
    for seed, folder in runs:
        runs.end(seed, train(config, strategy, rows, seed, folder))
    scores = runs.scores()
    results = {
        "metric": config.metric,
        "before": before,
        "after": scores[config.metric]["mean"],
        "scores": scores,
        **{f"num_{name}": len(found) for name, found in rows.items()},
        "seconds": time.monotonic() - start,
    }
    results["seconds"] += training.seconds_before(config.output)
    if training.is_chief():
        made = save(config, text_inputs, results)
        table = [["", "before", "after"]]
        table += [[x, before[x], scores[x]["mean"]] for x in before]
        closing(table, made, export_command(config.output, "embedder"))
    return results


if __name__ == "__main__":
    run_command(main, Config)
