"""Answers questions about word vectors: nearest words, and analogies.

Data      A file of word vectors: word2vec's text or binary, GloVe's, fastText's
          .vec or .bin, each also with .gz; or the folder of
          train_word_vectors.py.
Output    For each question a line of words with their cosines.
Command   python recipes/query_word_vectors.py --vectors runs/words \
              --nearest house river --analogy man king woman
Expected  Words of like use. An analogy "a b c" is answered by the words that
          are to c what b is to a. With n-grams an unknown word has a vector.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

from keras_ctx.command_line import closing, run_command

from keras_ctx import checks, convert, evaluation


@dataclass(frozen=True)
class Config:
    vectors: Path = Path("runs/word_vectors")
    """File of word vectors, or folder of a run."""
    nearest: tuple[str, ...] = ()
    """Words whose nearest words to show."""
    analogy: tuple[str, ...] = ()
    """Words by threes: a, b and c of each question."""
    top_k: int = 10
    """Number of words in an answer."""
    most_frequent: int | None = None
    """Number of words to read, the first ones. If not given: all."""

    def __post_init__(self):
        checks.check_at_least(1, top_k=self.top_k)
        if not self.nearest and not self.analogy:
            raise ValueError("Give `nearest` words, or an `analogy`.")
        if len(self.analogy) % 3:
            raise ValueError(
                "`analogy` must have three words for each question. Received: "
                f"{len(self.analogy)}: {' '.join(self.analogy)}"
            )


def load(config: Config) -> convert.WordVectors:
    found = convert.load_word_vectors(
        config.vectors, most_frequent=config.most_frequent
    )
    if found.subwords is None:
        check_words(config, found)
    return found


def check_words(config: Config, vectors: convert.WordVectors) -> None:
    """Refuses unknown words, all at once, with their lower-case spelling."""
    for name in ("nearest", "analogy"):
        unknown = [x for x in getattr(config, name) if x not in vectors]
        lower = [x.lower() for x in unknown if x.lower() in vectors]
        if unknown:
            raise ValueError(
                f"`{name}` must name words of the {len(vectors):,} in "
                f"{config.vectors}"
                + (f", such as {', '.join(lower)}" if lower else "")
                + f". Received: {', '.join(unknown)}"
            )


def main(config: Config) -> dict[str, list[tuple[str, float]]]:
    start = time.monotonic()
    vectors = load(config)
    answers = {
        word: evaluation.nearest(vectors, word, config.top_k)
        for word in config.nearest
    }
    for place in range(0, len(config.analogy), 3):
        a, b, c = config.analogy[place : place + 3]
        found = evaluation.analogy(vectors, a, b, c, config.top_k)
        answers[f"{a} : {b} = {c}"] = found
    for question, words in answers.items():
        line = ", ".join(f"{word} {cosine:.2f}" for word, cosine in words)
        print(f"{question}: {line}")
    seconds = time.monotonic() - start
    closing(
        [["words", "seconds"], [len(vectors), seconds]],
        [],
        ["query_word_vectors.py", "--vectors", config.vectors],
    )
    return answers


if __name__ == "__main__":
    run_command(main, Config)
