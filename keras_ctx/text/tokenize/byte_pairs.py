"""Byte-level BPE as TensorFlow ops: GPT-2's ids, also in a served graph."""

import sys
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import tensorflow as tf

from keras_ctx.text.ragged.operations import ragged
from keras_ctx.text.tokenize.normalization import valid
from keras_ctx.text.tokenize.pair_merges import PairMerges, lacking

_LETTER, _NUMBER, _SPACE, _OTHER, _NOTHING = range(5)
_BLANK, _APOSTROPHE = ord(" "), ord("'")
# Unicode's White_Space; `str.isspace` also has four controls.
_SPACES = (
    *(*range(9, 14), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B)),
    *(0x2028, 0x2029, 0x202F, 0x205F, 0x3000),
)


def byte_letters() -> list[str]:
    """Returns the character that stands for each byte in a vocabulary.

    Printable characters stand for themselves, the other 68 bytes are written
    as the characters from U+0100 on.

    Example:
        >>> letters = byte_letters()
        >>> letters[ord("a")], letters[ord(" ")]
        ('a', 'Ġ')

    Source:
        `bytes_to_unicode` of https://github.com/openai/gpt-2.
    """
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = iter(range(256, 512))
    return [chr(x if x in printable else next(others)) for x in range(256)]


class BytePairs:
    """Splits texts into byte-level BPE tokens.

    A text is split by GPT-2's pattern: English contractions, letters, digits,
    other characters, each with the blank before it, and white space. In each
    part, the pair of neighbours with the lowest rank is merged until no pair
    is in the list. Every byte is a token, so nothing is unknown.

    Args:
        vocabulary: Ids by token, in the characters of `byte_letters`.
        merges: Pairs of tokens, the first to be merged first.

    Raises:
        ValueError: The vocabulary lacks a byte, or a token of the merges.

    Source:
        Sennrich et al. 2016, https://arxiv.org/abs/1508.07909; Radford et al.
        2019, section 2.2; `encoder.py` of https://github.com/openai/gpt-2.
    """

    def __init__(
        self,
        vocabulary: Mapping[str, int],
        merges: Sequence[Sequence[str]],
    ) -> None:
        letters = byte_letters()
        missing = [x for x in letters if x not in vocabulary]
        missing += lacking(vocabulary, merges)
        if missing:
            raise ValueError(
                "`vocabulary` must have a token for every byte and for both "
                "sides and the result of each of `merges`: the files belong "
                f"to different models. Received: a vocabulary without "
                f"{missing[:5]}"
            )
        self._of_bytes = np.array([vocabulary[x] for x in letters], "int64")
        self._merges = PairMerges(vocabulary, merges)

    def __call__(self, text: tf.Tensor) -> tf.RaggedTensor:
        """Returns the ids of texts `(N,)`, ragged int32 `(N, None)`."""
        parts = split_parts(valid(text))
        found, index = tf.unique(parts.values)
        ids = tf.gather(self._merge(found), index)  # of each part
        splits = tf.gather(ids.row_splits, parts.row_splits)
        return ragged(tf.cast(ids.values, tf.int32), splits)

    def _merge(self, parts: tf.Tensor) -> tf.RaggedTensor:
        """Returns the ids of parts `(N,)`, ragged int64 `(N, None)`."""
        data = tf.io.decode_raw(tf.strings.reduce_join(parts), tf.uint8)
        owner = tf.repeat(tf.range(tf.size(parts)), tf.strings.length(parts))
        ids = tf.gather(self._of_bytes, tf.cast(data, tf.int32))
        return self._merges(ids, owner, tf.size(parts))


def split_parts(text: tf.Tensor) -> tf.RaggedTensor:
    """Splits valid texts by GPT-2's pattern, ragged strings `(N, None)`.

    RE2, which TensorFlow has, lacks the pattern's look-ahead, so the borders
    are found from the kinds of neighbours.
    """
    points = tf.strings.unicode_decode(text, "UTF-8")
    begins = _begins(points)
    places = tf.where(begins)[:, 0]
    rows = tf.gather(points.value_rowids(), places)
    ragged_tensor: Any = tf.RaggedTensor
    parts = ragged_tensor.from_row_starts(points.values, places, validate=False)
    words = tf.strings.unicode_encode(parts, "UTF-8")
    return ragged_tensor.from_value_rowids(
        words, rows, nrows=points.nrows(), validate=False
    )


def _begins(points: tf.RaggedTensor) -> tf.Tensor:
    """Returns whether a part begins at each character of all texts."""
    codes = points.values
    row = tf.cast(points.value_rowids(), tf.int32)
    starts, kinds = _kinds()
    kind = tf.gather(kinds, tf.searchsorted(starts, codes, side="right") - 1)

    def shifted(x: Any, step: int, nothing: int) -> Any:
        filler = tf.fill([abs(step)], nothing)
        if step < 0:
            return tf.concat([filler, x], axis=0)[: tf.size(x)]
        return tf.concat([x[step:], filler], axis=0)[: tf.size(x)]

    def neighbour(x: Any, step: int, nothing: int) -> Any:
        """Returns the values `step` characters later in the same text."""
        same = shifted(row, step, -1) == row
        return tf.where(same, shifted(x, step, nothing), nothing)

    def behind(mask: Any, step: int) -> Any:
        """Returns the mask of the characters `step` places behind."""
        return neighbour(tf.cast(mask, tf.int32), -step, 0) > 0

    before = neighbour(kind, -1, _NOTHING)
    code_before = neighbour(codes, -1, -1)
    after = neighbour(kind, 1, _NOTHING)
    first, second = neighbour(codes, 1, -1), neighbour(codes, 2, -1)
    # A blank belongs to the text behind it, other white space does not.
    own = (before != _SPACE) | (code_before != _BLANK)
    apostrophe = (codes == _APOSTROPHE) & own & (before != _OTHER)
    short = tf.reduce_any(first[:, None] == [*map(ord, "stmd")], axis=1)
    long = tf.zeros_like(short)
    for a, b in ("re", "ve", "ll"):
        long |= (first == ord(a)) & (second == ord(b))
    short, long = apostrophe & short, apostrophe & long
    inside = behind(short | long, 1) | behind(long, 2)
    ended = behind(short, 2) | behind(long, 3)
    text = own & ((kind != before) | ended) & ~inside
    last = (after != _SPACE) & (after != _NOTHING)
    return tf.where(kind == _SPACE, (before != _SPACE) | last, text)


@cache
def _kinds() -> tuple[np.ndarray, np.ndarray]:
    """Returns where runs of code points of one kind begin, and their kinds."""
    kinds = np.full(sys.maxunicode + 1, _OTHER, "int32")
    for code in range(sys.maxunicode + 1):
        group = unicodedata.category(chr(code))[0]
        if group in "LN":
            kinds[code] = _LETTER if group == "L" else _NUMBER
    kinds[list(_SPACES)] = _SPACE
    starts = np.flatnonzero(np.diff(kinds, prepend=-1)).astype("int32")
    return starts, kinds[starts]


def token_bytes(
    vocabulary: Sequence[str], special_tokens: Sequence[str] = ()
) -> list[bytes]:
    """Returns the bytes of each token; a special token stands for itself.

    Example:
        >>> token_bytes(["Ġa", "<|endoftext|>"], ["<|endoftext|>"])
        [b' a', b'<|endoftext|>']
    """
    values = {letter: byte for byte, letter in enumerate(byte_letters())}
    return [
        token.encode()
        if token in special_tokens or not set(token) <= set(values)
        else bytes(values[letter] for letter in token)
        for token in vocabulary
    ]


def bytes_of(ids: Any, tokens: Sequence[bytes]) -> tf.Tensor:
    """Returns the bytes of ids `(N,)`; none for an id that is no token."""
    none = len(tokens)
    ids = tf.where((ids >= 0) & (ids < none), ids, none)
    return tf.gather(tf.constant([*tokens, b""]), ids)


def decode(ids: tf.RaggedTensor, tokens: Sequence[bytes]) -> tf.Tensor:
    """Joins the bytes of tokens, then reads them as UTF-8.

    Args:
        ids: Ragged integers `(B, None)`.
        tokens: The bytes of each id.

    Returns:
        Strings `(B,)`; a sequence of bytes that is no character becomes one
        U+FFFD.
    """
    parts = ids.with_values(bytes_of(ids.values, tokens))
    return valid(tf.strings.reduce_join(parts, axis=-1))
