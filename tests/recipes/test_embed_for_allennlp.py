"""One file with a key per line, and vectors of the sentence markers."""

import json
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from parity.elmo_layer import numpy_weights
from parity.elmo_numpy import stacks
from recipe_files import load_recipe
from tiny_encoders import WORDS

from keras_ctx import data, text

LINES = ["the  bank is on", "", "“river”", " the\tbank", "the  bank is on "]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "lines.txt"
    path.write_text("\n".join(LINES) + "\n", encoding="utf-8")
    return path


def embed(**arguments) -> list:
    recipe = load_recipe("embed_corpus")
    recipe.main(recipe.Config(window=2, batch_words=6, **arguments))
    return list(data.read_vectors(arguments["output"]))


def word_layers(folder: Path, line: str) -> np.ndarray:
    """Returns `(L, T, D)`, by the encoder itself."""
    encoder = keras.saving.load_model(folder / "encoder.keras")
    found = encoder(text.ElmoInputs(8)([line]))["layers"]
    return np.stack([np.asarray(layer)[0] for layer in found])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layers", "choose"),
    [
        (("all",), lambda x: x),
        pytest.param(("last",), lambda x: x[-1], marks=pytest.mark.slow),
        pytest.param(("mean",), lambda x: x.mean(0), marks=pytest.mark.slow),
        pytest.param(("2",), lambda x: x[2:], marks=pytest.mark.slow),
    ],
)
def test_keys_are_lines(
    layers, choose, folders: dict[str, Path], corpus: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    common = {"init": folders["elmo"], "corpus": corpus, "layers": layers}
    index = {}
    for _ in range(2):  # the second time there is nothing to do
        embed(output=output, format="allennlp", **common)
        with h5py.File(output / "elmo.hdf5") as file:
            assert sorted(file) == [
                "0",
                "1",
                "2",
                "3",
                "4",
                "sentence_to_index",
            ]
            # As users of allennlp read it.
            index = json.loads(file["sentence_to_index"][0])
            assert file["sentence_to_index"].shape == (1,)
            for key, line in enumerate(LINES):
                found = file[str(key)]
                assert found.dtype == np.float32
                if not line:
                    assert found.shape[-2:] == (0, 8)
                    continue
                expected = choose(word_layers(folders["elmo"], line))
                assert found.shape == expected.shape
                np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    # The key is the stripped line; of equal lines, the last.
    assert index == {"the  bank is on": "4", "“river”": "2", "the\tbank": "3"}


def test_other_lines_are_refused(
    folders: dict[str, Path], corpus: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    embed(init=folders["words"], corpus=corpus, output=output)
    for lines in (LINES[:-1], [*LINES, "more"]):
        with pytest.raises(ValueError, match="`lines` must be the lines"):
            data.save_allennlp_vectors(output, lines, tmp_path / "x.hdf5")
    with pytest.raises(ValueError, match="Received: 3 layers"):
        data.save_allennlp_vectors(output, LINES, tmp_path / "x.hdf5", False)
    assert not (tmp_path / "x.hdf5").exists()


def reference_layers(encoder: keras.Model, vectors: np.ndarray) -> list:
    """Runs a row `(T, P)` with markers through the BiLM in NumPy."""
    read = numpy_weights(encoder.get_layer("bilm"))
    return [np.concatenate([vectors, vectors], 1), *stacks(*read, vectors)]


@pytest.mark.slow
def test_markers_have_their_vectors(
    folders: dict[str, Path], corpus: Path, tmp_path: Path
) -> None:
    common = {"init": folders["words"], "corpus": corpus}
    plain = embed(output=tmp_path / "plain", **common)
    found = embed(output=tmp_path / "marked", markers=True, **common)
    encoder = keras.saving.load_model(folders["words"] / "encoder.keras")
    table = np.asarray(encoder.get_layer("word_embedding").embeddings)
    for ours, without, line in zip(found, plain, LINES, strict=True):
        assert ours.tokens == ["<S>", *line.split(), "</S>"]
        np.testing.assert_allclose(
            ours.vectors[1:-1], without.vectors, rtol=0, atol=1e-6
        )
        words = [word if word in WORDS else "<UNK>" for word in ours.tokens]
        rows = table[[WORDS.index(word) + 1 for word in words]]
        expected = np.stack(reference_layers(encoder, rows), 1)
        np.testing.assert_allclose(ours.vectors, expected, rtol=0, atol=1e-5)
    with pytest.raises(ValueError, match="Received: markers"):
        embed(output=tmp_path / "plain", markers=True, **common)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["elmo", "bert"])
def test_markers_of_other_encoders(
    kind: str, folders: dict[str, Path], corpus: Path, tmp_path: Path
) -> None:
    common = {"init": folders[kind], "corpus": corpus, "long_lines": "cut"}
    plain = embed(output=tmp_path / "plain", **common)
    found = embed(output=tmp_path / "marked", markers=True, **common)
    ends = {"elmo": ("<S>", "</S>"), "bert": ("[CLS]", "[SEP]")}[kind]
    encoder = keras.saving.load_model(folders[kind] / "encoder.keras")
    for ours, without, line in zip(found, plain, LINES, strict=True):
        assert ours.tokens == [ends[0], *without.tokens, ends[1]]
        np.testing.assert_allclose(
            ours.vectors[1:-1], without.vectors, rtol=0, atol=1e-6
        )
        if kind == "bert":
            inputs = text.load_inputs(folders[kind] / "text_inputs.json")
            run = encoder(inputs([line]))["layers"]
            expected = np.stack([np.asarray(x)[0] for x in run], 1)
        else:
            inputs = text.ElmoInputs(8)(["<S> " + line + " </S>"])["char_ids"]
            token = np.asarray(encoder.get_layer("char_cnn")(inputs))[0]
            expected = np.stack(reference_layers(encoder, token), 1)
        np.testing.assert_allclose(
            ours.vectors, expected[: len(ours.tokens)], rtol=0, atol=1e-5
        )
