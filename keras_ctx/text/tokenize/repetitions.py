"""Finds repeated characters and words, which RE2 has no pattern for."""

from typing import Any

import tensorflow as tf

from keras_ctx.text.ragged.operations import ragged

_TIMES = 3  # in a row, to be written as a number
_BLANK = ord(" ")
# A byte that valid UTF-8 never contains.
_WIDE = b"\xff"
# The letters, digits and underscores that a word begins with.
_LEAD = r"(?s)^([\pL\pN_]*)(.*)$"


def repeated_characters(text: tf.Tensor) -> tf.Tensor:
    """Writes a character three times or more in a row as its number.

    Args:
        text: Valid UTF-8 `(N,)` without other white space than blanks.

    Returns:
        Strings `(N,)`, such as `"wow xxrep 3 ! "` for `"wow!!!"`.

    Example:
        >>> repeated_characters(tf.constant(["baaad", "aab"])).numpy().tolist()
        [b'b xxrep 3 a d', b'aab']
    """
    rows = tf.strings.unicode_decode(text, "UTF-8")
    _, count = _runs(rows)
    has = tf.reduce_any(rows.with_values(count >= _TIMES), axis=1)
    where = tf.where(has)
    # Few texts have any, and a string for each character is slow.
    rows = tf.strings.unicode_decode(tf.gather_nd(text, where), "UTF-8")
    first, count = _runs(rows)
    kept = first | (count < _TIMES)
    points = tf.boolean_mask(rows.values, kept)
    count = tf.boolean_mask(count, kept)
    letters = tf.strings.unicode_encode(points[:, None], "UTF-8")
    marked = " xxrep " + tf.strings.as_string(count) + " " + letters + " "
    changed = tf.strings.unsorted_segment_join(
        tf.where(count >= _TIMES, marked, letters),
        tf.boolean_mask(rows.value_rowids(), kept),
        rows.nrows(),
    )
    return tf.tensor_scatter_nd_update(text, where, changed)


def _runs(rows: Any) -> tuple[Any, Any]:
    """Returns where a run of characters begins, and the length of each run.

    Returns:
        bool and int32, for each character; blanks have the length 1.
    """
    points, row = rows.values, rows.value_rowids()
    first = ~_as_before(points) | ~_as_before(row)
    run = tf.cumsum(tf.cast(first, tf.int32)) - 1
    count = tf.gather(tf.math.segment_sum(tf.ones_like(points), run), run)
    return first, tf.where(points == _BLANK, 1, count)


def _as_before(x: Any) -> Any:
    """Returns whether each value equals the one before; the first does not."""
    return tf.concat([tf.zeros_like(x[:1], tf.bool), x[1:] == x[:-1]], axis=0)


def _before(x: Any) -> Any:
    """Moves values one place on; the first is repeated."""
    return tf.concat([x[:1], x[:-1]], axis=0)


def repeated_words(text: tf.Tensor) -> tf.RaggedTensor:
    """Splits at blanks, and writes a word three times or more as its number.

    The last of the repeated words may have more behind it, such as a comma.
    What follows at once, behind a single blank, cannot begin a repetition:
    fastai's pattern has read that blank.

    Args:
        text: Valid UTF-8 `(N,)` without other white space than blanks.

    Returns:
        Ragged `(N, None)`: words, a string `"xxwrep 3 word"`, and empty ones.

    Example:
        >>> repeated_words(tf.constant(["so so so, so"])).to_list()
        [[b'xxwrep 3 so', b'', b',', b'so']]
    """
    text = tf.strings.regex_replace(tf.strings.strip(text), "  +", b" " + _WIDE)
    rows = tf.strings.split(text)
    words = rows.values
    wide = tf.strings.substr(words, 0, 1) == _WIDE
    words = tf.where(
        wide,
        tf.strings.substr(
            words, tf.cast(wide, tf.int32), tf.strings.length(words)
        ),
        words,
    )
    lead = tf.strings.regex_replace(words, _LEAD, r"\1")
    rest = tf.strings.regex_replace(words, _LEAD, r"\2")
    full = words == lead
    # A run is a word, its copies, and perhaps one with more behind it.
    same_row = _as_before(rows.value_rowids())
    first: Any = ~(_as_before(lead) & same_row & _before(full))
    run = tf.cumsum(tf.cast(first, tf.int32)) - 1
    count = tf.math.segment_sum(tf.ones_like(run), run)
    start = tf.cast(tf.where(first)[:, 0], tf.int32)
    place = tf.range(tf.size(run)) - tf.gather(start, run)
    # A run may lose its first word to the one before.
    beside = tf.gather(same_row & _before(full) & ~wide, start)
    lost = _lost_words(beside, _before(count))
    count -= lost
    lost, count = tf.gather(lost, run), tf.gather(count, run)
    repeated = count >= _TIMES
    marked = "xxwrep " + tf.strings.as_string(count) + " " + lead
    words = tf.where(repeated & (place == lost), marked, words)
    words = tf.where(repeated & (place > lost), rest, words)
    return ragged(words, rows.row_splits)


def _lost_words(beside: Any, before: Any) -> Any:
    """Returns 1 for runs whose first word cannot begin a repetition.

    Args:
        beside: Whether a run follows another behind a single blank.
        before: Number of words of the run before.
    """
    # A run of three is written as a number only if it has lost none itself.
    depends = beside & (before == _TIMES)
    loses = tf.cast(beside & (before > _TIMES), tf.int32)
    place = tf.range(tf.size(before))
    known = tf.where(~depends)[:, 0]
    part = tf.cumsum(tf.cast(~depends, tf.int32)) - 1
    anchor = tf.cast(tf.gather(known, part), tf.int32)
    return (tf.gather(loses, anchor) + place - anchor) % 2
