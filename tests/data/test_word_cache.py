"""The cache of word vectors: storing, evicting, look-ups."""

import numpy as np
import pytest

from keras_ctx.data import WordVectorCache

BEGIN, END = b"<S>", b"</S>"


class Encoder:
    """An encoder to a word's length and first byte that records its calls."""

    def __init__(self):
        self.asked: list[list[bytes]] = []

    def __call__(self, words: list[bytes]) -> np.ndarray:
        self.asked.append(words)
        return np.array([[len(w), w[0]] for w in words], "float32")


def test_each_word_is_encoded_once_in_the_order_of_the_text() -> None:
    encode = Encoder()
    cache = WordVectorCache(encode, 100, call_size=3)
    cache.learn([[b"b", b"a"], [], [b"b", b"ccc"]])
    cache.learn([[b"a", b"d"]])
    assert encode.asked == [[BEGIN, END, b"b"], [b"a", b"ccc"], [b"d"]]
    features = cache.features([[b"a", b"ccc", b"a"], [], [b"ccc"]])
    assert features["word_ids"].tolist() == [[3, 4, 3], [0, 0, 0], [4, 0, 0]]
    assert features["word_ids"].dtype == "int32"
    table = [[0, 0], [3, 60], [4, 60], [1, 97], [3, 99]]
    assert features["word_vectors"].tolist() == table


def test_word_spelled_like_a_marker_has_a_row_of_its_own() -> None:
    cache = WordVectorCache(Encoder(), 100)
    cache.learn([[END]])
    features = cache.features([[END]])
    assert features["word_ids"].tolist() == [[3]]
    np.testing.assert_array_equal(*features["word_vectors"][2:])


def test_words_used_longest_ago_are_forgotten() -> None:
    encode = Encoder()
    cache = WordVectorCache(encode, 4)
    cache.learn([[b"a", b"b"]])
    cache.learn([[b"a", b"c"]])  # b was used longest ago
    assert len(cache) == 4
    cache.learn([[b"a", b"c"]])
    assert encode.asked[2:] == []
    cache.learn([[b"b"]])
    assert encode.asked[2:] == [[b"b"]]


def test_words_of_one_call_are_all_kept() -> None:
    cache = WordVectorCache(Encoder(), 1)
    cache.learn([[b"a", b"b", b"c"]])
    assert len(cache) == 5
    assert cache.features([[b"a", b"b", b"c"]])["word_ids"].max() == 5
    cache.learn([[]])
    assert len(cache) == 2


def test_only_blank_sentences() -> None:
    cache = WordVectorCache(Encoder(), 9)
    cache.learn([[], []])
    assert cache.features([[], []])["word_ids"].tolist() == [[0], [0]]


def test_forgetting_starts_anew() -> None:
    encode = Encoder()
    cache = WordVectorCache(encode, 9)
    cache.learn([[b"a"]])
    cache.forget()
    assert len(cache) == 0
    cache.learn([[b"a"]])
    assert encode.asked[0] == encode.asked[1]


def test_sizes_are_checked() -> None:
    with pytest.raises(ValueError, match="`max_words` must be at least 1"):
        WordVectorCache(Encoder(), 0)
    with pytest.raises(ValueError, match="`call_size` must be at least 1"):
        WordVectorCache(Encoder(), 1, call_size=0)
