"""Strategies for words outside the training set, with the same vectors.

Command   python benchmarks/unknown_words.py --vectors glove.6B.50d.txt \
              --wnut17 WNUT17 --wikiann WIKIANN
Data      WNUT17 (wnut17train.conll.gz, and emerging.dev.conll as test),
          WikiANN English (train, test), and a file of word vectors.
Output    OUTPUT/: a run for each data set and strategy, table.md. A killed
          series resumes. `--toy` tries it in a minute.

All are a BiLSTM and a CRF on word vectors, by `finetune_tagger.py`. "one row"
is the vocabulary of the training set: words that occur twice or more have
their vectors, which are trained, all others have one row. The others have all
vectors of the file, frozen: a word outside the training set has its own, and
only words outside the file are unknown. The second score counts the true and
the found entities with a word outside the training set.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import tyro

from harness import entities
from harness.page import table
from harness.recipes import ended_run
from keras_ctx.evaluation.tag_schemes.schemes import exact_spans
from keras_ctx.files.whole_file import write_text

SETTINGS = {
    "columns": (0, 1),
    "recurrent-layers": 1,
    "recurrent-dim": 100,
    "dropout": 0.25,
    "crf": True,
    "model-scheme": "BIOES",
    "batch-size": 32,
    "epochs": 12,
    "learning-rate": 2e-3,
    "compare": False,
}
STRATEGIES = {
    "one row": "all words outside the training set share a row",
    "token": "all vectors of the file; one row for other words",
    "hash": "the same; a row by the word's hash (Dhingra et al. 2017)",
    "classes": "the same; a row by the word's class",
    "characters": "the same; characters beside the vector of every word",
}
NAMES = {"wnut17": "WNUT17", "wikiann": "WikiANN"}


@dataclass(frozen=True)
class Config:
    vectors: Path
    """File of word vectors: word2vec, GloVe or fastText."""
    wnut17: Path
    """Folder of WNUT17."""
    wikiann: Path
    """Folder of WikiANN English."""
    output: Path = Path("runs/unknown_words")
    """Folder of this benchmark."""
    num_train: int = 3000
    """Training sentences of each data set."""
    seeds: tuple[int, ...] = (1, 2, 3)
    """Seeds of the taggers."""
    toy: bool = False
    """Whether to try it in a minute, with figures that mean nothing."""


def encoder(config: Config, strategy: str, rows, folder: Path) -> Path:
    """Returns the folder of the word vectors of a strategy."""
    train = entities.counts(rows["train"])
    words, options = [*train, *entities.counts(rows["test"])], {}
    if strategy == "one row":
        words = [word for word, count in train.items() if count > 1]
        options, strategy = {"trainable": True}, "token"
    return entities.word_encoder(
        config.vectors, words, folder, unknown=strategy, **options
    )


def unseen_f1(run: Path, seed: int, seen) -> float:
    """Returns the F1 of entities with a word outside the training set."""
    path = run / "pretrained" / f"seed_{seed}" / "predictions.conll"
    totals = [0, 0, 0]
    for block in path.read_text("utf-8").split("\n\n"):
        lines = [line.split() for line in block.splitlines()]
        if not lines:
            continue
        words, true, best = zip(*lines, strict=True)
        there, found = (
            {
                (start, end, kind)
                for start, end, kind in exact_spans(tags)
                if any(word not in seen for word in words[start:end])
            }
            for tags in (true, best)
        )
        for k, spans in enumerate((there & found, found, there)):
            totals[k] += len(spans)
    right, found, there = totals
    return 100 * 2 * right / max(found + there, 1)


def main(config: Config) -> str:
    settings = dict(SETTINGS)
    if config.toy:
        settings |= {"epochs": 1, "recurrent-dim": 8}
        config = replace(config, num_train=64, seeds=(1,))
    head, cells, runs = [""], {x: [] for x in STRATEGIES}, []
    for name, title in NAMES.items():
        rows = getattr(entities, name)(getattr(config, name))
        rows["train"] = entities.chosen(rows["train"], config.num_train)
        if config.toy:
            rows["test"] = rows["test"][:64]
        folder = config.output / name
        files = {x: entities.written(rows[x], folder / x) for x in rows}
        seen = entities.counts(rows["train"])
        spans = [
            any(word not in seen for word in words[start:end])
            for words, tags in rows["test"]
            for start, end, _ in exact_spans(tags)
        ]
        head += [f"{title}, F1", f"of {sum(spans) / len(spans):.0%} unseen"]
        for strategy in STRATEGIES:
            short = strategy.replace(" ", "_")
            init = encoder(config, strategy, rows, folder / f"words_{short}")
            run = ended_run(
                "finetune_tagger",
                folder / short,
                init=init,
                seeds=config.seeds,
                **files,
                **settings,
            )
            runs.append(run)
            cells[strategy] += [
                entities.cell(entities.f1s(run)),
                entities.cell([unseen_f1(run, x, seen) for x in config.seeds]),
            ]
    rows = [
        [f"{name}: {STRATEGIES[name]}", *found] for name, found in cells.items()
    ]
    page = entities.page(table(head, rows), runs, len(config.seeds))
    write_text(config.output / "table.md", page)
    print(page)
    return page


if __name__ == "__main__":
    main(tyro.cli(Config))
