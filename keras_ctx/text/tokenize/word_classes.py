"""Classes of words by their characters, for words outside a vocabulary."""

from typing import Any

import tensorflow as tf

WORD_CLASSES = (
    "number",
    "punctuation",
    "all capitals",
    "capitalized",
    "other",
)
"""The classes in the order in which they are tried."""

# The dot of RE2 does not match a line break without (?s).
_PATTERNS = (
    r"[^\pL]*\pN[^\pL]*",
    r"[^\pL\pN]+",
    r"[^\p{Ll}]*\p{Lu}[^\p{Ll}]*\p{Lu}[^\p{Ll}]*",
    r"(?s)[^\pL]*[\p{Lu}\p{Lt}].*",
)


def word_classes(words: Any) -> tf.Tensor:
    """Returns the class of each word, as a place in `WORD_CLASSES`.

    A number has a digit and no letter; punctuation has neither; all capitals
    means two capital letters or more and no small one; capitalized means that
    the first letter is a capital one. Words of scripts without case, such as
    Chinese, and empty words are "other".

    Args:
        words: Strings of valid UTF-8, `(N,)`.

    Returns:
        int32 `(N,)`.

    Example:
        >>> words = ["1,000", "...", "U.S.", "A", "word", "行"]
        >>> [WORD_CLASSES[i] for i in word_classes(words).numpy()]
        ['number', 'punctuation', 'all capitals', 'capitalized', 'other',
         'other']
    """
    words = tf.convert_to_tensor(words, tf.string)
    found = tf.fill(tf.shape(words), len(_PATTERNS))
    for place in range(len(_PATTERNS) - 1, -1, -1):
        fits = tf.strings.regex_full_match(words, _PATTERNS[place])
        found = tf.where(fits, place, found)
    return found
