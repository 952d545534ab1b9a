"""Strings to pieces: WordPiece and single characters, as vectorised tf ops."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_text as tf_text

from keras_ctx.text.rows import keep

# BERT reads a longer word, in characters, as one unknown token.
_LONGEST_WORD = 100


class Pieces(NamedTuple):
    """Ragged ids `(N, None)` of N strings and the text behind each id."""

    ids: tf.RaggedTensor
    surface: tf.RaggedTensor | None


def normalize(text: tf.Tensor, lower_case: bool) -> tf.Tensor:
    """Cleans text as BERT does, op by op.

    Invalid UTF-8 becomes U+FFFD, white space a blank; control, format and
    private characters and U+FFFD go. With `lower_case`: canonical
    decomposition (no compatibility folding), non-spacing marks dropped, lower
    case.
    """
    text = tf.strings.unicode_transcode(
        text, "UTF-8", "UTF-8", errors="replace"
    )
    text = tf.strings.regex_replace(text, r"[\t\n\r\pZ]", " ")
    text = tf.strings.regex_replace(text, r"[\pC\x{FFFD}]+", "")
    if not lower_case:
        return text
    text = tf_text.normalize_utf8(text, "NFD")
    text = tf.strings.regex_replace(text, r"\p{Mn}+", "")
    # ICU would write a final sigma at the end of a word; BERT does not.
    text = tf.strings.regex_replace(text, "Σ", "σ")
    return tf.strings.lower(text, encoding="utf-8")


class WordPieces:
    """WordPiece on normalized text, equal to BERT's own, id for id."""

    def __init__(self, vocabulary: Sequence[str], lower_case: bool) -> None:
        self._lower_case = lower_case
        self._unknown_id = vocabulary.index("[UNK]")
        self._is_suffix = np.array([t.startswith("##") for t in vocabulary])
        # The op's limit is in bytes: 4 of them hold any character.
        self._tokenizer = tf_text.FastWordpieceTokenizer(
            list(vocabulary),
            max_bytes_per_word=4 * _LONGEST_WORD,
            token_out_type=tf.int32,
            unknown_token="[UNK]",
        )

    def __call__(self, text: tf.Tensor, surface: bool = False) -> Pieces:
        text = normalize(text, self._lower_case)
        ids, starts, ends = self._tokenizer.tokenize_with_offsets(text)
        starts, ends = starts.values, ends.values
        # A word is a piece and the suffixes that follow it.
        suffix = tf.gather(tf.constant(self._is_suffix), ids.values)
        word = tf.cumsum(tf.cast(~suffix, tf.int32)) - 1
        word_bytes = tf.math.segment_sum(ends - starts, word)
        owner = ids.value_rowids()

        def cut_long_words() -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            chars = tf.strings.length(
                tf.strings.substr(
                    tf.gather(text, owner), starts, ends - starts
                ),
                unit="UTF8_CHAR",
            )
            long_word = tf.math.segment_sum(chars, word) > _LONGEST_WORD
            is_long = tf.gather(long_word, word)
            return (
                tf.where(is_long, self._unknown_id, ids.values),
                tf.where(
                    is_long,
                    tf.gather(tf.math.segment_max(ends, word), word),
                    ends,
                ),
                ~(is_long & suffix),
            )

        values, ends, kept = tf.cond(
            tf.reduce_any(word_bytes > _LONGEST_WORD),
            cut_long_words,
            lambda: (ids.values, ends, tf.ones_like(suffix)),
        )
        words = None
        if surface:
            parts = tf.strings.substr(
                tf.gather(text, owner), starts, ends - starts
            )
            words = keep(ids.with_values(parts), kept)
        return Pieces(keep(ids.with_values(values), kept), words)


class Characters:
    """Every character but white space is one piece."""

    def __init__(self, vocabulary: Sequence[str], lower_case: bool) -> None:
        self._table = character_table(vocabulary, lower_case)

    def __call__(self, text: tf.Tensor, surface: bool = False) -> Pieces:
        # Invalid UTF-8 becomes U+FFFD here, one a broken sequence.
        points = tf.strings.unicode_decode(
            tf_text.normalize_utf8(text, "NFC"), "UTF-8"
        )
        # A constant, not a lookup table: nothing to track or to initialize.
        table = tf.constant(self._table)
        ids = tf.gather(table, tf.minimum(points.values, len(self._table) - 1))
        kept = ids >= 0
        points = keep(points, kept)
        words = None
        if surface:
            words = points.with_values(
                tf.strings.unicode_encode(points.values[:, None], "UTF-8")
            )
        return Pieces(points.with_values(tf.boolean_mask(ids, kept)), words)


def character_table(vocabulary: Sequence[str], lower_case: bool) -> np.ndarray:
    """Ids by code point: -1 for white space; the last row is `[UNK]`."""
    unknown_id = vocabulary.index("[UNK]")
    ids = {ord(t): i for i, t in enumerate(vocabulary) if len(t) == 1}
    # Above 0x3000 there is no white space, above 0x1E943 no capital.
    table = np.full(max([0x1F000, *ids]) + 2, unknown_id, np.int32)
    for point, index in ids.items():
        table[point] = index
    for point in range(0x1F000 if lower_case else 0):
        # İ alone has two characters in lower case; the second is a mark.
        lower = chr(point).lower()[0]
        if lower != chr(point):
            table[point] = ids.get(ord(lower), unknown_id)
    for point in range(0x3001):
        if chr(point).isspace():
            table[point] = -1
    return table
