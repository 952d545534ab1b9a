"""TagLM: a frozen language model joined to a tagger, at several sizes.

Command   python benchmarks/taglm.py --vectors glove.6B.50d.txt \
              --language-model runs/perplexity/novels/run \
              --wnut17 WNUT17 --wikiann WIKIANN
Data      WNUT17 (wnut17train.conll.gz, and emerging.dev.conll as test),
          WikiANN English (train, test), word vectors, and a run of
          `pretrain_elmo.py`; `--small-language-model` takes another.
Output    OUTPUT/: a run for each row, table.md and f1.png. A killed series
          resumes. `--toy` tries it in minutes.

Word vectors and a character CNN, both trained, two bidirectional GRUs, a CRF,
BIOES inside; the biLM is frozen and joined after the first GRU. There is no
development set: the last epoch counts, and nothing was tuned.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import tyro

from harness import entities
from harness.f1_picture import draw
from harness.page import table
from harness.recipes import ended_run
from keras_ctx import convert, text, training
from keras_ctx.files.whole_file import write_text

EPOCHS = {500: 30, 2_000: 15, 20_000: 5}
"""Passes by sentences; WNUT17 has as many as 2,000."""
TAGGER = {
    "columns": (0, 1),
    "crf": True,
    "model-scheme": "BIOES",
    "batch-size": 32,
    "learning-rate": 2e-3,
    "dropout": 0.25,
    "mix": "last",
    "compare": False,
}
RECURRENT = {"recurrent-layers": 2, "recurrent-dim": 100, "cell": "gru"}
OWN_TEXT = {
    "split": "whitespace",
    "max-characters": 24,
    "min-count": 2,
    "vocabulary-size": None,
    "filters": (1, 32, 2, 32, 3, 64, 4, 64),
    "hidden-dim": 256,
    "projection-dim": 128,
    "num-negatives": 512,
    "batch-size": 8,
    "window-size": 20,
    "epochs": 5,
    "steps-per-epoch": 100,
    "dropout": 0.2,
}


@dataclass(frozen=True)
class Config:
    vectors: Path
    """File of word vectors: word2vec, GloVe or fastText."""
    language_model: Path
    """Run of pretrain_elmo.py, on other text."""
    wnut17: Path
    """Folder of WNUT17."""
    wikiann: Path
    """Folder of WikiANN English."""
    small_language_model: Path | None = None
    """Run of a smaller or shorter pretrain_elmo.py."""
    output: Path = Path("runs/taglm")
    """Folder of this benchmark."""
    sizes: tuple[int, ...] = tuple(EPOCHS)
    """Training sentences of WikiANN."""
    parts_at: int = 2_000
    """Training sentences for the rows that take the tagger apart."""
    seeds: tuple[int, ...] = (1, 2, 3)
    """Seeds of the taggers."""
    toy: bool = False
    """Whether to try it in minutes, with figures that mean nothing."""


class Task:
    """A data set with a number of training sentences."""

    def __init__(self, config: Config, name: str, number: int | None) -> None:
        rows = getattr(entities, name)(getattr(config, name))
        self.name = f"{name}_{number}" if number else name
        self.folder = config.output / self.name
        words = {word for x in rows.values() for word in entities.counts(x)}
        rows["train"] = entities.chosen(
            rows["train"], number or len(rows["train"])
        )
        if config.toy:
            rows = {key: x[:64] for key, x in rows.items()}
        self.rows, self.config, self.runs = rows, config, list[Path]()
        self.files = {
            x: entities.written(rows[x], self.folder / x) for x in rows
        }
        self.init = entities.word_encoder(
            config.vectors,
            words,
            config.output / f"words_{name}",
            unknown="characters",
            trainable=True,
        )
        self.epochs = 1 if config.toy else EPOCHS.get(number or 2_000, 15)

    def f1s(self, row: str, **options: Any) -> list[float]:
        """Trains a tagger, and returns its F1 of each seed, in percent."""
        found = {**TAGGER, **RECURRENT, "init": self.init, **options}
        run = ended_run(
            "finetune_tagger",
            self.folder / row,
            seeds=self.config.seeds,
            epochs=self.epochs,
            **self.files,
            **{name: x for name, x in found.items() if x is not None},
        )
        self.runs.append(run)
        return entities.f1s(run)

    def with_context(self, row: str, context: Path, join="after_first"):
        return self.f1s(row, context=context, join=join, store_context=True)


def forward_half(run: Path, folder: Path) -> Path:
    """Saves the forward language model of a biLM as an encoder."""
    if not (folder / "text_inputs.json").exists():
        encoder = convert.load_encoder(run)
        layers = [x[..., : x.shape[-1] // 2] for x in encoder.output["layers"]]
        half = {**encoder.output, "layers": layers, "sequence": layers[-1]}
        del half["pooled"]
        half = keras.Model(encoder.input, half, name="forward_elmo")
        training.save_model(half, folder / "encoder.keras")
        inputs = convert.load_text_inputs(run)
        text.save_inputs(inputs, folder / "text_inputs.json")
    return folder


def of_own_text(task: Task) -> Path:
    """Trains a biLM on the sentences of the tagger alone."""
    path = entities.written(
        task.rows["train"], task.folder / "text", tags=False
    )
    settings = dict(OWN_TEXT)
    if task.config.toy:
        settings |= {"epochs": 1, "steps-per-epoch": 2, "min-count": 1}
    return ended_run(
        "pretrain_elmo", task.folder / "own_bilm", corpus=path, **settings
    )


def parts(task: Task, with_lm: list[float], without: list[float]) -> dict:
    """Returns the F1 of the tagger with other parts, by their names."""
    config, biLM = task.config, task.config.language_model
    found = {"no language model": without, "biLM after layer 1": with_lm}
    for place in ("input", "output"):
        found[f"biLM at the {place}"] = task.with_context(place, biLM, place)
    forward = forward_half(biLM, config.output / "forward")
    found["forward LM alone"] = task.with_context("forward", forward)
    if config.small_language_model is not None:
        found["small biLM"] = task.with_context(
            "small", config.small_language_model
        )
    found["biLM of the labelled text"] = task.with_context(
        "own_text", of_own_text(task)
    )
    found["biLM without word vectors"] = task.f1s(
        "alone",
        init=biLM,
        frozen=True,
        **{"lstm-dim": 100, **dict.fromkeys(RECURRENT)},
    )
    return found


def main(config: Config) -> str:
    if config.toy:
        config = replace(config, sizes=(32, 64), parts_at=64, seeds=(1,))
    tasks = {x: Task(config, "wikiann", x) for x in config.sizes}
    tweets = Task(config, "wnut17", None)
    rows, found = [], {}
    for number, task in [*tasks.items(), (0, tweets)]:
        without = task.f1s("without")
        with_lm = task.with_context("taglm", config.language_model)
        found[number] = without, with_lm
        title = f"WikiANN, {number:,}" if number else "WNUT17"
        gain = sum(with_lm) / len(with_lm) - sum(without) / len(without)
        cells = [entities.cell(x) for x in (without, with_lm)]
        rows.append([title, *cells, f"{gain:+.1f}"])
    del found[0]  # the picture is of WikiANN
    lines = [*table(["sentences", "without", "TagLM", "gain"], rows), ""]
    if config.parts_at in tasks:
        task = tasks[config.parts_at]
        of_parts = parts(task, *reversed(found[config.parts_at]))
        lines += table(
            [f"WikiANN, {config.parts_at:,}", "F1"],
            [[name, entities.cell(x)] for name, x in of_parts.items()],
        )
    runs = [run for x in (*tasks.values(), tweets) for run in x.runs]
    page = entities.page(lines, runs, len(config.seeds))
    write_text(config.output / "table.md", page)
    draw(
        ("without language model", "TagLM"),
        found,
        "sentences of WikiANN",
        config.output / "f1.png",
    )
    print(page)
    return page


if __name__ == "__main__":
    main(tyro.cli(Config))
