"""Batches of similar length: order, sizes, and windows."""

import random
from collections.abc import Sequence

import pytest

from keras_ctx.predictions.length_order import WINDOW, in_length_order


def ran(examples: list, **settings) -> tuple[list, list[list]]:
    batches: list[list] = []

    def run(batch: list[int]) -> Sequence[int]:
        batches.append(batch)
        return [-x for x in batch]

    found = in_length_order(examples, run, lambda rows: rows, **settings)
    return list(found), batches


@pytest.mark.parametrize("batch_size", [None, 1, 3, 64])
@pytest.mark.parametrize("window", [1, 7, WINDOW])
def test_results_are_in_the_order_of_examples(batch_size, window: int) -> None:
    draw = random.Random(1)
    examples = [draw.choice([None, *range(600)]) for _ in range(100)]
    found, batches = ran(examples, batch_size=batch_size, window=window)
    assert found == [None if x is None else -x for x in examples]
    given = [x for x in examples if x is not None]
    assert sorted(x for batch in batches for x in batch) == sorted(given)
    assert all(batch == sorted(batch) for batch in batches)
    if batch_size is not None:
        assert max(map(len, batches)) <= batch_size


def test_without_a_size_a_batch_has_2048_tokens_with_padding() -> None:
    _, batches = ran([100] * 30 + [1024] * 3 + [5000])
    assert batches == [[100] * 20, [100] * 10, [1024] * 2, [1024], [5000]]


def test_lengths_are_asked_once_a_window() -> None:
    asked = []

    def lengths(rows: list[str]) -> list[int]:
        asked.append(list(rows))
        return [len(row) for row in rows]

    found = in_length_order("abcde", lambda x: x, lengths, window=2)
    assert list(found) == list("abcde")
    assert asked == [["a", "b"], ["c", "d"], ["e"]]


def test_nothing_is_run_for_no_examples() -> None:
    assert ran([]) == ([], [])
    assert ran([None, None]) == ([None, None], [])


def test_sizes_below_1_are_refused() -> None:
    for settings in ({"batch_size": 0}, {"window": 0}):
        with pytest.raises(ValueError, match="must be "):
            ran([1], **settings)
