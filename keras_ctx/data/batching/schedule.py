"""Endless streams of batches that are a pure function of the seed.

Epoch e and step s depend only on `(seed, e, s)`. So a run that stopped after n
steps resumes with `first_step=n`, and sees exactly the same batches as without
the stop.
"""

import hashlib
import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from keras_ctx.checks import check_at_least

Item = TypeVar("Item")


def mixed_seed(*path: int | str) -> int:
    """Returns a seed below 2**63, for example from seed, epoch and step."""
    digest = hashlib.sha256(repr(path).encode()).digest()
    return int.from_bytes(digest[:8]) >> 1


def shuffled(
    items: Iterable[Item], *, seed: int, shuffle_buffer: int
) -> Iterator[Item]:
    """Shuffles a stream with `shuffle_buffer` items in memory."""
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
    """Yields batches of items of similar length, with little padding.

    `num_batches` batches at a time are sorted by length together and yielded
    in random order; 1 leaves the stream unchanged. An incomplete last batch is
    dropped.
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
    """Yields `(seed of the step, items)` endlessly.

    `stream(seed)` is one shuffled pass over the data. An epoch has exactly
    `steps_per_epoch` batches from consecutive passes. It begins with a new
    pass, wherever the previous epoch stopped. The first `first_step` batches
    are skipped.
    """
    first_epoch, done = divmod(first_step, steps_per_epoch)
    for epoch in itertools.count(first_epoch):
        passes = (
            stream(mixed_seed(seed, epoch, "pass", index))
            for index in itertools.count()
        )
        # Cut here: a sorted window must not hold items of the next epoch, or
        # an epoch of one pass would hold some items twice.
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
    """Returns the order of texts by length, for little padding.

    Args:
        rows: Texts or sentences.

    Returns:
        Indices of texts. Equal lengths keep their order. Output i of a dataset
        in this order belongs to text `order[i]`.

    Example:
        >>> length_order(["ccc", "a", "bb"])
        [1, 2, 0]
    """
    return order_of_lengths([len(row) for row in rows])


def order_of_lengths(lengths: Sequence[int]) -> list[int]:
    """Returns the order of texts by lengths that were counted, as tokens.

    Example:
        >>> order_of_lengths([3, 1, 2, 1])
        [1, 3, 2, 0]
    """
    return sorted(range(len(lengths)), key=lengths.__getitem__)


def length_windows(
    items: Iterable[Item],
    batch_size: int,
    *,
    window: int,
    length: Callable[[Item], int] = len,  # pyright: ignore
) -> Iterator[tuple[list[int], list[Item]]]:
    """Yields batches of items of similar length, each item once.

    Args:
        items: A stream of items, of which `window` are read at a time.
        batch_size: Maximum number of items in a batch.
        window: Number of items to sort by length together.
        length: A function of an item that returns its length.

    Yields:
        Numbers of the items, counted from 0, and the items. A batch does not
        span two windows.

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
    """Yields batches of similar length with a maximum number of words.

    Args:
        rows: Sentences of words.
        max_words: Maximum number of words in a batch, including padding. A
            longer sentence is a batch by itself.

    Yields:
        Indices of sentences, short ones first. Empty sentences are left out.

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
