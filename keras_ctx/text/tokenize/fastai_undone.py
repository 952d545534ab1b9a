"""Writes a text from fastai's tokens: what the rules marked is undone."""

from typing import Any

import tensorflow as tf


def undone_rules(tokens: Any, characters: bool = False) -> tf.Tensor:
    """Returns texts from rows of tokens.

    `xxmaj` and `xxup` change the next token, `xxrep 3 !` becomes `!!!`, and
    `xxwrep 3 so` becomes `so so so`. A mark without the tokens that belong
    to it stays. The tokens do not keep the blanks around punctuation: one is
    written before each token.

    Args:
        tokens: Ragged strings `(B, None)`.
        characters: Whether each character is a token, without blanks between.

    Returns:
        Strings `(B,)`.

    Example:
        >>> rows = tf.ragged.constant([["xxmaj", "so", "xxrep", "3", "!"]])
        >>> undone_rules(rows).numpy()
        array([b'So !!!'], dtype=object)
    """
    words = tokens.values
    place = tf.ragged.range(tokens.row_lengths()).values
    before = _shifted(words, place, 1)
    two_before = _shifted(words, place, 2)
    behind = _shifted(words, _from_end(tokens), -1)
    two_behind = _shifted(words, _from_end(tokens), -2)
    capital = tf.strings.regex_replace(words, r"^(.).*$", r"\1")
    rest = tf.strings.regex_replace(words, r"^.", "")
    capital = tf.strings.upper(capital, encoding="utf-8") + rest
    shown = tf.where(before == "xxmaj", capital, words)
    upper = tf.strings.upper(words, encoding="utf-8")
    shown = tf.where(before == "xxup", upper, shown)
    # A number between a mark of repetition and what is repeated.
    is_count = _is_count(words) & _is_repetition(before) & (behind != "")
    is_mark = _is_repetition(words) & _is_count(behind) & (two_behind != "")
    repeated = _is_repetition(two_before) & _is_count(before)
    is_case = ((words == "xxmaj") | (words == "xxup")) & (behind != "")
    kept = ~(is_count | is_mark | is_case)
    counts = tf.strings.to_number(
        tf.where(repeated, before, tf.fill(tf.shape(words), "1")), tf.int32
    )
    counts = tf.where(kept, counts, 0)
    joined = repeated & (two_before == "xxrep")
    first = tf.ragged.range(counts).values == 0
    blank = first | ~tf.repeat(joined, counts)
    pieces = tf.repeat(shown, counts)
    if not characters:
        pieces = tf.where(blank, " " + pieces, pieces)
    rows = tf.repeat(tokens.value_rowids(), counts)
    texts = tf.strings.unsorted_segment_join(pieces, rows, tokens.nrows())
    return tf.strings.regex_replace(texts, "^ ", "")


def _is_repetition(words: tf.Tensor) -> tf.Tensor:
    return (words == "xxrep") | (words == "xxwrep")


def _is_count(words: tf.Tensor) -> tf.Tensor:
    """Returns whether a word is a number of copies, with two digits at most."""
    return tf.strings.regex_full_match(words, "[1-9][0-9]?")


def _from_end(tokens: Any) -> tf.Tensor:
    """Returns how many tokens of its row stand behind each."""
    lengths = tokens.row_lengths()
    place = tf.ragged.range(lengths).values
    return tf.repeat(lengths, lengths) - 1 - place


def _shifted(words: tf.Tensor, place: tf.Tensor, by: int) -> tf.Tensor:
    """Returns the word `by` places before each; "" where the row has none.

    Args:
        words: Strings `(N,)`.
        place: Words of the row on that side of each.
        by: Below 0: behind.
    """
    moved = tf.roll(words, by, axis=0)
    return tf.where(place >= abs(by), moved, "")
