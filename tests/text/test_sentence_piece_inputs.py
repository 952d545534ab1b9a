"""SentencePiece's rows beside the `sentencepiece` library."""

import io
from typing import Any

import numpy as np
import pytest
import sentencepiece
import tensorflow as tf

from keras_ctx.text import (
    SentencePieceInputs,
    load_inputs,
    save_inputs,
    sentence_piece_model,
)

CORPUS = [
    "A man in a blue shirt is standing on a ladder cleaning a window.",
    "Ein Mann in einem blauen Hemd steht auf einer Leiter und putzt.",
    "Two young, white males are outside near many bushes.",
    "Zwei junge weiße Männer sind im Freien in der Nähe vieler Büsche.",
] * 4
TEXTS = [*CORPUS[:4], "", "  two   blanks ", "unbekannt: ŷ 北京", "A"]


@pytest.fixture(scope="module")
def model() -> bytes:
    return sentence_piece_model(CORPUS, 120)


@pytest.fixture(scope="module")
def library(model) -> sentencepiece.SentencePieceProcessor:
    processor = sentencepiece.SentencePieceProcessor()
    processor.LoadFromSerializedProto(model)
    return processor


def rows(features: dict) -> list[list[int]]:
    ids, mask = (np.asarray(features[x]) for x in ("token_ids", "padding_mask"))
    assert (ids[~mask] == 0).all()
    return [x[y].tolist() for x, y in zip(ids, mask, strict=True)]


def test_ids_and_texts_equal_the_library(model, library) -> None:
    inputs = SentencePieceInputs(model)
    found = rows(inputs(TEXTS))
    assert found == [[*library.EncodeAsIds(x), 3] for x in TEXTS]
    back = inputs.decode(inputs(TEXTS)["token_ids"]).numpy()
    expected = [library.DecodeIds(library.EncodeAsIds(x)) for x in TEXTS]
    assert [x.decode() for x in back] == expected


def test_rows(model, library) -> None:
    inputs = SentencePieceInputs(model, 6, start_id=2)
    ids = library.EncodeAsIds(TEXTS[0])
    assert rows(inputs(TEXTS[:1])) == [[2, *ids[:4], 3]]
    pair = SentencePieceInputs(model)
    one, two = (library.EncodeAsIds(x) for x in ("A man", "two"))
    assert rows(pair(["A man"], ["two"])) == [[*one, 3, *two, 3]]
    assert pair.num_tokens(["A man"]).numpy().tolist() == [len(one) + 1]


def test_words_equal_the_text(model) -> None:
    inputs = SentencePieceInputs(model)
    words = [x.split() for x in CORPUS[:4]]
    assert rows(inputs(tf.ragged.constant(words))) == rows(inputs(CORPUS[:4]))
    index = inputs.word_index(tf.ragged.constant(words)).numpy()
    for row, of_row in zip(index, words, strict=True):
        assert sorted({*row.tolist()}) == [-1, *range(len(of_row))]
    labels = inputs.align_labels(
        tf.ragged.constant([["A", "ladder"]]), [[7, 8]]
    ).numpy()[0]
    assert labels[labels >= 0].tolist() == [7, 8]


def test_an_empty_word_has_a_position(model) -> None:
    inputs = SentencePieceInputs(model)
    words = tf.ragged.constant([["A", "", "man"]])
    assert inputs.word_lengths(words).numpy().tolist()[0][1] == 1


def test_saved_in_a_file_and_in_a_graph(model, tmp_path) -> None:
    inputs = SentencePieceInputs(model, 40)
    save_inputs(inputs, tmp_path / "inputs.json")
    loaded = load_inputs(tmp_path / "inputs.json")
    assert loaded.get_config() == inputs.get_config()
    assert rows(loaded(TEXTS)) == rows(inputs(TEXTS))
    module: Any = tf.Module()
    module.call = tf.function(
        inputs, input_signature=[tf.TensorSpec([None], tf.string)]
    )
    module.back = tf.function(
        inputs.decode, input_signature=[tf.TensorSpec([None, None], tf.int32)]
    )
    module.tables = [*inputs.tables]
    tf.saved_model.save(module, str(tmp_path / "saved"))
    served = tf.saved_model.load(str(tmp_path / "saved"))
    features = served.call(tf.constant(TEXTS))
    assert rows(features) == rows(inputs(TEXTS))
    np.testing.assert_array_equal(
        served.back(features["token_ids"]), inputs.decode(features["token_ids"])
    )


def test_a_model_without_padding() -> None:
    file = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS),
        model_writer=file,
        vocab_size=78,
        minloglevel=2,
    )
    inputs = SentencePieceInputs(file.getvalue())
    assert (inputs.pad_id, inputs.end_id, inputs.unknown_id) == (0, 2, 0)


def test_nothing_is_unknown_with_bytes() -> None:
    inputs = SentencePieceInputs(sentence_piece_model(CORPUS, 2000))
    ids = inputs(["北京 ŷ"])["token_ids"]
    assert inputs.decode(ids).numpy()[0].decode() == "北京 ŷ"
    assert inputs.unknown_id not in ids.numpy()


ERRORS = [
    ({"model": b"no model"}, "`model` must be the bytes of a SentencePiece"),
    ({"model": "%%%"}, "`model` must be the bytes .* base64"),
    ({"max_length": 3}, "`max_length` must be None or an integer of at least"),
    ({"end_id": 999}, "`end_id` must be a token, from 0 to"),
    ({"start_id": -1}, "`start_id` must be a token, from 0 to"),
]


@pytest.mark.parametrize(("options", "message"), ERRORS)
def test_refusals(model, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SentencePieceInputs(**{"model": model, **options})


def test_refused_training() -> None:
    with pytest.raises(ValueError, match="`texts` must have text"):
        sentence_piece_model([], 100)
    with pytest.raises(ValueError, match="`vocabulary_size` must be"):
        sentence_piece_model(CORPUS, 4)
    with pytest.raises(ValueError, match="`normalization` must be one of"):
        sentence_piece_model(CORPUS, 100, normalization="full")  # pyright: ignore


@pytest.mark.parametrize(
    ("rule", "written"), [("nmt_nfkc", "你好?"), ("identity", "你好？")]
)
def test_full_width_characters_come_back_as_learnt(rule, written) -> None:
    learnt = sentence_piece_model(["你好？"] * 9, 12, normalization=rule)
    inputs = SentencePieceInputs(learnt)
    found = inputs.decode(inputs(["你好？"])["token_ids"]).numpy()
    assert found[0].decode("utf-8") == written
