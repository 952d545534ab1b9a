"""Batches of about equal numbers of tokens, of texts of similar length."""

import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from keras_ctx.checks import check_at_least
from keras_ctx.data.batching.schedule import mixed_seed


def token_batches(
    lengths: Sequence[int] | np.ndarray,
    tokens_per_batch: int,
    *,
    seed: int,
    first_step: int = 0,
) -> Callable[[], Iterator[np.ndarray]]:
    """Returns a function that yields the indices of batches, endlessly.

    Each pass shuffles the examples, sorts them by length, cuts them where the
    longest of a batch times their number would exceed `tokens_per_batch`, and
    shuffles the batches. Batch k is a function of the seed and k. An example
    that is longer by itself is a batch of its own.

    Args:
        lengths: Tokens of each example.
        tokens_per_batch: Most tokens of a batch, padding included.
        seed: Seed of the passes.
        first_step: Number of the first batch.

    Raises:
        ValueError: There is no example, or a number is out of range.

    Example:
        >>> batches = token_batches([2, 9, 3, 2], 9, seed=0)()
        >>> sorted(sorted(next(batches).tolist()) for _ in range(2))
        [[0, 2, 3], [1]]
    """
    check_at_least(1, tokens_per_batch=tokens_per_batch)
    check_at_least(0, seed=seed, first_step=first_step)
    counts = np.asarray(lengths)
    if not len(counts):
        raise ValueError("`lengths` must hold an example. Received: none")

    def passes() -> Iterator[np.ndarray]:
        done = first_step
        for number in itertools.count():
            random = np.random.default_rng(mixed_seed(seed, "pass", number))
            order = random.permutation(len(counts))
            order = order[np.argsort(counts[order], kind="stable")]
            cuts = _cuts(counts[order], tokens_per_batch)
            batches = np.split(order, cuts)
            chosen = random.permutation(len(batches))
            for index in chosen[done:]:
                yield batches[index]
            done = max(done - len(batches), 0)

    return passes


def _cuts(lengths: np.ndarray, tokens_per_batch: int) -> list[int]:
    """Returns where ascending lengths are cut into batches."""
    cuts, begin = [], 0
    for place, length in enumerate(lengths.tolist()):
        if place > begin and (place - begin + 1) * length > tokens_per_batch:
            cuts.append(place)
            begin = place
    return cuts
