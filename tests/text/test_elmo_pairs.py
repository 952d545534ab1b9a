"""Text pairs in `ElmoInputs` and `WordInputs`."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_ctx.text import ElmoInputs, WordInputs

WORDS = ["<S>", "</S>", "<UNK>", "a", "b", "c"]


def test_the_markers_stand_between() -> None:
    tokens = ElmoInputs().tokens(["a b", ""], ["c", "d e"])
    assert tokens.numpy().tolist() == [
        [b"a", b"b", b"</S>", b"<S>", b"c"],
        [b"</S>", b"<S>", b"d", b"e", b""],
    ]
    words = WordInputs(WORDS)
    ids = words(["a b", ""], ["c", "d a"])["word_ids"]
    assert ids.numpy().tolist() == [[4, 5, 2, 1, 6], [2, 1, 3, 4, 0]]
    np.testing.assert_array_equal(
        words.tokens(["a b", ""], ["c", "d e"]), tokens
    )


def test_a_marker_in_a_text_of_words_is_still_unknown() -> None:
    ids = WordInputs(WORDS)(["a </S>"], ["<S> a"])["word_ids"]
    assert ids.numpy().tolist() == [[4, 3, 2, 1, 3, 4]]


@pytest.mark.parametrize("split", ["whitespace", "character"])
@pytest.mark.parametrize("max_length", [None, 5])
@pytest.mark.parametrize("distinct", [False, True])
def test_a_pair_is_its_row_of_words(
    split: str, max_length: int | None, distinct: bool
) -> None:
    inputs = ElmoInputs(7, split, max_length, distinct)
    features = inputs(["a b", "", "ccc b"], ["书", "b", ""])
    first = {
        "whitespace": [["a", "b"], [], ["ccc", "b"]],
        "character": [["a", "b"], [], ["c", "c", "c", "b"]],
    }[split]
    second: list[list[str]] = [["书"], ["b"], []]
    if max_length is not None:
        first[2] = first[2][:3]
    joined = [
        [*a, "</S>", "<S>", *b] for a, b in zip(first, second, strict=True)
    ]
    expected = inputs(joined)
    assert list(features) == list(expected)
    for name, value in features.items():
        np.testing.assert_array_equal(value, expected[name])


@pytest.mark.parametrize("max_length", [3, 4, 5, 8, 20])
def test_a_pair_is_cut_at_the_end_of_its_longer_text(max_length: int) -> None:
    sizes = [(i, j) for i in range(9) for j in range(9)]
    first = [" ".join("a" * i) for i, _ in sizes]
    second = [" ".join("b" * j) for _, j in sizes]
    ids = WordInputs(WORDS, max_length=max_length)(first, second)["word_ids"]
    for row, (i, j) in zip(ids.numpy(), sizes, strict=True):
        # google-research/bert, _truncate_seq_pair.
        while i + j > max_length - 2:
            i, j = (i - 1, j) if i > j else (i, j - 1)
        expected = [*[4] * i, 2, 1, *[5] * j]
        assert row[: len(expected)].tolist() == expected
        assert not row[len(expected) :].any()


@pytest.mark.parametrize(
    "make",
    [
        ElmoInputs,
        pytest.param(
            lambda **k: WordInputs(WORDS, **k), marks=pytest.mark.slow
        ),
    ],
)
def test_strings_words_graphs_and_datasets_agree(make: Any) -> None:
    inputs = make(max_length=6)
    texts = tf.constant(["a b c", ""]), tf.constant(["b", "c d e f g"])
    words = (
        tf.ragged.constant([["a", "b", "c"], []]),
        tf.ragged.constant(
            [["b"], ["c", "d", "e", "f", "g"]], row_splits_dtype=tf.int32
        ),
    )
    (name, expected), *_ = inputs(*texts).items()
    for given in (texts, words, (texts[0], words[1])):
        dataset = tf.data.Dataset.from_tensors(given).map(inputs)
        for found in (
            inputs(*given),
            tf.function(inputs)(*given),
            next(iter(dataset)),
        ):
            np.testing.assert_array_equal(found[name], expected)


@pytest.mark.parametrize(
    "make", [ElmoInputs, lambda **k: WordInputs(WORDS, **k)]
)
def test_wrong_pairs(make: Any) -> None:
    with pytest.raises(
        ValueError,
        match="`max_length` must be at least 3 for a text pair.*length=2",
    ):
        make(max_length=2)(["a"], ["b"])
    with pytest.raises(ValueError, match="`text_pair` must be a batch.*'b'"):
        make()(["a"], "b")
