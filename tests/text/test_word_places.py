"""Words and their offsets, compared with plain Python."""

import random
from pydoc_data import topics
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from test_bert_ids import LETTERS, TEXTS, VOCABULARY

from keras_ctx.data import split_words
from keras_ctx.text import (
    WORD_SPECIAL_TOKENS,
    BertInputs,
    ElmoInputs,
    WordInputs,
)

INPUTS = {
    "wordpiece": BertInputs(VOCABULARY, 5000),
    "cased": BertInputs(VOCABULARY, 5000, lower_case=False),
    "character": BertInputs(VOCABULARY, 5000, split="character"),
    "elmo": ElmoInputs(20),
    "elmo_character": ElmoInputs(20, split="character"),
    "words": WordInputs([*WORD_SPECIAL_TOKENS, "good"]),
}
each_kind = pytest.mark.parametrize("kind", INPUTS)


def texts() -> list[str]:
    generator = random.Random(3)
    alphabet = [*LETTERS, *"  .,'[]\t\u0301\u200d\u3000", *TEXTS]
    mixed = [
        "".join(generator.choices(alphabet, k=generator.randrange(40)))
        for _ in range(200)
    ]
    real = "\n".join(topics.topics.values()).splitlines()[:1000]
    return [*TEXTS, *mixed, *real]


def lists(found: Any) -> list[list[tuple[str, int, int]]]:
    return [
        [(word.decode(), *place) for word, *place in zip(*row, strict=True)]
        for row in zip(*(part.to_list() for part in found), strict=True)
    ]


@each_kind
def test_words_stand_where_they_say(kind: str) -> None:
    for text, row in zip(
        texts(), lists(INPUTS[kind].words(texts())), strict=True
    ):
        before = 0
        for word, start, end in row:
            assert text[start:end] == word
            assert before <= start < end
            before = end


@each_kind
def test_nul_is_a_character_like_others(kind: str) -> None:
    # Next to a text without NUL; and with U+0001, which once replaced it.
    nul = ["a\0b \0 \1 c\0\0", "no nul", "\0", "", "书\0好 \1\0"]
    found = lists(INPUTS[kind].words(nul))
    for text, row in zip(nul, found, strict=True):
        assert [word for word, *_ in row] == [text[s:e] for _, s, e in row]
    # All visible characters are in words, or NULs would be lost.
    if kind == "elmo":
        assert [[word for word, *_ in row] for row in found] == [
            text.split(" ") if text else [] for text in nul
        ]


@pytest.mark.quick("character", "wordpiece", "cased", "elmo", "words")
@each_kind
def test_words_give_the_features_of_their_text(kind: str) -> None:
    inputs = INPUTS[kind]
    of_text = inputs(texts())
    of_words = inputs(inputs.words(texts()).words)
    assert of_text.keys() == of_words.keys()
    for key, value in of_text.items():
        np.testing.assert_array_equal(of_words[key], value, err_msg=key)


def test_words_are_those_of_the_data_package() -> None:
    # These skip control characters, and an accent after white space.
    shown = [t for t in texts() if t.isprintable() and " \u0301" not in t]
    assert len(shown) > 700
    for text, row in zip(
        shown, lists(INPUTS["wordpiece"].words(shown)), strict=True
    ):
        alone = [(word, start) for word, start, _ in row]
        assert alone == split_words(text), repr(text)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("elmo", [("e\u0301a", 1, 4), ("，好", 5, 7)]),
        ("elmo_character", [(c, i + 1) for i, c in enumerate("e\u0301a")]),
        (
            "character",
            [("e\u0301", 1, 3), ("a", 3, 4), ("，", 5, 6), ("好", 6, 7)],
        ),
        ("wordpiece", [("e\u0301a", 1, 4), ("，", 5, 6), ("好", 6, 7)]),
    ],
)
def test_by_hand(kind: str, expected: list) -> None:
    row = lists(INPUTS[kind].words(["\u3000e\u0301a ，好"]))[0]
    assert [each[: len(expected[0])] for each in row][
        : len(expected)
    ] == expected


@each_kind
def test_nothing_to_find(kind: str) -> None:
    assert lists(INPUTS[kind].words(["", " \n"])) == [[], []]
    assert lists(INPUTS[kind].words(tf.zeros([0], tf.string))) == []
    broken = INPUTS[kind].words([b"a\xff b"]).starts.to_list()
    assert broken[0][0] == 0 and broken[0][-1] in (2, 3)


@each_kind
@pytest.mark.parametrize("pair", [False, True])
def test_tokens_are_counted_before_the_cut(kind: str, pair: bool) -> None:
    inputs = INPUTS[kind]
    first, second = ["a b good", "", "好"], ["good 好", "a" * 3000, ""]
    features = inputs(first, second) if pair else inputs(first)
    if "padding_mask" in features:
        real = features["padding_mask"]
    else:
        ids = features.get("char_ids", features.get("word_ids"))
        real = (ids if ids.shape.rank == 2 else ids[:, :, 0]) != 0
    expected = tf.math.count_nonzero(real, axis=1).numpy()
    short = type(inputs).from_config({**inputs.get_config(), "max_length": 4})
    for each in (inputs, short):
        counted = each.num_tokens(first, second if pair else None)
        assert counted.dtype == tf.int32
        np.testing.assert_array_equal(counted, expected)


@each_kind
def test_a_nul_is_counted(kind: str) -> None:
    [row] = lists(INPUTS[kind].words(["a\0b c"]))
    assert row[0][1] == 0
    assert row[-1] == ("c", 4, 5)
