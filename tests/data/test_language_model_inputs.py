"""Features of a language model from texts, its table, sorted windows."""

import itertools
import random
from typing import Any

import pytest
import tensorflow as tf

from keras_ctx.data import LanguageModelInputs, length_windows
from keras_ctx.data.language_model.targets import TargetTable
from keras_ctx.text import ElmoInputs, WordInputs

VOCABULARY = ["<S>", "</S>", "<UNK>", "a", "b", "c"]
TEXTS = tf.constant(["a x <S> b", "", "c"])
FORWARD = [[3, 2, 2, 4, 1], [1, 0, 0, 0, 0], [5, 1, 0, 0, 0]]
BACKWARD = [[0, 3, 2, 2, 4], [0, 0, 0, 0, 0], [0, 5, 0, 0, 0]]
WEIGHTS = [[1, 1, 1, 1, 1], [1, 0, 0, 0, 0], [1, 1, 0, 0, 0]]


@pytest.mark.parametrize(
    "text_inputs", [ElmoInputs(6), WordInputs(VOCABULARY)], ids=["elmo", "word"]
)
@pytest.mark.parametrize("graph", [False, True])
def test_features_and_weights_by_hand(text_inputs, graph: bool) -> None:
    inputs = LanguageModelInputs(text_inputs, VOCABULARY)
    features, weights = (tf.function(inputs) if graph else inputs)(TEXTS)
    own = text_inputs(TEXTS)
    assert set(features) == {*own, "forward_targets", "backward_targets"}
    for key, value in own.items():
        assert (features[key].numpy() == value.numpy()).all()
    assert features["forward_targets"].numpy().tolist() == FORWARD
    assert features["backward_targets"].numpy().tolist() == BACKWARD
    assert weights.numpy().tolist() == WEIGHTS
    assert weights.dtype == tf.float32


def test_texts_are_cut_with_their_targets() -> None:
    inputs = LanguageModelInputs(ElmoInputs(6, max_length=2), VOCABULARY)
    features, weights = inputs(TEXTS)
    assert features["char_ids"].shape == (3, 2, 6)
    # The cut text is a complete sentence: an end marker follows.
    assert features["forward_targets"].numpy().tolist() == [
        [3, 2, 1],
        [1, 0, 0],
        [5, 1, 0],
    ]
    assert weights.numpy().sum(axis=1).tolist() == [3, 1, 2]


def test_negatives_are_drawn_if_a_seed_is_given() -> None:
    inputs = LanguageModelInputs(ElmoInputs(6), VOCABULARY, num_negatives=4)
    assert "negative_ids" not in inputs(TEXTS)[0]
    one, same, other = (
        inputs(TEXTS, tf.constant(seed, tf.int64))[0]["negative_ids"].numpy()
        for seed in ([1, 2], [1, 2], [1, 3])
    )
    assert one.shape == (3, 2, 4)
    assert (one == one[:1]).all()
    assert all(len(set(row)) == 4 for row in one[0].tolist())
    assert (one == same).all() and (one != other).any()
    assert one[0, 0].tolist() != one[0, 1].tolist()
    none = LanguageModelInputs(ElmoInputs(6), VOCABULARY)
    with pytest.raises(ValueError, match="`num_negatives` is None"):
        none(TEXTS, tf.constant([1, 2], tf.int64))


def test_table_tells_markers_from_words_that_are_spelled_like_them() -> None:
    table = TargetTable(VOCABULARY, None)
    words = tf.constant([["<S>", "</S>", "<UNK>"], ["a", "c", "x"]])
    assert table.size == 6
    assert table.target_ids(words).numpy().tolist() == [[0, 1, 2], [3, 5, 2]]
    assert table.word_ids(words).numpy().tolist() == [[2, 2, 2], [3, 5, 2]]


@pytest.mark.parametrize(
    ("vocabulary", "num_negatives", "message"),
    [
        (["a", "b"], None, r"must begin with '<S>', .*Received: \['a', 'b'\]"),
        (["</S>", "<S>", "<UNK>"], None, "`vocabulary` must begin with '<S>'"),
        ([*VOCABULARY, "b"], None, "every word once. Received: 'b' more than"),
        (VOCABULARY, 7, "`num_negatives` must be at most .*=7, 6 words"),
    ],
)
def test_error_of_table(vocabulary, num_negatives, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TargetTable(vocabulary, num_negatives)
    with pytest.raises(ValueError, match=message):
        LanguageModelInputs(ElmoInputs(6), vocabulary, num_negatives)


def test_length_windows_by_hand() -> None:
    items = ["ddd", "a", "cc", "bb", "eeee", "f", "g"]
    # Windows of 4: lengths 3 1 2 2, then 4 1 1.
    assert list(length_windows(items, 3, window=4)) == [
        ([1, 2, 3], ["a", "cc", "bb"]),
        ([0], ["ddd"]),
        ([5, 6, 4], ["f", "g", "eeee"]),
    ]
    falling = length_windows(items, 2, window=9, length=lambda x: -len(x))
    assert [numbers for numbers, _ in falling] == [[4, 0], [2, 3], [1, 5], [6]]
    assert list(length_windows([], 2, window=3)) == []


def test_length_windows_give_every_item_once_with_its_number() -> None:
    generator = random.Random(2)
    items = ["x" * generator.randrange(20) for _ in range(101)]
    found = [
        pair
        for numbers, batch in length_windows(iter(items), 8, window=30)
        for pair in zip(numbers, batch, strict=True)
    ]
    assert sorted(found) == list(enumerate(items))


def test_length_windows_read_no_further_than_a_window() -> None:
    endless = length_windows(map(str, itertools.count()), 2, window=3)
    assert next(endless) == ([0, 1], ["0", "1"])
    assert next(endless) == ([2], ["2"])


@pytest.mark.parametrize("name", ["batch_size", "window"])
def test_error_of_length_windows(name: str) -> None:
    arguments: Any = {"batch_size": 2, "window": 3, name: 0}
    with pytest.raises(ValueError, match=f"`{name}` must be at least 1"):
        next(length_windows(["a"], **arguments))
