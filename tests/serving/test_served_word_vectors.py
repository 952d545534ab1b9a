"""Served word vectors are those of fastText, without Keras."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from convert.word_vector_files import (
    SHARED,
    WORDS,
    expected_vector,
    fasttext_of,
    write,
)

from keras_ctx import convert, models, serving, text


def exported(path: Path, folder: Path) -> Path:
    """Exports the encoder of a fastText file, and returns the version."""
    encoder, inputs = convert.word_vector_encoder_from(
        convert.load_word_vectors(path)
    )
    return serving.export(encoder, inputs, folder)


def served(version: Path, words: list[str]) -> np.ndarray:
    """Returns the vectors of words by TensorFlow alone, a text for each."""
    embed = tf.saved_model.load(str(version)).signatures["embed"]
    answer = embed(text=tf.constant(words))
    assert answer["sequence"].shape[1] == 1
    return answer["sequence"].numpy()[:, 0]


@pytest.mark.slow
@pytest.mark.parametrize("version", [12, None])
def test_of_a_small_file(version: int | None, tmp_path: Path) -> None:
    path = write(tmp_path / "a.bin", fasttext_of(version=version))
    words = [*WORDS, "unknown", "naïve", "日", "𝔘x"]
    expected = [
        expected_vector(word, first_rules=version is None) for word in words
    ]
    found = served(exported(path, tmp_path / "served"), words)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


@pytest.mark.skipif(
    not SHARED.is_dir(), reason="../shared/data/small_vectors is not here"
)
@pytest.mark.slow
@pytest.mark.parametrize("name", ["crime-and-punishment", "lee_fasttext_new"])
def test_of_the_fasttext_package(name: str, tmp_path: Path) -> None:
    stored = json.loads((SHARED / "expected_fasttext.json").read_text("utf-8"))
    # A text is split at blanks, so that the others are words.
    stored = [
        each
        for each in stored["files"][f"{name}.bin"]["vectors"]
        if each["word"].split() == [each["word"]]
    ]
    assert len(stored) > 15
    assert {each["known"] for each in stored} == {True, False}
    assert any(not each["word"].isascii() for each in stored)
    found = served(
        exported(SHARED / f"{name}.bin", tmp_path / "served"),
        [each["word"] for each in stored],
    )
    expected = [each["vector"] for each in stored]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


@pytest.mark.slow
def test_the_table_is_a_weight(tmp_path: Path) -> None:
    words = [f"w{i}" for i in range(3000)]
    inputs = text.WordVectorInputs(words)
    encoder = models.word_vector_encoder(3000, 300, trainable=False)
    version = serving.export(encoder, inputs, tmp_path)
    graph = version / "saved_model.pb"
    table = 4 * 300 * 3000
    assert graph.stat().st_size < table / 4
    variables = sum(
        path.stat().st_size for path in (version / "variables").iterdir()
    )
    assert table < variables < 1.1 * table + 100_000
