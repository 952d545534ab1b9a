"""Parallel files, batches by tokens, and the shifted targets."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from keras_ctx.data import read_parallel, translation_dataset
from keras_ctx.data.translation.token_batches import token_batches
from keras_ctx.text import GPTInputs, byte_letters

INPUTS = GPTInputs([*byte_letters(), "<|endoftext|>"], [], 12, add_end=True)
END = 256


def write(folder: Path, source: str, target: str) -> tuple[Path, Path]:
    paths = folder / "a.en", folder / "a.de"
    for path, text in zip(paths, (source, target), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


def test_pairs(tmp_path: Path) -> None:
    found = read_parallel(*write(tmp_path, "one\n \ntwo\nx\n", "1\n2\n3\n\n"))
    assert found.sources == ["one", "two"]
    assert found.targets == ["1", "3"]
    assert found.num_blank == 2


def test_unequal_lines(tmp_path: Path) -> None:
    paths = write(tmp_path, "one\ntwo\n", "1\n2\n3\n4\n")
    with pytest.raises(ValueError, match=r"a.de has 4 and .*a.en ends before"):
        read_parallel(*paths)
    with pytest.raises(ValueError, match=r"ends before line 3: '3'"):
        read_parallel(*paths)
    paths = write(tmp_path, "\n\n", "1\n\n")
    with pytest.raises(ValueError, match="must hold pairs of texts"):
        read_parallel(*paths)


LENGTHS = np.random.default_rng(0).integers(1, 40, 300)


def test_batches_hold_each_example_once_a_pass() -> None:
    batches = token_batches(LENGTHS, 100, seed=3)()
    for _ in range(3):
        seen: list[int] = []
        while len(seen) < len(LENGTHS):
            batch = next(batches)
            assert LENGTHS[batch].max() * len(batch) <= 100
            seen += batch.tolist()
        assert sorted(seen) == [*range(len(LENGTHS))]


def test_there_is_little_padding() -> None:
    batches = itertools.islice(token_batches(LENGTHS, 100, seed=3)(), 60)
    found = [(LENGTHS[x].max() * len(x), LENGTHS[x].sum()) for x in batches]
    room, real = np.sum(found, axis=0)
    assert real / room > 0.9


def test_batches_depend_on_their_number_alone() -> None:
    def some(first: int, count: int, seed: int = 3) -> list:
        found = token_batches(LENGTHS, 100, seed=seed, first_step=first)()
        return [x.tolist() for x in itertools.islice(found, count)]

    whole = some(0, 300)
    for first in (1, 70, 250):
        assert some(first, 20) == whole[first : first + 20]
    assert some(0, 20, seed=4) != whole[:20]


def test_a_long_example_is_a_batch_of_its_own() -> None:
    batches = token_batches([3, 500, 2], 10, seed=0)()
    found = sorted(sorted(next(batches).tolist()) for _ in range(2))
    assert found == [[0, 2], [1]]


def test_targets_are_shifted() -> None:
    sources, targets = ["a", "bcd", "ef"], ["xyz", "w", "uvuvuvuvuvuvuv"]
    dataset = translation_dataset(
        *(sources, targets, INPUTS, INPUTS),
        start_id=7,
        tokens_per_batch=24,
        seed=1,
    )
    seen = set()
    for features, following, weights in dataset.take(6).as_numpy_iterator():
        real = features["decoder_padding_mask"]
        assert abs(weights["next_token"].sum() - 1) < 1e-6
        assert (weights["next_token"][~real] == 0).all()
        assert np.ptp(weights["next_token"][real]) < 1e-8
        for row in range(len(real)):
            count = real[row].sum()
            read = features["decoder_token_ids"][row, :count].tolist()
            wanted = following["next_token"][row, :count].tolist()
            assert read == [7, *wanted[:-1]]
            assert wanted[-1] == END
            mask = features["padding_mask"][row]
            source = features["token_ids"][row][mask].tolist()
            assert source[-1] == END
            texts = (bytes(source[:-1]).decode(), bytes(wanted[:-1]).decode())
            seen.add(texts)
    # The longest is cut to 12 tokens, with its end.
    assert seen == {("a", "xyz"), ("bcd", "w"), ("ef", "uvuvuvuvuvu")}


def test_refusals() -> None:
    options = {"start_id": 0, "tokens_per_batch": 9, "seed": 0}
    with pytest.raises(ValueError, match="must be pairs. Received: 1 and 2"):
        translation_dataset(["a"], ["b", "c"], INPUTS, INPUTS, **options)
    with pytest.raises(ValueError, match="must hold an example"):
        translation_dataset([], [], INPUTS, INPUTS, **options)
    with pytest.raises(ValueError, match="`tokens_per_batch` must be"):
        token_batches([1], 0, seed=0)
