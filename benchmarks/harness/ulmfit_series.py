"""The runs of ULMFiT's picture on one language."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_ctx import data, training
from keras_ctx.files.whole_file import write_text

from . import words_and_bigrams
from .recipes import ended_run

DIRECTIONS = ("forward", "backward")
SIZES = {"embedding_dim": 128, "hidden_dim": 256, "num_layers": 3}
GENERAL = {
    "drop_mult": 0.0,
    "epochs": 10,
    "vocabulary_size": 15_000,
    "batch_size": 16,
}
TUNING = {"drop_mult": 0.5, "layer_factors": (1 / 2, 1 / 6, 1 / 3, 1, 1 / 2)}
# With the paper's rates, which fall from layer to layer, LSTMs of this size do
# not learn even their training texts: see the ablations.
CURVE = {"ulmfit_without": ("layer_decay",)}
# Fewer labels, more passes.
EPOCHS = {100: 50, 500: 30, 2000: 15, 5000: 8}
BERT = {"mix": "last", "learning_rate": 5e-5, "compare": False}
# A BERT learns in fewer; on one core its step takes six times as long.
BERT_EPOCHS = {100: 20, 500: 10, 2000: 5, 5000: 3}


@dataclass(frozen=True)
class Language:
    name: str
    split: str
    general: Path
    """Text of the general language model."""
    train: data.LabelledTexts
    test: data.LabelledTexts
    sizes: tuple[int, ...]


def table(
    path: Path, rows: data.LabelledTexts, chosen: Any = slice(None)
) -> Path:
    """Writes rows of texts and labels, once."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        pairs = zip(
            np.array(rows.texts)[chosen],
            np.array(rows.labels)[chosen],
            strict=True,
        )
        lines = [
            json.dumps({"text": str(x), "label": str(y)}) for x, y in pairs
        ]
        write_text(path, "\n".join(lines) + "\n")
    return path


@dataclass(frozen=True)
class Settings:
    """What the runs depend on; the benchmark's options have these fields."""

    bert: Path | None
    """Folder of a BERT."""
    output: Path
    """Folder of the benchmark."""
    seeds: tuple[int, ...]
    """Seeds of the labels and of the fine-tuning."""
    general_steps: int
    """Updates per epoch of the general language model, of ten epochs."""
    tuning_steps: int
    """Updates of tuning on all texts."""
    toy: bool
    """Whether to try everything with hardly any text and training."""


class Series:
    """All runs of a language."""

    def __init__(self, config: Settings, language: Language) -> None:
        self.config, self.language = config, language
        self.seconds: dict[str, dict[int, list[float]]] = {}
        self.folder = config.output / language.name
        self.test = table(
            self.folder / "test.jsonl",
            language.test,
            slice(50 if config.toy else None),
        )

    def labels(self, number: int, seed: int) -> tuple[Path, Path]:
        """Returns a table of some labelled texts, and the texts alone."""
        train = self.language.train
        chosen = np.random.default_rng(seed).permutation(len(train))[:number]
        path = self.folder / "labels" / f"{number}_{seed}"
        alone = path.with_suffix(".txt")
        if not alone.exists():
            alone.parent.mkdir(parents=True, exist_ok=True)
            write_text(alone, "\n\n".join(train.texts[k] for k in chosen))
        return table(path.with_suffix(".jsonl"), train, chosen), alone

    def pretrained(
        self, name: str, corpus: Path, steps: int, **options
    ) -> Path:
        """Returns the run of a language model."""
        if self.config.toy:
            steps = 20
            options |= {"batch_size": 2, "bptt": 8}
        return ended_run(
            *("pretrain_ulmfit", self.folder / name),
            split=self.language.split,
            corpus=corpus,
            steps_per_epoch=steps,
            **SIZES,
            **options,
        )

    def general(self, direction: str) -> Path:
        steps = self.config.general_steps
        return self.pretrained(
            *(f"general_{direction}", self.language.general, steps),
            direction=direction,
            **GENERAL | {"epochs": 1 if self.config.toy else GENERAL["epochs"]},
        )

    def on_all(self, direction: str) -> Path:
        """Returns a language model tuned on all texts without labels."""
        corpus = self.folder / "all.txt"
        if not corpus.exists():
            some = 300 if self.config.toy else None
            write_text(corpus, "\n\n".join(self.language.train.texts[:some]))
        return self.pretrained(
            *(f"all_{direction}", corpus, self.config.tuning_steps),
            init=self.general(direction),
            direction=direction,
            epochs=1,
            batch_size=16,
            **TUNING,
        )

    def on_labelled(self, number: int, seed: int) -> Path:
        """Returns a language model tuned on the labelled texts only."""
        _, corpus = self.labels(number, seed)
        return self.pretrained(
            *(f"labelled/{number}_{seed}", corpus, max(number // 10, 30)),
            init=self.general("forward"),
            min_count=1,
            epochs=1,
            batch_size=4,
            bptt=20,
            **TUNING,
        )

    def classifier(
        self, line: str, init: Path, number: int, seed: int, **options
    ):
        """Returns the folder of a classifier on some labels."""
        options = {
            "ulmfit": "paper",
            "compare": False,
            "epochs": EPOCHS[number],
            **options,
        }
        if "mix" in options:  # a BERT
            options.pop("ulmfit")
        train, _ = self.labels(number, seed)
        return ended_run(
            *("finetune_classifier", self.folder / line / f"{number}_{seed}"),
            init=init,
            train=train,
            test=self.test,
            columns=("text", "label"),
            max_length=128,
            seeds=(seed,),
            **options | ({"epochs": 5} if self.config.toy else {}),
        )

    def of_words(self, number: int, seed: int) -> float:
        """Returns the accuracy of logistic regression on words, bigrams."""
        train, test = (
            [json.loads(x) for x in path.read_text("utf-8").splitlines()]
            for path in (self.labels(number, seed)[0], self.test)
        )
        words = self.language.split == "words"
        return words_and_bigrams.accuracy(train, test, words)

    def lines(self, number: int, seed: int) -> Iterator[tuple[str, float]]:
        """Yields the accuracy of each line."""
        both = {
            x: self.classifier(
                *(x, self.on_all(x), number, seed),
                **CURVE,
                compare=x == "forward",
            )
            for x in DIRECTIONS
        }
        found = results(both["forward"])
        self._keep_seconds(
            "from scratch", number, [both["forward"]], seed, "un"
        )
        yield "from scratch", found["untrained"]
        yield "words and bigrams", self.of_words(number, seed)
        own = self.on_labelled(number, seed)
        run = self.classifier("on_labelled", own, number, seed, **CURVE)
        self._keep_seconds("LM on the labelled text", number, [run], seed)
        yield "LM on the labelled text", results(run)["pretrained"]
        self._keep_seconds("LM on all text", number, [both["forward"]], seed)
        yield "LM on all text", found["pretrained"]
        run = ended_run(
            *("average_classifiers", self.folder / f"both/{number}_{seed}"),
            models=tuple(both.values()),
            test=self.test,
        )
        runs = list(both.values())
        self._keep_seconds("forward and backward", number, runs, seed)
        yield "forward and backward", results(run)["average"]["accuracy"]
        if self.config.bert is not None and self.language.name == "english":
            options = {**BERT, "epochs": BERT_EPOCHS[number]}
            run = self.classifier(
                "bert", self.config.bert, number, seed, **options
            )
            self._keep_seconds("BERT (MiniLM)", number, [run], seed)
            yield "BERT (MiniLM)", results(run)["pretrained"]

    def _keep_seconds(
        self,
        line: str,
        number: int,
        runs: Sequence[Path],
        seed: int,
        prefix: str = "pre",
    ) -> None:
        """Keeps how long the classifiers of a line were trained."""
        seconds = sum(
            training.read_metrics(x / f"{prefix}trained" / f"seed_{seed}")[-1][
                "seconds"
            ]
            for x in runs
        )
        of_line = self.seconds.setdefault(line, {})
        of_line.setdefault(number, []).append(seconds)

    def language_model_minutes(self) -> dict[str, float]:
        """Returns how long each language model of all texts was trained."""
        return {
            name: training.read_metrics(self.folder / name)[-1]["seconds"] / 60
            for x in DIRECTIONS
            for name in (f"general_{x}", f"all_{x}")
        }


def results(run: Path) -> dict:
    return json.loads((run / "results.json").read_text("utf-8"))["results"]
