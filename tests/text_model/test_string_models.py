"""Text inputs as a layer on strings, in Keras and raw TensorFlow."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from text_model.tiny_models import INPUTS, TEXTS, encoder, text_model

from keras_ctx import models, text
from keras_ctx.text_model import StringModel, TextLayer

FORMS = {
    "numpy": np.array(TEXTS),
    "objects": np.array(TEXTS, object),
    "tensor": tf.constant(TEXTS),
    "list": TEXTS,
}


@pytest.mark.quick("list")
@pytest.mark.parametrize("form", FORMS)
def test_texts_are_taken_in_every_form(form: str) -> None:
    model = text_model("classification")
    expected = model.model(INPUTS(TEXTS))["logits"]
    whole = model.as_keras_model()
    found = whole.predict(FORMS[form], batch_size=2, verbose=0)["logits"]
    # A batch with less padding, in a graph.
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(whole(FORMS[form])["logits"], expected, 1e-5)


def test_pairs_have_two_inputs() -> None:
    model = text_model("pair")
    whole = model.as_keras_model()
    assert sorted(whole.input) == ["text", "text_pair"]
    given = {"text": np.array(["a", "b c"]), "text_pair": np.array(["d", ""])}
    found = whole.predict(given, verbose=0)["logits"]
    expected = model.model(INPUTS(["a", "b c"], ["d", ""]))["logits"]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def other_inputs() -> dict:
    """Returns encoders whose text inputs have a table or distinct words."""
    words = text.WordInputs(["<S>", "</S>", "<UNK>", "a", "b"])
    elmo = models.elmo_encoder([(1, 4)], 6, 4, max_characters=8)
    return {
        "bert": (encoder(), INPUTS),
        "words": (models.elmo_word_encoder(5, 6, 4), words),
        "distinct": (
            models.distinct_words(elmo),
            text.ElmoInputs(8, distinct=True),
        ),
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind",
    [
        "bert",
        *(
            pytest.param(x, marks=pytest.mark.slow)
            for x in ("words", "distinct")
        ),
    ],
)
def test_saved_and_exported(kind: str, tmp_path: Path) -> None:
    made, inputs = other_inputs()[kind]
    texts = keras.Input((), dtype="string", name="text")
    features = TextLayer(inputs, name="text_inputs")(texts)
    model = keras.Model(texts, models.classifier(made, 2)(features))
    given = np.array(["a b", "", "b a c"], object)
    expected = model.predict(given, verbose=0)["logits"]
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        again.predict(given, verbose=0)["logits"], expected
    )
    model.export(tmp_path / "served", verbose=False)
    script = (
        "import sys, numpy as np, tensorflow as tf, tensorflow_text\n"
        "served = tf.saved_model.load(sys.argv[1])\n"
        "ask = served.signatures['serving_default']\n"
        "found = ask(text=tf.constant(['a b', '', 'b a c']))['logits']\n"
        "assert 'keras_ctx' not in sys.modules\n"
        "np.save(sys.argv[2], found.numpy())\n"
    )
    subprocess.run(
        [
            *(sys.executable, "-c", script),
            *(str(tmp_path / "served"), str(tmp_path / "found.npy")),
        ],
        check=True,
    )
    np.testing.assert_allclose(
        np.load(tmp_path / "found.npy"), expected, atol=1e-6
    )


@pytest.mark.slow
def test_it_loads_after_the_import_alone(tmp_path: Path) -> None:
    text_model("classification").as_keras_model().save(tmp_path / "m.keras")
    script = (
        "import sys, numpy as np, keras, keras_ctx\n"
        "assert 'keras_ctx.text' not in sys.modules\n"
        "model = keras.saving.load_model(sys.argv[1])\n"
        "print(model.predict(np.array(['a b']), verbose=0)['logits'].shape)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "m.keras")],
        check=True,
        capture_output=True,
        text=True,
    )
    assert found.stdout == "(1, 3)\n"


@pytest.mark.slow
def test_it_fits_on_strings() -> None:
    texts = keras.Input((), dtype="string", name="text")
    outputs = models.classifier(encoder(), 2)(TextLayer(INPUTS)(texts))
    model = StringModel(texts, outputs["logits"])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss)
    model.fit(np.array(TEXTS), np.zeros(len(TEXTS)), verbose=0)
    assert model.evaluate(np.array(TEXTS), np.zeros(len(TEXTS)), verbose=0) > 0


def test_what_is_no_text_is_refused() -> None:
    layer = TextLayer(INPUTS)
    with pytest.raises(ValueError, match="`text` must be strings"):
        layer(keras.Input((3,), name="x"))
    with pytest.raises(ValueError, match="`inputs` must be one of"):
        TextLayer(object())
