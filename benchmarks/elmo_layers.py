"""ELMo's analysis of layers: how tasks mix the layers of one biLM.

Command   python benchmarks/elmo_layers.py --vectors glove.6B.50d.txt \
              --language-model runs/perplexity/novels/run \
              --wikiann WIKIANN --roles SRL_SPANS --sst2 SST2 --snli SNLI
Data      Word vectors, a run of `pretrain_elmo.py`, WikiANN English (train,
          test), semantic roles (train.jsonl.gz, dev.jsonl.gz), SST-2
          (train.tsv, test.tsv) and SNLI (validation.tsv.gz to train on,
          test.tsv.gz).
Output    OUTPUT/: a run for each task, table.md and shares.png. A killed series
          resumes. `--toy` tries it in minutes.

Every task has frozen word vectors, to which a mixture of the frozen biLM's
layers is joined, under bidirectional LSTMs (Peters et al. 2018, section 5.3 and
figure 2). The shares start equal. Nothing was tuned, and the last epoch counts.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tyro
from matplotlib.figure import Figure

from harness import entities
from harness.page import table
from harness.recipes import ended_run
from harness.word_tables import COLUMNS, word_tables
from keras_ctx import data, layers
from keras_ctx.files.whole_file import write_text

SHARED = {
    "mix": "scalar_mix",
    "join": "input",
    "batch-size": 32,
    "learning-rate": 2e-3,
    "compare": False,
}
RECURRENT = {"recurrent-layers": 1, "recurrent-dim": 100}
TITLES = {
    "tagging": "names (WikiANN)",
    "roles": "semantic roles (EWT)",
    "sst2": "sentiment (SST-2)",
    "snli": "entailment (SNLI)",
}


@dataclass(frozen=True)
class Config:
    vectors: Path
    """File of word vectors: word2vec, GloVe or fastText."""
    language_model: Path
    """Run of pretrain_elmo.py."""
    wikiann: Path
    """Folder of WikiANN English."""
    roles: Path
    """Folder of the semantic roles."""
    sst2: Path
    """Folder of SST-2."""
    snli: Path
    """Folder of SNLI."""
    output: Path = Path("runs/elmo_layers")
    """Folder of this benchmark."""
    seeds: tuple[int, ...] = (1, 2, 3)
    """Seeds of the tasks."""
    toy: bool = False
    """Whether to try it in minutes, with figures that mean nothing."""


class Task:
    """A task on the biLM: its recipe, files and options."""

    def __init__(
        self, name: str, recipe: str, words: set[str], **options: Any
    ) -> None:
        self.name, self.recipe = name, recipe
        self.words, self.options = words, options

    def run(self, config: Config) -> Path:
        init = entities.word_encoder(
            config.vectors, self.words, config.output / "words" / self.name
        )
        options = {**SHARED, **self.options}
        if config.toy:
            options |= {"epochs": 1, "num-train": 64}
        return ended_run(
            *(self.recipe, config.output / self.name),
            init=init,
            context=config.language_model,
            seeds=config.seeds,
            **options,
        )


def tasks(config: Config) -> Iterator[Task]:
    rows = entities.wikiann(config.wikiann)
    if config.toy:
        rows["test"] = rows["test"][:64]
    rows["train"] = entities.chosen(rows["train"], 2_000)
    files = {
        part: entities.written(x, config.output / "text" / f"names_{part}")
        for part, x in rows.items()
    }
    words = {word for x in rows.values() for word in entities.counts(x)}
    tagger = {"crf": True, "model-scheme": "BIOES", "store-context": True}
    yield Task(
        *("tagging", "finetune_tagger", words),
        columns=(0, 1),
        epochs=15,
        **tagger | RECURRENT | files,
    )
    files = {
        "train": config.roles / "train.jsonl.gz",
        "test": config.roles / "dev.jsonl.gz",
    }
    yield Task(
        *("roles", "finetune_semantic_roles", words_of_roles(files)),
        epochs=4,
        body="bilstm",
        **{"body-dim": 100, "num-train": 10_000, "store-context": True},
        **files,
    )
    sources = {"sst2": config.sst2, "snli": config.snli}
    found = word_tables(
        sources, config.output / "text", 64 if config.toy else None
    )
    for name, epochs, number in (("sst2", 6, 5_000), ("snli", 4, None)):
        lines = (x for path in found[name].values() for x in read_words(path))
        options = {} if number is None else {"num-train": number}
        yield Task(
            *(name, "finetune_classifier", set(lines)),
            columns=COLUMNS[name],
            epochs=epochs,
            **options | RECURRENT | found[name],
        )


def read_words(path: Path) -> Iterator[str]:
    for line in data.read_lines(path):
        yield from line.split()


def words_of_roles(files: dict[str, Path]) -> set[str]:
    lines = (x for path in files.values() for x in data.read_lines(path))
    return {word for line in lines for word in json.loads(line)["words"]}


def shares(run: Path, seed: int) -> list[float]:
    """Returns the share of each layer in the mixture that a task learned."""
    path = run / "pretrained" / f"seed_{seed}" / "model.keras"
    model = keras.models.load_model(path, compile=False)
    (weights,) = (
        x.get_weights()[0]
        for x in all_layers(model)
        if isinstance(x, layers.ScalarMix)
    )
    return (np.exp(weights) / np.exp(weights).sum()).tolist()


def all_layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from all_layers(layer)


def scores(run: Path) -> list[float]:
    """Returns the score of each seed, in percent."""
    found = json.loads((run / "results.json").read_text("utf-8"))["results"]
    key = "accuracy" if found["metric"] == "accuracy" else "f1"
    return [100 * x for x in found["scores_pretrained"][key]["seeds"]]


def draw(found: dict[str, np.ndarray], path: Path) -> None:
    """Draws the shares of each task, with their deviation over seeds."""
    figure = Figure(figsize=(7.5, 4), layout="constrained")
    axis = figure.subplots()
    places = np.arange(len(found))
    number = next(iter(found.values())).shape[1]
    for k in range(number):
        values = [x[:, k] for x in found.values()]
        axis.bar(
            places + 0.25 * (k - (number - 1) / 2),
            [x.mean() for x in values],
            0.22,
            yerr=[x.std(ddof=1) if len(x) > 1 else 0 for x in values],
            capsize=3,
            label=f"LSTM {k}" if k else "words (characters)",
        )
    axis.axhline(1 / number, color="gray", linestyle=":")
    axis.set_xticks(places, [TITLES[x] for x in found])
    axis.set_ylabel("share in the mixture")
    axis.legend(ncols=number, loc="lower center")
    figure.savefig(path, dpi=120)


def main(config: Config) -> str:
    rows, found, runs = [], {}, []
    for task in tasks(config):
        run = task.run(config)
        runs.append(run)
        learned = np.array([shares(run, seed) for seed in config.seeds])
        found[task.name] = learned
        cells = [entities.cell(x) for x in (100 * learned.T).tolist()]
        rows.append([TITLES[task.name], entities.cell(scores(run)), *cells])
    head = ["task", "score, %", "words, %", "LSTM 1, %", "LSTM 2, %"]
    seeds = " ".join(map(str, config.seeds))
    page = "\n".join(
        [
            *table(head, rows),
            "",
            "Score (F1, or accuracy for the last two) and shares; mean and "
            f"deviation of the seeds {seeds}; {entities.minutes(runs):.0f} "
            "minutes in all.\n",
        ]
    )
    write_text(config.output / "table.md", page)
    draw(found, config.output / "shares.png")
    print(page)
    return page


if __name__ == "__main__":
    main(tyro.cli(Config))
