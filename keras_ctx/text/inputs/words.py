"""Turns texts into word ids, for encoders with word embeddings."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from keras_ctx.text.inputs.base import register_text_inputs
from keras_ctx.text.inputs.word_level import WordLevelInputs
from keras_ctx.text.ragged.packing import join
from keras_ctx.text.tokenize.normalization import rows_of_words
from keras_ctx.text.vocabulary.file import WORD_SPECIAL_TOKENS, load_vocabulary

# The ids of `</S>` and `<S>`, the first two words of every vocabulary.
_END_BEGIN = (2, 1)


@register_text_inputs
class WordInputs(WordLevelInputs):
    """Text inputs of `elmo_word_encoder`: `word_ids`.

    The id of a word is its position in the vocabulary, counted from 1; 0 is
    "no token here". A word outside the vocabulary becomes `<UNK>`. So the
    vocabulary must hold `<UNK>`; otherwise such words would look like padding.

    Args:
        vocabulary: Path of a file with one word per line, or the words, `<S>`
            and `</S>` first and `<UNK>` anywhere.
        split: `"whitespace"` or `"character"`, as in `ElmoInputs`.
        max_length: Maximum number of words in a row, `None` for no limit.

    Call arguments:
        text: Strings `(B,)`, or ragged words `(B, None)`.
        text_pair: None, or the second texts, in the same form. As in
            `ElmoInputs`, with the markers `</S>` and `<S>` in between.

    Returns:
        A dict of `word_ids`, int32 `(B, T)`, T at least 1.

    Raises:
        ValueError: If an argument is out of range, if the vocabulary has a
            duplicate or lacks a special word, if texts have another rank or
            dtype, or if a text pair has a `max_length` below 3.

    Example:
        >>> from keras_ctx.text import WordInputs
        >>> inputs = WordInputs(["<S>", "</S>", "<UNK>", "a", "b"])
        >>> inputs(["a b c", "b"])["word_ids"].numpy()
        array([[4, 5, 3],
               [5, 0, 0]], dtype=int32)

    Source: the vocabulary of https://github.com/allenai/bilm-tf, which gives
    unknown words of a cached table the id of padding.
    """

    input_key = "word_ids"
    unknown_token = WORD_SPECIAL_TOKENS[2]

    def __init__(
        self,
        vocabulary: str | Path | Sequence[str],
        split: str = "whitespace",
        max_length: int | None = None,
    ) -> None:
        words = load_vocabulary(vocabulary, required=WORD_SPECIAL_TOKENS)
        begin_end = WORD_SPECIAL_TOKENS[:2]
        if tuple(words[:2]) != begin_end:
            raise ValueError(
                f"`vocabulary` must begin with {' and '.join(begin_end)}. "
                f"Received: {words[:2]}"
            )
        super().__init__(split, max_length)
        self.vocabulary = tuple(words)
        self.vocabulary_size = len(words)
        self.unknown_id = words.index(WORD_SPECIAL_TOKENS[2]) + 1
        # Without the markers: a word spelled like one is unknown.
        values = tf.range(3, len(words) + 1, dtype=tf.int32)
        self._table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                tf.constant(words[2:], tf.string), values
            ),
            self.unknown_id,
        )

    def __call__(
        self, text: Any, text_pair: Any = None
    ) -> dict[str, tf.Tensor]:
        ids = self._ids(text, "text")
        if text_pair is not None:
            second = self._ids(text_pair, "text_pair")
            ids = join(ids, second, _END_BEGIN, self.max_length)
        return {"word_ids": self.padded(ids)}

    @property
    def tables(self) -> tuple[Any, ...]:
        """The lookup tables that an export must track."""
        return (self._table,)

    def unknown(
        self, features: Mapping[str, Any]
    ) -> tuple[np.ndarray, np.ndarray]:
        ids = np.asarray(features["word_ids"])
        return ids == self.unknown_id, ids != 0

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, serializable as JSON."""
        return {
            "vocabulary": list(self.vocabulary),
            **super().get_config(),
        }

    def _ids(self, text: Any, name: str) -> tf.RaggedTensor:
        words = rows_of_words(text, name, self.split)
        return words.with_values(self._table.lookup(words.values))
