"""Endless streams of batches that are a pure function of the seed.

Epoch e and step s depend on `(seed, e, s)` and on nothing else, so a run
that stopped after n steps in all goes on with `first_step=n` and sees exactly
what it would have seen.
"""

import hashlib
import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from keras_ctx.checks import check_at_least

Item = TypeVar("Item")


def mixed_seed(*path: int | str) -> int:
    """One seed, below 2**63, from say a seed, an epoch and a step."""
    digest = hashlib.sha256(repr(path).encode()).digest()
    return int.from_bytes(digest[:8]) >> 1


def shuffled(
    items: Iterable[Item], *, seed: int, shuffle_buffer: int
) -> Iterator[Item]:
    """Shuffle a stream with `shuffle_buffer` items in memory."""
    rng = random.Random(seed)
    held: list[Item] = []
    for item in items:
        if len(held) < shuffle_buffer:
            held.append(item)
            continue
        index = rng.randrange(shuffle_buffer)
        yield held[index]
        held[index] = item
    rng.shuffle(held)
    yield from held


def length_batches(
    items: Iterable[Item],
    batch_size: int,
    *,
    seed: int,
    num_batches: int,
    length: Callable[[Item], int],
) -> Iterator[list[Item]]:
    """Batches of items of like length, so that they hold little padding.

    `num_batches` batches at a time are sorted by length together and then
    given out in random order; 1 leaves the stream as it is. What is over
    at the end of a stream is dropped.
    """
    rng = random.Random(seed)
    items = iter(items)
    while window := list(itertools.islice(items, batch_size * num_batches)):
        if num_batches > 1:
            window.sort(key=length)
        starts = list(range(0, len(window) - batch_size + 1, batch_size))
        rng.shuffle(starts)
        for start in starts:
            yield window[start : start + batch_size]


def epoch_batches(
    stream: Callable[[int], Iterable[Item]],
    *,
    batch_size: int,
    seed: int,
    steps_per_epoch: int,
    first_step: int,
    num_batches: int,
    length: Callable[[Item], int],
) -> Iterator[tuple[int, list[Item]]]:
    """Yield `(seed of the step, items)` without end.

    `stream(seed)` is one shuffled pass over the data. An epoch is exactly
    `steps_per_epoch` batches of passes one after another; it begins with a
    pass of its own, wherever the epoch before stopped. The first
    `first_step` batches of all are left out.
    """
    first_epoch, done = divmod(first_step, steps_per_epoch)
    for epoch in itertools.count(first_epoch):
        passes = (
            stream(mixed_seed(seed, epoch, "pass", index))
            for index in itertools.count()
        )
        # Cut here: a sorted window must not reach into items beyond the
        # epoch, or an epoch of one pass would hold some items twice.
        items = itertools.islice(
            itertools.chain.from_iterable(passes),
            steps_per_epoch * batch_size,
        )
        batches = length_batches(
            items,
            batch_size,
            seed=mixed_seed(seed, epoch, "order"),
            num_batches=num_batches,
            length=length,
        )
        for step, batch in enumerate(batches):
            if epoch > first_epoch or step >= done:
                yield mixed_seed(seed, epoch, "step", step), batch


def length_order(rows: Sequence[Sequence]) -> list[int]:
    """The order of rows by length, for evaluation with little padding.

    Args:
        rows: Texts or sentences.

    Returns:
        Row numbers; equal lengths keep their order. `order[i]` is where
        output i of a dataset built in this order belongs.

    Example:
        >>> length_order(["ccc", "a", "bb"])
        [1, 2, 0]
    """
    return sorted(range(len(rows)), key=lambda row: len(rows[row]))


def length_windows(
    items: Iterable[Item],
    batch_size: int,
    *,
    window: int,
    length: Callable[[Item], int] = len,  # pyright: ignore
) -> Iterator[tuple[list[int], list[Item]]]:
    """Batches of items of like length, each item once, with their numbers.

    Args:
        items: Read as a stream, `window` at a time.
        batch_size: Most items of a batch.
        window: Items that are sorted by length together.
        length: What to sort by.

    Yields:
        Numbers of the items, counted from 0, and the items. A batch does not
        reach over the end of a window.

    Example:
        >>> list(length_windows(["ccc", "a", "bb", "d"], 2, window=3))
        [([1, 2], ['a', 'bb']), ([0], ['ccc']), ([3], ['d'])]
    """
    check_at_least(1, batch_size=batch_size, window=window)
    numbered = enumerate(items)
    while held := list(itertools.islice(numbered, window)):
        held.sort(key=lambda pair: length(pair[1]))
        for start in range(0, len(held), batch_size):
            numbers, batch = zip(*held[start : start + batch_size], strict=True)
            yield list(numbers), list(batch)


def word_batches(
    rows: Sequence[Sequence], max_words: int
) -> Iterator[list[int]]:
    """Batches of rows of like length, by words: memory has a bound.

    Args:
        rows: Sentences of words.
        max_words: Words of a batch, padding included. A longer row has a
            batch of its own.

    Yields:
        Row numbers, short rows first; empty rows are in no batch.

    Example:
        >>> list(word_batches(["ccc", "", "a", "bb", "d"], 4))
        [[2, 4], [3], [0]]
    """
    check_at_least(1, max_words=max_words)
    batch: list[int] = []
    for number in length_order(rows):
        length = len(rows[number])
        if batch and (len(batch) + 1) * length > max_words:
            yield batch
            batch = []
        if length:
            batch.append(number)
    if batch:
        yield batch
