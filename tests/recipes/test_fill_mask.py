"""Predictions for [MASK] compared with logits of rows built by hand."""

import io
import json
from pathlib import Path

import keras
import numpy as np
import pytest
from contracts.random_weights import randomized
from recipe_files import load_recipe

from keras_ctx import models, text, training

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TOKENS = {
    "wordpiece": [*SPECIAL, "the", "river", "bank", "##s", "is", ".", "ba"],
    "character": [*SPECIAL, *"河岸银行很美好"],
}
POSITIONS = 12


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Returns runs of pretrain_bert.py by the `split` of their text."""
    parent, found = tmp_path_factory.mktemp("runs"), {}
    for split, tokens in TOKENS.items():
        encoder = models.bert_encoder(len(tokens), 2, 2, 8, 12, POSITIONS)
        model = randomized(models.bert_pretrainer(encoder))
        found[split] = parent / split
        training.save_model(model, parent / split / "pretrainer.keras")
        # Its length and padding are ignored.
        inputs = text.BertInputs(tokens, 5, split=split, padding="max_length")
        text.save_inputs(inputs, parent / split / "text_inputs.json")
    return found


def fill(**arguments) -> dict:
    recipe = load_recipe("fill_mask")
    return recipe.main(recipe.Config(**{"batch_size": 2, **arguments}))


def records(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def by_hand(folder: Path, row: str) -> list[np.ndarray]:
    """Returns probabilities of all words at each [MASK] of a row."""
    split, tokens = folder.name, row.split()
    ids = np.array([[TOKENS[split].index(t) for t in tokens]])
    places = [place for place, t in enumerate(tokens) if t == "[MASK]"]
    model = keras.saving.load_model(folder / "pretrainer.keras")
    outputs = model(
        {
            "token_ids": ids,
            "segment_ids": 0 * ids,
            "padding_mask": ids >= 0,
            "masked_positions": np.array([places]),
        }
    )
    logits = np.asarray(outputs["masked_lm"], "float64")[0]
    exponentials = np.exp(logits - logits.max(-1, keepdims=True))
    return list(exponentials / exponentials.sum(-1, keepdims=True))


def assert_filled(masks: list, expected: list[np.ndarray], split: str) -> None:
    assert len(masks) == len(expected)
    for found, probabilities in zip(masks, expected, strict=True):
        order = np.argsort(-probabilities)[: len(found)]
        assert [x["token"] for x in found] == [TOKENS[split][i] for i in order]
        np.testing.assert_allclose(
            [x["probability"] for x in found],
            probabilities[order],
            rtol=0,
            atol=1e-6,
        )


def test_answers_by_hand(
    folders: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text(
        "The [MASK] banks [MASK].\n"
        "\n"
        "the river\n"
        "[MASK]\n"
        "the bank[MASK] is the river the bank is [MASK] the [MASK]\n"
        f"{'the ' * 20}[MASK]\n"
        "[mask] is a word\n"
    )
    output = tmp_path / "new" / "filled.jsonl"
    results = fill(
        init=folders["wordpiece"], input=texts, output=output, top_k=3
    )
    assert results == {"num_texts": 6, "num_masks": 5, "num_problems": 4}
    found = records(output)
    assert [each["line"] for each in found] == [1, 3, 4, 5, 6, 7]
    assert [each["text"] for each in found] == [
        line for line in texts.read_text().splitlines() if line
    ]
    rows = {
        0: "[CLS] the [MASK] bank ##s [MASK] . [SEP]",
        2: "[CLS] [MASK] [SEP]",
        # Cut to twelve tokens: two masks are cut off.
        3: "[CLS] the bank [MASK] is the river the bank is [MASK] [SEP]",
    }
    for number, row in rows.items():
        expected = by_hand(folders["wordpiece"], row)
        assert_filled(found[number]["masks"], expected, "wordpiece")
        assert all(len(mask) == 3 for mask in found[number]["masks"])
    assert [each["problem"] for each in found] == [
        None,
        "there is no [MASK] in it",
        None,
        "1 of 3 [MASK] are beyond the 12 tokens that the encoder reads",
        "1 of 1 [MASK] are beyond the 12 tokens that the encoder reads",
        "there is no [MASK] in it",
    ]
    assert found[1]["masks"] == found[4]["masks"] == found[5]["masks"] == []
    shown = capsys.readouterr().out
    best = found[0]["masks"][1][0]
    assert "1: The [MASK] banks [MASK].\n" in shown
    assert (
        f"  [MASK] 2 {100 * best['probability']:6.2f} %  {best['token']}\n"
        in shown
    )
    assert "  left out: 1 of 3 [MASK] are beyond" in shown
    *_, names, numbers, _, _, made = shown.partition("Next:")[0].splitlines()
    assert names.split() == ["texts", "[MASK]", "problems"]
    assert numbers.split() == ["6", "5", "4"] and made == f"  {output}"


@pytest.mark.slow
def test_chinese_characters_from_the_standard_input(
    folders: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "sys.stdin", io.StringIO("河[MASK]很美\r\n\n[MASK]行\n")
    )
    output = tmp_path / "filled.jsonl"
    fill(init=folders["character"], output=output, top_k=12)
    found = records(output)
    assert [each["line"] for each in found] == [1, 3]
    for each, row in zip(
        found,
        ("[CLS] 河 [MASK] 很 美 [SEP]", "[CLS] [MASK] 行 [SEP]"),
        strict=True,
    ):
        expected = by_hand(folders["character"], row)
        assert_filled(each["masks"], expected, "character")
        total = sum(answer["probability"] for answer in each["masks"][0])
        assert total == pytest.approx(1, abs=1e-5)


def test_texts_of_the_command_line(folders: dict[str, Path]) -> None:
    # Only texts without [MASK], and no file to write.
    results = fill(init=folders["wordpiece"], text=("the", "bank"))
    assert results == {"num_texts": 2, "num_masks": 0, "num_problems": 2}


def test_failed_run_leaves_the_old_file(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    texts, output = tmp_path / "texts.txt", tmp_path / "filled.jsonl"
    texts.write_bytes(b"[MASK]\n[MASK]\n\xff\n")
    output.write_text("old")
    with pytest.raises(ValueError, match="line 3: byte 0 is not UTF-8"):
        fill(init=folders["wordpiece"], input=texts, output=output)
    assert output.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2


def test_bad_arguments(folders: dict[str, Path], tmp_path: Path) -> None:
    config = load_recipe("fill_mask").Config
    for name in ("top_k", "batch_size"):
        with pytest.raises(ValueError, match=f"`{name}` must be at least 1"):
            config(**{name: 0})
    with pytest.raises(ValueError, match="`text` and `input` must not be"):
        config(text=("a",), input=tmp_path)
    with pytest.raises(ValueError, match="`top_k` must be at most 12, .*=13"):
        fill(init=folders["wordpiece"], text=("[MASK]",), top_k=13)
    encoder = models.bert_encoder(9, 1, 2, 8, 12, POSITIONS)
    training.save_model(encoder, tmp_path / "encoder.keras")
    with pytest.raises(ValueError, match="`folder` must hold pretrainer.keras"):
        fill(init=tmp_path, text=("[MASK]",))
