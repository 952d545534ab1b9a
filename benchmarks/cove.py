"""CoVe: a translator of Multi30k, and what its encoder gives classifiers.

Command   python benchmarks/cove.py --vectors glove.6B.50d.txt \
              --multi30k MULTI30K --sst2 SST2 --snli SNLI --elmo runs/elmo
Data      Word vectors; Multi30k, task 1, English and German (train, val,
          test_2016_flickr and test_2017_flickr, .en.gz and .de.gz); SST-2
          (train.tsv, test.tsv), of which 1,000 sentences are to train on; SNLI
          (validation.tsv.gz to train on, test.tsv.gz); and a run of
          pretrain_elmo.py on English text. Without `--elmo` its row is left
          out.
Output    OUTPUT/: the words, the translator, a run for each row, table.md. A
          killed series resumes. `--toy` tries it in minutes.
Expected  The tables of docs/results.md: BLEU 28 to 31 on the test of 2016; on
          SNLI the rows from the least to the most in the order of the table.

The classifiers are a bidirectional LSTM over frozen vectors of words, to which
those of a frozen encoder are joined: none, an MT-LSTM of random weights, CoVe,
an ELMo. There is no development set: the last epoch counts, and nothing was
tuned.
"""

import itertools
import json
import re
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tyro

from harness import entities
from harness.english_words import words_of
from harness.page import table, write_table
from harness.recipes import ended_run, run_recipe
from harness.word_tables import COLUMNS, word_tables
from keras_ctx import convert, data, evaluation, text, training
from keras_ctx.files.whole_file import write_text

TRANSLATOR = {"hidden-dim": 100, "epochs": 8, "steps-per-epoch": 450}
CLASSIFIER = {
    "recurrent-layers": 1,
    "recurrent-dim": 100,
    "mix": "last",
    "batch-size": 32,
    "learning-rate": 1e-3,
    "compare": False,
}
EPOCHS = {"sst2": 10, "snli": 4}
PARTS = ("train", "val", "test_2016_flickr", "test_2017_flickr")


@dataclass(frozen=True)
class Config:
    vectors: Path
    """File of word vectors: word2vec, GloVe or fastText."""
    multi30k: Path
    """Folder of Multi30k."""
    sst2: Path
    """Folder of SST-2."""
    snli: Path
    """Folder of SNLI."""
    elmo: Path | None = None
    """Run of pretrain_elmo.py, on English text."""
    output: Path = Path("runs/cove_benchmark")
    """Folder of this benchmark."""
    num_train: int = 1_000
    """Training sentences of SST-2."""
    seeds: tuple[int, ...] = (1, 2, 3)
    """Seeds of the classifiers."""
    toy: bool = False
    """Whether to try it in minutes, with figures that mean nothing."""


def english(config: Config, name: str) -> Path:
    """Writes the English side of a part of Multi30k, in words."""
    path = config.output / "text" / f"{name}.en"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = data.read_lines(config.multi30k / f"{name}.en.gz")
        write_text(path, "".join(f"{words_of(x)}\n" for x in lines))
    return path


def translator(config: Config) -> Path:
    """Trains the translator, if it is not there."""
    pairs = {
        option: (english(config, name), config.multi30k / f"{name}.de.gz")
        for option, name in (("train", "train"), ("dev", "val"))
    }
    settings: dict[str, Any] = dict(TRANSLATOR)
    if config.toy:
        settings |= {"epochs": 1, "steps-per-epoch": 3, "num-words": 5_000}
    folder = config.output / "translator"
    return ended_run(
        "pretrain_cove", folder, vectors=config.vectors, **pairs, **settings
    )


def bleus(config: Config, run: Path) -> Iterator[list[str]]:
    """Yields the rows of BLEU, by greedy search and by beams."""
    for beams in (1, 4):
        scores = []
        for name in PARTS[2:]:
            path = run / f"{name}.beams-{beams}.txt"
            if not path.exists():
                source = english(config, name)
                options = {"input": source, "beams": beams, "output": path}
                run_recipe("translate", model=run, **options)
            right = data.read_lines(config.multi30k / f"{name}.de.gz")
            found = data.read_lines(path, keep_blank=True)
            scores.append(evaluation.bleu(list(found), list(right))["bleu"])
        yield [f"beams {beams}", *(f"{x:.1f}" for x in scores)]


def untrained(config: Config, run: Path) -> Path:
    """Saves the MT-LSTM with random weights over the same word vectors."""
    folder = config.output / "random"
    if not (folder / "text_inputs.json").exists():
        keras.utils.set_random_seed(0)
        encoder = convert.load_encoder(run)
        twin = keras.models.clone_model(encoder)
        name = "word_embedding"
        twin.get_layer(name).set_weights(encoder.get_layer(name).get_weights())
        training.save_model(twin, folder / "encoder.keras")
        inputs = convert.load_text_inputs(run)
        text.save_inputs(inputs, folder / "text_inputs.json")
    return folder


def accuracies(config: Config, run: Path) -> Iterator[list[str]]:
    """Yields the rows of the classifiers: mean and deviation of the seeds."""
    sources = {"sst2": config.sst2, "snli": config.snli}
    files = word_tables(
        sources, config.output / "text", 64 if config.toy else None
    )
    paths = (path for found in files.values() for path in found.values())
    lines = itertools.chain(*(data.read_lines(path) for path in paths))
    words = itertools.chain(*(line.split() for line in lines))
    init = entities.word_encoder(config.vectors, words, config.output / "words")
    contexts: dict[str, tuple[Path | None, str]] = {
        "word vectors": (None, "last"),
        "+ random MT-LSTM": (untrained(config, run), "last"),
        "+ CoVe": (run, "last"),
    }
    if config.elmo is not None:
        contexts["+ ELMo"] = (config.elmo, "scalar_mix")
    for name, (context, mix) in contexts.items():
        cells = [name]
        for task, paths in files.items():
            options: dict[str, Any] = {**CLASSIFIER, **paths, "mix": mix}
            if context is not None:
                options |= {"context": context, "join": "input"}
            if task == "sst2":
                options["num-train"] = config.num_train
            folder = config.output / task / re.sub(r"\W+", "_", name)
            runs = [
                ended_run(
                    *("finetune_classifier", folder / f"seed_{seed}"),
                    init=init,
                    columns=COLUMNS[task],
                    seeds=(seed,),
                    epochs=1 if config.toy else EPOCHS[task],
                    **options,
                )
                for seed in config.seeds
            ]
            cells.append(_mean([score_of(run) for run in runs]))
        yield cells


def score_of(run: Path) -> float:
    """Returns the accuracy of a run of one seed, in percent."""
    found = json.loads((run / "results.json").read_text("utf-8"))["results"]
    return 100 * found["pretrained"]


def _mean(values: list[float]) -> str:
    spread = statistics.stdev(values) if len(values) > 1 else float("nan")
    return f"{np.mean(values):.1f} ± {spread:.1f}"


def main(config: Config) -> str:
    run = translator(config)
    minutes = training.read_metrics(run)[-1]["seconds"] / 60
    seeds = " ".join(map(str, config.seeds))
    lines = [
        *table(["accuracy", "SST-2", "SNLI"], list(accuracies(config, run))),
        "",
        *table(["BLEU", *PARTS[2:]], list(bleus(config, run))),
        "",
        f"SST-2 with {config.num_train:,} sentences, SNLI with its 9,842 "
        f"development pairs; seeds {seeds}, mean ± standard deviation. The "
        f"translator took {minutes:.0f} minutes. "
        f"{time.strftime('%Y-%m-%d')}, `python benchmarks/cove.py`.",
    ]
    return write_table(lines, config.output)


if __name__ == "__main__":
    main(tyro.cli(Config))
