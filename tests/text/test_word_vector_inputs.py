"""Ids of `WordVectorInputs`: words, unknown words, n-grams, characters."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_ctx.text import (
    ElmoInputs,
    WordVectorInputs,
    load_inputs,
    save_inputs,
    save_vocabulary,
)

WORDS = ["the", "Law", "书", "us", "</s>", "New York"]
TEXTS = ["the Law of 书", "THE law", "", "Of of us US"]
ARGUMENTS: dict[str, dict[str, Any]] = {
    "token": {},
    "hash": {"unknown": "hash", "num_unknown": 7},
    "classes": {"unknown": "classes"},
    "characters": {"unknown": "characters", "max_characters": 6},
    "n-grams": {"num_buckets": 50, "min_ngram": 2, "max_ngram": 3},
    "n-grams and characters": {
        "unknown": "characters",
        "num_buckets": 50,
        "lower_case_fallback": True,
    },
}
every = pytest.mark.parametrize("name", ARGUMENTS)


def ids(inputs: WordVectorInputs, text: Any, *pair: Any) -> list[list[int]]:
    found = inputs(text, *pair)["word_ids"]
    assert found.dtype == tf.int32
    return found.numpy().tolist()


def assert_equal(found: dict, expected: dict) -> None:
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value, key)


def test_one_id_for_all_unknown_words() -> None:
    inputs = WordVectorInputs(WORDS)
    assert ids(inputs, TEXTS) == [
        [2, 3, 1, 4],
        [1, 1, 0, 0],
        [0, 0, 0, 0],
        [1, 1, 5, 1],
    ]
    # A word with a blank can only be given as a word.
    assert ids(inputs, [["New York", ""]]) == [[7, 1]]
    assert inputs.vocabulary == tuple(WORDS)


def test_lower_case_is_looked_up_second() -> None:
    inputs = WordVectorInputs(["us", "US", "étude"], lower_case_fallback=True)
    assert ids(inputs, ["us US Us ÉTUDE No"]) == [[2, 3, 2, 4, 1]]
    plain = WordVectorInputs(["us", "US", "étude"])
    assert ids(plain, ["us US Us ÉTUDE No"]) == [[2, 3, 1, 1, 1]]


def test_hashed_unknown_words() -> None:
    inputs = WordVectorInputs(WORDS, "hash", 7)
    words = [f"unknown{i}" for i in range(300)]
    (found,) = ids(inputs, [words])
    assert set(found) == set(range(1, 8))  # all rows, and no other
    assert ids(inputs, [" ".join(words[::-1])]) == [found[::-1]]
    assert ids(inputs, [["the", "Law"]]) == [[8, 9]]
    assert WordVectorInputs(WORDS, "hash").num_unknown == 1000
    # These numbers must never change: files have vectors for them.
    assert found[:6] == HASHED
    # A word is known by the vectors, whatever the training texts hold.
    assert ids(inputs, ["书"]) == [[10]]


HASHED = [6, 1, 5, 6, 7, 6]


def test_classes_of_unknown_words() -> None:
    inputs = WordVectorInputs(WORDS, "classes")
    for words, place in (
        (["1834", "1,000.5", "-3", "٣", "½", "10%"], 1),
        (["...", "—", "。", "$", "</>"], 2),
        (["NATO", "U.S.", "A1B", "ÉÈ"], 3),
        (["London", "A", "Law's", "'Tis", "McX", "Ǆa", "ÉTé"], 4),
        (["of", "eBay", "北京", "x1", "", "4th"], 5),
    ):
        assert ids(inputs, [words]) == [[place] * len(words)], words
    assert ids(inputs, ["the"]) == [[6]]


def test_characters_are_those_of_elmo() -> None:
    inputs = WordVectorInputs(WORDS, **ARGUMENTS["characters"])
    assert inputs.max_characters == 6
    assert WordVectorInputs(WORDS).max_characters is None
    features = inputs(TEXTS)
    expected = ElmoInputs(6)(TEXTS)["char_ids"]
    np.testing.assert_array_equal(features["char_ids"], expected)
    assert features["word_ids"].numpy().tolist()[0] == [2, 3, 1, 4]


def test_ngrams_by_hand() -> None:
    inputs = WordVectorInputs(
        ["ab"], num_buckets=10_000, min_ngram=3, max_ngram=4
    )
    grams = inputs([["ab", "</s>", "", "é"], ["x"]])["subword_ids"]

    def row(ngram: str) -> int:
        value = 2166136261
        for byte in ngram.encode():
            signed = byte | (0xFFFFFF00 if byte > 127 else 0)
            value = (value ^ signed) * 16777619 % 2**32
        return value % 10_000 + 1

    assert grams.numpy().tolist() == [
        [
            [row("<ab"), row("<ab>"), row("ab>")],
            [0, 0, 0],  # the end of a sentence
            [0, 0, 0],  # "<>" has two characters
            [row("<é>"), 0, 0],
        ],
        [[row("<x>"), 0, 0], [0] * 3, [0] * 3, [0] * 3],
    ]


def test_ngrams_of_the_first_files() -> None:
    settings: dict[str, Any] = {
        "num_buckets": 99,
        "min_ngram": 1,
        "max_ngram": 1,
    }
    now = WordVectorInputs(["a"], **settings)
    first = now.with_settings(first_rules=True)
    words = [["a", "</s>"]]
    now, first = (x(words)["subword_ids"].numpy() for x in (now, first))
    assert np.count_nonzero(now, axis=-1).tolist() == [[1, 0]]
    assert np.count_nonzero(first, axis=-1).tolist() == [[3, 6]]
    assert first[0, 0, 1] == now[0, 0, 0]  # < a >


def test_ngrams_of_the_form_that_is_found() -> None:
    inputs = WordVectorInputs(
        ["law"], num_buckets=999, lower_case_fallback=True
    )
    features = inputs([["law", "LAW", "LAWS"]])
    grams = features["subword_ids"].numpy()[0]
    assert features["word_ids"].numpy().tolist() == [[2, 2, 1]]
    assert grams[0].tolist() == grams[1].tolist()
    assert set(grams[2][grams[2] > 0]) != set(grams[0][grams[0] > 0])


def test_one_long_word_does_not_widen_all() -> None:
    inputs = WordVectorInputs(["a"], num_buckets=99, max_subwords=20)
    features = inputs(["a" * 1000 + " b"])
    assert features["subword_ids"].shape == (1, 2, 20)
    whole = inputs.with_settings(max_subwords=5000)(["a" * 1000 + " b"])
    assert whole["subword_ids"].shape == (1, 2, 4 * 1002 - 2 - 3 - 4 - 5)
    np.testing.assert_array_equal(
        whole["subword_ids"].numpy()[..., :20], features["subword_ids"]
    )


@every
def test_in_a_dataset_and_in_a_graph(name: str) -> None:
    inputs = WordVectorInputs(WORDS, **ARGUMENTS[name], max_length=3)
    expected = inputs(TEXTS)
    assert expected["word_ids"].shape == (4, 3)
    graph = tf.function(
        inputs, input_signature=[tf.TensorSpec([None], tf.string)]
    )
    assert_equal(graph(tf.constant(TEXTS)), expected)
    rows = tf.data.Dataset.from_tensors(tf.constant(TEXTS)).map(inputs)
    assert_equal(next(iter(rows)), expected)
    for empty in ([], [""], ["", " "]):
        features = graph(tf.constant(empty, tf.string))
        assert all(x.shape[:2] == (len(empty), 1) for x in features.values())
        assert not any(np.any(x) for x in features.values())


@every
def test_a_row_alone_is_as_in_a_batch(name: str) -> None:
    inputs = WordVectorInputs(WORDS, **ARGUMENTS[name])
    together = inputs(TEXTS)
    for row, text in enumerate(TEXTS):
        for key, alone in inputs([text]).items():
            found = together[key][row : row + 1].numpy()
            inside = tuple(slice(n) for n in alone.shape)
            np.testing.assert_array_equal(found[inside], alone)
            found[inside] = 0
            assert not found.any()  # the rest is padding


@every
def test_pairs(name: str) -> None:
    inputs = WordVectorInputs(WORDS, **ARGUMENTS[name])
    first = inputs.num_unknown + 1
    joined = inputs(["the Law"], ["of us"])
    assert_equal(joined, inputs(["the Law </s> of us"]))
    assert ids(inputs, ["the"], ["us"]) == [[first, first + 4, first + 3]]
    shown = inputs.tokens(["the"], ["us"]).numpy().tolist()
    assert shown == [[b"the", b"</s>", b"us"]]
    index = inputs.word_index(["the Law"], [["of", "us"]]).numpy().tolist()
    assert index == [[-1, -1, -1, 0, 1]]
    assert inputs.num_tokens(["the Law"], ["us"]).numpy().tolist() == [4]
    short = inputs.with_settings(max_length=3)
    assert short.tokens(["a b c d"], ["e f"]).numpy().tolist() == [
        [b"a", b"</s>", b"e"]
    ]
    for key, value in short(["a b c d"], ["e f"]).items():
        assert value.shape[1] == 3, key
    with pytest.raises(ValueError, match="at least 2 for a text pair"):
        inputs.with_settings(max_length=1)(["a"], ["b"])


@every
def test_saved_and_loaded(name: str, tmp_path: Path) -> None:
    inputs = WordVectorInputs(WORDS, **ARGUMENTS[name], max_length=9)
    save_inputs(inputs, tmp_path / "text_inputs.json")
    saved = json.loads((tmp_path / "text_inputs.json").read_text("utf-8"))
    assert saved["class"] == "WordVectorInputs"
    loaded = load_inputs(tmp_path / "text_inputs.json")
    assert type(loaded) is WordVectorInputs
    assert loaded.get_config() == inputs.get_config()
    assert_equal(loaded(TEXTS), inputs(TEXTS))


def test_vocabulary_from_a_file(tmp_path: Path) -> None:
    save_vocabulary(WORDS, tmp_path / "words.txt")
    inputs = WordVectorInputs(tmp_path / "words.txt")
    assert ids(inputs, ["书"]) == [[4]]


def test_what_is_unknown() -> None:
    inputs = WordVectorInputs(WORDS)
    unknown, real = inputs.unknown(inputs(TEXTS))
    assert unknown[0].tolist() == [False, False, True, False]
    assert real.sum(axis=1).tolist() == [4, 2, 0, 4]
    hashed = WordVectorInputs(WORDS, "hash", 7)
    assert hashed.unknown(hashed(TEXTS))[0].tolist() == unknown.tolist()
    grams = WordVectorInputs(WORDS, num_buckets=9, min_ngram=4, max_ngram=4)
    # Only "a" has no n-grams: "<a>" has three characters.
    unknown, _ = grams.unknown(grams(["a ab the"]))
    assert unknown.tolist() == [[True, False, False]]


def test_sizes_of_an_encoder() -> None:
    inputs = WordVectorInputs(WORDS, "characters", num_buckets=9)
    sizes = {
        "vocabulary_size": 6,
        "num_unknown": 1,
        "num_buckets": 9,
        "max_characters": 50,
    }
    inputs.check_sizes(sizes, "runs/a", pairs=True)
    for key, value in sizes.items():
        with pytest.raises(
            ValueError, match=f"runs/a: `{key}` .*{value} in.*, {value + 1} in"
        ):
            inputs.check_sizes({**sizes, key: value + 1}, "runs/a")
    with pytest.raises(ValueError, match="`max_characters`.*50 in.*None in"):
        inputs.check_sizes(
            {k: v for k, v in sizes.items() if k != "max_characters"}, "a"
        )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"unknown": "zero"}, "`unknown` must be one of 'token', .*'zero'"),
        (
            {"unknown": "hash", "num_buckets": 9},
            '`unknown` must be "token" or "characters" with `num_buckets`',
        ),
        ({"num_unknown": 2}, "must be 1 with unknown='token'.*num_unknown=2"),
        (
            {"unknown": "classes", "num_unknown": 6},
            r"must be 5 with unknown='classes' \(number, punctuation",
        ),
        ({"unknown": "hash", "num_unknown": 0}, "`num_unknown` must be None"),
        ({"unknown": "hash", "num_unknown": 2.5}, "`num_unknown` must be None"),
        ({"num_buckets": -1}, "`num_buckets` must be an integer from 0"),
        ({"num_buckets": 2**31}, "`num_buckets` must be an integer from 0"),
        ({"min_ngram": 0}, "`min_ngram` must be an integer from 1 to 50"),
        ({"max_ngram": 2}, "`max_ngram` must be an integer from 3 to 50"),
        ({"max_ngram": 51}, "`max_ngram` must be an integer from 3 to 50"),
        ({"max_subwords": 0}, "`max_subwords` must be an integer from 1"),
        ({"max_characters": 2}, "`max_characters` must be an integer of at"),
        ({"lower_case_fallback": 1}, "`lower_case_fallback` must be a boolean"),
        ({"first_rules": "no"}, "`first_rules` must be a boolean"),
        ({"vocabulary": ["a", "a"]}, "every token once"),
        ({"vocabulary": ["a", "b\udcff"]}, r"valid UTF-8.*udcff' at line 2"),
        ({"vocabulary": []}, "at least one token"),
        ({"split": "comma"}, "`split` must be one of"),
        ({"max_length": 0}, "`max_length` must be None or"),
    ],
)
def test_wrong_arguments(arguments: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        WordVectorInputs(**{"vocabulary": WORDS, **arguments})


def test_invalid_utf8_in_texts() -> None:
    inputs = WordVectorInputs(["a\ufffd"], num_buckets=99)
    given = tf.constant([b"a\xff b"])
    assert_equal(inputs(given), inputs(["a\ufffd b"]))
    assert inputs(given)["word_ids"].numpy().tolist() == [[2, 1]]
