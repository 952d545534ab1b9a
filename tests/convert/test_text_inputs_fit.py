"""Text inputs of another encoder, and encoders inside other models."""

from pathlib import Path

import keras
import numpy as np
import pytest

from keras_ctx import convert, models, text

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TOKENS = [*SPECIAL, "a", "b", "c"]


def bert(vocabulary_size: int = 8) -> keras.Model:
    return models.bert_encoder(vocabulary_size, 1, 1, 4, 8, max_length=16)


def elmo() -> keras.Model:
    return models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)


def words(vocabulary_size: int = 5) -> keras.Model:
    return models.elmo_word_encoder(vocabulary_size, 16, 4)


WORDS = ["<S>", "</S>", "<UNK>", "a", "b"]
OF = {
    "token_ids": (bert, lambda: text.BertInputs(TOKENS, 16)),
    "char_ids": (elmo, lambda: text.ElmoInputs(5)),
    "distinct_char_ids": (
        lambda: models.distinct_words(elmo()),
        lambda: text.ElmoInputs(5, distinct=True),
    ),
    "word_ids": (words, lambda: text.WordInputs(WORDS)),
}


@pytest.mark.parametrize("given", OF)
def test_text_inputs_of_another_kind(given: str) -> None:
    inputs = OF[given][1]()
    for taken, (make, _) in OF.items():
        if taken == given:
            encoder = make()
            convert.check_text_inputs(inputs, encoder, "runs/a")
            encoder(inputs(["a b"]))  # They do fit.
            continue
        message = rf"runs/a: .* \(`{taken}`\), .* \(`{given}`\)"
        with pytest.raises(ValueError, match=message) as caught:
            convert.check_text_inputs(inputs, make(), "runs/a")
        advised = '"distinct" to' in str(caught.value)
        assert advised == ({given, taken} == {"char_ids", "distinct_char_ids"})


def test_numbers_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="reads 5 characters.*give 50"):
        convert.check_text_inputs(text.ElmoInputs(50), elmo(), "runs/a")
    inputs = text.BertInputs(TOKENS, 16)
    convert.check_text_inputs(inputs, bert(8), "runs/a")
    # Tables are often padded: only ids beyond the table are wrong.
    convert.check_text_inputs(inputs, bert(9), "runs/a")
    pretrainer = models.bert_pretrainer(bert(7))
    for encoder in (bert(7), pretrainer):
        with pytest.raises(ValueError, match="has 7 rows, .* 8 tokens"):
            convert.check_text_inputs(inputs, encoder, "runs/a")
    convert.check_text_inputs(text.WordInputs(WORDS), words(6), "runs/a")
    with pytest.raises(ValueError, match="has 4 rows, .* 5 tokens"):
        convert.check_text_inputs(text.WordInputs(WORDS), words(4), "runs/a")


def heads(encoder: keras.Model) -> dict[str, keras.Model]:
    return {
        "classifier": models.classifier(encoder, 2),
        "tagger": models.tagger(encoder, 3, "scalar_mix", crf=True),
        "pretrainer": models.bert_pretrainer(encoder),
    }


@pytest.mark.quick("encoder-*")
@pytest.mark.parametrize("name", ["classifier", "tagger", "pretrainer"])
@pytest.mark.parametrize("file", ["encoder", "model"])
def test_a_whole_model_gives_its_encoder(
    name: str, file: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    encoder = bert()
    heads(encoder)[name].save(tmp_path / f"{file}.keras")
    loaded = convert.load_encoder(tmp_path)
    assert "using the trained encoder" in capsys.readouterr().out
    features = text.BertInputs(TOKENS, 16)(["a c", "b"])
    given, expected = loaded(features), encoder(features)
    np.testing.assert_array_equal(given["sequence"], expected["sequence"])
    assert len(given["layers"]) == 2
    # A head on mixed layers has no pooler.
    assert ("pooled" in given) == (name != "tagger")


def test_a_head_on_pooled_needs_a_pooler(tmp_path: Path) -> None:
    models.tagger(bert(), 3).save(tmp_path / "model.keras")
    encoder = convert.load_encoder(tmp_path)
    with pytest.raises(ValueError, match='"last"` needs .* pooled.*scalar_mix'):
        models.classifier(encoder, 2)
    assert models.classifier(encoder, 2, "scalar_mix").built


def test_the_encoder_of_a_frozen_run_can_be_trained(tmp_path: Path) -> None:
    for encoder in (bert(), elmo()):
        model = models.classifier(encoder, 2, "scalar_mix", frozen=True)
        model.save(tmp_path / "model.keras")
        loaded = convert.load_encoder(tmp_path)
        assert len(loaded.trainable_weights) == len(loaded.weights) > 4


@keras.saving.register_keras_serializable("tests")
class Scaled(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(2)

    def call(self, inputs):
        return self.dense(inputs)


def test_a_model_without_an_encoder(tmp_path: Path) -> None:
    inputs = keras.Input((3,))
    flat = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    x = keras.Input((3,), name="x")
    named = keras.Model({"x": x}, {"y": keras.layers.Dense(2)(x)})
    ids = keras.Input((3,), name="token_ids")
    alike = keras.Model({"token_ids": ids}, {"y": keras.layers.Dense(2)(ids)})
    stack = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    subclassed = Scaled()
    subclassed(np.ones((1, 3), "float32"))
    for model in (flat, named, alike, stack, subclassed):
        model.save(tmp_path / "encoder.keras")
        with pytest.raises(
            ValueError, match=r"encoder\.keras: .* encoder of this library"
        ):
            convert.load_encoder(tmp_path)


def test_a_pretrainer_file_without_its_heads(tmp_path: Path) -> None:
    bert().save(tmp_path / "pretrainer.keras")
    with pytest.raises(ValueError, match=r"pretrainer\.keras: .*pooled"):
        convert.load_pretrainer(tmp_path)
    assert "pooled" in convert.load_pretrained(tmp_path).output


def test_pairs_for_an_encoder_of_one_segment() -> None:
    inputs = text.BertInputs(TOKENS, 16)
    one = models.bert_encoder(8, 1, 1, 4, 8, max_length=16, num_segments=1)
    convert.check_text_inputs(inputs, one, "runs/a")  # one text a row
    with pytest.raises(ValueError, match="runs/a: .*two segments.*: 1 "):
        convert.check_text_inputs(inputs, one, "runs/a", pairs=True)
    for encoder, given in (
        (bert(), inputs),
        (models.bert_pretrainer(bert()), inputs),
        (elmo(), text.ElmoInputs(5)),  # its markers stand between two texts
    ):
        convert.check_text_inputs(given, encoder, "runs/a", pairs=True)
