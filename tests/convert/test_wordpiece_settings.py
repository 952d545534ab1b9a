"""`load_text_inputs` follows the tokenizer's files: ids equal those of the
`tokenizers` library, eagerly and in a graph."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from bert_files import (
    arrays,
    as_torch,
    config,
    write_huggingface,
    write_json,
)
from tokenizers import BertWordPieceTokenizer, Tokenizer

from keras_ctx import convert, text

LETTERS = "abcdefghijklmnopqrstuvwxyzüöäßéñış"
VOCABULARY = [
    *text.SPECIAL_TOKENS,
    *LETTERS,
    *(f"##{letter}" for letter in LETTERS),
    *"ABÖİİ銀行。.,[]",
    *"##行 ##ö ##İ möchte mochte schön schon Möchte 銀行 i̇".split(),
]
VOCABULARY = list(dict.fromkeys(VOCABULARY))
TEXTS = [
    "Möchte schön, scho\u0308n ÖA İstanbul ışık",
    "銀行。銀 行x行 a銀行b",
    "AÑO\u00a0año\t ß ẞ\u0301 B\x00\ufffd ΣΑΣ",
    "",
    "行" * 100 + " " + "行" * 101,
]


def write(folder: Path, config_says: Any, tokenizer: Any) -> Path:
    """Writes a checkpoint with the settings in either or both files."""
    rows = len(VOCABULARY)
    named = arrays()
    table = named["embeddings/word_embeddings"]
    named["embeddings/word_embeddings"] = table[[0] * rows]
    write_huggingface(folder, as_torch(named), config(vocab_size=rows))
    if tokenizer is not None:
        tokenizer.save(str(folder / "tokenizer.json"))
    if config_says is not None:
        tokens = "".join(f"{token}\n" for token in VOCABULARY)
        (folder / "vocab.txt").write_text(tokens, encoding="utf-8")
        write_json(folder / "tokenizer_config.json", config_says)
    return folder


def reference(**options: Any) -> BertWordPieceTokenizer:
    ids = {token: place for place, token in enumerate(VOCABULARY)}
    return BertWordPieceTokenizer(ids, **options)


def assert_equal_ids(inputs: Any, tokenizer: Any, graph: bool = False) -> None:
    # Without a limit: the encoder's positions do not matter here.
    long = {**inputs.get_config(), "max_length": 300}
    inputs = text.BertInputs.from_config(json.loads(json.dumps(long)))
    wanted = [tokenizer.encode(each).ids for each in TEXTS]
    found = (tf.function(inputs) if graph else inputs)(tf.constant(TEXTS))
    rows = tf.ragged.boolean_mask(found["token_ids"], found["padding_mask"])
    assert rows.to_list() == wanted
    # Its own words instead of the text give the same.
    words = inputs.words(TEXTS).words
    found = inputs(words)
    rows = tf.ragged.boolean_mask(found["token_ids"], found["padding_mask"])
    assert rows.to_list() == wanted
    shown = inputs.tokens(TEXTS)
    assert shown.shape == found["token_ids"].shape
    pieces = (shown != "").numpy().sum(1).tolist()
    assert pieces == [len(row) for row in wanted]


QUICK = [
    # file, lower_case, strip_accents, tokenize_chinese_chars
    ("tokenizer_config.json", True, False, False),
    ("tokenizer_config.json", False, True, True),
    ("tokenizer.json", True, False, True),
    ("tokenizer.json", False, None, False),
]
EVERY = itertools.product(
    ["tokenizer_config.json", "tokenizer.json"],
    [True, False],
    [None, True, False],
    [True, False],
)


@pytest.mark.parametrize(
    ("file", "lower_case", "strip_accents", "chinese"),
    [
        pytest.param(*each, marks=() if each in QUICK else pytest.mark.slow)
        for each in EVERY
    ],
)
def test_accents_and_ideographs(
    file: str,
    lower_case: bool,
    strip_accents: bool | None,
    chinese: bool,
    tmp_path: Path,
) -> None:
    tokenizer = reference(
        lowercase=lower_case,
        strip_accents=strip_accents,
        handle_chinese_chars=chinese,
    )
    says = {
        "do_lower_case": lower_case,
        "strip_accents": strip_accents,
        "tokenize_chinese_chars": chinese,
    }
    named = file == "tokenizer_config.json"
    folder = write(
        tmp_path, says if named else None, None if named else tokenizer
    )
    inputs = convert.load_text_inputs(folder)
    assert isinstance(inputs, text.BertInputs)
    assert inputs.lower_case is lower_case
    # Building a graph takes a second: only for odd cases.
    odd = strip_accents is not None and not chinese
    assert_equal_ids(inputs, tokenizer, graph=named and odd)


def test_either_file_adds_what_the_other_leaves_out(tmp_path: Path) -> None:
    # German, as published: one file sets the case, the other the accents.
    tokenizer = reference(lowercase=True, strip_accents=False)
    folder = write(tmp_path, {"do_lower_case": True}, tokenizer)
    assert_equal_ids(convert.load_text_inputs(folder), tokenizer)
    # If they disagree, the configuration wins, as in `transformers`.
    write_json(
        folder / "tokenizer_config.json",
        {"do_lower_case": True, "strip_accents": True},
    )
    with pytest.warns(UserWarning, match="`strip_accents` is true in"):
        inputs = convert.load_text_inputs(folder)
    assert_equal_ids(inputs, reference(lowercase=True))


def test_case_folded_beside_the_normalizer(tmp_path: Path) -> None:
    # BertNormalizer keeps accents by its own flag only.
    folder = write(tmp_path, None, reference(lowercase=False))
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text("utf-8"))
    parts = [content["normalizer"], {"type": "Lowercase"}]
    content["normalizer"] = {"type": "Sequence", "normalizers": parts}
    write_json(path, content)
    tokenizer = Tokenizer.from_file(str(path))
    assert_equal_ids(convert.load_text_inputs(folder), tokenizer)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("normalizer", {"type": "NFC"}, r"BertNormalizer.*Received: \['NFC'\]"),
        ("normalizer", None, "BertNormalizer.*Received: None"),
        (
            "normalizer",
            {
                "type": "Sequence",
                "normalizers": [{"type": "NFD"}, {"type": "BertNormalizer"}],
            },
            r"BertNormalizer.*\['NFD', 'BertNormalizer'\]",
        ),
        (
            "normalizer",
            {"type": "BertNormalizer", "clean_text": False},
            "`clean_text` true",
        ),
        (
            "normalizer",
            {"type": "BertNormalizer", "strip_accents": "no"},
            "`strip_accents` must be true or false. Received: 'no'",
        ),
        ("pre_tokenizer", {"type": "Whitespace"}, r"BertPreTok.*'Whitespace'"),
        ("continuing_subword_prefix", "@@", "must be '##'.*'@@'"),
        ("max_input_chars_per_word", 200, "must be 100.*200"),
    ],
)
def test_tokenizers_of_another_kind_are_refused(
    key: str, value: Any, told: str, tmp_path: Path
) -> None:
    folder = write(tmp_path, {"do_lower_case": True}, reference())
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text("utf-8"))
    place = content if key in content else content["model"]
    place[key] = value
    write_json(path, content)
    with pytest.raises(ValueError, match=f"tokenizer.json: .*{told}"):
        convert.load_text_inputs(folder)


def test_arguments_out_of_range() -> None:
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"strip_accents": "no"}, "`strip_accents` must be True or False, or"),
        ({"tokenize_chinese_chars": None}, "must be True or False. Received"),
        ({"split": "character", "strip_accents": False}, "must be left out"),
    )
    for arguments, told in cases:
        with pytest.raises(ValueError, match=told):
            text.BertInputs(VOCABULARY, 9, **arguments)


def test_old_files_stay_equal() -> None:
    usual = text.BertInputs(VOCABULARY, 9).get_config()
    assert not {"strip_accents", "tokenize_chinese_chars"} & set(usual)
