"""Pairs of words: windows within lines, draws, and where they resume."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_ctx import data
from keras_ctx.data.language_model.word_pairs import kept_shares

LINES = [[0, 1, 2, 3, 1], [4], [2, 0, 4, 4]] * 6
COUNTS = [12, 12, 12, 6, 18]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    flat = [x for line in LINES for x in (*line, len(COUNTS))]
    np.array(flat, "<i4").tofile(tmp_path / "words.bin")
    return tmp_path / "words.bin"


def batch(path: Path, **options: Any) -> tuple[dict, dict, dict]:
    settings = {
        "window": 1,
        "words_per_step": 26,
        "num_negatives": 4,
        "subsample": 0,
        "first_id": 2,
        "seed": 3,
    }
    pairs = data.word_pairs(path, COUNTS, **{**settings, **options})
    features, targets, weights = next(iter(pairs))
    return (
        {key: x.numpy() for key, x in features.items()},
        {key: x.numpy() for key, x in targets.items()},
        {key: x.numpy() for key, x in weights.items()},
    )


def expected_pairs(path: Path, start: int, length: int) -> Counter:
    """Returns all pairs of neighbours by a plain loop."""
    numbers = np.fromfile(path, "<i4")[start : start + length].tolist()
    found: Counter = Counter()
    for one, other in zip(numbers, numbers[1:], strict=False):
        if len(COUNTS) not in (one, other):
            found.update([(one, other), (other, one)])
    return found


def test_neighbours_predict_each_other_within_a_line(path: Path) -> None:
    features, targets, weights = batch(path)
    pairs = Counter(
        zip(
            features["target_ids"].tolist(),
            (features["word_ids"][:, 0] - 2).tolist(),
            strict=True,
        )
    )
    # The part begins at a place that is drawn.
    assert any(pairs == expected_pairs(path, start, 26) for start in range(60))
    (losses,) = weights.values()
    assert losses.sum() == pytest.approx(1)
    assert not targets["negative_log_likelihood"].any()


def test_cbow_has_the_words_around(path: Path) -> None:
    pairs, _, _ = batch(path)
    around, _, _ = batch(path, objective="cbow")
    assert around["word_ids"].shape[1] == 2
    found = Counter(
        (int(target), int(word) - 2)
        for target, row in zip(
            around["target_ids"], around["word_ids"], strict=True
        )
        for word in row
        if word
    )
    assert found == Counter(
        zip(
            pairs["target_ids"].tolist(),
            (pairs["word_ids"][:, 0] - 2).tolist(),
            strict=True,
        )
    )


def test_batches_are_functions_of_the_seed_and_their_number(path: Path) -> None:
    pairs = data.word_pairs(
        path, COUNTS, words_per_step=11, seed=1, num_negatives=3
    )
    whole = [x for x, _, _ in pairs.take(9)]
    for first in (1, 8):
        later = data.word_pairs(
            path,
            COUNTS,
            words_per_step=11,
            seed=1,
            num_negatives=3,
            first_step=first,
        )
        features, _, _ = next(iter(later))
        for key, x in features.items():
            np.testing.assert_array_equal(x, whole[first][key], key)
    other = data.word_pairs(
        path, COUNTS, words_per_step=11, seed=2, num_negatives=3
    )
    assert any(
        not np.array_equal(x["target_ids"], y["target_ids"])
        for (x, _, _), y in zip(other.take(9), whole, strict=True)
    )


def test_draws_have_their_shares(tmp_path: Path) -> None:
    numbers = np.tile([0, 1, 1, 1, 2], 8000).astype("<i4")
    numbers.tofile(tmp_path / "words.bin")
    pairs = data.word_pairs(
        tmp_path / "words.bin",
        [8000, 24000],
        window=3,
        words_per_step=39_995,
        num_negatives=1,
        subsample=0,
        seed=0,
    )
    features, _, _ = next(iter(pairs))
    # Word 0 has three words behind it in its line and sees 1, 2 or 3 of them.
    targets = Counter(features["target_ids"].numpy().tolist())
    assert targets[0] == pytest.approx(2 * 7999, rel=0.02)
    few = data.word_pairs(
        tmp_path / "words.bin",
        [8000, 24000],
        words_per_step=20,
        num_negatives=20_000,
        subsample=0,
        seed=0,
    )
    features, _, _ = next(iter(few))
    drawn = features["negative_ids"].numpy()
    assert (drawn == drawn[0]).all()
    share = 8000**0.75 / (8000**0.75 + 24000**0.75)
    assert (drawn[0] == 0).mean() == pytest.approx(share, abs=0.01)


def test_shares_of_kept_words_are_those_of_word2vec() -> None:
    counts = [1_000_000, 1000, 5]
    total = sum(counts)
    for count, share in zip(counts, kept_shares(counts, 1e-3), strict=True):
        ratio = count / (1e-3 * total)
        assert share == pytest.approx(min(1, (ratio**0.5 + 1) / ratio))
    assert kept_shares(counts, 0).tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"objective": "glove"}, "`objective` must be one of"),
        ({"window": 0}, "`window` must be at least 1"),
        ({"words_per_step": 10_000}, "Received: 78 in"),
        ({"subsample": -1.0}, "`subsample` must be"),
    ],
)
def test_wrong_arguments(path: Path, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        batch(path, **options)


def test_counts_of_zero_are_refused(path: Path) -> None:
    with pytest.raises(ValueError, match="`counts` must be a list of counts"):
        data.word_pairs(path, [3, 0], words_per_step=5, seed=0)
