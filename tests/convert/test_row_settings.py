"""Warnings if a checkpoint's own tokenizer builds rows differently."""

from pathlib import Path
from typing import Any

import pytest
from bert_files import arrays, as_torch, config, write_huggingface, write_json
from tokenizers import BertWordPieceTokenizer, Tokenizer

from keras_ctx import convert

TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijkl"]
TEXT = "a b c d"


def write(folder: Path, settings: Any) -> Tokenizer:
    write_huggingface(folder, as_torch(arrays()), config())
    write_json(
        folder / "tokenizer_config.json", {"do_lower_case": True, **settings}
    )
    ids = {token: place for place, token in enumerate(TOKENS)}
    tokenizer = BertWordPieceTokenizer(ids)
    return Tokenizer.from_str(tokenizer.to_str())


def first_row(folder: Path) -> list[int]:
    inputs = convert.load_text_inputs(folder, max_length=4)
    return inputs([TEXT])["token_ids"].numpy()[0].tolist()


@pytest.mark.parametrize("file", ["tokenizer.json", "tokenizer_config.json"])
def test_texts_that_are_cut_at_their_beginning(
    file: str, tmp_path: Path
) -> None:
    in_config = file == "tokenizer_config.json"
    settings = {"truncation_side": "left"} if in_config else {}
    tokenizer = write(tmp_path, settings)
    sides = ("right", "left") if in_config else ("left", "right")
    rows = []
    for side in sides:
        tokenizer.enable_truncation(4, direction=side)
        if not rows:
            tokenizer.save(str(tmp_path / "tokenizer.json"))
        rows.append(tokenizer.encode(TEXT).ids)
    with pytest.warns(UserWarning, match=f'{file}: .*truncation.* is "left"'):
        found = first_row(tmp_path)
    # As the warning says, the row keeps the other side.
    assert found == rows[sides.index("right")] != rows[sides.index("left")]


def test_texts_that_are_cut_at_their_end(tmp_path: Path) -> None:
    tokenizer = write(tmp_path, {"truncation_side": "right"})
    tokenizer.enable_truncation(4)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    assert first_row(tmp_path) == tokenizer.encode(TEXT).ids


def test_pairs_without_segments(tmp_path: Path) -> None:
    names = {"model_input_names": ["input_ids", "attention_mask"]}
    write(tmp_path, names).save(str(tmp_path / "tokenizer.json"))
    with pytest.warns(UserWarning, match="no token_type_ids: .* segment 0"):
        convert.load_text_inputs(tmp_path)
    names["model_input_names"].append("token_type_ids")
    write(tmp_path, names).save(str(tmp_path / "tokenizer.json"))
    convert.load_text_inputs(tmp_path)  # a warning would be an error


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"truncation_side": "middle"}, '"left" or "right"'),
        ({"truncation_side": 1}, '"left" or "right"'),
        ({"model_input_names": "input_ids"}, "a list"),
    ],
)
def test_settings_of_another_kind(
    settings: Any, told: str, tmp_path: Path
) -> None:
    write(tmp_path, settings).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(ValueError, match=f"must be {told}"):
        convert.load_text_inputs(tmp_path)
