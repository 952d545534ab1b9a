"""The text inputs of two encoders, which read the same words."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from keras_ctx import data, text

WORDS = ["new", "newer", "is", "old"]
TEXTS = ["newer is newish", "", "is"]


def of_words(**kwargs) -> text.WordVectorInputs:
    return text.WordVectorInputs(WORDS, **kwargs)


def bert(max_length: int = 20) -> text.BertInputs:
    pieces = [*text.SPECIAL_TOKENS, "new", "##er", "##ish", "is", "old"]
    return text.BertInputs(pieces, max_length)


def gpt(max_length: int = 20) -> text.GPTInputs:
    tokens = [*text.byte_letters(), "Ġi", "Ġis", "<|endoftext|>"]
    return text.GPTInputs(tokens, ["Ġ i", "Ġi s"], max_length)


def inputs(context, **kwargs) -> text.ContextInputs:
    return text.ContextInputs(of_words(**kwargs), context)


def test_two_encoders_of_words() -> None:
    found = inputs(text.ElmoInputs(max_characters=6, distinct=True))(TEXTS)
    assert set(found) == {"word_ids", "context_char_ids"}
    alone = text.ElmoInputs(max_characters=6)(TEXTS)["char_ids"]
    np.testing.assert_array_equal(found["context_char_ids"], alone)
    ids = of_words()(TEXTS)["word_ids"]
    np.testing.assert_array_equal(found["word_ids"], ids)


def test_first_part_of_a_word_in_bert() -> None:
    found = inputs(bert())(TEXTS)
    # [CLS] new ##er is new ##ish [SEP]
    expected = [[1, 3, 4], [0, 0, 0], [1, 0, 0]]
    assert found["context_places"].numpy().tolist() == expected
    shown = bert().tokens(TEXTS).numpy()
    assert [shown[0, i] for i in (1, 3, 4)] == [b"new", b"is", b"new"]


def test_last_part_of_a_word_in_gpt() -> None:
    found = inputs(gpt())(tf.ragged.constant([["ab", "is", "c"], ["is"]]))
    # a b | Ġis | Ġ c, and i s at the beginning of a text
    assert found["context_places"].numpy().tolist() == [[1, 2, 4], [1, 0, 0]]


@pytest.mark.parametrize("max_length", [4, 5, 6, 20])
def test_words_behind_the_end_are_left_out(max_length: int) -> None:
    made = inputs(bert(max_length))
    words = tf.ragged.constant([["newer", "is", "newish"], ["is"]])
    # Without [CLS] and [SEP]; the first part of "newish" is the fourth.
    left = {4: 1, 5: 2, 6: 3, 20: 3}[max_length]
    found = made(words)
    assert found["word_ids"].shape == (2, left)
    assert found["context_places"].shape == (2, left)
    assert len(found["context_token_ids"][0]) <= max_length
    index = made.word_index(words).numpy()
    assert index[0].tolist() == list(range(left))
    labels = made.align_labels(words, [[7, 8, 9], [6]]).numpy()
    assert labels[0].tolist() == [7, 8, 9][:left]
    assert labels[1].tolist() == [6, -1, -1][:left]
    assert made.num_tokens(words).numpy().tolist() == [3, 1]
    # [CLS] new ##er is new ##ish [SEP]
    assert made.is_cut(words).numpy().tolist() == [max_length < 7, False]
    assert made.is_cut(words, width=1).numpy().tolist() == [
        max_length < 7,
        False,
    ]
    texts = ["newer is newish", "is"]
    rows = data.LabelledTexts(Path("a.tsv"), [1, 2], texts, None, ["x", "y"])
    assert data.cut_texts_notes({"dev": rows}, made) == [
        f"dev: 1 of 2 texts are longer than {max_length} tokens of the second "
        "encoder and are cut."
    ] * (max_length < 7)
    sentences = [["newer", "is", "newish"], ["is"]]
    assert data.cut_words(sentences, made) == (3 - left, int(left < 3))
    # A word is cut off: none has moved to the place of another.
    alone = bert(max_length).tokens(words).numpy()
    places = found["context_places"].numpy()
    parts = [alone[0, i] for i in places[0]]
    assert parts == [b"new", b"is", b"new"][:left]


def test_the_limit_of_the_words_holds_for_both() -> None:
    made = inputs(text.ElmoInputs(max_characters=6), max_length=2)
    found = made(TEXTS)
    assert [x.shape[1] for x in found.values()] == [2, 2]
    assert made.uncut().max_length is None
    assert made.with_settings(max_length=1)(TEXTS)["word_ids"].shape[1] == 1


def test_a_pair_is_one_row() -> None:
    made = inputs(text.ElmoInputs(max_characters=6))
    found = made(["new old"], ["is"])
    assert found["word_ids"].shape == found["context_char_ids"].shape[:2]
    assert found["word_ids"].shape == (1, 4)
    assert not inputs(bert()).takes_pairs
    with pytest.raises(ValueError, match="`text_pair` must be None"):
        inputs(bert())(["new"], ["old"])


def test_saved_and_loaded(tmp_path) -> None:
    made = inputs(bert(7), max_length=5, unknown="classes")
    text.save_inputs(made, tmp_path / "inputs.json")
    loaded = text.load_inputs(tmp_path / "inputs.json")
    assert type(loaded) is text.ContextInputs
    assert loaded.get_config() == made.get_config()
    dataset = tf.data.Dataset.from_tensors(TEXTS).map(loaded)
    for found in dataset:
        for key, x in made(TEXTS).items():
            np.testing.assert_array_equal(found[key], x)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((bert(), bert()), "`word_inputs` must have one position for each"),
        ((inputs(bert()), bert()), "`word_inputs` must have one position"),
        ((of_words(), inputs(bert())), "`context_inputs` must be"),
        ((of_words(), "elmo"), "`context_inputs` must be"),
        (
            (text.ElmoInputs(distinct=True), bert()),
            "`word_inputs` must give each word at its position",
        ),
    ],
)
def test_refused(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        text.ContextInputs(*arguments)
