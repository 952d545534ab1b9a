"""Several files of one tokenizer, and differences between them."""

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from bert_files import arrays, as_torch, config, write_huggingface, write_json
from tokenizers import BertWordPieceTokenizer, Tokenizer

from keras_ctx import convert, text

WORDS = "the The café cafe bank ##s of river mo ##ney b a"
TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS.split()]
TEXTS = ["The Café of the banks", "money"]
CLS, SEP = ({"SpecialToken": {"id": x, "type_id": 0}} for x in TOKENS[2:4])


def sequence(name: str, segment: int) -> dict[str, Any]:
    return {"Sequence": {"id": name, "type_id": segment}}


def write(
    folder: Path,
    lower: bool = True,
    vocabulary: list[str] | None = None,
    settings: dict[str, Any] | None = None,
    changed: dict[str, Any] | None = None,
) -> Tokenizer:
    """Writes a BERT with both vocabulary files; returns a reference."""
    write_huggingface(folder, as_torch(arrays(), "bert."), config())
    ids = {token: place for place, token in enumerate(TOKENS)}
    BertWordPieceTokenizer(ids, lowercase=lower).save(
        str(folder / "tokenizer.json")
    )
    content = json.loads((folder / "tokenizer.json").read_text())
    write_json(folder / "tokenizer.json", {**content, **(changed or {})})
    if vocabulary is not None:
        lines = "".join(f"{token}\n" for token in vocabulary)
        (folder / "vocab.txt").write_text(lines, encoding="utf-8")
    write_json(folder / "tokenizer_config.json", settings or {})
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def ids_of(folder: Path) -> list[list[int]]:
    inputs = convert.load_text_inputs(folder)
    found = inputs(tf.constant(TEXTS))
    return tf.ragged.boolean_mask(
        found["token_ids"], found["padding_mask"]
    ).to_list()


def test_case_that_two_files_say_otherwise_is_told(tmp_path: Path) -> None:
    write(tmp_path, lower=False, settings={"do_lower_case": True})
    with pytest.warns(UserWarning, match="`do_lower_case` is true in token.*"):
        inputs = convert.load_text_inputs(tmp_path)
    assert isinstance(inputs, text.BertInputs) and inputs.lower_case


def test_accents_that_two_files_say_otherwise_are_told(tmp_path: Path) -> None:
    settings = {"strip_accents": True}
    tokenizer = write(tmp_path, settings=settings)
    content = json.loads(tokenizer.to_str())
    content["normalizer"]["strip_accents"] = False
    write_json(tmp_path / "tokenizer.json", content)
    with pytest.warns(UserWarning, match="`strip_accents` is true in token"):
        inputs = convert.load_text_inputs(tmp_path)
    assert isinstance(inputs, text.BertInputs)
    assert inputs.strip_accents is True


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize(
    "kind", ["PreTrainedTokenizerFast", "TokenizersBackend"]
)
def test_classes_that_read_tokenizer_json_alone(
    kind: str, lower: bool, tmp_path: Path
) -> None:
    settings = {
        "tokenizer_class": kind,
        "do_lower_case": not lower,
        "strip_accents": not lower,
    }
    tokenizer = write(tmp_path, lower, settings=settings)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = ids_of(tmp_path)
    assert found == [tokenizer.encode(each).ids for each in TEXTS]


def test_two_vocabularies_of_other_ids_are_refused(tmp_path: Path) -> None:
    changed = [*TOKENS[:-2], TOKENS[-1], TOKENS[-2]]
    write(tmp_path, vocabulary=changed)
    message = r"vocab\.txt and tokenizer\.json must give.*id 15 is 'b' in"
    with pytest.raises(ValueError, match=message):
        convert.load_text_inputs(tmp_path)
    # The advice of the error works.
    (tmp_path / "vocab.txt").rename(tmp_path / "old.txt")
    convert.load_text_inputs(tmp_path)


def test_tokens_that_vocab_txt_lacks(tmp_path: Path) -> None:
    tokenizer = write(tmp_path, vocabulary=TOKENS[:-4])
    found = ids_of(tmp_path)
    assert found == [tokenizer.encode(each).ids for each in TEXTS]
    assert found[1][1:-1] == [TOKENS.index("mo"), TOKENS.index("##ney")]


@pytest.mark.parametrize(
    ("single", "pair"),
    [
        ([CLS, sequence("A", 0)], [CLS, sequence("A", 0), sequence("B", 1)]),
        (
            [CLS, sequence("A", 0), SEP],
            [CLS, sequence("A", 0), SEP, sequence("B", 0), SEP],
        ),
        (
            [CLS, sequence("A", 0), SEP],
            [CLS, sequence("B", 0), SEP, sequence("A", 0), SEP],
        ),
    ],
)
def test_rows_of_another_template_are_refused(
    single: Any, pair: Any, tmp_path: Path
) -> None:
    processor = {
        "type": "TemplateProcessing",
        "single": single,
        "pair": pair,
        "special_tokens": {
            name: {"id": name, "ids": [place], "tokens": [name]}
            for place, name in enumerate(TOKENS[2:4], 2)
        },
    }
    write(tmp_path, changed={"post_processor": processor})
    with pytest.raises(
        ValueError, match="`post_processor` must build the rows"
    ):
        convert.load_text_inputs(tmp_path)


def test_rows_of_bert_by_a_template(tmp_path: Path) -> None:
    end = {"SpecialToken": {"id": "[SEP]", "type_id": 1}}
    processor = {
        "type": "TemplateProcessing",
        "single": [CLS, sequence("A", 0), SEP],
        "pair": [CLS, sequence("A", 0), SEP, sequence("B", 1), end],
        "special_tokens": {
            name: {"id": name, "ids": [place], "tokens": [name]}
            for place, name in enumerate(TOKENS[2:4], 2)
        },
    }
    tokenizer = write(tmp_path, changed={"post_processor": processor})
    assert ids_of(tmp_path) == [tokenizer.encode(each).ids for each in TEXTS]
    pair = tokenizer.encode("the bank", "of")
    row = convert.load_text_inputs(tmp_path)(["the bank"], ["of"])
    assert row["token_ids"].numpy()[0].tolist() == pair.ids
    assert row["segment_ids"].numpy()[0].tolist() == pair.type_ids


def test_rows_without_marks_are_told(tmp_path: Path) -> None:
    """As saved by `BertWordPieceTokenizer` after training."""
    write(tmp_path, changed={"post_processor": None})
    with pytest.warns(UserWarning, match="no `post_processor`"):
        convert.load_text_inputs(tmp_path)


@pytest.mark.parametrize(
    ("file", "changed", "told"),
    [
        ("tokenizer_config.json", {"do_lower_case": "false"}, "true or false"),
        ("tokenizer_config.json", {"do_lower_case": 0}, "true or false"),
        ("tokenizer_config.json", {"added_tokens_decoder": [1]}, "an object"),
        ("tokenizer_config.json", {"additional_special_tokens": 5}, "a list"),
        ("tokenizer.json", {"post_processor": [1]}, "an object"),
        ("tokenizer.json", {"padding": 3}, "an object"),
        ("tokenizer.json", {"added_tokens": {"a": 1}}, "a list"),
        (
            "tokenizer.json",
            {"normalizer": {"type": "Sequence", "normalizers": 5}},
            "a list",
        ),
        (
            "tokenizer.json",
            {"model": {"type": "WordPiece", "vocab": ["a", "b"]}},
            "an object",
        ),
        (
            "tokenizer.json",
            {"model": {"type": "WordPiece", "vocab": {"a": "x"}}},
            "an integer of at least 0",
        ),
        ("config.json", {"architectures": 5}, "a list"),
    ],
)
def test_values_of_another_kind(
    file: str, changed: dict[str, Any], told: str, tmp_path: Path
) -> None:
    write(tmp_path)
    content = json.loads((tmp_path / file).read_text())
    write_json(tmp_path / file, {**content, **changed})
    with pytest.raises(ValueError, match=rf"{file}: .* must be {told}"):
        convert.load_text_inputs(tmp_path)


def test_another_model_beside_a_vocab_txt(tmp_path: Path) -> None:
    vocabulary = {token: place for place, token in enumerate(TOKENS)}
    model = {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"}
    write(tmp_path, vocabulary=TOKENS, changed={"model": model})
    with pytest.raises(ValueError, match="must be WordPiece.*'WordLevel'"):
        convert.load_text_inputs(tmp_path)


def test_the_defaults_of_text_inputs_are_those_of_the_witness() -> None:
    """The list here is the vocabulary of the model with 17 rows."""
    assert len(TOKENS) == len(set(TOKENS)) == 17
    assert text.BertInputs(TOKENS, 9).vocabulary_size == 17
