"""Word perplexity of a small GPT on novels, beside n-grams and a biLM.

Command   python benchmarks/causal_perplexity.py \
              --novels 100_english_novels.tar.xz
Data      The parts of `elmo_perplexity.py --corpus novels`: shuffled sentences
          for training, every tenth sentence of five other novels to score.
Output    OUTPUT/novels/: the text as documents, the trained GPT, table.md,
          samples.md and curve.png; ELMO/novels/: the run of
          `elmo_perplexity.py`, which is trained if it is not there. A killed
          run resumes where it stopped.

The GPT reads each sentence as a document of its own: a blank and the word, for
each word, between two end tokens. So it sees what the others see, the words
before in the same sentence, and pieces of byte-level BPE never cross a word.

The probability of a word is that of its pieces and of a blank or the end
behind them, given that a word begins. These are the products

    P(first piece) / P(a piece with a blank, or the end)
    * P(each other piece) * P(a piece with a blank, or the end, after them)

which sum to 1 over all words and the end of the sentence. The table has the
pieces alone, too, without the first divisor and the last factor, as such sums
are often given: over a whole sentence both are nearly the same. Other ways to
cut a word into pieces are not counted, against the GPT.

Each row of the table has the same positions: the words of the scored sentences
that are in the vocabulary of `elmo_perplexity.py`. The others share their
probability over that vocabulary, `<UNK>` and the end; the GPT over all strings.
The second column adds the end of each sentence (its beginning in the backward
direction), the last one the other words as `<UNK>`, which the GPT lacks; it is
that of `elmo_perplexity.py`.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import tyro

import elmo_perplexity
from elmo_perplexity import perplexity
from harness.recipes import run_recipe
from keras_ctx import data, generation, text, training
from keras_ctx.predictions.text_generator import TextGenerator
from kneser_ney import trigram
from word_scores import bilm_scores, gpt_scores

# An hour on two cores that other work shared.
SETTINGS = {
    "num-layers": 4,
    "num-heads": 4,
    "hidden-dim": 256,
    "vocabulary-size": 8000,
    "max-length": 128,
    "dropout": 0.0,
    "batch-size": 16,
    "epochs": 6,
    "steps-per-epoch": 550,
    "learning-rate": 1.5e-3,
    "dtype": "mixed_bfloat16",
}
HELD_OUT = 5  # each fifth of the scored sentences, for the curve
PROMPTS = (" She looked at him , and", " It was a dark night , and")
Sentences = list[list[str]]


@dataclass(frozen=True)
class Config:
    novels: Path
    """Tar file of novels."""
    elmo: Path = Path("runs/perplexity")
    """Output of elmo_perplexity.py."""
    output: Path = Path("runs/causal_perplexity")
    """Folder of this benchmark."""


def write_documents(sentences: Iterable[str], path: Path) -> None:
    """Writes each sentence as a document, with a blank before each word."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f" {sentence}\n\n" for sentence in sentences)


def train_gpt(paths: dict[str, Path], folder: Path) -> Path:
    """Returns the folder of the GPT, which is trained once."""
    run = folder / "run"
    if not (run / "results.json").exists():
        parts = {"corpus": ("train", 1), "held-out": ("test", HELD_OUT)}
        arguments = {**SETTINGS, "output": run}
        for option, (part, step) in parts.items():
            lines = data.read_lines(paths[part])
            path = folder / "text" / f"{option}.txt"
            write_documents(itertools.islice(lines, 0, None, step), path)
            arguments[option] = path
        run_recipe("pretrain_gpt", **arguments)
    return run


def table(scores: dict[str, np.ndarray], test: Sentences) -> str:
    """Returns the table; `test` has `<UNK>` for words that are not known."""
    words = np.array([x for row in test for x in [*row, "</S>"]])
    known, is_word = words != "<UNK>", words != "</S>"
    columns = {
        "words": known & is_word,
        "and ends": known,
        "and `<UNK>`": np.ones_like(known),
    }
    lines = ["| | " + " | ".join(columns) + " |", "|---|" + "---:|" * 3]
    lines.append(
        "| positions | "
        + " | ".join(f"{mask.sum():,}" for mask in columns.values())
        + " |"
    )
    for name, values in scores.items():
        # The GPT has no `<UNK>`.
        masks = list(columns.values())[: 2 if name.startswith("GPT") else 3]
        cells = [f"{perplexity(*values[:, mask]):.1f}" for mask in masks]
        lines.append(f"| {name} | " + " | ".join([*cells, ""][:3]) + " |")
    every = perplexity(*scores["GPT"][:, is_word])
    return "\n".join(lines) + (
        f"\n\nThe GPT on all {is_word.sum():,} words, those outside the "
        f"vocabulary included: {every:.1f}.\n"
    )


def samples(run: Path) -> str:
    """Returns continuations as they came: greedy, and the first five drawn."""
    drawn = generation.Sampling(temperature=0.8, top_p=0.9, seed=1)
    parts = []
    searches = [TextGenerator.from_folder(run)(PROMPTS)]
    generate = TextGenerator.from_folder(run, None, drawn, num_returned=5)
    searches.append(generate(PROMPTS))
    for prompt, *found in zip(PROMPTS, *searches, strict=True):
        names = ["greedy", *(f"sample {i}" for i in range(1, 6))]
        parts += [
            f"{name}:{prompt} [...]{x['text']}"
            for name, x in zip(names, itertools.chain(*found), strict=True)
        ] + [""]
    return "\n".join(["```text", *parts[:-1], "```", ""])


def draw(run: Path, path: Path) -> None:
    lines = [x for x in training.read_metrics(run) if "epoch" in x]
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    axes.plot(
        [x["seconds"] / 60 for x in lines],
        [x["val_token_perplexity"] for x in lines],
        marker="o",
    )
    axes.set(xlabel="minutes", ylabel="held-out perplexity of a piece")
    figure.savefig(path, dpi=120)


def minutes(run: Path) -> float:
    return training.read_metrics(run)[-1]["seconds"] / 60


def main(config: Config) -> None:
    elmo = elmo_perplexity.Config("novels", config.novels, config.elmo)
    theirs, folder = config.elmo / "novels", config.output / "novels"
    paths = elmo_perplexity.write_parts(elmo, theirs / "text")
    run, bilm = train_gpt(paths, folder), theirs / "run"
    elmo_perplexity.train_elmo(elmo, paths, bilm)
    vocabulary = set(text.load_vocabulary(bilm / "words.txt"))
    train, dev, test = (
        elmo_perplexity.read(path, vocabulary) for path in paths.values()
    )
    sentences = [line.split() for line in data.read_lines(paths["test"])]
    gpt, scores = gpt_scores(run, sentences), {}
    counted = np.stack(trigram(train, dev, test))
    for name, both in (
        ("Kneser-Ney trigram", counted),
        ("biLM", bilm_scores(bilm, sentences)),
    ):
        scores |= {f"{name}, forward": both[:1], f"{name}, both": both}
    mixed = np.logaddexp(gpt[:1], counted[:1]) - np.log(2)
    scores |= {"GPT": gpt[:1], "GPT, pieces alone": gpt[1:]}
    scores["GPT and trigram forward, half each"] = mixed
    page = table(scores, test)
    page += (
        f"Minutes, pauses included: GPT {minutes(run):.0f}, "
        f"biLM {minutes(bilm):.0f}.\n"
    )
    (folder / "table.md").write_text(page, "utf-8")
    print(page)
    written = samples(run)
    (folder / "samples.md").write_text(written, "utf-8")
    print(written)
    draw(run, folder / "curve.png")


if __name__ == "__main__":
    main(tyro.cli(Config))
