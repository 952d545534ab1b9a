"""An encoder and its text inputs from word vectors."""

import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_ctx import models, text
from keras_ctx.convert.word_vectors.vectors import (
    WordVectors,
    check_word_vectors,
)


def word_vector_encoder_from(
    vectors: WordVectors,
    unknown: str = "token",
    num_unknown: int | None = None,
    lower_case_fallback: bool = False,
    trainable: bool = False,
    char_filters: Sequence[tuple[int, int]] = ((2, 25), (3, 25), (4, 25)),
    char_output_dim: int = 50,
    max_characters: int = 50,
    split: str = "whitespace",
    max_length: int | None = None,
    seed: int = 0,
    name: str = "word_vector_encoder",
) -> tuple[keras.Model, text.WordVectorInputs]:
    """Makes an encoder of word vectors, and the text inputs for it.

    The rows of unknown words are random, with the standard deviation of the
    table. A word that is not UTF-8 is left out, with a warning: no text has
    it. With `subwords` an unknown word has the vectors of its n-grams.

    Args:
        vectors: The vectors, of `load_word_vectors`.
        unknown: "token", "hash", "classes" or "characters"; see
            `text.WordVectorInputs`.
        num_unknown: Number of rows for "hash", 1,000 if `None`.
        lower_case_fallback: Whether a word that is not found as written is
            looked up in lower case.
        trainable: Whether the table is trained. A frozen one keeps the words
            of the training texts comparable to all others.
        char_filters: Pairs (width, count) of the character convolutions of
            "characters".
        char_output_dim: Features of the vector from characters.
        max_characters: Number of characters of a word for "characters".
        split: `"whitespace"` or `"character"`.
        max_length: Maximum number of words in a row, `None` for no limit.
        seed: Seed of the random rows.
        name: Name of the encoder.

    Returns:
        The encoder, and its text inputs. Save them as `encoder.keras` and
        `text_inputs.json` for recipes and `load_encoder`.

    Raises:
        ValueError: An argument is out of range or does not fit another.

    Example:
        >>> from keras_ctx import convert
        >>> rows = np.array([[0.5, 1], [2, 3]], "float32")
        >>> vectors = convert.WordVectors(["the", "law"], rows)
        >>> encoder, inputs = word_vector_encoder_from(vectors, "hash", 4)
        >>> np.asarray(encoder(inputs(["the law"]))["sequence"])
        array([[[0.5, 1. ],
                [2. , 3. ]]], dtype=float32)
    """
    check_word_vectors(vectors)
    readable = [i for i, word in enumerate(vectors.words) if _is_utf8(word)]
    words, rows = vectors.words, vectors.vectors
    if len(readable) < len(words):
        left_out = next(x for x in words if not _is_utf8(x))
        warnings.warn(
            f"{len(words) - len(readable):,} of {len(words):,} words are not "
            f"UTF-8, such as {left_out!r}; no text has them, and they are "
            "left out.",
            UserWarning,
            stacklevel=2,
        )
        words, rows = [words[i] for i in readable], rows[readable]
    subwords = vectors.subwords
    ngrams: dict[str, Any] = {}
    if subwords is not None:
        ngrams = {
            "num_buckets": subwords.num_buckets,
            "min_ngram": subwords.min_ngram,
            "max_ngram": subwords.max_ngram,
            "first_rules": subwords.first_rules,
        }
    inputs = text.WordVectorInputs(
        words,
        unknown,
        num_unknown,
        lower_case_fallback,
        **ngrams,
        max_characters=max_characters,
        split=split,
        max_length=max_length,
    )
    encoder = models.word_vector_encoder(
        len(words),
        vectors.hidden_dim,
        inputs.num_unknown,
        inputs.num_buckets,
        char_filters if unknown == "characters" else (),
        char_output_dim,
        max_characters=max_characters,
        trainable=trainable,
        name=name,
    )
    table: Any = encoder.get_layer("word_table")
    generator = np.random.default_rng(seed)
    table.words.embeddings.assign(
        np.concatenate(
            [
                np.zeros((1, vectors.hidden_dim), np.float32),
                generator.normal(
                    0, rows.std(), (inputs.num_unknown, vectors.hidden_dim)
                ).astype(np.float32),
                rows,
            ]
        )
    )
    if subwords is not None:
        none = np.zeros((1, vectors.hidden_dim), np.float32)
        table.subwords.embeddings.assign(
            np.concatenate([none, subwords.vectors])
        )
    return encoder, inputs


def _is_utf8(word: str) -> bool:
    try:
        word.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
