"""Turns texts into the character ids that an ELMo encoder reads."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from keras_ctx.text.inputs.base import register_text_inputs
from keras_ctx.text.inputs.word_level import WordLevelInputs, is_count

# One higher than in bilm-tf's `UnicodeCharsVocabulary`: 0 means "no token".
_SENTENCE_BEGIN, _SENTENCE_END = 257, 258
_WORD_BEGIN, _WORD_END, _CHARACTER_PAD = 259, 260, 261


@register_text_inputs
class ElmoInputs(WordLevelInputs):
    """Text inputs of ELMo: `char_ids`, the UTF-8 bytes of every word.

    The ids of a word are word-begin, its first `max_characters - 2` bytes,
    word-end, then padding. The cut may split a character. Byte b has id b + 1,
    so that 0 is free for "no token here". The words `<S>` and `</S>` give the
    rows of the sentence markers, as in the reference; the encoder adds its
    own markers.

    Args:
        max_characters: C, the number of ids per word.
        split: How to split strings: `"whitespace"`, or `"character"` for one
            token per character (none for white space). Words that you pass
            are not split.
        max_length: Maximum number of words in a row, `None` for no limit.
        distinct: Whether to give each distinct word of the batch once, for
            `keras_ctx.models.distinct_words`.

    Call arguments:
        text: Strings `(B,)`, or ragged words `(B, None)`.
        text_pair: None, or the second texts, in the same form. A text pair is
            one row, `text </S> <S> text_pair`, as in a stream of sentences.
            `max_length` cuts it at the end of its longer text, or of the
            second if both are equally long.

    Returns:
        A dict of `char_ids`, int32 `(B, T, C)`, T at least 1. If `distinct`,
        a dict of `distinct_char_ids`, int32 `(W, C)`: a row of zeros, the
        begin and the end of a sentence, then the distinct words in order of
        first occurrence; and `word_ids`, int32 `(B, T)`: indices of these
        rows, 0 on padding.

    Raises:
        ValueError: If an argument is out of range, if texts have another rank
            or dtype, or if a text pair has a `max_length` below 3.

    Example:
        >>> from keras_ctx.text import ElmoInputs
        >>> ElmoInputs(max_characters=5)(["a bc", "é"])["char_ids"].numpy()
        array([[[259,  98, 260, 261, 261],
                [259,  99, 100, 260, 261]],
        <BLANKLINE>
               [[259, 196, 170, 260, 261],
                [  0,   0,   0,   0,   0]]], dtype=int32)

    Source: Peters et al. 2018, https://arxiv.org/abs/1802.05365; character
    ids of https://github.com/allenai/bilm-tf and of allennlp.

    Differs: invalid UTF-8 becomes U+FFFD (three bytes). White space is as in
    Python's `str.split`.
    """

    def __init__(
        self,
        max_characters: int = 50,
        split: str = "whitespace",
        max_length: int | None = None,
        distinct: bool = False,
    ) -> None:
        super().__init__(split, max_length)
        check_max_characters(max_characters)
        self.max_characters = max_characters
        self.distinct = distinct
        self.input_key = "distinct_char_ids" if distinct else "char_ids"

    def __call__(
        self, text: Any, text_pair: Any = None
    ) -> dict[str, tf.Tensor]:
        words = self.rows(text, text_pair)
        if self.distinct:
            return self._distinct(words)
        char_ids = words.with_values(
            character_ids(words.values, self.max_characters)
        )
        return {"char_ids": self.padded(char_ids)}

    @property
    def position_key(self) -> str:
        return "word_ids" if self.distinct else "char_ids"

    def uncut(self) -> "ElmoInputs":
        return self.with_settings(max_length=None, distinct=False)

    def check_features(self, features: Mapping[str, Any]) -> None:
        if self.distinct:
            _check_one_table(features["distinct_char_ids"])

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, serializable as JSON."""
        return {
            "max_characters": self.max_characters,
            **super().get_config(),
            "distinct": self.distinct,
        }

    def _distinct(self, words: tf.RaggedTensor) -> dict[str, tf.Tensor]:
        if self.max_length is not None:
            words = words[:, : self.max_length]  # pyright: ignore
        distinct, places = tf.unique(words.values)
        every = tf.concat([["<S>", "</S>"], distinct], axis=0)
        table = character_ids(every, self.max_characters)
        word_ids = words.with_values(places + 3)
        return {
            "distinct_char_ids": tf.pad(table, [[1, 0], [0, 0]]),
            "word_ids": self.padded(word_ids),
        }


def character_ids(words: tf.Tensor, max_characters: int) -> tf.Tensor:
    """Returns the ids `(N, C)` of N words."""
    most = max_characters - 2
    codes = tf.io.decode_raw(words, tf.uint8, fixed_length=most)
    codes = tf.cast(codes, tf.int32) + 1
    length = tf.minimum(tf.strings.length(words), most)
    for marker, code in (("<S>", _SENTENCE_BEGIN), ("</S>", _SENTENCE_END)):
        found = words == marker
        codes = tf.where(found[:, None], code, codes)
        length = tf.where(found, 1, length)
    position, length = tf.range(most + 1)[None, :], length[:, None]
    codes = tf.pad(codes, [[0, 0], [0, 1]])
    codes = tf.where(position < length, codes, _CHARACTER_PAD)
    codes = tf.where(position == length, _WORD_END, codes)
    return tf.pad(codes, [[0, 0], [1, 0]], constant_values=_WORD_BEGIN)


def check_max_characters(max_characters: Any) -> None:
    if not is_count(max_characters) or max_characters < 3:
        raise ValueError(
            "`max_characters` must be an integer of at least 3, for "
            "word-begin, one byte and word-end. "
            f"Received: max_characters={max_characters!r}"
        )


def _check_one_table(table: tf.Tensor) -> None:
    """Refuses a table `(W, C)` that joins the tables of several requests.

    The table of a request begins with a row of zeros and the two markers.
    """
    begin = tf.pad(table, [[0, 3], [0, 0]])[:3]
    runs = tf.stack([table[:-2], table[1:-1], table[2:]], axis=1)
    is_begin = tf.reduce_all(runs == begin, axis=[1, 2])
    count = tf.reduce_sum(tf.cast(is_begin, tf.int32))
    # A table of zeros only has no begin.
    is_table = tf.reduce_any(begin[1] != begin[0])
    tf.debugging.Assert(
        (count <= 1) | ~is_table,
        [
            "`distinct_char_ids` must be the table of one request. Received: "
            "the tables of several requests, joined by a server that batches. "
            "Send texts, or turn batching off."
        ],
    )
