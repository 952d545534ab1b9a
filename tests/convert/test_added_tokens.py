"""Added tokens, from any file of a checkpoint that lists them."""

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
from tokenizers import AddedToken, BertWordPieceTokenizer

from keras_ctx import convert, text

LETTERS = "abcdefghijklmnopqrstuvwxyz[]<>_12."
VOCABULARY = [
    *text.SPECIAL_TOKENS,
    *LETTERS,
    *(f"##{letter}" for letter in LETTERS),
    "[unused1]",
]
ADDED = [
    AddedToken("[E1]", special=True, normalized=False),
    AddedToken("[unused1]", special=True, normalized=False),
    AddedToken("<user>", normalized=False, single_word=True),
    AddedToken("COVID"),
    AddedToken("http_url", lstrip=True),
]
TEXTS = [
    "[E1] rome [e1]",
    "a <user> b<user>c <USER>",
    "COVID bad covids",
    "see http_url now [unused1]",
    "[unused1][E1]",
]


def reference(added: list[AddedToken]) -> BertWordPieceTokenizer:
    ids = {token: place for place, token in enumerate(VOCABULARY)}
    tokenizer = BertWordPieceTokenizer(ids, lowercase=True)
    tokenizer.add_special_tokens([each for each in added if each.special])
    tokenizer.add_tokens([each for each in added if not each.special])
    return tokenizer


def write(folder: Path, added: list[AddedToken], **files: Any) -> Path:
    own = [each for each in added if each.content not in VOCABULARY]
    rows = len(VOCABULARY) + len(own)
    named = arrays()
    table = named["embeddings/word_embeddings"]
    named["embeddings/word_embeddings"] = table[[0] * rows]
    content = config(vocab_size=rows, max_position_embeddings=9)
    write_huggingface(folder, as_torch(named), content)
    files = {"tokenizer_config": {"do_lower_case": True}, **files}
    for name, content in files.items():
        write_json(folder / f"{name}.json", content)
    tokens = "".join(f"{token}\n" for token in VOCABULARY)
    (folder / "vocab.txt").write_text(tokens, encoding="utf-8")
    return folder


def assert_equal_ids(folder: Path, tokenizer: BertWordPieceTokenizer) -> None:
    inputs = convert.load_text_inputs(folder)
    long = {**inputs.get_config(), "max_length": 64}
    inputs = text.BertInputs.from_config(long)
    found = inputs(TEXTS)
    rows = tf.ragged.boolean_mask(found["token_ids"], found["padding_mask"])
    for each, ids in zip(TEXTS, rows.to_list(), strict=True):
        assert ids == tokenizer.encode(each).ids, each


def as_dict(token: AddedToken) -> dict[str, Any]:
    keys = ("content", "lstrip", "normalized", "rstrip", "single_word")
    found = {key: getattr(token, key) for key in keys}
    return {**found, "special": token.special}


@pytest.mark.parametrize("plain", [True, False])
def test_tokenizer_json(plain: bool, tmp_path: Path) -> None:
    tokenizer = reference(ADDED)
    folder = write(tmp_path, ADDED)
    tokenizer.save(str(folder / "tokenizer.json"))
    if not plain:
        (folder / "vocab.txt").unlink()
    assert_equal_ids(folder, tokenizer)


def test_added_tokens_decoder(tmp_path: Path) -> None:
    tokenizer = reference(ADDED)
    decoder = {
        str(tokenizer.token_to_id(each.content)): as_dict(each)
        for each in ADDED
    }
    says = {"do_lower_case": True, "added_tokens_decoder": decoder}
    folder = write(tmp_path, ADDED, tokenizer_config=says)
    assert_equal_ids(folder, tokenizer)


def test_added_tokens_json_and_special_ones(tmp_path: Path) -> None:
    # A token that is only named has the default flags of the library.
    added = [*ADDED[:2], *map(AddedToken, ("<user>", "COVID", "http_url"))]
    tokenizer = reference(added)
    ids = {
        each.content: tokenizer.token_to_id(each.content)
        for each in added
        if each.content not in VOCABULARY
    }
    folder = write(
        tmp_path,
        added,
        added_tokens=ids,
        special_tokens_map={
            "cls_token": "[CLS]",
            "additional_special_tokens": ["[E1]", {"content": "[unused1]"}],
        },
    )
    assert_equal_ids(folder, tokenizer)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"added_tokens": {"new": "x"}}, "added_tokens.json: .*id.*'x'"),
        ({"added_tokens": {"a": 99}}, "'a' with id 99, but id 5 in"),
        (
            {"special_tokens_map": {"additional_special_tokens": [3]}},
            "special_tokens_map.json: an added token must have its spelling",
        ),
        (
            {"tokenizer": {"model": {}, "added_tokens": ["x", {"id": 3}]}},
            r"tokenizer.json: an added token must have its spelling.*'id': 3",
        ),
        (
            {
                "tokenizer_config": {
                    "added_tokens_decoder": {"9": {"content": "x", "lstrip": 1}}
                }
            },
            "`lstrip` true or false",
        ),
    ],
)
def test_files_that_are_damaged(files: dict, told: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=told):
        convert.load_text_inputs(write(tmp_path, [], **files))


def test_more_added_tokens_than_rows(tmp_path: Path) -> None:
    folder = write(tmp_path, [], added_tokens={"new": len(VOCABULARY)})
    with pytest.raises(ValueError, match="not have more tokens than the emb"):
        convert.load_text_inputs(folder)


@pytest.mark.parametrize("file", ["tokenizer_config", "special_tokens_map"])
def test_special_tokens_by_any_name(file: str, tmp_path: Path) -> None:
    theirs = ["<pad>", "<unk>", "<s>", "</s>", "<mask>"]
    keys = ["pad_token", "unk_token", "cls_token", "sep_token", "mask_token"]
    says: dict[str, Any] = dict(zip(keys, theirs, strict=True))
    says["mask_token"] = {"content": "<mask>", "lstrip": True}
    files = {file: {"do_lower_case": True, **says}}
    folder = write(tmp_path, [], **files)
    tokens = [*VOCABULARY[5:], *theirs]
    content = "\ufeff" + "".join(f"{token}\n" for token in tokens)
    (folder / "vocab.txt").write_text(content, encoding="utf-8")
    ids = {token: place for place, token in enumerate(tokens)}
    tokenizer = BertWordPieceTokenizer(
        ids, unk_token="<unk>", sep_token="</s>", cls_token="<s>"
    )
    inputs = convert.load_text_inputs(folder)
    assert isinstance(inputs, text.BertInputs)
    assert inputs.pad_id == ids["<pad>"]
    assert inputs.mask_id == ids["<mask>"]
    rows = inputs(["rome é好", "a"])["token_ids"].numpy().tolist()
    wanted = [tokenizer.encode(each).ids for each in ("rome é好", "a")]
    fill = [ids["<pad>"]] * (len(wanted[0]) - len(wanted[1]))
    assert rows == [wanted[0], wanted[1] + fill]


def test_special_tokens_that_only_tokenizer_json_names(tmp_path: Path) -> None:
    folder = write(tmp_path, [])
    tokens = ["<unk>", "<s>", "</s>", "[PAD]", "[MASK]", *VOCABULARY[5:]]
    (folder / "vocab.txt").unlink()
    ids = {token: place for place, token in enumerate(tokens)}
    tokenizer = BertWordPieceTokenizer(
        ids, unk_token="<unk>", sep_token="</s>", cls_token="<s>"
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    inputs = convert.load_text_inputs(folder)
    rows = inputs(["rome é"])["token_ids"].numpy().tolist()
    assert rows == [tokenizer.encode("rome é").ids]


def test_names_that_change_places(tmp_path: Path) -> None:
    # "[CLS]" exists, but the model does not use it.
    says = {"do_lower_case": True, "cls_token": "[unused1]"}
    folder = write(tmp_path, [], tokenizer_config=says)
    tokens = convert.vocabulary(folder).tokens
    assert tokens.index("[CLS]") == VOCABULARY.index("[unused1]")
    assert tokens.index("[unused1]") == VOCABULARY.index("[CLS]")
    says = {"do_lower_case": True, "cls_token": 7}
    write_json(folder / "tokenizer_config.json", says)
    with pytest.raises(ValueError, match="`cls_token` must be the spelling"):
        convert.vocabulary(folder)
