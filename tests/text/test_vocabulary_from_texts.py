"""Vocabularies built from texts: order, limits, use."""

from collections.abc import Iterator
from typing import Any

import pytest

from keras_ctx.text import (
    SPECIAL_TOKENS,
    WORD_SPECIAL_TOKENS,
    BertInputs,
    character_vocabulary,
    load_vocabulary,
    word_vocabulary,
    wordpiece_vocabulary,
)


def once(*texts: str) -> Iterator[str]:
    """Yields texts once: a second pass would be empty."""
    yield from texts


def test_characters_by_falling_frequency() -> None:
    texts = once("bBc 书", "a书c\t书", "É E\u0301")
    assert character_vocabulary(texts) == [
        *SPECIAL_TOKENS,
        *("书", "b", "c", "é", "a"),
    ]


def test_characters_with_case_and_limits() -> None:
    texts = ["aaAAb"]
    with_case = character_vocabulary(texts, lower_case=False)
    assert with_case[5:] == ["A", "a", "b"]
    assert character_vocabulary(texts, vocabulary_size=6)[5:] == ["a"]
    assert character_vocabulary(texts, min_count=2)[5:] == ["a"]
    assert character_vocabulary([]) == [*SPECIAL_TOKENS]


@pytest.mark.parametrize("lower_case", [True, False])
def test_characters_leave_nothing_unknown(lower_case: bool) -> None:
    texts = ["İstanbul Σίσυφος ΣΑΣ é e\u0301 K Ω", "书\u3000好\x85😀\u0300"]
    vocabulary = character_vocabulary(texts, lower_case=lower_case)
    inputs = BertInputs(vocabulary, 99, lower_case, split="character")
    ids = inputs(texts)["token_ids"].numpy()
    assert inputs.unknown_id not in ids
    assert set(ids.flat) >= set(range(5, inputs.vocabulary_size))


def test_words_by_falling_frequency() -> None:
    texts = once("b a b <S>", "c\u3000b a", "")
    assert word_vocabulary(texts) == [*WORD_SPECIAL_TOKENS, "b", "a", "c"]
    assert word_vocabulary(["b a b", "c"], vocabulary_size=4)[3:] == ["b"]
    assert word_vocabulary(["b a b", "c"], min_count=2)[3:] == ["b"]
    # Words keep their case, because the biLM reads characters unchanged.
    assert word_vocabulary(["A a a"])[3:] == ["a", "A"]
    assert word_vocabulary(["好 书好"], split="character")[3:] == ["好", "书"]


def test_more_texts_than_one_batch() -> None:
    texts = (f"w{i % 7} 书" for i in range(3000))
    vocabulary = word_vocabulary(texts)
    assert vocabulary[3] == "书" and len(vocabulary) == 3 + 1 + 7


@pytest.fixture(scope="module")
def mixed_texts() -> list[str]:
    words = "Unhappy happy happily book books booking café 好书 坏书"
    return [f"{words}, {word}!" for word in words.split()] * 30


def test_pieces(mixed_texts: list[str]) -> None:
    vocabulary = wordpiece_vocabulary(once(*mixed_texts), 60)
    assert len(vocabulary) <= 60
    assert load_vocabulary(vocabulary)[:5] == [*SPECIAL_TOKENS]
    alone = vocabulary[5:10]
    assert alone[0] == "书" and set(alone) == {"书", "好", "坏", ",", "!"}
    assert not {"##书", "##好", "##,"} & set(vocabulary)
    inputs = BertInputs(vocabulary, 64)
    ids = inputs(mixed_texts)["token_ids"].numpy()
    assert inputs.unknown_id not in ids
    pieces = inputs(["books happily"])["padding_mask"].numpy().sum() - 2
    assert pieces < len("bookshappily") / 2


def test_pieces_with_case(mixed_texts: list[str]) -> None:
    vocabulary = wordpiece_vocabulary(mixed_texts, 60, lower_case=False)
    assert "U" in vocabulary and "##é" in vocabulary


def test_more_ideographs_than_the_learner_keeps() -> None:
    ideographs = [chr(0x4E00 + i) for i in range(1500)]
    vocabulary = wordpiece_vocabulary(["".join(ideographs)], 2000)
    assert vocabulary == [*SPECIAL_TOKENS, *ideographs]


@pytest.mark.parametrize("size", [6, 7, 9])
def test_pieces_keep_to_a_small_size(size: int) -> None:
    vocabulary = wordpiece_vocabulary(["好书 abc", "好 abd"], size)
    assert len(vocabulary) == size and vocabulary[5] == "好"
    assert wordpiece_vocabulary([], size) == [*SPECIAL_TOKENS]


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (
            character_vocabulary,
            {"vocabulary_size": 5},
            "`vocabulary_size` must be an integer greater than 5",
        ),
        (
            wordpiece_vocabulary,
            {"vocabulary_size": 5},
            "`vocabulary_size` must be an integer greater than 5",
        ),
        (
            word_vocabulary,
            {"vocabulary_size": 3},
            "`vocabulary_size` must be an integer greater than 3",
        ),
        (character_vocabulary, {"min_count": 0}, "`min_count` must be at leas"),
        (word_vocabulary, {"min_count": 0}, "`min_count` must be at least 1"),
        (word_vocabulary, {"split": "word"}, "`split` must be one of .*'word'"),
    ],
)
def test_wrong_arguments(
    make: Any, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make(["a"], **arguments)


def test_one_string_is_not_texts() -> None:
    with pytest.raises(ValueError, match="`texts` must be .*'abc'"):
        word_vocabulary("abc")
