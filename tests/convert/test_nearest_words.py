"""Nearest words and analogies, against NumPy and by hand."""

from pathlib import Path

import numpy as np
import pytest
from word_vector_files import SHARED, fasttext_of, write

from keras_ctx.convert import WordVectors, load_word_vectors
from keras_ctx.evaluation import analogy, nearest

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(30, 5)).astype("float32")
RANDOM = WordVectors([f"w{i}" for i in range(30)], ROWS)


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    a, b = np.asarray(a, "float64"), np.asarray(b, "float64")
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def test_nearest_by_all_cosines() -> None:
    found = nearest(RANDOM, "w3", 40)
    expected = {f"w{i}": cosine(ROWS[3], ROWS[i]) for i in range(30) if i != 3}
    assert [word for word, _ in found] == sorted(
        expected, key=lambda word: -expected[word]
    )
    for word, value in found:
        assert value == pytest.approx(expected[word], abs=1e-6)
    assert nearest(RANDOM, "w3", 2) == found[:2]


def test_analogy_by_all_cosines() -> None:
    def unit(i: int) -> np.ndarray:
        return ROWS[i] / np.linalg.norm(ROWS[i].astype("float64"))

    asked = unit(5) - unit(4) + unit(6)
    found = analogy(RANDOM, "w4", "w5", "w6", 40)
    expected = {
        f"w{i}": cosine(asked, ROWS[i]) for i in range(30) if i not in (4, 5, 6)
    }
    assert [word for word, _ in found] == sorted(
        expected, key=lambda word: -expected[word]
    )
    for word, value in found:
        assert value == pytest.approx(expected[word], abs=1e-6)


def test_by_hand() -> None:
    # man, king, woman, queen: royalty and sex are two axes.
    rows = np.array([[1, 0], [1, 9], [-1, 0], [-1, 9], [0, 0]], "float32")
    words = ["man", "king", "woman", "queen", "nothing"]
    vectors = WordVectors(words, rows)
    [(word, _)] = analogy(vectors, "man", "king", "woman")
    assert word == "queen"  # the only other one with a cosine
    assert [word for word, _ in nearest(vectors, "king")] == [
        *("queen", "man", "woman")
    ]
    with pytest.raises(ValueError, match="`word` must have a vector.*nothing"):
        nearest(vectors, "nothing")
    # b - a + c of unit vectors that are a, a and -a.
    rows = np.array([[2, 0], [1, 0], [-1, 0], [0, 1]], "float32")
    opposite = WordVectors(["a", "b", "c", "d"], rows)
    found = analogy(opposite, "a", "b", "c")
    assert found == [("d", 0.0)]
    high = 3**0.5 / 2
    rows = np.array([[1, 0], [0.5, high], [0.5, -high]], "float32")
    with pytest.raises(ValueError, match="sum is zero.*'b', 'a', 'c'"):
        analogy(WordVectors(["a", "b", "c"], rows), "a", "b", "c")


def test_words_with_equal_cosines_keep_their_order() -> None:
    rows = np.array([[1, 0], [2, 0], [1, 0], [3, 0]], "float32")
    vectors = WordVectors(["a", "b", "c", "d"], rows)
    assert [word for word, _ in nearest(vectors, "c")] == ["a", "b", "d"]


def test_unknown_words() -> None:
    for call in (
        lambda: nearest(RANDOM, "W3"),
        lambda: analogy(RANDOM, "w1", "w2", "W3"),
    ):
        with pytest.raises(ValueError, match="must be one of the 30 .*'W3'"):
            call()
    with pytest.raises(ValueError, match="`n` must be at least 1"):
        nearest(RANDOM, "w3", 0)


def test_unknown_words_of_fasttext(tmp_path: Path) -> None:
    vectors = load_word_vectors(write(tmp_path / "a.bin", fasttext_of()))
    found = nearest(vectors, "thee", 99)
    asked = vectors.vector("thee")
    for word, value in found:
        expected = cosine(asked, vectors.vector(word))
        assert value == pytest.approx(expected, abs=1e-5)
    assert len(found) == len(vectors)
    content = fasttext_of(minn=4, maxn=4)
    vectors = load_word_vectors(write(tmp_path / "a.bin", content))
    with pytest.raises(ValueError, match="unknown and has no n-grams.*'z'"):
        nearest(vectors, "z")


@pytest.mark.skipif(
    not SHARED.is_dir(), reason="../shared/data/small_vectors is not here"
)
def test_spellings_of_a_word_are_near() -> None:
    vectors = load_word_vectors(SHARED / "lee_fasttext_new.bin")
    words = [word for word, _ in nearest(vectors, "Australia", 20)]
    assert "Australian" in words or "Australia's" in words
