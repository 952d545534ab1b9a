"""Byte-level BPE beside the `tokenizers` library, in graphs and files."""

import json
import random
import sys
import unicodedata
from pathlib import Path

import pytest
import tensorflow as tf
import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

from keras_ctx.text import byte_letters
from keras_ctx.text.tokenize.byte_pairs import (
    BytePairs,
    decode,
    split_parts,
    token_bytes,
)

GPT2 = Path(__file__).resolve().parents[3] / "shared/data/gpt2_vocabulary"
CORPUS = [
    "The cat's mat, the cats' mats: they'll say \"that's that\", won't they?",
    "He'd've gone in 1984 or 2001; I'M SURE WE'RE LATE.",
    "    indented\n\n\tlines   and  blanks \n",
    "naïve café, Straße, 北京大学, привет мир, नमस्ते, ١٢٣, x² ½ Ⅷ",
    "aaaaaaa aaaa banana bandana 👩‍👩‍👧 🇩🇪 ﬁ",
] * 3
STRINGS = [
    "",
    " ",
    "  ",
    "\n",
    "a  b",
    "a b ",
    "a  ",
    "\n\nd",
    "a\n\n b",
    " 'twere",
    "'twere",
    "''s",
    "it''s",
    "'s's",
    "x'sy",
    "x'rey",
    "1's 'll!'ve",
    "a 's",
    "a\t's",
    "a\u00a0's",
    "I'M I'm",
    "'",
    "' s",
    "1234567",
    "1a2b",
    "a\u00a0b",
    "a\u2003\u2003b",
    "\u3000字",
    "\u0085x\x1cy\x1fz",
    "e\u0301 क्ष",
    "²³ Ⅷ½",
    "\u200b\ufeff",
    "\0\x01",
    "👩‍👩‍👧",
    "aaaaa aaaaaa",
    "a" * 300,
    "<|endoftext|>",
    "\ufffd",
]


@pytest.fixture(scope="module")
def oracle() -> tokenizers.Tokenizer:
    """A tokenizer that `tokenizers` learned from the corpus."""
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


@pytest.fixture(scope="module")
def pairs(oracle) -> BytePairs:
    model = json.loads(oracle.to_str())["model"]
    return BytePairs(model["vocab"], [tuple(x) for x in model["merges"]])


def in_graph(pairs: BytePairs):
    return tf.function(
        pairs, input_signature=[tf.TensorSpec([None], tf.string)]
    )


def random_strings(count: int) -> list[str]:
    """Returns strings of characters in which the pattern's cases are dense."""
    draw = random.Random(5)
    alphabet = [*"''''stmdrevl  \n\t\u00a0aB1?é北²\u0301"]
    return [
        "".join(draw.choices(alphabet, k=draw.randint(1, 14)))
        for _ in range(count)
    ]


def test_ids_equal_the_library(oracle, pairs) -> None:
    texts = [*STRINGS, *CORPUS, *random_strings(3000)]
    found = in_graph(pairs)(texts).to_list()
    for text, ids in zip(texts, found, strict=True):
        assert ids == oracle.encode(text).ids, repr(text)


def test_a_text_alone_has_the_same_ids(oracle, pairs) -> None:
    call = in_graph(pairs)
    for text in STRINGS:
        assert call([text]).to_list() == [oracle.encode(text).ids], repr(text)


def test_ids_become_the_text_again(pairs, oracle) -> None:
    vocabulary = oracle.get_vocab()
    tokens = token_bytes(sorted(vocabulary, key=vocabulary.__getitem__))
    texts = [*STRINGS, *random_strings(300)]
    back = decode(pairs(tf.constant(texts)), tokens)
    assert [x.decode() for x in back.numpy()] == texts


def test_halves_of_characters_become_one_mark() -> None:
    tokens = token_bytes(byte_letters())
    for data in (
        b"\xf0\x9f\x98",
        b"a\xe5\x8c",
        b"\xff\xfe",
        b"\x80a",
        b"\xe5a",
    ):
        ids = tf.ragged.constant([[*data]])
        expected = data.decode("utf-8", "replace")
        assert decode(ids, tokens).numpy()[0].decode() == expected


def test_ids_outside_the_vocabulary_have_no_text() -> None:
    ids = tf.ragged.constant([[65, -1, 66, 9999]])
    assert decode(ids, token_bytes(byte_letters())).numpy()[0] == b"AB"


def test_invalid_utf8_is_read_as_a_mark(pairs) -> None:
    found = pairs(tf.constant([b"a\xffb"])).to_list()
    assert found == pairs(tf.constant(["a\ufffdb"])).to_list()


@pytest.mark.slow
def test_kinds_of_all_code_points(oracle) -> None:
    """A letter is joined with the letter before it, a digit with a digit,
    white space with nothing behind it, all others with "?"."""
    wrong = []
    codes = [
        code
        for code in range(sys.maxunicode + 1)
        if not 0xD800 <= code < 0xE000
        and unicodedata.category(chr(code)) != "Cn"  # newer than Python's
    ]
    splitter = pre_tokenizers.ByteLevel(add_prefix_space=False)
    texts = [
        "".join(f"a{chr(x)}1{chr(x)}?{chr(x)}\n" for x in codes[i : i + 400])
        for i in range(0, len(codes), 400)
    ]
    found = split_parts(tf.constant(texts)).to_list()
    for text, parts in zip(texts, found, strict=True):
        places = [place for _, place in splitter.pre_tokenize_str(text)]
        expected = [text[a:b] for a, b in places]
        if [x.decode() for x in parts] != expected:
            wrong.append(text[:20])
    assert not wrong


def test_no_texts(pairs) -> None:
    assert in_graph(pairs)(tf.constant([], tf.string)).to_list() == []
    assert in_graph(pairs)([""]).to_list() == [[]]


def test_a_vocabulary_of_bytes_alone() -> None:
    bytes_alone = BytePairs({x: i for i, x in enumerate(byte_letters())}, [])
    assert bytes_alone(tf.constant(["é"])).to_list() == [[0xC3, 0xA9]]


def test_letters_of_bytes_are_those_of_the_library() -> None:
    assert {*byte_letters()} == {*pre_tokenizers.ByteLevel.alphabet()}
    assert len({*byte_letters()}) == 256


ERRORS = [
    ({}, [], "a token for every byte .* without \\['Ā'"),
    (None, [("a", "b")], "belong to different models.* without \\['ab'\\]"),
    (None, [("ab", "c")], "without \\['ab', 'abc'\\]"),
]


@pytest.mark.parametrize(("vocabulary", "merges", "message"), ERRORS)
def test_files_that_do_not_belong_together(vocabulary, merges, message) -> None:
    if vocabulary is None:
        vocabulary = {x: i for i, x in enumerate(byte_letters())}
    with pytest.raises(ValueError, match=message):
        BytePairs(vocabulary, merges)


@pytest.mark.skipif(
    not GPT2.is_dir(), reason=f"GPT-2's vocabulary is not at {GPT2}"
)
def test_the_ids_of_gpt2() -> None:
    vocabulary = json.loads((GPT2 / "encoder.json").read_text())
    lines = (GPT2 / "vocab.bpe").read_text(encoding="utf-8").split("\n")
    merges = [tuple(x.split(" ")) for x in lines[1:] if x]
    call = in_graph(BytePairs(vocabulary, merges))
    rows = [
        json.loads(line)
        for line in (GPT2 / "strings.jsonl").read_text().splitlines()
    ]
    found = call([row["text"] for row in rows]).to_list()
    for row, ids in zip(rows, found, strict=True):
        assert ids == row["ids"], row
    tokens = token_bytes(
        sorted(vocabulary, key=vocabulary.__getitem__), ["<|endoftext|>"]
    )
    back = decode(tf.ragged.constant([row["ids"] for row in rows]), tokens)
    assert [x.decode() for x in back.numpy()] == [row["text"] for row in rows]
    for line in (GPT2 / "halves.jsonl").read_text().splitlines():
        row = json.loads(line)
        text = decode(tf.ragged.constant([row["ids"]]), tokens)
        assert text.numpy()[0].decode() == row["text"]
