"""Common parts of all text inputs: base class, registry, protocol."""

import json
from pathlib import Path

import numpy as np
import pytest

from keras_ctx import text
from keras_ctx.data.text_inputs import TextInputs as DataInputs
from keras_ctx.text.inputs.base import REGISTRY

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
CHARACTERS = ["<bos>", "<eos>", "<oov>", "<pad>", "<bow>", "<eow>", "a", "b"]
INPUTS = {
    "bert": text.BertInputs([*SPECIAL, "a", "b"], 9, padding="max_length"),
    "bert, pad last": text.BertInputs(
        [*SPECIAL[1:], "a", "b", "[PAD]"], 9, split="character"
    ),
    "elmo": text.ElmoInputs(5),
    "elmo, distinct": text.ElmoInputs(5, distinct=True),
    "words": text.WordInputs(["<S>", "</S>", "<UNK>", "a"]),
    "word vectors": text.WordVectorInputs(["a", "b"], "characters"),
    "many langs": text.ElmoForManyLangsInputs(
        CHARACTERS, ["<oov>", "<pad>", "a"], 5
    ),
    "context": text.ContextInputs(
        text.WordVectorInputs(["a", "b"]), text.BertInputs([*SPECIAL, "a"], 9)
    ),
}
every = pytest.mark.parametrize("name", INPUTS)


def test_the_protocol_of_data_is_a_part_of_the_base() -> None:
    asked = {x for x in vars(DataInputs) if not x.startswith("_")}
    asked |= {"__call__"}
    assert len(asked) > 10
    for cls in (text.TextInputs, *REGISTRY.values()):
        assert [x for x in asked if not hasattr(cls, x)] == []


@every
def test_all_are_registered_and_answer_alike(name: str) -> None:
    inputs = INPUTS[name]
    assert isinstance(inputs, text.TextInputs)
    assert REGISTRY[type(inputs).__name__] is type(inputs)
    features = inputs(["a b a", "b", ""])
    assert inputs.input_key in features
    mask = inputs.padding_mask(features).numpy()
    shown = inputs.tokens(["a b a", "b", ""]).numpy()
    np.testing.assert_array_equal(mask, shown != b"")
    if "padding_mask" in features:
        np.testing.assert_array_equal(mask, features["padding_mask"])
    again = inputs.with_settings()
    assert type(again) is type(inputs)
    assert again.get_config() == inputs.get_config()
    assert again is not inputs


@every
def test_special_positions(name: str) -> None:
    is_bert = name.startswith("bert")
    inputs = INPUTS[name]
    # [CLS] a [SEP], or a; [CLS] a [SEP] b [SEP], or a </S> <S> b, or a </s> b.
    assert inputs.special_positions() == (2 if is_bert else 0)
    between = 1 if name in ("word vectors", "context") else 2
    assert inputs.special_positions(2) == (3 if is_bert else between)
    assert inputs.leading_positions() == (1 if is_bert else 0)


@every
def test_what_is_unknown(name: str) -> None:
    inputs = INPUTS[name]
    # A text that is half known; padding and markers do not count.
    found = inputs.unknown(inputs(["a x"]))
    if name.startswith("elmo"):
        assert found is None and inputs.unknown_token is None
        return
    unknown, real = found
    assert (unknown & real).sum() == 1
    assert real.sum() == 2


def test_uncut() -> None:
    assert INPUTS["bert"].uncut().max_length == 9  # the encoder's
    assert INPUTS["bert"].uncut()(["a"])["token_ids"].shape == (1, 3)
    limited = text.ElmoInputs(5, max_length=2, distinct=True).uncut()
    assert limited(["a b c"])["char_ids"].shape == (1, 3, 5)
    limited = INPUTS["words"].with_settings(max_length=2)
    assert limited.uncut()(["a b c"])["word_ids"].shape == (1, 3)


def test_lower_cased() -> None:
    cased = text.BertInputs([*SPECIAL, "é", "e"], 9, lower_case=False)
    ids = cased.lower_cased()(["É"])["token_ids"].numpy().tolist()
    assert ids == [[2, 5, 3]]  # its accent stays, as before
    letters = cased.with_settings(split="character")
    ids = letters.lower_cased()(["É"])["token_ids"].numpy().tolist()
    assert ids == [[2, 5, 3]]
    for name in ("elmo", "words", "many langs", "word vectors"):
        assert INPUTS[name].lower_cased() is INPUTS[name]


def test_registration_is_refused() -> None:
    taken = type("BertInputs", (text.WordInputs,), {})
    with pytest.raises(ValueError, match="a unique name.*BertInputs"):
        text.register_text_inputs(taken)
    assert REGISTRY["BertInputs"] is text.BertInputs
    for other in (int, "BertInputs", INPUTS["elmo"]):
        with pytest.raises(ValueError, match="derives from `TextInputs`"):
            text.register_text_inputs(other)  # pyright: ignore


def test_a_class_that_is_not_registered(tmp_path: Path) -> None:
    class Mine(text.WordInputs):
        pass

    inputs, path = Mine(["<S>", "</S>", "<UNK>"]), tmp_path / "inputs.json"
    with pytest.raises(ValueError, match="must be one of .*Received.*Mine"):
        text.save_inputs(inputs, path)
    assert not path.exists()
    for content in (
        {"class": "Mine", "config": inputs.get_config()},
        {"class": "WordInputs", "config": [1]},
        {"class": ["WordInputs"], "config": inputs.get_config()},
    ):
        path.write_text(json.dumps(content))
        with pytest.raises(
            ValueError, match="Import the module of your own class"
        ):
            text.load_inputs(path)
