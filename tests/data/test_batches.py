"""Order, epochs and sorting by length, on plain numbers."""

import itertools
import random
from collections import Counter
from typing import Any

import pytest

from keras_ctx.checks import check_at_least
from keras_ctx.data import length_order, word_batches
from keras_ctx.data.batching.schedule import (
    epoch_batches,
    length_batches,
    mixed_seed,
    shuffled,
)


def test_mixed_seeds_differ_and_stay() -> None:
    paths = [(0,), (0, 0), (0, 1), (1, 0), (1,), (0, "0"), (2**70, 1)]
    seeds = [mixed_seed(*path) for path in paths]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)
    # A run may resume on another machine, so the number must never change. This
    # one is half of the first 16 digits of `sha256sum`.
    assert mixed_seed(0, 1) == 5_973_285_143_095_172_824


def test_shuffled_is_a_permutation_within_reach() -> None:
    for window in (1, 3, 50, 1000):
        out = list(shuffled(range(100), seed=4, shuffle_buffer=window))
        assert sorted(out) == list(range(100))
        # An item cannot come before it is read.
        assert all(item - place <= window for place, item in enumerate(out))
    assert list(shuffled(range(9), seed=4, shuffle_buffer=1)) == list(range(9))
    assert list(shuffled([], seed=4, shuffle_buffer=3)) == []


def test_length_batches_sort_a_window_and_lose_nothing() -> None:
    rng = random.Random(0)
    sizes = [rng.randint(1, 99) for _ in range(64)]
    batches = list(
        length_batches(sizes, 4, seed=1, num_batches=8, length=lambda n: n)
    )
    assert Counter(itertools.chain(*batches)) == Counter(sizes)
    for window in (0, 8):
        part = batches[window : window + 8]
        flat = sorted(itertools.chain(*part))
        assert flat == sorted(sizes[4 * window : 4 * window + 32])
        assert sorted(part) == [flat[i : i + 4] for i in range(0, 32, 4)]
        assert part != sorted(part)  # the batches come in random order
    plain = length_batches(sizes, 4, seed=1, num_batches=1, length=lambda n: n)
    assert list(itertools.chain(*plain)) == sizes


def epochs(first_epoch: int, num_epochs: int, **options):
    settings = {
        "batch_size": 2,
        "seed": 7,
        "steps_per_epoch": 8,
        "num_batches": 2,
        "length": lambda item: item,
        **options,
    }
    stream = epoch_batches(
        lambda seed: shuffled(range(10), seed=seed, shuffle_buffer=100),
        first_step=first_epoch * settings["steps_per_epoch"],
        **settings,
    )
    return list(
        itertools.islice(stream, num_epochs * settings["steps_per_epoch"])
    )


def test_epochs_are_the_same_wherever_a_run_begins() -> None:
    whole = epochs(0, 4)
    for first in range(4):
        assert epochs(first, 4 - first) == whole[8 * first :]
    assert whole != epochs(0, 4, seed=8)
    assert len({seed for seed, _ in whole}) == len(whole)
    assert whole[:8] != whole[8:16]


def test_an_epoch_longer_than_the_data_goes_round() -> None:
    rows = [row for _, batch in epochs(0, 1) for row in batch]
    counts = Counter(rows)
    assert len(rows) == 16 and sorted(counts) == list(range(10))
    assert max(counts.values()) == 2
    # The epoch after does not depend on where this one stopped.
    # Nor do the windows of an epoch reach beyond it.
    for steps in (1, 3, 5):
        short = epochs(0, 2, steps_per_epoch=steps)
        assert short[steps:] == epochs(1, 1, steps_per_epoch=steps)
        rows = [row for _, batch in short[:steps] for row in batch]
        assert len(set(rows)) == 2 * steps


def test_length_order_is_stable() -> None:
    assert length_order(["aa", "b", "cc", ""]) == [3, 1, 0, 2]
    assert length_order([["x", "y"], ["z"]]) == [1, 0]


def test_checks() -> None:
    with pytest.raises(
        ValueError, match="`size` must be at least 1. .* size=0"
    ):
        check_at_least(1, size=0)
    wrong: list[Any] = [1.5, True, "3"]
    for value in wrong:
        with pytest.raises(ValueError, match="`size` must be an integer"):
            check_at_least(1, size=value)


def test_word_batches_hold_so_many_words_and_no_empty_row() -> None:
    rng = random.Random(4)
    rows = ["x" * rng.choice([0, 1, 2, 5, 9, 30]) for _ in range(200)]
    batches = list(word_batches(rows, 20))
    numbers = [number for batch in batches for number in batch]
    assert numbers == [i for i in length_order(rows) if rows[i]]
    for batch in batches:
        longest = max(len(rows[i]) for i in batch)
        assert len(batch) * longest <= 20 or len(batch) == 1
    # No batch had room for the first row of the next.
    for batch, after in itertools.pairwise(batches):
        assert (len(batch) + 1) * len(rows[after[0]]) > 20
    assert list(word_batches(["", ""], 20)) == []
    with pytest.raises(ValueError, match="`max_words` must be at least 1"):
        list(word_batches(["a"], 0))
