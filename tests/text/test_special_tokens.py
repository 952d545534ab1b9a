"""Literal special tokens in texts, compared with the `tokenizers` library."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tokenizers import AddedToken, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import WordPiece

from keras_ctx.text import (
    SPECIAL_TOKENS,
    BertInputs,
    load_inputs,
    save_inputs,
)

# [PAD] 0, [UNK] 1, [CLS] 2, [SEP] 3, [MASK] 4, the 5, ##s 6, [ 7, ] 8, s 9,
# mask 10, m 11, a 12, k 13, ...
TOKENS = [*SPECIAL_TOKENS, "the", "##s", *"[]s", "mask", *"mak好A"]
TEXTS = [
    "the[MASK]s",
    "the [MASK] s",
    "[mask] [Mask] [MASK ] [ MASK] ［MASK］",
    "[[MASK]] [MA[MASK]SK] [MASK",
    "[MASK][MASK]  [MASK]",
    "[SEP][CLS][PAD][UNK]the",
    "好[MASK]好",
    "A\u0301[MASK]\u0301s\x00[SEP]\ufffd",
    "[M\u200bASK] [M\x00ASK] \x00[MASK]\x00",
    "s" * 100 + "[MASK]" + "s" * 101,
    "",
    " ",
    "[MASK]",
]


def inputs(**changes: Any) -> BertInputs:
    arguments = {"max_length": 600, "special_tokens_in_text": True, **changes}
    return BertInputs(TOKENS, **arguments)


def reference(lower_case: bool) -> Tokenizer:
    ids = {token: index for index, token in enumerate(TOKENS)}
    tokenizer = Tokenizer(
        WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100)
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lower_case)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(
        [AddedToken(t, normalized=False, special=True) for t in SPECIAL_TOKENS]
    )
    return tokenizer


def ids_of(features: dict[str, tf.Tensor]) -> list[list[int]]:
    return tf.ragged.boolean_mask(
        features["token_ids"], features["padding_mask"]
    ).to_list()


@pytest.mark.parametrize("lower_case", [True, False])
def test_ids_of_strings(lower_case: bool) -> None:
    tokenizer = reference(lower_case)
    generator = random.Random(5)
    parts = [*SPECIAL_TOKENS, *"[]sA好 ", "[mask]", "MASK", "the", "\u0301"]
    texts = TEXTS + [
        "".join(generator.choices(parts, k=generator.randrange(12)))
        for _ in range(400)
    ]
    found = ids_of(inputs(lower_case=lower_case)(texts))
    for text, ids in zip(texts, found, strict=True):
        assert ids == [2, *tokenizer.encode(text).ids, 3], repr(text)


def test_ids_of_words() -> None:
    tokenizer = reference(True)
    words = [text.split() for text in TEXTS]
    for row, ids in zip(words, ids_of(inputs()(words)), strict=True):
        expected = tokenizer.encode(row, is_pretokenized=True).ids
        assert ids == [2, *expected, 3], row


@pytest.mark.parametrize("split", ["wordpiece", "character"])
def test_ids_by_hand(split: str) -> None:
    special = inputs(split=split)
    wanted = {
        "wordpiece": [[2, 5, 4, 9, 3], [2, 7, 10, 8, 4, 3]],
        # t h e [MASK] s, and [ m a s k ] [MASK].
        "character": [
            [2, 1, 1, 1, 4, 9, 3],
            [2, 7, 11, 12, 9, 13, 8, 4, 3],
        ],
    }[split]
    assert ids_of(special(["the[MASK]s", "[mask][MASK]"])) == wanted
    tokens = special.tokens(["Th[MASK]好[PAD]"]).numpy()[0]
    shown = [token.decode() for token in tokens]
    letters = {"wordpiece": ["th"], "character": ["T", "h"]}[split]
    assert shown == ["[CLS]", *letters, "[MASK]", "好", "[PAD]", "[SEP]"]


def test_a_literal_pad_is_a_token_and_not_padding() -> None:
    features = inputs()(["[PAD] the", ""])
    assert features["token_ids"].numpy().tolist() == [
        [2, 0, 5, 3],
        [2, 3, 0, 0],
    ]
    assert features["padding_mask"].numpy()[0].all()


@pytest.mark.parametrize("split", ["wordpiece", "character"])
def test_places_in_pairs_words_and_labels(split: str) -> None:
    special = inputs(split=split)
    words = [["s", "[MASK]", "好s[SEP]", ""], [], ["[MASK]"]]
    index = special.word_index(words).numpy().tolist()
    assert index == [
        [-1, 0, 1, 2, 2, 2, 3, -1],
        [-1] * 8,
        [-1, 0, *[-1] * 6],
    ]
    lengths = special.word_lengths(words)
    assert lengths.to_list() == [[1, 1, 3, 1], [], [1]]
    labels = special.align_labels(words, [[5, 6, 7, 8], [], [9]])
    assert labels.numpy()[0].tolist() == [-1, 5, 6, 7, -1, -1, 8, -1]
    pair = special(["s[MASK]"], ["[SEP]s"])
    assert pair["token_ids"].numpy().tolist() == [[2, 9, 4, 3, 3, 9, 3]]
    assert pair["segment_ids"].numpy().tolist() == [[0, 0, 0, 0, 1, 1, 1]]


@pytest.mark.parametrize("split", ["wordpiece", "character"])
def test_the_rest_of_a_text_is_read_as_ever(split: str) -> None:
    texts = ["The\x00 好 as[k]", "", b"s\xff[MASK", "s" * 101 + " [ MASK]"]
    for given in (texts, [[text] for text in texts], []):
        for a, b in zip(
            inputs(split=split)(given).values(),
            inputs(split=split, special_tokens_in_text=False)(given).values(),
            strict=True,
        ):
            np.testing.assert_array_equal(a, b)


@pytest.mark.quick("character")
@pytest.mark.parametrize("split", ["wordpiece", "character"])
def test_graph_and_dataset_equal_eager(split: str) -> None:
    special = inputs(split=split)
    words = tf.ragged.constant([["[MASK]s", ""], []], row_splits_dtype=tf.int32)
    for text in (tf.constant(TEXTS), words):
        expected = ids_of(special(text))
        assert ids_of(tf.function(special)(text)) == expected
        dataset = tf.data.Dataset.from_tensors(text).map(special)
        assert ids_of(next(iter(dataset))) == expected


def test_off_by_default_and_in_old_files(tmp_path: Path) -> None:
    path = tmp_path / "inputs.json"
    save_inputs(inputs(), path)
    loaded = load_inputs(path)
    assert isinstance(loaded, BertInputs) and loaded.special_tokens_in_text
    assert ids_of(loaded(["[MASK]"])) == [[2, 4, 3]]
    saved = json.loads(path.read_text(encoding="utf-8"))
    # A file of version 0.1.0.
    del saved["config"]["special_tokens_in_text"]
    path.write_text(json.dumps(saved), encoding="utf-8")
    old = load_inputs(path)
    assert isinstance(old, BertInputs) and not old.special_tokens_in_text
    assert ids_of(old(["[MASK]"])) == [[2, 7, 10, 8, 3]]
