"""Checks the arguments of text inputs of byte-pair encoding."""

from collections.abc import Sequence
from typing import Any


def check_pair_arguments(
    vocabulary: Sequence[str],
    merges: Sequence[str],
    max_length: Any,
    **tokens: str | None,
) -> None:
    """Refuses arguments that no text inputs can have.

    Args:
        vocabulary: The tokens.
        merges: The pairs.
        max_length: Maximum number of tokens in a row.
        **tokens: Special tokens by the names of the arguments, or `None`.
    """
    if len(set(vocabulary)) < len(vocabulary):
        seen: set[str] = set()
        twice = [x for x in vocabulary if x in seen or seen.add(x)]
        raise ValueError(
            "`vocabulary` must have each token once. Received twice: "
            f"{twice[:5]}"
        )
    for name, token in tokens.items():
        if token is not None and token not in vocabulary:
            raise ValueError(
                f"`{name}` must be a token of the vocabulary. "
                f"Received: {name}={token!r}"
            )
    for place, pair in enumerate(merges):
        if len(pair.split(" ")) != 2:
            raise ValueError(
                '`merges` must hold pairs "left right". Received: '
                f"{pair!r} at index {place}"
            )
    if type(max_length) is not int or max_length < 4:
        raise ValueError(
            "`max_length` must be an integer of at least 4, for a token of "
            "each text of a pair and the end tokens around them. "
            f"Received: max_length={max_length!r}"
        )
