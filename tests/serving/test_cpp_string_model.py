"""A Keras model of strings, exported by Keras itself, answers in C++."""

from pathlib import Path

import keras
import numpy as np
from cpp_server import serve

from keras_ctx import TextModel, models, text

TEXTS = ["a b", "", "b a 很好"]


def test_string_model_answers_without_python(
    serve_requests: Path, tmp_path: Path
) -> None:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "很"]
    inputs = text.BertInputs(words, 8)
    keras.utils.set_random_seed(3)
    encoder = models.bert_encoder(
        *(len(words), 1, 2, 8, 16, 8), block_initializer_range=0.5
    )
    model = TextModel(models.classifier(encoder, 2), inputs, ["bad", "good"])
    whole = model.as_keras_model()
    whole.export(tmp_path / "1", verbose=False)
    expected = whole.predict(np.array(TEXTS), verbose=0)["logits"]
    run = serve(
        serve_requests, tmp_path / "1", [("serving_default", {"text": TEXTS})]
    )
    assert run.status == 0, run.log
    [answer] = run.answers
    assert not isinstance(answer, str), answer
    np.testing.assert_allclose(answer["logits"], expected, atol=1e-6)
