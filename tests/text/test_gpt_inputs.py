"""The rows of GPT's text inputs: ids by hand, words, pairs, a saved graph."""

import functools
import json
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_ctx.text import (
    GPTInputs,
    byte_letters,
    inputs_from_config,
    load_inputs,
    save_inputs,
)

END = "<|endoftext|>"
TOKENS = [*byte_letters(), "he", "Ġhe", END]
HE, BLANK_HE, END_ID = 256, 257, 258


@functools.cache
def inputs(max_length: int = 12, **options) -> GPTInputs:
    return GPTInputs(TOKENS, ["h e", "Ġ he"], max_length, **options)


def rows(features: dict) -> list[list[int]]:
    """Returns the real tokens; the others must be padding behind them."""
    ids, mask = (np.asarray(features[x]) for x in ("token_ids", "padding_mask"))
    lengths = mask.sum(axis=1)
    assert (mask == (np.arange(mask.shape[1]) < lengths[:, None])).all()
    assert (ids[~mask] == END_ID).all()
    return [x[:n].tolist() for x, n in zip(ids, lengths, strict=True)]


def test_rows() -> None:
    text = ["he he!", "eh", ""]
    plain = [[HE, BLANK_HE, ord("!")], [ord("e"), ord("h")], []]
    assert rows(inputs()(text)) == plain
    framed = [[END_ID, *x, END_ID] for x in plain]
    assert rows(inputs(add_start=True, add_end=True)(text)) == framed
    assert rows(inputs(add_start=True)(text)) == [x[:-1] for x in framed]


def test_pairs() -> None:
    found = rows(inputs(add_end=True)(["he", "he"], ["eh", "he"]))
    assert found == [
        [HE, END_ID, ord("e"), ord("h"), END_ID],
        [HE, END_ID, HE, END_ID],
    ]


def test_long_texts_are_cut_at_the_end() -> None:
    assert rows(inputs(5)(["abcdefg"])) == [[*map(ord, "abcde")]]
    found = rows(inputs(5, add_start=True, add_end=True)(["abcdefg"]))
    assert found == [[END_ID, *map(ord, "abc"), END_ID]]
    found = rows(inputs(6)(["abcdefg"], ["xyz"]))
    assert found == [[*map(ord, "abc"), END_ID, *map(ord, "xy")]]


def test_end_token_in_a_text_is_text() -> None:
    assert END_ID not in rows(inputs(40)([END]))[0]


def test_words_equal_the_text() -> None:
    words = tf.ragged.constant([["he", "he!"], ["a"]])
    assert rows(inputs()(words)) == rows(inputs()(["he he!", "a"]))
    found = inputs().words(["he  he!"])
    assert found.words.to_list() == [[b"he", b"he!"]]
    assert found.starts.to_list() == [[0, 4]]


def test_positions_of_words() -> None:
    words = tf.ragged.constant([["ab", "he!"], ["", "c"]])
    found = inputs(add_start=True)
    assert found.word_lengths(words).to_list() == [[2, 2], [1, 2]]
    assert found.word_index(words).numpy().tolist() == [
        [-1, -1, 0, -1, 1],
        [-1, 0, -1, 1, -1],
    ]
    assert found.word_index(["x"], words[:1]).numpy().tolist() == [
        [-1, -1, -1, -1, 0, -1, 1]
    ]
    assert found.num_tokens(words).numpy().tolist() == [5, 4]
    assert found.num_tokens(["ab"], ["c"]).numpy().tolist() == [5]


def test_labels_stand_at_the_last_token_of_a_word() -> None:
    words = tf.ragged.constant([["ab", "he"]])
    found = inputs(add_start=True).align_labels(words, [[5, 6]], ignore=-9)
    assert found.numpy().tolist() == [[-9, -9, 5, 6]]


def test_special_positions() -> None:
    assert inputs().special_positions() == 0
    framed = inputs(add_start=True, add_end=True)
    assert framed.special_positions() == 2
    assert framed.special_positions(num_texts=2) == 3
    assert framed.leading_positions() == 1


def test_tokens_and_text() -> None:
    found = inputs(add_end=True)
    assert found.tokens(["he é", ""]).numpy().tolist() == [
        [b"he", b" ", *["\ufffd".encode()] * 2, END.encode()],
        [END.encode(), b"", b"", b"", b""],
    ]
    features = inputs()(["he é", "x"])
    text = inputs().decode(features["token_ids"], features["padding_mask"])
    assert [x.decode() for x in text.numpy()] == ["he é", "x"]
    assert found.decode([[HE, END_ID]]).numpy() == [b"he" + END.encode()]


def test_saved_in_a_file_and_in_a_graph(tmp_path) -> None:
    found = inputs(add_start=True)
    save_inputs(found, tmp_path / "inputs.json")
    loaded = load_inputs(tmp_path / "inputs.json")
    assert loaded.get_config() == found.get_config()
    module: Any = tf.Module()
    module.call = tf.function(
        found, input_signature=[tf.TensorSpec([None], tf.string)]
    )
    module.back = tf.function(
        found.decode,
        input_signature=[tf.TensorSpec([None, None], tf.int32)],
    )
    tf.saved_model.save(module, str(tmp_path / "saved"))
    served = tf.saved_model.load(str(tmp_path / "saved"))
    texts = ["he he!", "北京 's", ""]
    assert rows(served.call(tf.constant(texts))) == rows(found(texts))
    assert served.back(tf.constant([[HE, 33]])).numpy() == [b"he!"]


def test_in_a_dataset() -> None:
    dataset = tf.data.Dataset.from_tensor_slices(["he", "he he"]).batch(2)
    (features,) = dataset.map(inputs())
    assert rows(features) == [[HE], [HE, BLANK_HE]]


ERRORS = [
    ({"max_length": 3}, "`max_length` must be an integer of at least 4"),
    ({"max_length": 4.0}, "`max_length` must be an integer"),
    ({"end_token": "</s>"}, "`end_token` must be a token .*'</s>'"),
    ({"vocabulary": [*TOKENS, "he"]}, "each token once. .* twice: \\['he'\\]"),
    ({"vocabulary": TOKENS[1:]}, "a token for every byte"),
    ({"merges": ["h"]}, "`merges` must hold pairs .* 'h' at index 0"),
    ({"merges": ["x y"]}, "belong to different models"),
]


@pytest.mark.parametrize(("options", "message"), ERRORS)
def test_refusals(options: dict, message: str) -> None:
    arguments = {
        "vocabulary": TOKENS,
        "merges": ["h e", "Ġ he"],
        "max_length": 8,
        **options,
    }
    with pytest.raises(ValueError, match=message):
        GPTInputs(**arguments)


@pytest.mark.parametrize("text", ["he", [["a"], "b"], [1, 2]])
def test_texts_of_another_kind_are_refused(text) -> None:
    with pytest.raises((ValueError, TypeError)):
        inputs()(text)


def test_a_file_cannot_name_a_path(tmp_path) -> None:
    saved = {"class": "GPTInputs", "config": inputs().get_config()}
    saved["config"]["merges"] = "merges.txt"
    with pytest.raises(ValueError, match="`merges` must be a list of tokens"):
        inputs_from_config(json.loads(json.dumps(saved)))
