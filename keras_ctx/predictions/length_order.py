"""Runs a stream in batches of similar length, in order, in bounded memory."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from keras_ctx.checks import check_at_least
from keras_ctx.data.batching.schedule import order_of_lengths

WINDOW = 4096
"""Examples that are sorted by length together."""
_BATCH_LENGTH = 2048

Example = TypeVar("Example")
Result = TypeVar("Result")


def in_length_order(
    examples: Iterable[Example | None],
    run: Callable[[list[Example]], Sequence[Result]],
    lengths: Callable[[list[Example]], Sequence[int]],
    *,
    batch_size: int | None = None,
    window: int = WINDOW,
) -> Iterator[Result | None]:
    """Runs batches of examples of similar length; yields results in order.

    Args:
        examples: A stream of any length. `None` means no example.
        run: Maps a batch of examples to one result for each.
        lengths: Returns the length of each example of a window; similar
            lengths are run together.
        batch_size: Examples per batch. `None`: as many as are 2,048 long
            together, with their padding; small products are slow.
        window: Examples in memory at a time.

    Returns:
        A generator of one result for each example, `None` for `None`.

    Raises:
        ValueError: A number is below 1.

    Example:
        >>> batches = []
        >>> def run(batch):
        ...     batches.append(batch)
        ...     return [word.upper() for word in batch]
        >>> list(in_length_order(["long", None, "a", "b"], run,
        ...                      lambda window: [len(x) for x in window],
        ...                      batch_size=2))
        ['LONG', None, 'A', 'B']
        >>> batches
        [['a', 'b'], ['long']]
    """
    check_at_least(1, window=window)
    if batch_size is not None:
        check_at_least(1, batch_size=batch_size)
    return _results(iter(examples), run, lengths, batch_size, window)


def _results(
    examples: Iterator[Example | None],
    run: Callable[[list[Example]], Sequence[Result]],
    lengths: Callable[[list[Example]], Sequence[int]],
    batch_size: int | None,
    window: int,
) -> Iterator[Result | None]:
    while held := list(itertools.islice(examples, window)):
        found: list[Result | None] = [None] * len(held)
        places = [i for i, row in enumerate(held) if row is not None]
        rows = [row for row in held if row is not None]
        for batch in _batches(lengths(rows) if rows else [], batch_size):
            results = run([rows[k] for k in batch])
            for k, result in zip(batch, results, strict=True):
                found[places[k]] = result
        yield from found


def _batches(
    lengths: Sequence[int], batch_size: int | None
) -> Iterator[list[int]]:
    """Yields the places of examples of similar length, short ones first."""
    batch: list[int] = []
    for place in order_of_lengths(lengths):
        if batch_size is None:
            full = (len(batch) + 1) * lengths[place] > _BATCH_LENGTH
        else:
            full = len(batch) == batch_size
        if batch and full:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch
