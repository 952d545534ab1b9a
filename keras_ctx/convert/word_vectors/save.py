"""Writes word vectors in the formats of word2vec."""

import gzip
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from keras_ctx.convert.word_vectors.vectors import (
    WordVectors,
    check_word_vectors,
)
from keras_ctx.files.whole_file import whole_file


def save_word_vectors(
    vectors: WordVectors, path: str | Path, binary: bool = False
) -> None:
    """Writes word vectors as word2vec text or binary, for other libraries.

    Of a fastText .bin the vectors of its words are written, as in a .vec; its
    n-grams, and so the vectors of other words, are lost.

    Args:
        vectors: The vectors.
        path: The file; with the ending .gz it is compressed. An existing file
            is replaced, whole or not at all.
        binary: Whether to write float32. Text has nine digits, so that the
            same float32 are read again.

    Raises:
        ValueError: A word is empty or has a blank or a line break in it, for
            which these formats have no spelling, or a value is not finite.

    Example:
        >>> from keras_ctx.convert import WordVectors, load_word_vectors
        >>> rows = np.array([[0.1, 2], [-3, 0]], "float32")
        >>> vectors = WordVectors(["a", "b"], rows)
        >>> save_word_vectors(vectors, "vectors.bin", binary=True)
        >>> load_word_vectors("vectors.bin").vector("a")
        array([0.1, 2. ], dtype=float32)
    """
    check_word_vectors(vectors)
    path = Path(path)
    words = [word.encode("utf-8", "surrogateescape") for word in vectors.words]
    for row, word in enumerate(words, start=1):
        # gensim strips blanks of all kinds, and word2vec separates at some.
        if not word or word.split() != [word]:
            raise ValueError(
                "`vectors` must have words without blanks and line breaks, "
                "since word2vec's formats part words and values at them. "
                f"Received: {vectors.words[row - 1]!r}, word {row}"
            )
    table = vectors.table
    if not np.isfinite(table).all():
        row = int(np.argwhere(~np.isfinite(table))[0, 0])
        raise ValueError(
            "`vectors` must be finite. Received: nan or inf for "
            f"{vectors.words[row]!r}"
        )
    pattern = b" ".join([b"%.9g"] * table.shape[1])
    with ExitStack() as stack:
        temporary = stack.enter_context(whole_file(path))
        file = stack.enter_context(temporary.open("wb"))
        if path.suffix == ".gz":
            file = stack.enter_context(
                gzip.GzipFile("", "wb", fileobj=file, mtime=0)
            )
        file.write(b"%d %d\n" % table.shape)
        for word, row in zip(words, table, strict=True):
            if binary:
                values = row.astype("<f4").tobytes()
            else:
                values = pattern % tuple(row.tolist())
            file.write(b"%s %s\n" % (word, values))
