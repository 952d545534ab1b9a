"""A cache of context-independent word vectors."""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain, islice

import numpy as np

from keras_ctx.checks import check_at_least

# The words that mark the beginning and the end of a sentence.
_MARKERS = (b"<S>", b"</S>")


class WordVectorCache:
    """A cache of ELMo's token layer, which runs once for each cached word.

    The last bit of a vector may depend on the other words in its batch. The
    content of the cache is a function of the `learn` calls since the last
    `forget`, so a run that repeats these calls resumes bit for bit.

    Args:
        encode: A function from words to their vectors `(W, P)`.
        max_words: Number of words to keep. The most recently used are kept.
        call_size: Maximum number of words in one call of `encode`.

    Raises:
        ValueError: A size is not a positive integer.

    Example:
        >>> cache = WordVectorCache(
        ...     lambda words: np.array([[len(w)] for w in words], "float32"), 9)
        >>> cache.learn([[b"ab", b"c"], [b"c"]])
        >>> features = cache.features([[b"ab", b"c"], [b"c"]])
        >>> features["word_vectors"].ravel().tolist()
        [0.0, 3.0, 4.0, 2.0, 1.0]
        >>> features["word_ids"].tolist()
        [[3, 4], [4, 0]]

    Source:
        Peters et al. 2018. For a vocabulary known beforehand, allenai/bilm-tf
        writes these vectors to a file; allennlp has `vocab_to_cache`.
    """

    def __init__(
        self,
        encode: Callable[[list[bytes]], np.ndarray],
        max_words: int,
        call_size: int = 512,
    ):
        check_at_least(1, max_words=max_words, call_size=call_size)
        self.max_words = max_words
        self.call_size = call_size
        self._encode = encode
        self._rows: dict[bytes, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def forget(self) -> None:
        """Removes all words."""
        self._rows.clear()

    def learn(self, sentences: Iterable[Sequence[bytes]]) -> None:
        """Encodes new words, and removes the least recently used words.

        Args:
            sentences: All sentences that `features` will get before the next
                call of `learn`. None of their words is removed.
        """
        words = dict.fromkeys((*_MARKERS, *chain.from_iterable(sentences)))
        missing = [word for word in words if word not in self._rows]
        for start in range(0, len(missing), self.call_size):
            some = missing[start : start + self.call_size]
            vectors = np.asarray(self._encode(some))
            for word, vector in zip(some, vectors, strict=True):
                self._rows[word] = vector.copy()  # not a view of all vectors
        for word in words:  # the most recently used come last
            self._rows[word] = self._rows.pop(word)
        surplus = len(self._rows) - max(self.max_words, len(words))
        for word in list(islice(self._rows, max(surplus, 0))):
            del self._rows[word]

    def features(
        self, sentences: Sequence[Sequence[bytes]]
    ) -> dict[str, np.ndarray]:
        """Returns a batch for `keras_ctx.models.from_word_vectors`.

        Args:
            sentences: B sentences of words that `learn` was given.

        Returns:
            `word_vectors` `(W, P)`: zeros, the two markers, the words of the
            batch; `word_ids`, int32 `(B, T)`, row numbers of `word_vectors`.
        """
        longest = max(1, *map(len, sentences))
        word_ids = np.zeros((len(sentences), longest), "int32")
        places: dict[bytes, int] = {}
        for row, sentence in zip(word_ids, sentences, strict=True):
            row[: len(sentence)] = [
                places.setdefault(word, len(places) + 3) for word in sentence
            ]
        table = [self._rows[word] for word in (*_MARKERS, *places)]
        table = np.stack([np.zeros_like(table[0]), *table])
        return {"word_vectors": table, "word_ids": word_ids}
