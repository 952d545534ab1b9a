"""Finds the words of texts and their positions, with TensorFlow ops."""

from typing import Any, NamedTuple

import tensorflow as tf
import tensorflow_text as tf_text

from keras_ctx.text.ragged.checks import as_rows
from keras_ctx.text.ragged.operations import keep
from keras_ctx.text.tokenize.normalization import (
    ALONE,
    ALONE_MARK,
    BLANK,
    byte_places,
    valid,
)

# Invisible characters belong to the character before them.
_HIDDEN = r"[\pC\p{Mn}\x{FFFD}]"
_HIDDEN_CASED = r"[\pC\x{FFFD}]"
# So do accents, and the vowels and final consonants of a Korean syllable.
_FOLLOWS = r"[\pM\x{1160}-\x{11FF}]"
_VISIBLE = r"[^\x09-\x0D\x1C-\x1F\x{85}\pZ]"


def _around(alone: str) -> tuple[str, str]:
    """Returns WordPiece's delimiters: white space and one-character words."""
    # The other controls of `BLANK` do not split words: BERT drops them.
    return rf"[\t\n\r\pZ]+|{alone}", alone


# Patterns that split a text, and those whose matches are words themselves.
_BORDERS = {
    "wordpiece": _around(f"{ALONE}{_HIDDEN}*"),
    # Accents are letters where they are not dropped.
    "cased_wordpiece": _around(f"{ALONE}{_HIDDEN_CASED}*"),
    # Ideographs are letters where they are kept together.
    "wordpiece_joined": _around(f"{ALONE_MARK}{_HIDDEN}*"),
    "cased_wordpiece_joined": _around(f"{ALONE_MARK}{_HIDDEN_CASED}*"),
    "character": (f"{BLANK}|{_VISIBLE}{_FOLLOWS}*", f"{_VISIBLE}{_FOLLOWS}*"),
    "code_point": (f"{BLANK}|{_VISIBLE}", _VISIBLE),
    "whitespace": (BLANK, ""),
}


class WordPlaces(NamedTuple):
    """Words and their positions, ragged `(B, None)`.

    Example:
        >>> WordPlaces(words=[["a"]], starts=[[0]], ends=[[1]]).ends
        [[1]]
    """

    words: Any
    """Strings, as written in the text."""
    starts: Any
    """int32: the first character of each word, in code points from 0."""
    ends: Any
    """int32: the character after the last of each word."""

    def keep(self, mask: tf.Tensor) -> "WordPlaces":
        """Keeps the words where the flat `mask` is True."""
        return WordPlaces(*(keep(part, mask) for part in self))


def find_words(text: Any, split: str, whole: str = "") -> WordPlaces:
    """Finds the words of every text.

    Args:
        text: Strings `(B,)`.
        split: `"wordpiece"` splits at white space and makes punctuation
            marks, ASCII symbols and ideographs words by themselves, as BERT
            does; `"cased_wordpiece"` does so for a BERT that keeps accents.
            Append `"_joined"` to either to keep ideographs together.
            `"character"` gives every character with its accents, without
            white space; `"code_point"` separates the accents.
            `"whitespace"` splits at white space only.
        whole: A pattern that is always a word, if any.

    Returns:
        A `WordPlaces`. Invalid UTF-8 is read, and counted, as U+FFFD.
    """
    text = valid(as_rows(text, "text"))
    # The op below stops at a NUL; U+0001 is as invisible and as long.
    without_nul = tf.strings.regex_replace(text, r"\x00", "\x01")
    borders = _BORDERS[split]
    if whole:
        borders = tuple(f"{whole}|{border}" for border in borders)
    words, starts, ends = tf_text.regex_split_with_offsets(
        without_nul, *borders
    )
    counts, begins = byte_places(text)
    row = words.value_rowids()
    base = tf.gather(begins, row)
    first = tf.gather(counts, base)
    # In characters, counted through all texts.
    starts, ends = (
        tf.gather(counts, base + tf.cast(places.values, tf.int32))
        for places in (starts, ends)
    )

    def as_written() -> tf.Tensor:
        points = tf.strings.unicode_decode(text, "UTF-8").values
        places = tf.ragged.range(starts, ends)
        return tf.strings.unicode_encode(tf.gather(points, places), "UTF-8")

    # Only texts with a NUL need the time to cut the words again.
    words = words.with_values(
        tf.cond(
            tf.reduce_any(without_nul != text),
            as_written,
            lambda: words.values,
        )
    )
    return WordPlaces(
        words,
        words.with_values(starts - first),
        words.with_values(ends - first),
    )


def answer_words(text: Any) -> WordPlaces:
    """Finds the words that an answer may consist of, for any encoder.

    These are the words of `keras_ctx.data.split_words`, with which span
    extractors are trained, except that an accent after white space begins a
    word.
    """
    found = find_words(text, "wordpiece")
    hidden = tf.strings.regex_full_match(found.words.values, f"{_HIDDEN}+")
    return found.keep(~hidden)
