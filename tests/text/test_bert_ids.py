"""WordPiece ids are those of the `tokenizers` library's BERT."""

import random
from pathlib import Path

import pytest
import tensorflow as tf
from tokenizers import Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import WordPiece

from keras_ctx.text import SPECIAL_TOKENS, BertInputs, load_vocabulary

SHARED = Path(__file__).resolve().parents[3] / "shared"
LETTERS = "abcdefghijklmnopqrstuvwxyzABCXYZéÉüÅßσςΣжйЖИİ好书的ﬁｆＦ１…Ⅷก한글😀"
PIECES = "good book ##s un ##aff ##able the mask Good".split()
CHARACTERS = [*LETTERS, *"0123456789.,!?'[]()<>$#@。，！"]
SUFFIXES = [f"##{letter}" for letter in LETTERS]
VOCABULARY = list(
    dict.fromkeys([*SPECIAL_TOKENS, *CHARACTERS, *SUFFIXES, *PIECES])
)
TEXTS = [
    "The good books, un-affable!",
    "Résumé ÉCOLE Ångström naïve",
    "这本书的 good 书。好！",
    "中文 and English混合text",
    "",
    "   \t\n ",
    "a\u00a0b\u3000c\u2028d\u200be\ufefff",
    "nul\x00 bell\x07 gone\ufffd",
    "😀 fine 👍🏽 👨\u200d👩\u200d👧",
    "cafe\u0301 x\u0302 \u0301alone",
    "ﬁne ｆｕｌｌ Ⅷ … ß ǅ İstanbul ΣΑΣ",
    "한국어 ไทยภาษา हिन्दी العربية жИзнь",
    "[MASK] [SEP] [CLS] [PAD] [UNK] <S> ##s ##a",
    "$9.99 (50%) a_b@c.de #tag",
    "a" * 100,
    "a" * 101,
    "é" * 100 + " " + "é" * 101 + " 好",
    "ж" * 60 + "й" * 41 + "!ok " + "ก" * 34,
    "x" * 1000,
    "ab" * 50 + "好" + "ab" * 51,
]


def reference(vocabulary: list[str], lower_case: bool) -> Tokenizer:
    ids = {token: index for index, token in enumerate(vocabulary)}
    tokenizer = Tokenizer(
        WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100)
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lower_case)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def assert_equal_ids(
    texts: list[str], vocabulary: list[str], lower_case: bool
) -> None:
    tokenizer = reference(vocabulary, lower_case)
    inputs = BertInputs(vocabulary, 5000, lower_case=lower_case)
    features = inputs(texts)
    rows = tf.ragged.boolean_mask(
        features["token_ids"], features["padding_mask"]
    ).to_list()
    begin, end = vocabulary.index("[CLS]"), vocabulary.index("[SEP]")
    for text, ids in zip(texts, rows, strict=True):
        assert ids == [begin, *tokenizer.encode(text).ids, end], repr(text)


@pytest.mark.parametrize("lower_case", [True, False])
def test_chosen_texts(lower_case: bool) -> None:
    assert_equal_ids(TEXTS, VOCABULARY, lower_case)


@pytest.mark.parametrize("lower_case", [True, False])
def test_random_texts(lower_case: bool) -> None:
    generator = random.Random(7)
    alphabet = [
        *LETTERS,
        *"  .,!#'[]\t\u0301\u200d\u3000\ufffd\x01",
        *TEXTS[:9],
    ]
    texts = [
        "".join(generator.choices(alphabet, k=generator.randrange(40)))
        for _ in range(600)
    ]
    assert_equal_ids(texts, VOCABULARY, lower_case)


@pytest.mark.parametrize("lower_case", [True, False])
def test_chinese_vocabulary(lower_case: bool) -> None:
    path = SHARED / "data" / "vocab_bert_zh" / "vocab.txt"
    if not path.is_file():
        pytest.skip(f"the published Chinese vocabulary is not at {path}")
    vocabulary = load_vocabulary(path)
    assert_equal_ids(TEXTS, vocabulary, lower_case)


@pytest.mark.parametrize("split", ["wordpiece", "character"])
def test_special_tokens_in_a_text_are_text(split: str) -> None:
    inputs = BertInputs(VOCABULARY, 64, lower_case=False, split=split)
    features = inputs([" ".join(SPECIAL_TOKENS)])
    ids = features["token_ids"][0].numpy().tolist()
    assert ids[0] == inputs.cls_id and ids[-1] == inputs.sep_id
    special = set(inputs.special_ids) - {inputs.unknown_id}
    assert not special & set(ids[1:-1])
