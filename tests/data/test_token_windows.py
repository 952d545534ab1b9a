"""Windows of tokens: what is in a row, the order, a start in the middle."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from keras_ctx.data import token_windows, write_tokens
from keras_ctx.data.language_model.token_windows import window_starts


def codes(texts: list[str]) -> tf.RaggedTensor:
    return tf.ragged.constant(
        [[*map(ord, x)] for x in texts], dtype=tf.int32, ragged_rank=1
    )


def test_tokens_of_a_corpus(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("ab\ncd\n\n\nef\n", encoding="utf-8")
    told: list[int] = []
    count = write_tokens(corpus, codes, 0, tmp_path / "tokens.bin", told.append)
    found = np.fromfile(tmp_path / "tokens.bin", "<i4").tolist()
    assert found == [*map(ord, "ab\ncd"), 0, *map(ord, "ef"), 0]
    assert count == len(found) and told == [count]


@pytest.mark.quick("1-*")
@pytest.mark.parametrize("size, parts", [(1, [700]), (200_000, [3, 6, 7])])
def test_documents_are_read_in_parts_of_half_a_megabyte(
    tmp_path: Path, size: int, parts: list[int]
) -> None:
    corpus, count = tmp_path / "corpus.txt", parts[-1]
    letters = [97 + i % 26 for i in range(count)]
    corpus.write_text("\n\n".join(chr(x) * size for x in letters))
    told: list[int] = []
    write_tokens(corpus, codes, 1, tmp_path / "tokens.bin", told.append)
    found = np.fromfile(tmp_path / "tokens.bin", "<i4").reshape(count, -1)
    assert (found[:, :-1] == np.array(letters)[:, None]).all()
    assert (found[:, -1] == 1).all()
    assert told == [part * (size + 1) for part in parts]


def test_a_failure_leaves_no_file(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("\n\n")
    with pytest.raises(ValueError, match="`path` must hold text"):
        write_tokens(corpus, codes, 0, tmp_path / "tokens.bin")
    corpus.write_bytes(b"a\n\n\xff\n")
    with pytest.raises(ValueError, match=r"corpus.txt, line 3"):
        write_tokens(corpus, codes, 0, tmp_path / "tokens.bin")
    assert [x.name for x in tmp_path.iterdir()] == ["corpus.txt"]


def batches(path: Path, count: int, **options) -> list:
    dataset = token_windows(path, 4, batch_size=3, **options)
    return [x for x in itertools.islice(dataset.as_numpy_iterator(), count)]


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    np.arange(100, 163, dtype="<i4").tofile(tmp_path / "tokens.bin")
    return tmp_path / "tokens.bin"


def test_rows_and_targets(tokens: Path) -> None:
    for features, targets, weights in batches(tokens, 20, seed=1):
        ids = features["token_ids"]
        assert ids.shape == (3, 4) and ids.dtype == np.int32
        assert (np.diff(ids, axis=1) == 1).all()
        np.testing.assert_array_equal(targets["next_token"], ids + 1)
        assert features["padding_mask"].all()
        assert ids.min() >= 100 and targets["next_token"].max() < 163
        assert abs(weights["next_token"].sum() - 1) < 1e-6


def test_a_pass_reads_each_token_once() -> None:
    for count in (9, 10, 62, 63, 64):
        per_pass = max((count - 1) // 4 - 1, 1)
        starts = window_starts(count, 4, seed=3, first=0)()
        seen = set()
        for _ in range(40):
            one = list(itertools.islice(starts, per_pass))
            assert len({x % 4 for x in one}) == 1
            assert len(set(one)) == per_pass
            assert 0 <= min(one) and max(one) + 4 < count
            seen |= {*one}
        # Every place that has four tokens and a target begins a window.
        assert seen == {*range(count - 4)}


def test_steps_depend_on_their_number_alone(tokens: Path) -> None:
    whole = batches(tokens, 30, seed=5)
    for first in (1, 4, 17):
        rest = batches(tokens, 3, seed=5, first_step=first)
        for x, y in zip(rest, whole[first:], strict=False):
            np.testing.assert_array_equal(x[0]["token_ids"], y[0]["token_ids"])
    other = batches(tokens, 30, seed=6)
    same = [
        (x[0]["token_ids"] == y[0]["token_ids"]).all()
        for x, y in zip(whole, other, strict=True)
    ]
    assert sum(same) < 5


def test_refusals(tokens: Path) -> None:
    with pytest.raises(ValueError, match="more than `length=63` tokens. .* 63"):
        token_windows(tokens, 63, batch_size=1, seed=0)
    with pytest.raises(ValueError, match="`length` must be"):
        token_windows(tokens, 0, batch_size=1, seed=0)
    with pytest.raises(FileNotFoundError):
        token_windows(tokens.parent / "none", 4, batch_size=1, seed=0)
