"""Character ids of `ElmoInputs`, compared with the sheet and plain code."""

import random
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_ctx.text import ElmoInputs

# A server does not know the rank of its inputs.
ANY_SHAPE: Any = None
PAD = 261
WORDS = ["", "a", "a" * 60, "a" * 47 + "é", "书", "<S>", "</S>", "<s>", "<UNK>"]


def plain_row(word: str, size: int) -> list[int]:
    """Returns the ids of a word, as in the reference implementations."""
    if word == "<S>":
        codes = [256]
    elif word == "</S>":
        codes = [257]
    else:
        codes = list(word.encode("utf-8"))[: size - 2]
    row = [258, *codes, 259]
    return [code + 1 for code in row + [260] * (size - len(row))]


def plain_ids(rows: list[list[str]], size: int) -> np.ndarray:
    longest = max(1, *map(len, rows))
    ids = np.zeros([len(rows), longest, size], np.int32)
    for b, row in enumerate(rows):
        for t, word in enumerate(row):
            ids[b, t] = plain_row(word, size)
    return ids


def random_words(generator: random.Random) -> list[str]:
    points = [*range(0x21, 0x7F), 0, 0xE9, 0x4E66, 0x1F600, 0x10FFFF, 0x301]
    return [
        "".join(map(chr, generator.choices(points, k=generator.randrange(30))))
        for _ in range(generator.randrange(12))
    ]


def test_vectors_of_the_reference() -> None:
    ids = ElmoInputs()([["", "a" * 60, "a" * 47 + "é", "<S>", "</S>"]])
    assert ids["char_ids"].dtype == tf.int32
    empty, many, halved, begin, end = ids["char_ids"].numpy()[0].tolist()
    assert empty == [259, 260] + [PAD] * 48
    assert many == [259] + [98] * 48 + [260]
    assert halved == [259] + [98] * 47 + [196, 260]
    assert begin == [259, 257, 260] + [PAD] * 47
    assert end == [259, 258, 260] + [PAD] * 47


@pytest.mark.parametrize("size", [3, 8, 50])
def test_words_against_a_plain_reading(size: int) -> None:
    generator = random.Random(size)
    rows = [random_words(generator) for _ in range(40)] + [WORDS, []]
    np.testing.assert_array_equal(
        ElmoInputs(size)(rows)["char_ids"], plain_ids(rows, size)
    )


@pytest.mark.parametrize("size", [3, 8, 50])
def test_strings_against_a_plain_reading(size: int) -> None:
    generator = random.Random(size)
    blanks = " \t\n\v\f\r\x1c\x1f\x85\xa0\u2003\u2028\u3000"
    texts = [
        "".join(generator.choice(blanks) + w for w in random_words(generator))
        for _ in range(40)
    ] + ["", blanks]
    np.testing.assert_array_equal(
        ElmoInputs(size)(texts)["char_ids"],
        plain_ids([text.split() for text in texts], size),
    )
    characters = [[c for c in text if not c.isspace()] for text in texts]
    np.testing.assert_array_equal(
        ElmoInputs(size, split="character")(texts)["char_ids"],
        plain_ids(characters, size),
    )


@pytest.mark.parametrize("split", ["whitespace", "character"])
@pytest.mark.parametrize(
    "text", [["", " "], [], tf.zeros([0], tf.string), [[], []]]
)
def test_there_is_always_one_place(split: str, text: Any) -> None:
    inputs = ElmoInputs(6, split=split)
    ids = inputs(text)["char_ids"]
    assert ids.shape == (len(text), 1, 6) and not ids.numpy().any()
    assert inputs.tokens(text).shape == (len(text), 1)


def test_tokens_and_max_length() -> None:
    inputs = ElmoInputs(6, max_length=2)
    text = ["a  好书 c d", "b"]
    assert inputs.tokens(text).numpy().tolist() == [
        [b"a", "好书".encode()],
        [b"b", b""],
    ]
    np.testing.assert_array_equal(
        inputs(text)["char_ids"], plain_ids([["a", "好书"], ["b"]], 6)
    )
    characters = ElmoInputs(6, "character").tokens(["a 好"])
    assert characters.numpy().tolist() == [[b"a", "好".encode()]]


def test_labels() -> None:
    inputs = ElmoInputs(6, max_length=3)
    words = [["a", "", "c", "d"], [], ["e"]]
    labels = inputs.align_labels(words, [[1, 2, 3, 4], [], [5]], ignore=-7)
    assert labels.dtype == tf.int32
    assert labels.numpy().tolist() == [[1, 2, 3], [-7] * 3, [5, -7, -7]]
    assert inputs(words)["char_ids"].shape[:2] == labels.shape


@pytest.mark.parametrize("split", ["whitespace", "character"])
def test_invalid_utf8_reads_as_the_replacement_character(split: str) -> None:
    inputs = ElmoInputs(12, split=split)
    bad = [b"a\xff b", b"\xe4\xbd"]
    valid = [text.decode("utf-8", "replace") for text in bad]
    for broken, whole in (
        (bad, valid),
        ([[text] for text in bad], [[text] for text in valid]),
    ):
        np.testing.assert_array_equal(
            inputs(broken)["char_ids"], inputs(whole)["char_ids"]
        )


@pytest.mark.parametrize("split", ["whitespace", "character"])
def test_graph_equals_eager(split: str) -> None:
    inputs = ElmoInputs(7, split=split, max_length=3)
    words = tf.ragged.constant([["a", ""], []], row_splits_dtype=tf.int32)
    for text in (tf.constant(["a b c d", "", "书"]), words):
        eager = inputs(text)["char_ids"].numpy()
        for found in (
            tf.function(inputs)(text),
            next(iter(tf.data.Dataset.from_tensors(text).map(inputs))),
        ):
            np.testing.assert_array_equal(found["char_ids"], eager)
    traced = tf.function(inputs).get_concrete_function(
        tf.TensorSpec([None], tf.string)
    )
    shape = traced.output_shapes["char_ids"]
    assert shape.as_list() == [None, None, 7]


def test_config() -> None:
    config = {
        "max_characters": 9,
        "split": "character",
        "max_length": 4,
        "distinct": False,
    }
    inputs = ElmoInputs.from_config(config)
    assert inputs.get_config() == config
    assert inputs.max_characters == 9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_characters": 2}, "`max_characters` must be .* at least 3.*=2"),
        ({"max_characters": 5.0}, "`max_characters` must be an integer.*5.0"),
        ({"split": "wordpiece"}, "`split` must be one of .*'wordpiece'"),
        ({"max_length": 0}, "`max_length` must be None or .*max_length=0"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ElmoInputs(**arguments)


def test_wrong_texts() -> None:
    with pytest.raises(ValueError, match="`text` must be a batch.*'a b'"):
        ElmoInputs()("a b")
    with pytest.raises(ValueError, match=r"`text` must be .*shape=\(1, 1\)"):
        ElmoInputs()(tf.constant([["a"]]))
    traced = tf.function(ElmoInputs()).get_concrete_function(
        tf.TensorSpec(ANY_SHAPE, tf.string)
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match="not compatible"):
        traced(tf.constant("a"))
