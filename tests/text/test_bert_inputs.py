"""Rows, segments, masks, words and labels of `BertInputs`, by hand."""

import resource
import unicodedata
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_ctx.text import SPECIAL_TOKENS, BertInputs

# A server does not know the rank of its inputs.
ANY_SHAPE: Any = None
# [PAD] 0, [UNK] 1, [CLS] 2, [SEP] 3, [MASK] 4.
TOKENS = [*SPECIAL_TOKENS, "good", "book", "##s", "好", "书", "a", "b", "é"]


def inputs(**changes: Any) -> BertInputs:
    return BertInputs(**{"vocabulary": TOKENS, "max_length": 8, **changes})


def numbers(features: dict[str, tf.Tensor]) -> dict[str, list]:
    return {name: value.numpy().tolist() for name, value in features.items()}


def test_one_text() -> None:
    features = inputs()(["Good books", "", "好书 zzz"])
    assert numbers(features) == {
        "token_ids": [[2, 5, 6, 7, 3], [2, 3, 0, 0, 0], [2, 8, 9, 1, 3]],
        "segment_ids": [[0] * 5] * 3,
        "padding_mask": [[True] * 5, [True] * 2 + [False] * 3, [True] * 5],
    }
    assert [value.dtype for value in features.values()] == [
        tf.int32,
        tf.int32,
        tf.bool,
    ]


def test_two_texts() -> None:
    features = inputs()(["books", ""], ["a b", "b"])
    assert numbers(features) == {
        "token_ids": [[2, 6, 7, 3, 10, 11, 3], [2, 3, 11, 3, 0, 0, 0]],
        "segment_ids": [[0, 0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 0, 0, 0]],
        "padding_mask": [[True] * 7, [True] * 4 + [False] * 3],
    }


def test_a_long_text_is_cut_before_the_last_separator() -> None:
    ids = inputs(max_length=4)(["a b a b a b", "a"])["token_ids"]
    assert ids.numpy().tolist() == [[2, 10, 11, 3], [2, 10, 3, 0]]


@pytest.mark.parametrize("max_length", [3, 4, 5, 8, 9, 20])
def test_a_pair_is_cut_at_the_end_of_its_longer_text(max_length: int) -> None:
    sizes = [(i, j) for i in range(9) for j in range(9)]
    first = [" ".join("a" * i) for i, _ in sizes]
    second = [" ".join("b" * j) for _, j in sizes]
    features = inputs(max_length=max_length)(first, second)
    for row, (i, j) in zip(features["token_ids"].numpy(), sizes, strict=True):
        # google-research/bert, _truncate_seq_pair.
        while i + j > max_length - 3:
            i, j = (i - 1, j) if i > j else (i, j - 1)
        expected = [2, *[10] * i, 3, *[11] * j, 3]
        assert row[: len(expected)].tolist() == expected
        assert not row[len(expected) :].any()
    segments = features["segment_ids"].numpy()
    assert ((segments == 1) <= features["padding_mask"].numpy()).all()


def test_padding_to_max_length_has_a_static_length() -> None:
    padded = inputs(padding="max_length")
    assert padded(["a"])["token_ids"].numpy().tolist() == [
        [2, 10, 3, 0, 0, 0, 0, 0]
    ]
    traced = tf.function(padded).get_concrete_function(
        tf.TensorSpec([None], tf.string)
    )
    shapes = {k: v.as_list() for k, v in traced.output_shapes.items()}
    assert shapes == dict.fromkeys(shapes, [None, 8])


@pytest.mark.parametrize(
    ("padding", "length"), [("max_length", 8), ("longest", None)]
)
def test_the_number_of_rows_stays_static(padding: str, length) -> None:
    dataset = tf.data.Dataset.from_tensor_slices(["a", "b"] * 3)
    padded = inputs(padding=padding)
    for found in (
        dataset.batch(2, drop_remainder=True).map(padded),
        dataset.batch(2, drop_remainder=True).map(lambda x: padded(x, x)),
    ):
        specs: Any = found.element_spec
        shapes = {k: v.shape.as_list() for k, v in specs.items()}
        assert shapes == dict.fromkeys(shapes, [2, length])


@pytest.mark.parametrize("split", ["wordpiece", "character"])
@pytest.mark.parametrize("text", [tf.zeros([0], tf.string), []])
def test_no_texts(split: str, text: Any) -> None:
    features = inputs(split=split)(text)
    assert {v.shape[0] for v in features.values()} == {0}


def test_characters() -> None:
    characters = inputs(split="character")
    text = ["好 A书\u3000b\t", "E\u0301É z", "\x1f \x85"]
    assert characters(text)["token_ids"].numpy().tolist() == [
        [2, 8, 10, 9, 11, 3],
        [2, 12, 12, 1, 3, 0],
        [2, 3, 0, 0, 0, 0],
    ]
    assert characters.tokens(text).numpy().tolist() == [
        [s.encode() for s in row]
        for row in (
            ["[CLS]", "好", "A", "书", "b", "[SEP]"],
            ["[CLS]", "É", "É", "z", "[SEP]", ""],
            ["[CLS]", "[SEP]", "", "", "", ""],
        )
    ]


def test_characters_with_case() -> None:
    cased = inputs(
        split="character",
        lower_case=False,
        vocabulary=[*SPECIAL_TOKENS, "A", "\U0001f600"],
    )
    assert cased(["aA😀\U0010ffff"])["token_ids"].numpy().tolist() == [
        [2, 1, 5, 6, 1, 3]
    ]


def test_every_letter_is_folded_like_python_does() -> None:
    capitals = [
        letter
        for letter in map(chr, range(0x1F000))
        if letter != letter.lower()
        and len(letter.lower()) == 1
        # Unicode normalizes some signs, such as Kelvin's, to another letter.
        and unicodedata.is_normalized("NFC", letter)
    ]
    assert len(capitals) > 1300
    lower = [letter.lower() for letter in capitals]
    folded = BertInputs(
        [*SPECIAL_TOKENS, *dict.fromkeys(lower)], 5000, split="character"
    )
    ids = folded(capitals)["token_ids"].numpy()[:, 1]
    assert [folded.vocabulary[index] for index in ids] == lower


def test_tokens_show_the_text_and_not_the_unknown_token() -> None:
    tokens = inputs(max_length=12).tokens(
        ["Zzz Books Ü", "好"], ["[SEP] " + "é" * 101, ""]
    )
    expected = [
        ["[CLS]", "zzz", "book", "s", "u", "[SEP]", "[", "sep", "]"]
        + ["e" * 101, "[SEP]"],
        ["[CLS]", "好", "[SEP]", "[SEP]", *[""] * 7],
    ]
    assert tokens.numpy().tolist() == [
        [token.encode() for token in row] for row in expected
    ]


@pytest.mark.parametrize("split", ["wordpiece", "character"])
@pytest.mark.parametrize("max_length", [4, 7, 50])
def test_tokens_and_ids_have_the_same_places(
    split: str, max_length: int
) -> None:
    some = inputs(split=split, max_length=max_length)
    texts = ["good books 好书 zz", "", "a" * 120 + " b", "\u0301 [MASK]"]
    words = [text.split(" ") for text in texts]
    for first, second in ((texts, None), (texts, texts[::-1]), (words, None)):
        mask = some(first, second)["padding_mask"].numpy()
        tokens = some.tokens(first, second).numpy()
        np.testing.assert_array_equal(tokens != b"", mask)


@pytest.mark.parametrize("split", ["wordpiece", "character"])
def test_words_and_labels(split: str) -> None:
    # The words "" and " \u200b" are empty for WordPiece.
    words = [["Books", "", "好书"], [], [" \t", "[MASK]"]]
    labels = [[7, 8, 9], [], [5, 6]]
    some = inputs(split=split, max_length=16)
    ids = some(words)["token_ids"].numpy()
    aligned = some.align_labels(words, labels)
    assert aligned.dtype == tf.int32 and aligned.shape == ids.shape
    # book ##s | b o o k s; [UNK]; 好 书; [ mask ] | [ M A S K ].
    expected = {
        "wordpiece": (
            [[2, 6, 7, 1, 8, 9, 3], [2, 3], [2, 1, 1, 1, 1, 3]],
            [[-1, 7, -1, 8, 9], [-1], [-1, 5, 6]],
        ),
        "character": (
            [[2, 11, 1, 1, 1, 1, 1, 8, 9, 3], [2, 3]]
            + [[2, 1, 1, 1, 10, 1, 1, 1, 3]],
            [[-1, 7, -1, -1, -1, -1, 8, 9], [-1], [-1, 5, 6]],
        ),
    }[split]
    for actual, filler, rows in zip(
        (ids, aligned.numpy()), (0, -1), expected, strict=True
    ):
        for row, wanted in zip(actual, rows, strict=True):
            assert row[: len(wanted)].tolist() == wanted
            assert (row[len(wanted) :] == filler).all()
    first = some.tokens(words).numpy()[0].tolist()
    assert first[first.index(b"s") + 1] == b"[UNK]"


def test_labels_are_cut_with_their_words() -> None:
    some = inputs(max_length=4, padding="max_length")
    labels = some.align_labels([["a", "b", "a"], ["a"]], [[1, 2, 3], [4]], -9)
    assert labels.numpy().tolist() == [[-9, 1, 2, -9], [-9, 4, -9, -9]]


@pytest.mark.parametrize("split", ["wordpiece", "character"])
def test_invalid_utf8_reads_as_the_replacement_character(split: str) -> None:
    bad = tf.constant([b"a\xff\xfe b", b"\xe4\xbd", b"a\xcc\x81\xed\xa0\x80b"])
    valid = [text.decode("utf-8", "replace") for text in bad.numpy()]
    some = inputs(split=split, max_length=50)
    ids = some(bad)["token_ids"].numpy()
    if split == "wordpiece":
        # Dropped: a(broken) b, nothing, a(accent dropped, broken)b.
        assert ids.tolist()[:2] == [[2, 10, 11, 3], [2, 3, 0, 0]]
    else:
        unknown = (ids == some.unknown_id).sum(axis=1)
        assert (unknown >= [1, 1, 1]).all()
        assert ids[0, 1] == 10 and ids[0][ids[0] > 3].tolist() == [10, 11]
    assert some(valid)["token_ids"].shape[0] == 3
    some.tokens(bad)


@pytest.mark.quick("splits_dtype0-wordpiece")
@pytest.mark.parametrize("split", ["wordpiece", "character"])
@pytest.mark.parametrize("splits_dtype", [tf.int32, tf.int64])
def test_graph_equals_eager(split: str, splits_dtype: tf.DType) -> None:
    some = inputs(split=split, max_length=20)
    texts = tf.constant(["good books", "é" * 101, ""])
    words = tf.ragged.constant(
        [["good", ""], [], ["书"]], row_splits_dtype=splits_dtype
    )
    for text in (texts, words):
        eager = numbers(some(text))
        assert numbers(tf.function(some)(text)) == eager
        dataset = tf.data.Dataset.from_tensors(text).map(some)
        assert numbers(next(iter(dataset))) == eager


def test_attributes_and_config() -> None:
    some = inputs(lower_case=False, split="character", padding="max_length")
    assert some.vocabulary == tuple(TOKENS)
    assert some.vocabulary_size == len(TOKENS)
    assert (some.pad_id, some.unknown_id, some.cls_id) == (0, 1, 2)
    assert (some.sep_id, some.mask_id) == (3, 4)
    assert some.special_ids == (0, 1, 2, 3, 4)
    config = some.get_config()
    assert config == {
        "vocabulary": TOKENS,
        "max_length": 8,
        "lower_case": False,
        "split": "character",
        "padding": "max_length",
        "special_tokens_in_text": False,
    }
    assert BertInputs.from_config(config).get_config() == config


def test_special_tokens_may_stand_anywhere() -> None:
    tokens = ["a", *SPECIAL_TOKENS[::-1], "b"]
    some = inputs(vocabulary=tokens)
    assert some(["a b", "z"])["token_ids"].numpy().tolist() == [
        [3, 0, 6, 2],
        [3, 4, 2, 5],
    ]
    assert some.special_ids == (5, 4, 3, 2, 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_length": 2}, "`max_length` must be .* at least 3.*max_length=2"),
        ({"max_length": 8.0}, "`max_length` must be an integer.*8.0"),
        ({"max_length": True}, "`max_length` must be an integer.*True"),
        ({"split": "word"}, "`split` must be .*split='word'"),
        ({"padding": "no"}, "`padding` must be .*padding='no'"),
        ({"vocabulary": ["[PAD]", "a"]}, r"without \[UNK\], \[CLS\]"),
    ],
)
def test_wrong_arguments(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        inputs(**changes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("good", "`text` must be a batch.*into a list.*'good'"),
        (tf.constant("good"), r"`text` must be .*shape=\(\)"),
        (tf.constant([["a"]]), r"`text` must be .*shape=\(1, 1\)"),
        (np.zeros([2], np.int32), "`text` must have dtype string.*int32"),
        (tf.ragged.constant([[["a"]]]), "`text` must be .*shape="),
    ],
)
def test_wrong_texts(text: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        inputs()(text)
    with pytest.raises(
        ValueError, match=message.replace("text", "text_pair", 1)
    ):
        inputs()(["a"], text)


@pytest.mark.parametrize("shape", [[], [1, 2]])
def test_the_graph_refuses_another_rank(shape: list[int]) -> None:
    traced = tf.function(inputs()).get_concrete_function(
        tf.TensorSpec(ANY_SHAPE, tf.string)
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match="not compatible"):
        traced(tf.fill(shape, "a"))


@pytest.mark.parametrize(
    ("words", "labels", "message"),
    [
        (["a"], [[1]], "`words` must be a ragged"),
        ([["a"]], tf.constant([[1]]), "`label_ids` must be a ragged"),
        ([["a"]], tf.ragged.constant([[1.0]]), "`label_ids` must be integers"),
    ],
)
def test_wrong_labels(words: Any, labels: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        inputs().align_labels(words, labels)


def test_labels_must_be_as_many_as_words() -> None:
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="must have one label per word"
    ):
        inputs().align_labels([["a", "b"], ["a"]], [[1], [2, 3]])


def test_pairs_must_be_as_many() -> None:
    with pytest.raises(tf.errors.InvalidArgumentError):
        inputs()(["a", "b"], ["a", "b", "a"])


def test_memory_grows_with_a_text_and_not_with_its_square() -> None:
    # A word of more than 100 bytes is handled separately.
    text = "a " * 50_000 + "b" * 101 + " a"
    some = inputs(max_length=60_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ids = some([text])["token_ids"].numpy()[0]
    tokens = some.tokens([text]).numpy()[0]
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert ids.tolist() == [2, *[10] * 50_000, 1, 10, 3]
    assert tokens[-3:].tolist() == [b"b" * 101, b"a", b"[SEP]"]
    # In kilobytes; copies of the text per piece would take five million.
    assert after - before < 500_000
