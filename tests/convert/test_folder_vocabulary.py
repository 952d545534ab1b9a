"""The vocabulary and the casing, from any file of a folder."""

import json
import shutil
from pathlib import Path

import keras_hub
import pytest
from bert_files import write_json

from keras_ctx.convert import vocabulary

GOLDEN = Path(__file__).parents[1] / "golden" / "huggingface"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LOWER = [*SPECIAL, "<S>", "the", "##s", "猫", "é"]
CAPITALS = [*SPECIAL, "The", "##s"]
UNCASED = {"do_lower_case": True}


def write(folder: Path, tokens: list[str], **files: dict) -> Path:
    folder.mkdir(exist_ok=True)
    text = "".join(f"{token}\n" for token in tokens)
    (folder / "vocab.txt").write_text(text, encoding="utf-8")
    for name, content in files.items():
        write_json(folder / f"{name}.json", content)
    return folder


def normalizer(lowercase: bool) -> dict:
    return {"normalizer": {"type": "BertNormalizer", "lowercase": lowercase}}


def sequence(*kinds: str) -> dict:
    parts = [{"type": kind} for kind in kinds]
    return {"normalizer": {"type": "Sequence", "normalizers": parts}}


@pytest.mark.parametrize(
    ("tokens", "files", "lower_case"),
    [
        # Each of these overrides those below it.
        (LOWER, {"config": {"_name_or_path": "bert-base-cased"}}, False),
        (CAPITALS, {"config": {"_name_or_path": "x/bert-uncased"}}, True),
        (LOWER, {"tokenizer": normalizer(False)}, False),
        (CAPITALS, {"tokenizer": sequence("NFD", "Lowercase")}, True),
        (LOWER, {"tokenizer": sequence("NFC")}, False),
        (CAPITALS, {"tokenizer": {"config": {"lowercase": True}}}, True),
        (
            CAPITALS,
            {
                "tokenizer": normalizer(True),
                "config": {"_name_or_path": "bert-base-cased"},
            },
            True,
        ),
        (
            CAPITALS,
            {
                "tokenizer_config": {"do_lower_case": True},
                "tokenizer": normalizer(False),
            },
            True,
        ),
        (
            LOWER,
            {"tokenizer_config": {"name_or_path": "bert-base-cased"}},
            False,
        ),
    ],
)
def test_casing(
    tokens: list[str], files: dict, lower_case: bool, tmp_path: Path
) -> None:
    folder = write(tmp_path / "bert", tokens, **files)
    assert vocabulary(folder) == (tokens, lower_case, folder / "vocab.txt")


@pytest.mark.parametrize(
    ("own", "lower_case", "told"),
    [
        ([], True, "0 of the 28 .* texts are lower-cased.*: false"),
        # Words added to an uncased vocabulary do not make it cased.
        (["COVID"], True, "1 of the 29 .* texts are lower-cased"),
        (["COVID", "McKinsey"], True, "2 of the 30 .* texts are lower-cased"),
        # Special tokens are not words.
        (["[E1]", "<USER>", "[unused1]"], True, "0 of the 28"),
        # Single capital letters are not added words.
        ([*"ABCDE"], False, "5 of the 33 .* texts are cased.*: true"),
        ([*"АБВГД"], False, "5 of the 33 .* texts are cased"),
        (["猫", "銀行"], True, "0 of the 28"),
    ],
)
def test_casing_that_no_file_says_is_guessed_and_said(
    own: list[str], lower_case: bool, told: str, tmp_path: Path
) -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    tokens = [*SPECIAL, *letters, "the", "##s", *own]
    folder = write(tmp_path / "bert", tokens)
    with pytest.warns(UserWarning, match=told) as caught:
        assert vocabulary(folder).lower_case is lower_case
    assert caught[0].filename == __file__
    # A single capital counts as one word, however few others there are.
    folder = write(tmp_path / "few", [*SPECIAL, "The", "猫"])
    with pytest.warns(UserWarning, match="1 of the 1 tokens"):
        assert vocabulary(folder).lower_case


@pytest.mark.parametrize(
    ("name", "lower_case"),
    [("cased_L-12_H-768_A-12", False), ("uncased_L-2_H-128_A-2", True)],
)
def test_casing_by_the_name_of_the_folder(
    name: str, lower_case: bool, tmp_path: Path
) -> None:
    # Google's archives have it only there.
    tokens = LOWER if not lower_case else CAPITALS
    assert vocabulary(write(tmp_path / name, tokens)).lower_case is lower_case


def test_tokenizer_of_transformers(tmp_path: Path) -> None:
    expected = (GOLDEN / "vocab.txt").read_text(encoding="utf-8").split("\n")
    tokens, lower_case, path = vocabulary(GOLDEN)
    assert tokens == expected[:-1]
    assert lower_case
    assert path == GOLDEN / "vocab.txt"
    shutil.copy(GOLDEN / "tokenizer.json", tmp_path)
    assert vocabulary(tmp_path) == (tokens, True, tmp_path / "tokenizer.json")


def test_tokens_that_were_added(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        LOWER,
        added_tokens={"new": len(LOWER)},
        tokenizer_config=UNCASED,
    )
    assert vocabulary(folder).tokens == [*LOWER, "new"]
    (folder / "vocab.txt").unlink()
    (folder / "added_tokens.json").unlink()
    content = {
        "model": {"type": "WordPiece", "vocab": {"a": 1, "b": 0}},
        "added_tokens": [
            {"id": 2, "content": "new"},
            {"id": 1, "content": "a"},
        ],
    }
    write_json(folder / "tokenizer.json", content)
    assert vocabulary(folder).tokens == ["b", "a", "new"]


def test_preset_of_keras_hub(tmp_path: Path) -> None:
    for lowercase in (True, False):
        tokenizer = keras_hub.models.BertTokenizer(LOWER, lowercase=lowercase)
        tokenizer.save_to_preset(tmp_path)
        tokens, lower_case, path = vocabulary(tmp_path)
        assert tokens == LOWER
        assert lower_case is lowercase
        assert path == tmp_path / "assets" / "tokenizer" / "vocabulary.txt"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config", {"vocab_size": 9}),
        ("bert_config", {"vocab_size": 9}),
        ("config", {"config": {"vocabulary_size": 9}}),
    ],
)
def test_more_tokens_than_rows(
    name: str, content: dict, tmp_path: Path
) -> None:
    files = {name: content, "tokenizer_config": UNCASED}
    folder = write(tmp_path, LOWER, **files)
    with pytest.raises(ValueError, match="has 10 tokens.* of 9"):
        vocabulary(folder)


def test_fewer_tokens_than_rows(tmp_path: Path) -> None:
    files = {"config": {"vocab_size": 16}, "tokenizer_config": UNCASED}
    folder = write(tmp_path, LOWER, **files)
    with pytest.warns(UserWarning, match="has 10 tokens.* of 16") as caught:
        assert vocabulary(folder).tokens == LOWER
    assert caught[0].filename == __file__


def test_vocabularies_of_other_models(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"vocab\.txt.*tokenizer\.json"):
        vocabulary(tmp_path)
    content = {"model": {"type": "BPE", "vocab": {"a": 0}}}
    write_json(tmp_path / "tokenizer.json", content)
    with pytest.raises(ValueError, match="with the model 'BPE'"):
        vocabulary(tmp_path)
    content = {"model": {"type": "WordPiece", "vocab": {"a": 0, "b": 2}}}
    write_json(tmp_path / "tokenizer.json", content)
    with pytest.raises(ValueError, match="with 2 tokens and ids up to 2"):
        vocabulary(tmp_path)
    (tmp_path / "tokenizer.json").write_text(json.dumps([1]))
    with pytest.raises(ValueError, match="must hold one JSON object"):
        vocabulary(tmp_path)
