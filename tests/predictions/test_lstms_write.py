"""Texts continued by an AWD-LSTM, from a folder, and served."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from contracts.random_weights import randomized

from keras_ctx import convert, models, serving, text
from keras_ctx.predictions.text_generator import TextGenerator

TEXTS = ["The law is good!", "A LAW is so so so good", "the river"]
TOKENS = text.ulmfit_vocabulary(TEXTS, min_count=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ulmfit")
    encoder = models.awd_lstm_encoder(len(TOKENS), 6, 8, num_layers=2)
    model: Any = models.awd_lstm_language_model(encoder)
    randomized(model).save(path / "language_model.keras")
    text.save_inputs(text.ULMFiTInputs(TOKENS), path / "text_inputs.json")
    return path


def test_a_folder_continues_texts(folder: Path) -> None:
    generate = TextGenerator.from_folder(folder, 12)
    model, inputs = convert.load_causal_language_model(folder)
    found = generate(["The law", ""])
    for prompt, (answer,) in zip(["The law", ""], found, strict=True):
        ids = [inputs.end_id, *inputs.encode([prompt]).numpy()[0]]
        new: list[int] = []
        while len(ids) < 12 and inputs.end_id not in new:
            row = np.array([ids], "int32")
            features = {"token_ids": row, "padding_mask": row >= 0}
            logits = np.asarray(model(features)["next_token"])[0, -1]
            new.append(int(logits.argmax()))
            ids.append(new[-1])
        assert answer["num_tokens"] == len(new)
        (expected,) = inputs.decode([new]).numpy()
        assert answer["text"] == expected.decode()
    assert generate.check("the law " * 10) is not None
    assert TextGenerator.from_folder(folder).max_length == 1024


def test_what_cannot_continue_a_text_is_refused(
    folder: Path, tmp_path: Path
) -> None:
    model, _ = convert.load_causal_language_model(folder)
    backward = text.ULMFiTInputs(TOKENS, backward=True)
    with pytest.raises(ValueError, match="from left to right"):
        TextGenerator(model, backward)
    words: Any = text.WordInputs(["<S>", "</S>", "<UNK>"])
    with pytest.raises(ValueError, match="`text_inputs` must be of a"):
        TextGenerator(model, words)
    text.save_inputs(text.ULMFiTInputs(TOKENS), tmp_path / "text_inputs.json")
    with pytest.raises(FileNotFoundError, match="must hold language_model"):
        convert.load_causal_language_model(tmp_path)


@pytest.mark.slow
def test_an_export_writes_the_same(folder: Path, tmp_path: Path) -> None:
    """The export itself compares it with the model in a fresh process."""
    version = serving.export(
        *convert.load_causal_language_model(folder),
        tmp_path,
        check_texts=["the law"],
        writing=serving.GenerateSettings(max_length=12),
    )
    import tensorflow as tf

    served: Any = tf.saved_model.load(version)
    asked = {
        "prompt": tf.constant(["The law"]),
        "max_length": tf.constant([12]),
        "top_k": tf.constant([1]),
        "seed": tf.constant([0]),
        "num_samples": tf.constant([1]),
        **{x: tf.constant([1.0]) for x in ("temperature", "top_p")},
    }
    found = served.signatures["generate"](**asked)["texts"].numpy()[0, 0]
    (expected,) = TextGenerator.from_folder(folder, 12)(["The law"])
    assert found.decode() == expected[0]["text"]
