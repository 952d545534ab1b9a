"""The words of texts and where they stand in them, as tf ops."""

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

# What shows nothing by itself belongs to the character before it.
_HIDDEN = r"[\pC\p{Mn}\x{FFFD}]"
_HIDDEN_CASED = r"[\pC\x{FFFD}]"
# So do accents, and the vowels and final consonants of a Korean syllable.
_FOLLOWS = r"[\pM\x{1160}-\x{11FF}]"
_VISIBLE = r"[^\x09-\x0D\x1C-\x1F\x{85}\pZ]"


def _around(alone: str) -> tuple[str, str]:
    """WordPiece's borders: white space, and what stands alone."""
    # The other controls of `BLANK` part nothing: BERT drops them.
    return rf"[\t\n\r\pZ]+|{alone}", alone


# Where a text is parted, and which of these matches are words themselves.
_BORDERS = {
    "wordpiece": _around(f"{ALONE}{_HIDDEN}*"),
    # Accents are letters where they are not dropped.
    "cased_wordpiece": _around(f"{ALONE}{_HIDDEN_CASED}*"),
    # Ideographs are letters where they are left together.
    "wordpiece_joined": _around(f"{ALONE_MARK}{_HIDDEN}*"),
    "cased_wordpiece_joined": _around(f"{ALONE_MARK}{_HIDDEN_CASED}*"),
    "character": (f"{BLANK}|{_VISIBLE}{_FOLLOWS}*", f"{_VISIBLE}{_FOLLOWS}*"),
    "code_point": (f"{BLANK}|{_VISIBLE}", _VISIBLE),
    "whitespace": (BLANK, ""),
}


class WordPlaces(NamedTuple):
    """Words and their places, ragged `(B, None)`.

    Example:
        >>> WordPlaces(words=[["a"]], starts=[[0]], ends=[[1]]).ends
        [[1]]
    """

    words: Any
    """Strings, as the text writes them."""
    starts: Any
    """int32: the first character, counted in code points from 0."""
    ends: Any
    """int32: the character behind the last."""

    def keep(self, mask: tf.Tensor) -> "WordPlaces":
        """Those words where the flat `mask` is True."""
        return WordPlaces(*(keep(part, mask) for part in self))


def find_words(text: Any, split: str, whole: str = "") -> WordPlaces:
    """The words of every text.

    Args:
        text: strings `(B,)`.
        split: `"wordpiece"`: white space parts words; punctuation marks, ASCII
            symbols and ideographs are words by themselves, as for BERT;
            `"cased_wordpiece"`: the same for a BERT that keeps accents; with
            `"_joined"` behind either, for one that leaves ideographs together.
            `"character"`: every character with its accents, without white
            space; `"code_point"`: without its accents. `"whitespace"`: what
            stands between white space.
        whole: a pattern of what is a word wherever it stands, if any.

    Returns:
        A `WordPlaces`. Broken UTF-8 is read, and counted, as U+FFFD.
    """
    text = valid(as_rows(text, "text"))
    # The op below ends at a NUL; this is as invisible, and as long.
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

    # Cutting the words anew takes time, which texts without a NUL need not.
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
    """The words that an answer may be made of, for any encoder.

    Those of `keras_ctx.data.split_words`, with which span extractors are
    trained, but that an accent behind white space begins a word.
    """
    found = find_words(text, "wordpiece")
    hidden = tf.strings.regex_full_match(found.words.values, f"{_HIDDEN}+")
    return found.keep(~hidden)
