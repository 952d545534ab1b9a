"""Turns texts into the ids that an encoder of word vectors reads."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from keras_ctx.text.inputs.base import register_text_inputs
from keras_ctx.text.inputs.elmo import character_ids, check_max_characters
from keras_ctx.text.inputs.word_level import WordLevelInputs
from keras_ctx.text.inputs.word_vector_arguments import (
    check_flags,
    check_ngrams,
    check_utf8,
    rows_of_unknown,
)
from keras_ctx.text.ragged.packing import pad
from keras_ctx.text.tokenize.word_classes import word_classes
from keras_ctx.text.tokenize.word_ngrams import END_OF_SENTENCE, WordNgrams
from keras_ctx.text.vocabulary.file import load_vocabulary


@register_text_inputs
class WordVectorInputs(WordLevelInputs):
    """Text inputs of `word_vector_encoder` and `mt_lstm_encoder`: `word_ids`.

    Id 0 is "no token here"; then come `num_unknown` ids for words outside the
    vocabulary, and then the words in their order. `unknown` says which of
    those ids an unknown word gets:

    * "token": one id for all of them.
    * "hash": one of `num_unknown` ids, by the hash of the word: the same word
      always has the same vector, and seldom that of another word.
    * "classes": five ids: number, punctuation, all capitals, capitalized,
      other.
    * "characters": one id, and `char_ids` for a character CNN beside the
      vectors.

    With `num_buckets` the inputs also have `subword_ids`, the character
    n-grams of each word by fastText's rules. Then an unknown word has a
    vector from its n-grams, and "hash" and "classes" are refused.

    Args:
        vocabulary: Path of a file with one word per line, or the words: all
            that have a vector, also those outside the training texts.
        unknown: "token", "hash", "classes" or "characters".
        num_unknown: Number of ids for unknown words. `None`: 1,000 for
            "hash", which is the only one to choose a number; 5 for "classes";
            otherwise 1.
        lower_case_fallback: Whether a word that is not found is looked up in
            lower case. It is looked up as written first. Its n-grams are
            those of the form that was found.
        num_buckets: Rows of the n-grams; 0: none.
        min_ngram: Characters of the shortest n-grams.
        max_ngram: Characters of the longest n-grams.
        first_rules: Whether n-grams follow the rules of fastText's first
            files; see `convert.Subwords`.
        max_subwords: Most n-grams of a word; the last of a longer word are
            left out, so that one word does not take all memory.
        max_characters: C, the number of ids per word in `char_ids`.
        split: `"whitespace"` or `"character"`, as in `ElmoInputs`.
        max_length: Maximum number of words in a row, `None` for no limit.

    Call arguments:
        text: Strings `(B,)`, or ragged words `(B, None)`.
        text_pair: None, or the second texts, in the same form. A text pair is
            one row, `text </s> text_pair`; `</s>` is a word of word2vec and
            fastText. `max_length` cuts it as in `ElmoInputs`.

    Returns:
        A dict of `word_ids`, int32 `(B, T)`, T at least 1; with `num_buckets`
        also `subword_ids`, int32 `(B, T, S)`, counted from 1, and with
        "characters" `char_ids`, int32 `(B, T, C)`, those of `ElmoInputs`. All
        are 0 on padding.

    Raises:
        ValueError: If an argument is out of range or does not fit another, if
            the vocabulary has a duplicate, if texts have another rank or
            dtype, or if a text pair has a `max_length` below 2.

    Example:
        >>> from keras_ctx.text import WordVectorInputs
        >>> inputs = WordVectorInputs(["the", "law"], "classes")
        >>> inputs(["the law of 1834", "Of"])["word_ids"].numpy()
        array([[6, 7, 5, 1],
               [4, 0, 0, 0]], dtype=int32)

    Source: "hash": Dhingra et al. 2017, section 3.2,
    https://arxiv.org/abs/1703.00993; n-grams: facebookresearch/fastText.

    Differs: Dhingra et al. draw a vector for each unknown word; here words
    with the same hash share one. Invalid UTF-8 becomes U+FFFD.
    """

    input_key = "word_ids"
    unknown_token = "unknown words"
    pair_markers = (END_OF_SENTENCE,)

    def __init__(
        self,
        vocabulary: str | Path | Sequence[str],
        unknown: str = "token",
        num_unknown: int | None = None,
        lower_case_fallback: bool = False,
        num_buckets: int = 0,
        min_ngram: int = 3,
        max_ngram: int = 6,
        first_rules: bool = False,
        max_subwords: int = 1000,
        max_characters: int = 50,
        split: str = "whitespace",
        max_length: int | None = None,
    ) -> None:
        super().__init__(split, max_length)
        self.strategy = unknown  # `unknown` is a method
        self.num_unknown = rows_of_unknown(
            unknown, num_unknown, bool(num_buckets)
        )
        check_ngrams(num_buckets, min_ngram, max_ngram, max_subwords)
        check_max_characters(max_characters)
        check_flags(
            lower_case_fallback=lower_case_fallback, first_rules=first_rules
        )
        self.vocabulary = tuple(load_vocabulary(vocabulary))
        check_utf8(self.vocabulary)
        self.vocabulary_size = len(self.vocabulary)
        self.lower_case_fallback = lower_case_fallback
        self.num_buckets = num_buckets
        self.min_ngram, self.max_ngram = min_ngram, max_ngram
        self.first_rules = first_rules
        self.max_subwords = max_subwords
        self._characters = max_characters
        if unknown == "characters":
            self.max_characters = max_characters
        first = 1 + self.num_unknown
        self._table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                tf.constant(self.vocabulary, tf.string),
                tf.range(first, first + self.vocabulary_size, dtype=tf.int32),
            ),
            0,
        )
        self._ngrams = WordNgrams(
            min_ngram, max_ngram, max(num_buckets, 1), first_rules
        )

    def __call__(
        self, text: Any, text_pair: Any = None
    ) -> dict[str, tf.Tensor]:
        rows = self.rows(text, text_pair)
        if self.max_length is not None:
            rows = rows[:, : self.max_length]
        words = rows.values
        known = self._as_known(words)
        found = {"word_ids": self._ids(known)}
        if self.num_buckets:
            ngrams = self._ngrams(known)
            ngrams = ngrams.with_values(ngrams.values + 1)
            found["subword_ids"] = pad(ngrams, 0, self.max_subwords)
        if self.strategy == "characters":
            found["char_ids"] = character_ids(words, self._characters)
        return {
            name: self.padded(rows.with_values(ids))
            for name, ids in found.items()
        }

    @property
    def tables(self) -> tuple[Any, ...]:
        """The lookup tables that an export must track."""
        return (self._table,)

    def unknown(
        self, features: Mapping[str, Any]
    ) -> tuple[np.ndarray, np.ndarray]:
        ids = np.asarray(features["word_ids"])
        unknown = (ids > 0) & (ids <= self.num_unknown)
        if self.num_buckets:
            unknown &= ~np.any(features["subword_ids"], axis=-1)
        return unknown, ids != 0

    def check_sizes(
        self, sizes: Mapping[str, Any], folder: str | Path, pairs: bool = False
    ) -> None:
        if pairs:
            self.check_pairs(sizes, folder)
        expected = {"num_buckets": 0, **sizes}
        if "num_unknown" not in sizes:
            # An MT-LSTM has one row for unknown words among those of words.
            expected["num_unknown"] = 1
            expected["vocabulary_size"] = sizes["vocabulary_size"] - 1
        for name, given in (
            ("vocabulary_size", self.vocabulary_size),
            ("num_unknown", self.num_unknown),
            ("num_buckets", self.num_buckets),
            ("max_characters", self.max_characters),
        ):
            if given != expected.get(name):
                raise ValueError(
                    f"{folder}: `{name}` of the text inputs must be that of "
                    "the encoder, or words get the vectors of others. Take "
                    "both from the same run or checkpoint. Received: "
                    f"{given} in the text inputs, {expected.get(name)} in the "
                    "encoder"
                )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, serializable as JSON."""
        return {
            "vocabulary": list(self.vocabulary),
            "unknown": self.strategy,
            "num_unknown": self.num_unknown,
            "lower_case_fallback": self.lower_case_fallback,
            "num_buckets": self.num_buckets,
            "min_ngram": self.min_ngram,
            "max_ngram": self.max_ngram,
            "first_rules": self.first_rules,
            "max_subwords": self.max_subwords,
            "max_characters": self._characters,
            **super().get_config(),
        }

    def _as_known(self, words: tf.Tensor) -> tf.Tensor:
        """Lower-cases the words that are known in lower case only."""
        if not self.lower_case_fallback:
            return words
        lower = tf.strings.lower(words, encoding="utf-8")
        found = (self._table.lookup(words) == 0) & (
            self._table.lookup(lower) != 0
        )
        return tf.where(found, lower, words)

    def _ids(self, words: tf.Tensor) -> tf.Tensor:
        """Returns the ids `(N,)` of N words."""
        ids = self._table.lookup(words)
        if self.strategy == "hash":
            # Farmhash, whose results never change.
            row = tf.strings.to_hash_bucket_fast(words, self.num_unknown)
            row = tf.cast(row, tf.int32)
        elif self.strategy == "classes":
            row = word_classes(words)
        else:
            row = tf.zeros_like(ids)
        return tf.where(ids == 0, row + 1, ids)
