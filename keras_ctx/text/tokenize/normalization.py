"""Splits strings into WordPieces or characters, with vectorized ops."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_text as tf_text

from keras_ctx.text.ragged.checks import as_rows
from keras_ctx.text.ragged.operations import keep, ragged

# BERT reads a longer word, in characters, as one unknown token.
_LONGEST_WORD = 100
# Punctuation, ASCII symbols and ideographs are words by themselves.
_MARKS = r"!-/:-@\[-`{-~\pP"
_IDEOGRAPHS = (
    r"\x{3400}-\x{4DBF}\x{4E00}-\x{9FFF}\x{F900}-\x{FAFF}"
    r"\x{20000}-\x{2A6DF}\x{2A700}-\x{2CEAF}\x{2F800}-\x{2FA1F}"
)
ALONE = f"[{_MARKS}{_IDEOGRAPHS}]"
# Printable ASCII, the ideographs of Chinese text and its punctuation: cleaning
# changes none of these but the case of ASCII letters.
CLEAN = (
    r"[ -~\x{B7}\x{2014}\x{2018}\x{2019}\x{201C}\x{201D}\x{2026}"
    r"\x{3001}-\x{3011}\x{4E00}-\x{9FA5}\x{FF01}-\x{FF20}]"
)
# As `ALONE`, for a model that keeps ideographs together.
ALONE_MARK = f"[{_MARKS}]"
_NOT_ASCII_BLANK = r"[\x1C-\x1F\x{85}\pZ]"
BLANK = r"[\x09-\x0D\x1C-\x1F\x{85}\pZ]+"


WORD_SPLITS = ("whitespace", "character")


class Pieces(NamedTuple):
    """Ragged ids of N strings, and the text of each id, both `(N, None)`.

    The text is `None` if it was not requested.
    """

    ids: Any
    surface: Any

    def put(self, where: Any, ids: Any, surface: Any) -> "Pieces":
        """Adds one piece at the end of the strings where `where` is True."""
        splits = tf.pad(tf.cumsum(tf.cast(where, tf.int64)), [[1, 0]])

        def add(pieces: Any, more: Any) -> Any:
            added = ragged(tf.boolean_mask(more, where), splits)
            return tf.concat([pieces, added], axis=1)

        return Pieces(
            add(self.ids, ids),
            None if self.surface is None else add(self.surface, surface),
        )

    def merge(self, splits: tf.Tensor) -> "Pieces":
        """Joins the strings from `splits[n]` to `splits[n + 1]` into one."""
        splits = tf.gather(self.ids.row_splits, splits)
        return Pieces(
            *(v if v is None else ragged(v.values, splits) for v in self)
        )


def valid(text: tf.Tensor) -> tf.Tensor:
    """Replaces every invalid UTF-8 sequence with U+FFFD."""
    return tf.strings.unicode_transcode(
        text, "UTF-8", "UTF-8", errors="replace"
    )


def split_words(text: tf.Tensor, split: str) -> tf.RaggedTensor:
    """Splits at Python's white space, or into characters without it."""
    text = valid(text)
    if split == "whitespace":
        # The op below knows only the white space of ASCII.
        text = tf.strings.regex_replace(text, _NOT_ASCII_BLANK, " ")
        return tf.strings.split(text)
    text = tf.strings.regex_replace(text, BLANK, "")
    return tf.strings.unicode_split(text, "UTF-8")


def rows_of_words(text: Any, name: str, split: str) -> tf.RaggedTensor:
    """Splits strings into words, keeps given words; makes UTF-8 valid."""
    text = as_rows(text, name)
    if isinstance(text, tf.RaggedTensor):
        return text.with_values(valid(text.values))
    return split_words(text, split)


def normalize(
    text: tf.Tensor, lower_case: bool, strip_accents: bool | None = None
) -> tf.Tensor:
    """Cleans text as BERT does.

    White space becomes a blank. Invalid UTF-8 and control, format and private
    characters and U+FFFD are dropped. `strip_accents` (`None`: the value of
    `lower_case`) decomposes characters canonically (no compatibility folding)
    and drops non-spacing marks. `lower_case` lower-cases the text.

    Text of `CLEAN` characters skips all of this but the lower case.
    """
    plain = tf.strings.regex_full_match(text, f"{CLEAN}*")
    others = tf.where(~plain)
    cleaned = clean(tf.gather_nd(text, others), lower_case, strip_accents)
    ascii_text = tf.strings.lower(text) if lower_case else text
    return tf.tensor_scatter_nd_update(ascii_text, others, cleaned)


def clean(
    text: tf.Tensor, lower_case: bool, strip_accents: bool | None
) -> tf.Tensor:
    """Normalizes text of any characters."""
    text = tf.strings.regex_replace(valid(text), r"[\t\n\r\pZ]", " ")
    text = tf.strings.regex_replace(text, r"[\pC\x{FFFD}]+", "")
    if lower_case if strip_accents is None else strip_accents:
        text = tf_text.normalize_utf8(text, "NFD")
        text = tf.strings.regex_replace(text, r"\p{Mn}+", "")
    if not lower_case:
        return text
    # ICU would write a final sigma at the end of a word; BERT does not.
    text = tf.strings.regex_replace(text, "Σ", "σ")
    return tf.strings.lower(text, encoding="utf-8")


def ideographs_apart(text: tf.Tensor) -> tf.Tensor:
    """Puts a blank on both sides of every ideograph."""
    return tf.strings.regex_replace(text, f"([{_IDEOGRAPHS}])", r" \1 ")


def split_wordpiece_words(
    text: tf.Tensor, alone: str = ALONE
) -> tf.RaggedTensor:
    """Splits normalized text into the words that WordPiece splits further."""
    apart = tf.strings.regex_replace(text, f"({alone})", r" \1 ")
    return tf.strings.split(apart)


def stand_alone(words: tf.Tensor) -> tf.Tensor:
    """Returns True where a word is one ideograph or punctuation mark."""
    return tf.strings.regex_full_match(words, ALONE)


class WordPieces:
    """WordPiece with BERT's normalization, giving the same ids as BERT."""

    def __init__(
        self,
        vocabulary: Sequence[str],
        lower_case: bool,
        strip_accents: bool | None = None,
        tokenize_chinese_chars: bool = True,
    ) -> None:
        self._lower_case = lower_case
        self._strip_accents = strip_accents
        self._ideographs_alone = tokenize_chinese_chars
        self._unknown_id = vocabulary.index("[UNK]")
        self._is_suffix = np.array([t.startswith("##") for t in vocabulary])
        # No word has white space, but the op would find a token that has.
        words = [
            f"[unused_{place}_]" if [token] != token.split() else token
            for place, token in enumerate(vocabulary)
        ]
        # The op's limit is in bytes: a character has at most 4.
        self._tokenizer = tf_text.FastWordpieceTokenizer(
            words,
            max_bytes_per_word=4 * _LONGEST_WORD,
            token_out_type=tf.int32,
            unknown_token="[UNK]",
            # The op's own pretokenization makes every ideograph a word.
            no_pretokenization=not tokenize_chinese_chars,
        )

    def __call__(self, text: tf.Tensor, surface: bool = False) -> Pieces:
        return self.of_normalized(self.normalize(text), surface)

    def normalize(self, text: tf.Tensor) -> tf.Tensor:
        """Normalizes text with the settings of this model."""
        return normalize(text, self._lower_case, self._strip_accents)

    def of_normalized(self, text: tf.Tensor, surface: bool = False) -> Pieces:
        """Returns the pieces of text that is already normalized."""
        if self._ideographs_alone:
            return self._of(text, surface)
        words = split_wordpiece_words(text, ALONE_MARK)
        return self._of(words.values, surface).merge(words.row_splits)

    def _of(self, text: tf.Tensor, surface: bool) -> Pieces:
        """Returns the pieces of texts or of single words."""
        ids, starts, ends = self._tokenizer.tokenize_with_offsets(text)
        pieces = _WordPieces(
            ids.values, ids.row_splits, starts.values, ends.values
        )
        # A word is a piece and its following suffixes.
        suffix = tf.gather(tf.constant(self._is_suffix), pieces.ids)
        word = tf.cumsum(tf.cast(~suffix, tf.int32)) - 1
        size = tf.math.segment_sum(pieces.ends - pieces.starts, word)
        pieces = tf.cond(
            tf.reduce_any(size > _LONGEST_WORD),
            lambda: self._cut_long_words(text, pieces, suffix, word),
            lambda: pieces,
        )
        ids = ragged(pieces.ids, pieces.splits)
        if not surface:
            return Pieces(ids, None)
        return Pieces(ids, ids.with_values(_surface(text, pieces)))

    def _cut_long_words(
        self,
        text: tf.Tensor,
        pieces: "_WordPieces",
        suffix: tf.Tensor,
        word: tf.Tensor,
    ) -> "_WordPieces":
        """Replaces a word with too many characters by one `[UNK]`."""
        begin, end = _character_places(text, pieces)
        total = tf.math.segment_sum(end - begin, word)
        is_long = tf.gather(total > _LONGEST_WORD, word)
        last = tf.gather(tf.math.segment_max(pieces.ends, word), word)
        kept = ~(is_long & suffix)
        before = tf.cumsum(tf.cast(kept, tf.int64))
        return _WordPieces(
            tf.boolean_mask(
                tf.where(is_long, self._unknown_id, pieces.ids), kept
            ),
            tf.gather(tf.pad(before, [[1, 0]]), pieces.splits),
            tf.boolean_mask(pieces.starts, kept),
            tf.boolean_mask(tf.where(is_long, last, pieces.ends), kept),
        )


class _WordPieces(NamedTuple):
    """Flat ids, the row splits, and the byte positions of each piece."""

    ids: tf.Tensor
    splits: tf.Tensor
    starts: tf.Tensor
    ends: tf.Tensor


def _surface(text: tf.Tensor, pieces: _WordPieces) -> tf.Tensor:
    """Returns the text of each piece."""
    # `tf.strings.substr` would copy the text for each piece: gigabytes for a
    # text of a hundred kilobytes.
    points = tf.strings.unicode_decode(text, "UTF-8").values
    places = tf.ragged.range(*_character_places(text, pieces))
    return tf.strings.unicode_encode(tf.gather(points, places), "UTF-8")


def _character_places(
    text: tf.Tensor, pieces: _WordPieces
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns start and end of each piece, in the characters of all texts."""
    before, begins = byte_places(text)
    row = ragged(pieces.ids, pieces.splits).value_rowids()
    base = tf.cast(tf.gather(begins, row), pieces.starts.dtype)
    return (
        tf.gather(before, base + pieces.starts),
        tf.gather(before, base + pieces.ends),
    )


def byte_places(text: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Maps bytes to characters, over N valid texts that are concatenated.

    Returns:
        The number of characters before every byte and before the end; and
        the byte at which each text begins, int32 `(N,)`.
    """
    data = tf.io.decode_raw(tf.strings.reduce_join(text), tf.uint8)
    is_first = tf.bitwise.bitwise_and(data, 0xC0) != 0x80
    before = tf.pad(tf.cumsum(tf.cast(is_first, tf.int32)), [[1, 0]])
    return before, tf.cumsum(tf.strings.length(text), exclusive=True)


class Characters:
    """A splitter of texts into characters, without white space."""

    def __init__(self, vocabulary: Sequence[str], lower_case: bool) -> None:
        self._table = character_table(vocabulary, lower_case)

    def __call__(self, text: tf.Tensor, surface: bool = False) -> Pieces:
        # Every invalid UTF-8 sequence becomes one U+FFFD here.
        points = tf.strings.unicode_decode(
            tf_text.normalize_utf8(text, "NFC"), "UTF-8"
        )
        # A constant needs no tracking and initialization, as a table would.
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
    """Returns ids by code point: -1 for white space; `[UNK]` comes last."""
    unknown_id = vocabulary.index("[UNK]")
    ids = {ord(t): i for i, t in enumerate(vocabulary) if len(t) == 1}
    # There is no white space above 0x3000, and no capital above 0x1E943.
    table = np.full(max([0x1F000, *ids]) + 2, unknown_id, np.int32)
    for point, index in ids.items():
        table[point] = index
    for point in range(0x1F000 if lower_case else 0):
        # Only İ has two characters in lower case; the second is a mark.
        lower = chr(point).lower()[0]
        if lower != chr(point):
            table[point] = ids.get(ord(lower), unknown_id)
    for point in range(0x3001):
        if chr(point).isspace():
            table[point] = -1
    return table
