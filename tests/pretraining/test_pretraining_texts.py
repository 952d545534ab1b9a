"""Conversion of texts to tokens and words for the encoder."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from keras_ctx import data, models, pretraining, text, training

LINES = ["the river bank", " a  bank\u3000river ", "河岸 上有树"]


def elmo(folder: Path, **options) -> pretraining.ElmoPretrainingOptions:
    output = folder / "run"
    return pretraining.ElmoPretrainingOptions(output=output, **options)


@pytest.mark.parametrize("split", ["character", "whitespace"])
def test_lines_are_cut_as_the_text_inputs_cut_them(
    split: str, tmp_path: Path
) -> None:
    cut = pretraining.line_splitter(elmo(tmp_path, split=split))
    inputs = text.ElmoInputs(8, split=split)
    for line in LINES:
        (row,) = inputs.tokens(tf.constant([line])).numpy()
        assert cut(line) == [token.decode() for token in row if token]


def test_words_of_a_run_go_before_those_of_the_corpus(tmp_path: Path) -> None:
    corpus = tmp_path / "a.txt"
    corpus.write_text("b a b\nb a c\n")
    options = {"corpus": corpus, "split": "whitespace", "vocabulary_size": 4}
    found = pretraining.predicted_words(elmo(tmp_path, **options))
    assert found == ["<S>", "</S>", "<UNK>", "b"]
    given = ["<S>", "</S>", "<UNK>", "z", "b"]
    text.save_vocabulary(given, tmp_path / "words.txt")
    options["init"] = tmp_path
    assert pretraining.predicted_words(elmo(tmp_path, **options)) == given


def test_a_language_model_that_is_continued_keeps_its_weights(
    tmp_path: Path,
) -> None:
    encoder = models.elmo_encoder([(1, 4)], 6, 4, max_characters=8)
    model = models.elmo_language_model(encoder, 4)
    training.save_model(model, tmp_path / "language_model.keras")
    words = ["<S>", "</S>", "<UNK>", "a"]
    text.save_vocabulary(words, tmp_path / "words.txt")
    assert pretraining.load_elmo_start(elmo(tmp_path)) is None
    found = pretraining.load_elmo_start(elmo(tmp_path, init=tmp_path))
    assert found is not None
    for one, other in zip(found.weights, model.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def bert(folder: Path, **options) -> pretraining.BertPretrainingOptions:
    output = folder / "run"
    return pretraining.BertPretrainingOptions(output=output, **options)


def test_tokens_of_records_go_before_those_of_the_options(
    tmp_path: Path,
) -> None:
    tokens = [*text.SPECIAL_TOKENS, "a", "B"]
    inputs = text.BertInputs(tokens, 24, lower_case=False)
    text.save_inputs(inputs, tmp_path / "text_inputs.json")
    options = bert(
        tmp_path,
        records=tmp_path,
        pair_length=9,
        max_length=30,
        lower_case=True,
    )
    found = pretraining.bert_text_inputs(options)
    expected = {**inputs.get_config(), "max_length": 30}
    assert found.get_config() == expected
    rows = pretraining.pair_text_inputs(options, found)(["a"], ["B"])
    ids = [2, 5, 3, 6, 3, 0, 0, 0, 0]  # [CLS] a [SEP] B [SEP]
    np.testing.assert_array_equal(rows["token_ids"], [ids])


def test_a_corpus_of_other_letters_is_warned_of(tmp_path: Path) -> None:
    corpus = tmp_path / "a.txt"
    corpus.write_text("河岸上有树\n" * 9, encoding="utf-8")
    tokens = [*text.SPECIAL_TOKENS, "a"]
    inputs = text.BertInputs(tokens, 24, split="character")
    with pytest.warns(UserWarning, match="a.txt"):
        pretraining.warn_unknown_tokens(bert(tmp_path, corpus=corpus), inputs)


def test_shards_of_texts_that_changed_in_the_same_process(
    tmp_path: Path,
) -> None:
    """A writer with cached text inputs reads those of a new run."""
    settings = data.RecordSettings("bert", "character", max_length=9)
    writer = pretraining.ShardWriter(tmp_path, settings)
    for letter in "ab":
        tokens = [*text.SPECIAL_TOKENS, letter]
        inputs = text.BertInputs(tokens, 9, split="character")
        text.save_inputs(inputs, tmp_path / "text_inputs.json")
        # As passed to another process.
        found = pickle.loads(pickle.dumps(writer)).text_inputs
        assert list(found.vocabulary) == tokens


def test_held_out_sentences_are_each_read_once(tmp_path: Path) -> None:
    path = tmp_path / "held_out.txt"
    words = ["<S>", "</S>", "<UNK>", "a", "b"]
    path.write_text("\n".join(["a b", "", "b", "x a b a"] * 30))
    inputs = text.ElmoInputs(5, split="whitespace")
    batches = pretraining.sentence_batches(path, inputs, words)
    for _ in range(2):
        seen = [
            tuple(row[:count])
            for features, weights in batches()
            for row, count in zip(
                features["forward_targets"].numpy(),
                (weights.numpy() > 0).sum(1),
                strict=True,
            )
        ]
        # Ids of the words, then the end marker.
        rows = [(3, 4, 1), (4, 1), (2, 3, 4, 3, 1)]
        assert sorted(seen) == sorted(rows * 30)
