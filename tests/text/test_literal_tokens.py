"""Added tokens of a tokenizer, found in texts as by the `tokenizers`
library."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from tokenizers import AddedToken as Reference
from tokenizers import Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import WordPiece

from keras_ctx.text import (
    SPECIAL_TOKENS,
    AddedToken,
    BertInputs,
    load_inputs,
    save_inputs,
)

LETTERS = "abcdefghijklmnopqrstuvwxyzéABCDE0123新冠病[]_<>/:.,"
ADDED = [
    AddedToken("[E1]", normalized=False),
    AddedToken("<user>", normalized=False, lstrip=True),
    AddedToken("COVID"),
    AddedToken("COVID19"),
    AddedToken("riverbank"),
    AddedToken("http_url", rstrip=True),
    AddedToken("cat", single_word=True),
    AddedToken("[E2]", normalized=False, single_word=True),
    AddedToken("Café"),
    AddedToken("New York"),
    AddedToken("b", single_word=True, normalized=False),
]
CHINESE = [AddedToken("新冠"), AddedToken("冠a病", single_word=True)]
TEXTS = [
    "[E1] rome [e1] [E1][E1]x[E1]",
    "a <user> b<user>c <USER>",
    "COVID bad covid Covid19 COVID-19 covidcovid19x",
    "good riverbank riverbanks ariverbanka",
    "see http_url now http_url http_urlhttp_url HTTP_URL.",
    "cat cats a cat. cat-cat cat_cat catcat écat caté cat\u0301 [cat] 1cat",
    "[E2] [E2][E2] a[E2] [E2]a [E2]. [E1][E2] [e2]",
    "b b bb b.b a b c B [E1]b b[E1] 新b ，b ⓐb",
    "café CAFE\u0301 cafe New York NEW  YORK new york new\u00a0york",
    "cat 新冠 的新冠病 cat新cat 冠a病 冠 a病 x冠a病x",
    "新\u200b冠 c\x00at cat\u200d ri\x00verbank [E\u200b1]",
    "",
    " ",
    "[E1]",
    "cat",
    "[CLS] cat [SEP]",
]


def vocabulary(added: list[AddedToken]) -> list[str]:
    pieces = [*LETTERS, *(f"##{letter}" for letter in LETTERS)]
    words = ["the", "cat", "##s", "rome", "b"]
    own = [token.content for token in added]
    return list(dict.fromkeys([*SPECIAL_TOKENS, *pieces, *words, *own]))


def reference(
    added: list[AddedToken], special: bool = False, **options: Any
) -> Tokenizer:
    ids = {token: place for place, token in enumerate(vocabulary(added))}
    tokenizer = Tokenizer(
        WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100)
    )
    options = {"lowercase": True, **options}
    tokenizer.normalizer = normalizers.BertNormalizer(**options)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    if special:
        tokenizer.add_special_tokens(
            [Reference(t, normalized=False) for t in SPECIAL_TOKENS]
        )
    for token in added:
        tokenizer.add_tokens([Reference(**token._asdict())])
    return tokenizer


def rows_of(features: dict[str, tf.Tensor]) -> list[list[int]]:
    return tf.ragged.boolean_mask(
        features["token_ids"], features["padding_mask"]
    ).to_list()


@pytest.mark.quick("*-False", "*-False-*", "False-*")
@pytest.mark.parametrize("lower_case", [True, False])
@pytest.mark.parametrize("chinese", [True, False])
@pytest.mark.parametrize("special", [True, False])
def test_ids_are_those_of_tokenizers(
    lower_case: bool, chinese: bool, special: bool
) -> None:
    # For `rstrip` next to ideographs, see below.
    added = [*(token._replace(rstrip=False) for token in ADDED), *CHINESE]
    tokenizer = reference(
        added, special, lowercase=lower_case, handle_chinese_chars=chinese
    )
    inputs = BertInputs(
        vocabulary(added),
        600,
        lower_case,
        special_tokens_in_text=special,
        tokenize_chinese_chars=chinese,
        added_tokens=added,
    )
    generator = random.Random(5)
    parts = [
        *(token.content for token in added),
        *(token.content.lower() for token in added),
        *"  ab_.新é\u0301[]",
        "the",
        *SPECIAL_TOKENS[:: 1 if special else 6],
    ]
    texts = TEXTS + [
        "".join(generator.choices(parts, k=generator.randrange(12)))
        for _ in range(400)
    ]
    if not special:  # as text, unlike the library
        texts = [t for t in texts if not any(s in t for s in SPECIAL_TOKENS)]
    call = tf.function(inputs) if chinese and special else inputs
    found = rows_of(call(tf.constant(texts)))
    for text, ids in zip(texts, found, strict=True):
        assert ids == [2, *tokenizer.encode(text).ids, 3], repr(text)


def test_right_stripping() -> None:
    tokenizer = reference(ADDED)
    inputs = BertInputs(vocabulary(ADDED), 600, added_tokens=ADDED)
    for text, ids in zip(TEXTS[:-1], rows_of(inputs(TEXTS[:-1])), strict=True):
        assert ids == [2, *tokenizer.encode(text).ids, 3], repr(text)
    # It would also strip the spaces around ideographs.
    added = [*ADDED, *CHINESE]
    with pytest.raises(ValueError, match=r"`rstrip`.*'http_url' and ' 冠 a"):
        BertInputs(vocabulary(added), 600, added_tokens=added)


def test_words_by_hand() -> None:
    inputs = BertInputs(vocabulary(ADDED), 64, added_tokens=ADDED)
    text = "[E1] Caf\u0301é, COVIDs HTTP_URL New York [E2]x"
    found = inputs.words([text])
    words = [word.decode() for word in found.words.to_list()[0]]
    assert words[0] == "[E1]" and "HTTP_URL" in words and "New York" in words
    assert [
        text[start:end]
        for start, end in zip(
            found.starts.to_list()[0], found.ends.to_list()[0], strict=True
        )
    ] == words
    assert rows_of(inputs(found.words)) == rows_of(inputs([text]))
    ids = [inputs.vocabulary.index(t) for t in ("[E1]", "cat", "b")]
    rows = inputs([["[E1]", "Cat", "b"]])["token_ids"].numpy().tolist()
    assert rows == [[2, *ids, 3]]
    shown = inputs.tokens(["[E1] COVID x"]).numpy()[0].tolist()
    assert shown == [b"[CLS]", b"[E1]", b"covid", b"x", b"[SEP]"]


def test_saved_and_loaded(tmp_path: Path) -> None:
    inputs = BertInputs(vocabulary(ADDED), 64, added_tokens=ADDED)
    save_inputs(inputs, tmp_path / "inputs.json")
    again = load_inputs(tmp_path / "inputs.json")
    assert isinstance(again, BertInputs)
    assert again.added_tokens == tuple(ADDED)
    assert again.get_config() == inputs.get_config()
    json.dumps(inputs.get_config())
    # Other files, and so their digests, stay unchanged.
    plain = BertInputs(vocabulary([]), 64).get_config()
    assert "added_tokens" not in plain


@pytest.mark.parametrize(
    ("token", "told"),
    [
        (AddedToken("unheard"), "of the vocabulary.*'unheard'"),
        (AddedToken("[SEP]"), "special_tokens_in_text"),
        (AddedToken("\u0301"), "not be empty after normalization"),
        (AddedToken("\n"), "not be empty after normalization"),
    ],
)
def test_tokens_that_cannot_be_found(token: AddedToken, told: str) -> None:
    own = [] if "vocabulary" in told else [token]
    with pytest.raises(ValueError, match=told):
        BertInputs(vocabulary(own), 64, added_tokens=[token])
    with pytest.raises(ValueError, match="must be left out"):
        BertInputs(vocabulary(own), 64, split="character", added_tokens=[token])
