"""Checks the arguments of `WordVectorInputs`."""

from collections.abc import Sequence
from typing import Any

from keras_ctx.text.inputs.word_level import is_count
from keras_ctx.text.tokenize.word_classes import WORD_CLASSES
from keras_ctx.text.tokenize.word_ngrams import LONGEST_NGRAM

UNKNOWN = {"token": 1, "hash": 1000, "classes": 5, "characters": 1}
"""The strategies for unknown words, with their number of ids."""
_LARGEST = 2**31 - 1  # an id is an int32


def rows_of_unknown(unknown: Any, num_unknown: Any, has_ngrams: bool) -> int:
    """Checks the strategy for unknown words, and returns its number of ids.

    Args:
        unknown: A key of `UNKNOWN`.
        num_unknown: Number of ids, or `None`.
        has_ngrams: Whether a word has n-grams.

    Raises:
        ValueError: An argument is out of range or does not fit another.
    """
    if unknown not in UNKNOWN:
        raise ValueError(
            f"`unknown` must be one of {', '.join(map(repr, UNKNOWN))}. "
            f"Received: unknown={unknown!r}"
        )
    if has_ngrams and unknown in ("hash", "classes"):
        raise ValueError(
            '`unknown` must be "token" or "characters" with `num_buckets`: an '
            "unknown word has the vectors of its n-grams, and no other is "
            f"read. Received: unknown={unknown!r}"
        )
    if num_unknown is None:
        return UNKNOWN[unknown]
    if not is_count(num_unknown) or not 1 <= num_unknown < _LARGEST:
        raise ValueError(
            "`num_unknown` must be None or an integer of at least 1. "
            f"Received: num_unknown={num_unknown!r}"
        )
    if unknown != "hash" and num_unknown != UNKNOWN[unknown]:
        why = f" ({', '.join(WORD_CLASSES)})" * (unknown == "classes")
        raise ValueError(
            f"`num_unknown` must be {UNKNOWN[unknown]} with unknown="
            f'{unknown!r}{why}. Leave it out, or choose "hash". '
            f"Received: num_unknown={num_unknown}"
        )
    return num_unknown


def check_ngrams(
    num_buckets: Any, min_ngram: Any, max_ngram: Any, max_subwords: Any
) -> None:
    """Refuses numbers of n-grams that are out of range."""
    for name, value, least, most in (
        ("num_buckets", num_buckets, 0, _LARGEST - 1),
        ("min_ngram", min_ngram, 1, LONGEST_NGRAM),
        ("max_ngram", max_ngram, min_ngram, LONGEST_NGRAM),
        ("max_subwords", max_subwords, 1, _LARGEST),
    ):
        if not is_count(value) or not least <= value <= most:
            raise ValueError(
                f"`{name}` must be an integer from {least} to {most}. "
                f"Received: {name}={value!r}"
            )


def check_flags(**flags: Any) -> None:
    """Refuses values that are not booleans."""
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise ValueError(
                f"`{name}` must be a boolean. Received: {name}={value!r}"
            )


def check_utf8(vocabulary: Sequence[str]) -> None:
    """Refuses words with bytes that are not UTF-8 (lone surrogates)."""
    for place, word in enumerate(vocabulary, start=1):
        try:
            word.encode("utf-8")
        except UnicodeEncodeError as error:
            raise ValueError(
                "`vocabulary` must hold words of valid UTF-8: no text has "
                "such a word, since invalid UTF-8 in texts becomes U+FFFD. "
                "Leave it out, with its row. "
                f"Received: {word!r} at line {place}"
            ) from error
