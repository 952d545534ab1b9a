"""Files of tagged words, word vectors for them, and scores of taggers."""

import json
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import mean, stdev

from keras_ctx import convert, data, text, training
from keras_ctx.files.whole_file import write_text

Sentence = tuple[list[str], list[str]]


def wnut17(folder: Path) -> dict[str, list[Sentence]]:
    """Reads the tweets of WNUT17: train, and its development part as test."""
    return _read(folder / "wnut17train.conll.gz", folder / "emerging.dev.conll")


def wikiann(folder: Path) -> dict[str, list[Sentence]]:
    """Reads WikiANN, train and test."""
    return _read(folder / "train", folder / "test")


def _read(train: Path, test: Path) -> dict[str, list[Sentence]]:
    return data.read_tagged_files({"train": train, "test": test}).sentences


def chosen(sentences: Sequence[Sentence], number: int) -> list[Sentence]:
    """Returns random sentences; fewer are a part of more."""
    order = list(range(len(sentences)))
    random.Random(0).shuffle(order)
    return [sentences[place] for place in order[:number]]


def written(
    sentences: Iterable[Sentence], path: Path, tags: bool = True
) -> Path:
    """Writes a word and a tag a line; without tags a sentence a line."""
    if tags:
        blocks = (
            "".join(f"{x}\t{tag}\n" for x, tag in zip(*row, strict=True))
            for row in sentences
        )
        content = "\n".join(blocks)
    else:
        content = "".join(f"{' '.join(words)}\n" for words, _ in sentences)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        write_text(path, content)
    return path


def counts(sentences: Iterable[Sentence]) -> Counter[str]:
    return Counter(word for words, _ in sentences for word in words)


def word_encoder(
    vectors: Path, words: Iterable[str], folder: Path, **options: object
) -> Path:
    """Saves an encoder of the words that a file has, as written or lower-case.

    Args:
        vectors: A file of `convert.load_word_vectors`.
        words: The words of the texts; more would not be read.
        folder: Folder for `--init`.
        **options: Options of `convert.word_vector_encoder_from`.
    """
    if not (folder / "text_inputs.json").exists():
        wanted = sorted(
            {form for word in words for form in (word, word.lower())}
        )
        encoder, inputs = convert.word_vector_encoder_from(
            convert.load_word_vectors(vectors, vocabulary=wanted),
            lower_case_fallback=True,
            **options,  # pyright: ignore
        )
        training.save_model(encoder, folder / "encoder.keras")
        text.save_inputs(inputs, folder / "text_inputs.json")
    return folder


def f1s(run: Path) -> list[float]:
    """Returns the F1 of each seed of `finetune_tagger.py`, in percent."""
    content = json.loads((run / "results.json").read_text("utf-8"))
    scores = content["results"]["scores_pretrained"]["f1"]["seeds"]
    return [100 * x for x in scores]


def of_seeds(values: Sequence[float]) -> tuple[float, float]:
    """Returns the mean and the standard deviation over seeds."""
    return mean(values), stdev(values) if len(values) > 1 else 0.0


def cell(values: Sequence[float]) -> str:
    """Returns both as text; a single seed has no deviation."""
    middle, spread = of_seeds(values)
    return f"{middle:.1f}" + f" ± {spread:.1f}" * (len(values) > 1)


def page(lines: Iterable[str], runs: Sequence[Path], num_seeds: int) -> str:
    """Returns a page of tables, which says how long all runs took."""
    return "\n".join(lines) + (
        f"\n\nStrict F1, mean and deviation over {num_seeds} seeds; "
        f"{minutes(runs):.0f} minutes in all.\n"
    )


def minutes(runs: Iterable[Path]) -> float:
    """Returns the minutes that runs took together."""
    return (
        sum(
            json.loads((run / "results.json").read_text("utf-8"))["results"][
                "seconds"
            ]
            for run in runs
        )
        / 60
    )
