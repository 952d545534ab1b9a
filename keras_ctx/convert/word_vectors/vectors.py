"""Word vectors in memory: words, their rows, and fastText's n-gram rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf

from keras_ctx.text.tokenize.word_ngrams import WordNgrams

_WORDS_AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class Subwords:
    """The rows of character n-grams of a fastText file.

    Args:
        min_ngram: Characters of the shortest n-grams (`minn`).
        max_ngram: Characters of the longest n-grams (`maxn`).
        vectors: float32 `(num_buckets, D)`; an n-gram has the row of its
            hash modulo `num_buckets`.
        first_rules: Whether `</s>` has n-grams, too, and a bare `<` or `>` is
            one, as in fastText's first files, without a magic number.

    Example:
        >>> grams = Subwords(3, 6, np.zeros((100, 2), "float32"))
        >>> grams.rows(["cat", "</s>"])[1]
        array([], dtype=int32)
    """

    min_ngram: int
    max_ngram: int
    vectors: np.ndarray
    first_rules: bool = False

    @property
    def num_buckets(self) -> int:
        """Number of rows."""
        return len(self.vectors)

    def rows(self, words: Sequence[str]) -> list[np.ndarray]:
        """Returns the rows of the n-grams of each word."""
        flat, splits = self._rows(words)
        return np.split(flat, splits[1:-1]) if len(words) else []

    def sums(self, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Returns the sum of each word's n-grams `(N, D)`, and their number."""
        flat, splits = self._rows(words)
        counts = np.diff(splits)
        sums = np.zeros((len(words), self.vectors.shape[1]), np.float32)
        np.add.at(
            sums, np.repeat(np.arange(len(words)), counts), self.vectors[flat]
        )
        return sums, counts

    def _rows(self, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        given = [word.encode("utf-8", "surrogateescape") for word in words]
        find = WordNgrams(
            self.min_ngram, self.max_ngram, self.num_buckets, self.first_rules
        )
        longest = max(map(_longest, given), default=4)
        found = find(tf.constant(given, tf.string), longest)
        return found.values.numpy(), found.row_splits.numpy()


@dataclass(frozen=True, eq=False, repr=False)
class WordVectors:
    """Words with their vectors, as `load_word_vectors` returns them.

    Args:
        words: The words, each once. Bytes that are not UTF-8 are lone
            surrogates, as in `bytes.decode(errors="surrogateescape")`.
        vectors: float32 `(V, D)`, the row of each word. Of a fastText .bin it
            is the word's own row; `table` has the vectors.
        subwords: The rows of n-grams of a fastText .bin, or `None`.

    Raises:
        ValueError: A word occurs twice, a value is not finite, or the shapes
            do not fit.

    Example:
        >>> found = WordVectors(["a", "b"], np.eye(2, dtype="float32"))
        >>> len(found), found.hidden_dim, found.vector("b").tolist()
        (2, 2, [0.0, 1.0])
        >>> found.vector("c")
        Traceback (most recent call last):
        ValueError: `word` must be one of the 2 words. Received: 'c'
    """

    words: Sequence[str]
    vectors: np.ndarray
    subwords: Subwords | None = None

    def __post_init__(self) -> None:
        if isinstance(self.words, str):
            raise ValueError(
                "`words` must be a sequence of words. Received: the string "
                f"{self.words[:60]!r}"
            )
        object.__setattr__(self, "words", tuple(self.words))
        rows = np.asarray(self.vectors, np.float32)
        object.__setattr__(self, "vectors", rows)
        if rows.ndim != 2 or len(rows) != len(self.words) or not rows.size:
            raise ValueError(
                "`vectors` must have the shape (V, D), a row for each word. "
                f"Received: shape={rows.shape} and {len(self.words)} words"
            )
        # Without an array of booleans as long as the table.
        if not np.isfinite([rows.min(), rows.max()]).all():
            row = int(np.argwhere(~np.isfinite(rows))[0, 0])
            raise ValueError(
                "`vectors` must be finite. Received: nan or inf for "
                f"{self.words[row]!r}"
            )
        if len(self.index) != len(self.words):
            twice = next(
                word
                for i, word in enumerate(self.words)
                if self.index[word] != i
            )
            raise ValueError(
                f"`words` must hold each word once. Received: {twice!r} twice"
            )
        subwords = self.subwords
        if subwords is not None and (
            subwords.vectors.shape[1:] != rows.shape[1:]
        ):
            raise ValueError(
                "`subwords.vectors` must have as many features as `vectors`. "
                f"Received: shape={subwords.vectors.shape} and "
                f"shape={rows.shape}"
            )

    def __len__(self) -> int:
        return len(self.words)

    def __repr__(self) -> str:
        more = "" if self.subwords is None else ", with subwords"
        return (
            f"<WordVectors: {len(self):,} words, {self.hidden_dim} wide{more}>"
        )

    def __contains__(self, word: object) -> bool:
        return word in self.index

    @property
    def hidden_dim(self) -> int:
        """Number D of features."""
        return self.vectors.shape[1]

    @cached_property
    def index(self) -> Mapping[str, int]:
        """The row of each word."""
        return {word: row for row, word in enumerate(self.words)}

    @property
    def table(self) -> np.ndarray:
        """The vectors of all words, float32 `(V, D)`.

        They are `vectors`; of a fastText .bin the mean of a word's own row
        and those of its n-grams, computed when it is first asked for.
        """
        return self.vectors if self.subwords is None else self._means

    @cached_property
    def _means(self) -> np.ndarray:
        subwords: Any = self.subwords
        parts = []
        for start in range(0, len(self), _WORDS_AT_ONCE):
            part = slice(start, start + _WORDS_AT_ONCE)
            sums, counts = subwords.sums(self.words[part])
            sums += self.vectors[part]
            parts.append(sums / (1 + counts).astype(np.float32)[:, None])
        return np.concatenate(parts)

    def vector(self, word: str) -> np.ndarray:
        """Returns the vector of a word, float32 `(D,)`.

        Of a fastText .bin any word has one: an unknown one the mean of its
        n-grams, and zeros without n-grams.

        Args:
            word: The word, as written in the file.

        Raises:
            ValueError: `word` is no string, or there is no such word and there
                are no n-grams.
        """
        if not isinstance(word, str):
            raise ValueError(
                "`word` must be one word, a string. "
                f"Received: a {type(word).__name__}"
            )
        row = self.index.get(word)
        if self.subwords is None:
            if row is None:
                lower = word.lower()
                near = f"; {lower!r} is one" if lower in self.index else ""
                raise ValueError(
                    f"`word` must be one of the {len(self):,} words. "
                    f"Received: {word!r}{near}"
                )
            return self.vectors[row]
        sums, counts = self.subwords.sums([word])
        if row is not None:
            sums, counts = sums + self.vectors[row], counts + 1
        return sums[0] / np.float32(max(counts[0], 1))


def _longest(word: bytes) -> int:
    """Returns the most bytes of a character: in invalid UTF-8 more than 4."""
    longest = run = 0
    for byte in word:
        run = run + 1 if byte & 0xC0 == 0x80 else 1
        longest = max(longest, run)
    # The mark before the word takes such bytes at its beginning.
    return max(longest + 1, 4)


def check_word_vectors(vectors: object) -> None:
    """Refuses anything but a `WordVectors`, such as the path of a file."""
    if not isinstance(vectors, WordVectors):
        raise ValueError(
            "`vectors` must be a `WordVectors`, as `load_word_vectors` returns "
            f"it. Received: {type(vectors).__name__} {str(vectors)[:60]!r}"
        )
