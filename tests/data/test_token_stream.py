"""Tokens for carried states: rows that continue, passes, a start inside."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from keras_ctx.data import token_stream
from keras_ctx.data.language_model.token_stream import window_lengths

COUNT, ROWS = 103, 4


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    np.arange(500, 500 + COUNT, dtype="<i4").tofile(tmp_path / "tokens.bin")
    return tmp_path / "tokens.bin"


def batches(path: Path, count: int, length: int = 6, **options) -> list:
    dataset = token_stream(path, length, batch_size=ROWS, **options)
    return list(itertools.islice(dataset.as_numpy_iterator(), count))


@pytest.mark.parametrize("varied", [False, True])
@pytest.mark.parametrize("backward", [False, True])
def test_rows_continue(tokens: Path, varied: bool, backward: bool) -> None:
    found = batches(tokens, 60, seed=3, varied=varied, backward=backward)
    text = list(range(500, 500 + COUNT))
    if backward:
        text.reverse()
    first = [text.index(x) for x in found[0][0]["token_ids"][:, 0]]
    assert [(x - first[0]) % COUNT for x in first] == [0, 25, 51, 77]
    places = first
    for features, targets, weights in found:
        ids, following = features["token_ids"], targets["next_token"]
        for row in range(ROWS):  # token by token
            for t in range(ids.shape[1]):
                assert ids[row, t] == text[places[row] % COUNT]
                places[row] += 1
                assert following[row, t] == text[places[row] % COUNT]
        assert features["padding_mask"].all() and ids.dtype == np.int32
        assert features["padding_mask"].shape == ids.shape
        np.testing.assert_allclose(weights["next_token"], 1 / ids.size)
    lengths = {x[0]["token_ids"].shape[1] for x in found}
    assert lengths == {6} if not varied else len(lengths) > 4


def lengths(count: int, length: int, first_step: int = 0) -> np.ndarray:
    """Returns places and lengths `(count, 2)`."""
    windows = window_lengths(length, True, 1, first_step)
    return np.array(list(itertools.islice(windows, count)))


def test_varied_lengths() -> None:
    found = lengths(20_000, 70)
    assert (np.cumsum(found[:-1, 1]) == found[1:, 0]).all()
    drawn = found[:, 1]
    half = drawn < 52  # between 35 and 70, each 3.5 deviations away
    assert 0.04 < half.mean() < 0.06
    # The integer part is half a token lower in the mean.
    assert abs(drawn[~half].mean() - 69.5) < 0.2
    assert abs(drawn[half].mean() - 34.5) < 1
    assert 4.5 < drawn[~half].std() < 5.5
    assert lengths(300, 6)[:, 1].min() == 5
    # 4,096 lengths are drawn at once.
    for first in (1, 4095, 4096, 10_000):
        rest = lengths(9, 70, first)
        np.testing.assert_array_equal(rest, found[first : first + 9])


@pytest.mark.parametrize("varied", [False, True])
def test_steps_depend_on_their_number(tokens: Path, varied: bool) -> None:
    whole = batches(tokens, 30, seed=5, varied=varied)
    for first in (1, 17):
        rest = batches(tokens, 9, seed=5, varied=varied, first_step=first)
        for x, y in zip(rest, whole[first:], strict=False):
            np.testing.assert_array_equal(x[0]["token_ids"], y[0]["token_ids"])
    other = batches(tokens, 1, seed=6, varied=varied)[0][0]["token_ids"]
    assert (other[:, 0] != whole[0][0]["token_ids"][:, 0]).all()


def test_refusals(tokens: Path) -> None:
    with pytest.raises(ValueError, match="`path` must hold .* 103 in"):
        batches(tokens, 1, length=25, seed=0)
    with pytest.raises(ValueError, match="`length` must be"):
        batches(tokens, 1, length=0, seed=0)
    with pytest.raises(ValueError, match="`first_step` must be"):
        batches(tokens, 1, seed=0, first_step=-1)
