"""Which texts to pack into which row, by first fit."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from keras_ctx.checks import check_at_least

Item = TypeVar("Item")

WINDOW = 64
"""Texts that wait for a row with room at a time."""


def packed_rows(
    lengths: Iterable[int],
    row_length: int,
    *,
    max_texts: int,
    window: int = WINDOW,
) -> Iterator[list[int]]:
    """Yields the texts of each row of `packed_dataset`, from their lengths.

    A row takes the text that has waited longest, and then in order each
    waiting text that still fits. So a text is at most `window` texts late, and
    their order is nearly kept.

    Args:
        lengths: The number of tokens of each text, as from `token_counts`.
        row_length: Number of tokens of a row.
        max_texts: Maximum number of texts in a row.
        window: Number of texts that wait at a time.

    Yields:
        Numbers of texts, counted from 0.

    Raises:
        ValueError: A text is longer than a row, or has no token; or an
            argument is below 1.

    Example:
        >>> list(packed_rows([5, 4, 2, 3, 1], 6, max_texts=4))
        [[0, 4], [1, 2], [3]]

    Source:
        First fit: Johnson et al. 1974, https://doi.org/10.1137/0203025.
    """
    check_at_least(1, row_length=row_length, max_texts=max_texts, window=window)

    def sizes(item: tuple[int, int]) -> tuple[int, int]:
        number, length = item
        check_fits(number, length, row_length)
        return length, 1

    for row in first_fit(
        enumerate(lengths), (row_length, max_texts), sizes, window
    ):
        yield [number for number, _ in row]


def check_fits(number: int, length: int, row_length: int) -> None:
    """Refuses a text without tokens, and one that is longer than a row."""
    if length < 1:
        raise ValueError(
            "A packed text must have a token, such as the special tokens "
            "around an empty text. Leave texts without tokens out. Received: "
            f"text {number} with {length} tokens"
        )
    if length > row_length:
        raise ValueError(
            "A packed text must fit into a row; nothing is cut here. Pack "
            "longer rows, or cut the texts by the `max_length` of the text "
            f"inputs. Received: text {number} with {length} tokens, rows of "
            f"{row_length}"
        )


def first_fit(
    items: Iterable[Item],
    limits: Sequence[int],
    sizes: Callable[[Item], Sequence[int]],
    window: int,
) -> Iterator[list[Item]]:
    """Yields rows of items whose sizes sum to at most `limits`.

    Args:
        items: A stream of items. The sizes of each must be within `limits`.
        limits: The most that a row holds of each size.
        sizes: A function of an item that returns as many sizes, called once.
        window: Number of items that wait at a time.
    """
    measured = ((sizes(item), item) for item in items)
    waiting: list[tuple[Sequence[int], Item]] = []
    while True:
        waiting += itertools.islice(measured, window - len(waiting))
        if not waiting:
            return
        room, row, left = list(limits), [], []
        for each in waiting:
            size, item = each
            if all(s <= r for s, r in zip(size, room, strict=True)):
                row.append(item)
                room = [r - s for s, r in zip(size, room, strict=True)]
            else:
                left.append(each)
        waiting = left
        yield row
