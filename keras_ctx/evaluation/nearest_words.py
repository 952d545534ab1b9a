"""Nearest words and analogies, by the cosine of word vectors."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from keras_ctx.checks import check_at_least


class HasWordVectors(Protocol):
    """Words with vectors, such as `convert.WordVectors`."""

    @property
    def words(self) -> Sequence[str]: ...

    @property
    def table(self) -> np.ndarray: ...

    def vector(self, word: str) -> np.ndarray: ...


def nearest(
    vectors: HasWordVectors, word: str, n: int = 10
) -> list[tuple[str, float]]:
    """Returns the words whose vectors are nearest to that of a word.

    Args:
        vectors: The vectors, such as a `convert.WordVectors`.
        word: The word. It is left out of the answer.
        n: Most words to return.

    Returns:
        Words with their cosines, the highest first; words with equal ones in
        the order of `vectors`. A word whose vector is zero has no cosine.

    Raises:
        ValueError: `word` has no vector, or `n` is not positive.

    Example:
        >>> from keras_ctx.convert import WordVectors
        >>> rows = np.array([[1, 0], [4, 3], [0, 2]], "float32")
        >>> nearest(WordVectors(["a", "b", "c"], rows), "a", 1)
        [('b', 0.800000...)]

    Source:
        `distance` of https://github.com/tmikolov/word2vec.
    """
    return _nearest(vectors, [(word, 1.0)], n)


def analogy(
    vectors: HasWordVectors, a: str, b: str, c: str, n: int = 10
) -> list[tuple[str, float]]:
    """Returns the words that are to `c` what `b` is to `a`.

    Args:
        vectors: The vectors, such as a `convert.WordVectors`.
        a: A word, such as "man".
        b: What it leads to, such as "king".
        c: The word of the question, such as "woman". The answer holds none of
            the three.
        n: Most words to return.

    Returns:
        Words with the cosines to `b - a + c`, where the three have length 1,
        as in `nearest`.

    Raises:
        ValueError: A word has no vector, or `n` is not positive.

    Example:
        >>> from keras_ctx.convert import WordVectors
        >>> rows = np.array([[1, 0], [1, 1], [0, 2], [0, 1]], "float32")
        >>> analogy(WordVectors(["a", "b", "c", "d"], rows), "a", "b", "c")
        [('d', 0.98559...)]

    Source:
        Mikolov et al. 2013, https://aclanthology.org/N13-1090;
        `word-analogy` of https://github.com/tmikolov/word2vec.
    """
    return _nearest(vectors, [(b, 1.0), (a, -1.0), (c, 1.0)], n)


def _nearest(
    vectors: HasWordVectors, parts: list[tuple[str, float]], n: int
) -> list[tuple[str, float]]:
    check_at_least(1, n=n)
    asked = sum(sign * _unit(vectors, word) for word, sign in parts)
    table = vectors.table
    lengths = np.linalg.norm(table, axis=1)
    length = float(np.linalg.norm(asked))
    if length < 1e-6:  # of units: rounding
        raise ValueError(
            "`b - a + c` must have a direction, but the sum is zero. "
            f"Received: {[word for word, _ in parts]}"
        )
    cosines = table @ asked / (np.maximum(lengths, 1e-30) * length)
    given = {word for word, _ in parts}
    found = []
    for row in np.argsort(-cosines, kind="stable"):
        if len(found) == n:
            break
        if lengths[row] > 0 and vectors.words[row] not in given:
            found.append((vectors.words[row], float(cosines[row])))
    return found


def _unit(vectors: HasWordVectors, word: str) -> np.ndarray:
    vector = vectors.vector(word)
    length = np.linalg.norm(vector)
    if length == 0:
        raise ValueError(
            "`word` must have a vector: it is unknown and has no n-grams, or "
            f"its row is zero. Received: {word!r}"
        )
    return vector / length
