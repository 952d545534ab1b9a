"""Word ids of `WordInputs`, counted from 1 in the vocabulary's order."""

import json
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from keras_ctx.text import WordInputs, load_inputs, save_inputs, save_vocabulary

WORDS = ["<S>", "</S>", "<UNK>", "a", "书", "b"]


def ids(inputs: WordInputs, text: Any) -> list[list[int]]:
    features = inputs(text)
    assert list(features) == ["word_ids"]
    assert features["word_ids"].dtype == tf.int32
    return features["word_ids"].numpy().tolist()


def test_ids_are_places_counted_from_one() -> None:
    inputs = WordInputs(WORDS)
    assert ids(inputs, ["a b", "书 a  b"]) == [[4, 6, 0], [5, 4, 6]]
    assert ids(inputs, [["b"], [], ["a", "书"]]) == [[6, 0], [0, 0], [4, 5]]
    assert inputs.vocabulary_size == 6


def test_unknown_words_and_literal_markers_are_unknown() -> None:
    inputs = WordInputs(WORDS)
    assert ids(inputs, ["c <UNK> <S> </S> A a"]) == [[3, 3, 3, 3, 3, 4]]
    assert ids(inputs, [["", "a"]]) == [[3, 4]]  # an empty word is a word
    late = WordInputs(["<S>", "</S>", "a", "<UNK>", "b"])
    assert ids(late, ["a c b <UNK> <S>"]) == [[3, 4, 5, 4, 4]]


def test_characters() -> None:
    inputs = WordInputs(WORDS, split="character")
    assert ids(inputs, ["a书 cb"]) == [[4, 5, 3, 6]]


@pytest.mark.parametrize("text", [["", " "], [], [[], []]])
def test_there_is_always_one_place(text: Any) -> None:
    assert ids(WordInputs(WORDS), text) == [[0]] * len(text)


def test_tokens_labels_and_max_length() -> None:
    inputs = WordInputs(WORDS, max_length=2)
    assert ids(inputs, ["a c b", "b"]) == [[4, 3], [6, 0]]
    tokens = inputs.tokens(["a c b", "b"]).numpy().tolist()
    assert tokens == [[b"a", b"c"], [b"b", b""]]
    labels = inputs.align_labels([["a", "c", "b"], ["b"]], [[1, 2, 3], [4]])
    assert labels.numpy().tolist() == [[1, 2], [4, -1]]


def test_vocabulary_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    save_vocabulary(WORDS, path)
    for given in (path, str(path)):
        inputs = WordInputs(given)
        assert inputs.vocabulary == tuple(WORDS)
        assert ids(inputs, ["b c"]) == [[6, 3]]


def test_round_trip(tmp_path: Path) -> None:
    inputs = WordInputs(WORDS, split="character", max_length=3)
    path = tmp_path / "inputs.json"
    save_inputs(inputs, path)
    saved = json.loads(path.read_text(encoding="utf-8"))
    assert saved["class"] == "WordInputs"
    assert saved["config"]["vocabulary"] == WORDS
    loaded = load_inputs(path)
    assert isinstance(loaded, WordInputs)
    assert loaded.get_config() == inputs.get_config()
    assert ids(loaded, ["a书 cb"]) == [[4, 5, 3]]


@pytest.mark.parametrize("split", ["whitespace", "character"])
def test_in_a_dataset_and_in_a_graph(split: str) -> None:
    inputs = WordInputs(WORDS, split, max_length=3)
    words = tf.ragged.constant([["a", "c"], [], ["书", "b", "a", "a"]])
    for text in (tf.constant(["a b", "", "书 c b a"]), words):
        expected = ids(inputs, text)
        for found in (
            tf.function(inputs)(text),
            next(iter(tf.data.Dataset.from_tensors(text).map(inputs))),
        ):
            assert found["word_ids"].numpy().tolist() == expected
    traced = tf.function(inputs).get_concrete_function(
        tf.TensorSpec([None], tf.string)
    )
    assert traced.output_shapes["word_ids"].as_list() == [None, None]


@pytest.mark.parametrize(
    ("vocabulary", "arguments", "message"),
    [
        (["<UNK>", *WORDS[:2]], {}, r"`vocabulary` must begin with <S> and "),
        (["</S>", "<S>", "<UNK>"], {}, "`vocabulary` must begin with <S> and"),
        (WORDS[:2], {}, "`vocabulary` must hold <S>, .* without <UNK>"),
        ([*WORDS, "a"], {}, "every token once. Received: 'a' at lines 4 and 7"),
        ([], {}, "`vocabulary` must hold at least one token"),
        (WORDS, {"split": "wordpiece"}, "`split` must be one of .*'wordpiece'"),
        (WORDS, {"max_length": 0}, "`max_length` must be None or .*length=0"),
    ],
)
def test_wrong_arguments(
    vocabulary: list[str], arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        WordInputs(vocabulary, **arguments)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match="`vocabulary` must name a file that exists"
    ):
        WordInputs(tmp_path / "none.txt")


def test_wrong_texts() -> None:
    with pytest.raises(ValueError, match="`text` must be a batch.*'a b'"):
        WordInputs(WORDS)("a b")
    with pytest.raises(ValueError, match=r"`text` must be .*shape=\(1, 1\)"):
        WordInputs(WORDS)(tf.constant([["a"]]))
