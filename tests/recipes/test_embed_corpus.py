"""Vectors of a corpus compared with the encoder's outputs."""

import gzip
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from recipe_files import load_recipe
from tiny_encoders import WORDS

from keras_ctx import convert, data, models, text, training

LONG_WORD = "长" * 3333 + "x"  # 10,000 bytes
LINES = [
    "the bank is on the river",
    "",
    "river",
    " \t\u3000",
    f"a {LONG_WORD} b",
    "",
    "",
    "the <S> </S> <UNK> “bank”",
    " ".join(WORDS[k % 5 + 3] for k in range(5000)),
    "",
    "on",
]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "lines.txt"
    path.write_text("\n".join(LINES) + "\n", encoding="utf-8")
    return path


def embed(**arguments) -> list:
    """Runs and reads back; windows of 4 lines, batches of 12 words."""
    recipe = load_recipe("embed_corpus")
    arguments = {"window": 4, "batch_words": 12, **arguments}
    recipe.main(recipe.Config(**arguments))
    return list(data.read_vectors(arguments["output"]))


def alone(encoder: keras.Model, inputs, line: str) -> np.ndarray:
    """Returns the encoder's vectors `(T, L, D)` of one line."""
    run = tf.function(lambda features: encoder(features)["layers"])
    layers = [np.asarray(layer)[0] for layer in run(inputs([line]))]
    return np.stack(layers, axis=1)


@pytest.mark.slow
def test_vectors_are_those_of_the_encoder_line_by_line(
    folders: dict[str, Path], corpus: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    found = embed(init=folders["elmo"], corpus=corpus, output=output)
    assert [each.line for each in found] == list(range(1, len(LINES) + 1))
    assert len(list(output.glob("vectors-*"))) == 3
    encoder = keras.saving.load_model(folders["elmo"] / "encoder.keras")
    for each, line in zip(found, LINES, strict=True):
        assert each.tokens == line.split()
        assert each.vectors.shape == (len(line.split()), 3, 8)
        if each.tokens:  # complete, even if text_inputs.json has a limit
            expected = alone(encoder, text.ElmoInputs(8), line)
            np.testing.assert_allclose(
                each.vectors, expected, rtol=0, atol=1e-5
            )
    # Only the first six of its 10,000 bytes count: two characters.
    short = f"a {LONG_WORD[:2]} b"
    np.testing.assert_allclose(
        found[4].vectors,
        alone(encoder, text.ElmoInputs(8), short),
        rtol=0,
        atol=1e-5,
    )


@pytest.mark.slow
def test_formats_and_precisions_hold_the_same(
    folders: dict[str, Path], corpus: Path, tmp_path: Path
) -> None:
    zipped = tmp_path / "lines.txt.gz"
    zipped.write_bytes(gzip.compress(corpus.read_bytes()))
    common = {"init": folders["elmo"]}
    expected = embed(corpus=corpus, output=tmp_path / "hdf5", **common)
    half = {"dtype": "float16", "format": "npz"}
    for output, arguments in (("npz", {"format": "npz"}), ("half", half)):
        found = embed(
            corpus=zipped, output=tmp_path / output, **arguments, **common
        )
        for ours, theirs in zip(found, expected, strict=True):
            assert ours[:2] == theirs[:2]
            dtype = arguments.get("dtype", "float32")
            np.testing.assert_array_equal(
                ours.vectors, theirs.vectors.astype(dtype)
            )


@pytest.mark.slow
def test_chosen_layers_and_mixtures(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    corpus = tmp_path / "short.txt"
    corpus.write_text("the bank\n\nriver\n")
    common = {"init": folders["elmo"], "corpus": corpus}
    everything = embed(output=tmp_path / "all", **common)
    shares = np.array([0.2, 0.5, 0.3], "float32")[None, :, None]
    for k, (arguments, choose) in enumerate(
        (
            ({"layers": ("2", "0")}, lambda x: x[:, [2, 0]]),
            ({"layers": ("last",)}, lambda x: x[:, 2:]),
            ({"layers": ("mean",)}, lambda x: x.mean(1, keepdims=True)),
            (
                {"mix": (0.2, 0.5, 0.3), "scale": 2.0},
                lambda x: 2 * (shares * x).sum(1, keepdims=True),
            ),
        )
    ):
        found = embed(output=tmp_path / str(k), **arguments, **common)
        for ours, whole in zip(found, everything, strict=True):
            expected = choose(whole.vectors)
            assert ours.vectors.shape == expected.shape
            np.testing.assert_allclose(
                ours.vectors, expected, rtol=0, atol=1e-6
            )


@pytest.mark.slow
def test_encoder_of_words(
    folders: dict[str, Path], corpus: Path, tmp_path: Path
) -> None:
    folder = folders["words"]
    found = embed(init=folder, corpus=corpus, output=tmp_path / "out")
    encoder = keras.saving.load_model(folder / "encoder.keras")
    for each, line in zip(found, LINES, strict=True):
        assert each.tokens == line.split()
        if each.tokens and len(each.tokens) < 100:
            expected = alone(encoder, text.WordInputs(WORDS), line)
            np.testing.assert_allclose(
                each.vectors, expected, rtol=0, atol=1e-5
            )


def test_bert_gives_its_pieces_and_tells_of_long_lines(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    corpus = tmp_path / "short.txt"
    lines = ["the bank", "", "a" * 14, "\u200b", "a" * 15, "river"]
    corpus.write_text("\n".join(lines), encoding="utf-8")
    common = {"init": folders["bert"], "corpus": corpus, "window": 2}
    output = tmp_path / "out"
    with pytest.raises(
        ValueError, match="`corpus`, line 5: .* 14 tokens .* Received: 15.*cut"
    ):
        embed(output=output, **common)
    # Finished windows stay; the rest is cut.
    assert len(list(output.glob("vectors-*"))) == 2
    found = embed(output=output, long_lines="cut", **common)
    encoder = keras.saving.load_model(folders["bert"] / "encoder.keras")
    inputs = text.load_inputs(folders["bert"] / "text_inputs.json")
    for each, line in zip(found, lines, strict=True):
        tokens = list(line.replace(" ", ""))[:14]
        assert each.tokens == tokens
        if tokens:
            expected = alone(encoder, inputs, line)[1 : 1 + len(tokens)]
            np.testing.assert_allclose(
                each.vectors, expected, rtol=0, atol=1e-5
            )


@pytest.mark.slow
def test_official_files(
    folders: dict[str, Path], corpus: Path, tmp_path: Path
) -> None:
    expected = embed(
        init=folders["elmo"], corpus=corpus, output=tmp_path / "init"
    )
    encoder = keras.saving.load_model(folders["elmo"] / "encoder.keras")
    files = tmp_path / "options.json", tmp_path / "weights.hdf5"
    convert.save_elmo(encoder, *files)
    found = embed(
        options=files[0],
        weights=files[1],
        corpus=corpus,
        output=tmp_path / "official",
    )
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.tokens == theirs.tokens
        np.testing.assert_array_equal(ours.vectors, theirs.vectors)


@pytest.mark.slow
def test_official_model_of_words_needs_its_vocabulary(
    folders: dict[str, Path], corpus: Path, tmp_path: Path
) -> None:
    encoder = keras.saving.load_model(folders["words"] / "encoder.keras")
    files = tmp_path / "options.json", tmp_path / "weights.hdf5"
    convert.save_elmo(encoder, *files)
    common = {"options": files[0], "weights": files[1], "corpus": corpus}
    with pytest.raises(ValueError, match="`vocabulary` must be given"):
        embed(output=tmp_path / "out", **common)
    (tmp_path / "words.txt").write_text("\n".join(WORDS))
    found = embed(
        output=tmp_path / "out", vocabulary=tmp_path / "words.txt", **common
    )
    assert found[2].tokens == ["river"]


def test_only_blank_lines(folders: dict[str, Path], tmp_path: Path) -> None:
    corpus = tmp_path / "blank.txt"
    corpus.write_text("\n \n\n\t\n\n")
    for name, folder in folders.items():
        found = embed(init=folder, corpus=corpus, output=tmp_path / name)
        assert [each.line for each in found] == [1, 2, 3, 4, 5]
        assert all(each.tokens == [] for each in found)
        assert {each.vectors.shape[0] for each in found} == {0}


ERRORS = {
    "Either `init` or `options`": {"init": None},
    "`options` and `weights` must": {"weights": "w"},
    "`mix` uses all layers": {"mix": (1.0,), "layers": ("last",)},
    "`scale` needs `mix`. Received: scale=2.0": {"scale": 2.0},
    "`window` must be at least 1. Received: window=0": {"window": 0},
    "`batch_words` must be at least 1": {"batch_words": 0},
    "`cache_words` must be at least 1": {"cache_words": -1},
    "`mix` must have 3 shares, .* Received: .0.5, 0.5.": {"mix": (0.5, 0.5)},
    "`layers` must be .* from 0 to 2. Received: 1 3": {"layers": ("1", "3")},
    "`layers` must be .* Received: all 1": {"layers": ("all", "1")},
    "`path` must name a file .*no_such": {"corpus": Path("no_such")},
}


@pytest.mark.parametrize("message", ERRORS)
def test_error(
    message: str, folders: dict[str, Path], corpus: Path, tmp_path: Path
) -> None:
    given = {"init": folders["elmo"], "corpus": corpus, **ERRORS[message]}
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        embed(output=tmp_path / "out", **given)
    assert not (tmp_path / "out").exists()


def test_stateful_encoder_is_refused(corpus: Path, tmp_path: Path) -> None:
    folder = tmp_path / "stateful"
    encoder = models.elmo_encoder(
        [(1, 4)], 6, 4, max_characters=8, stateful=True
    )
    training.save_model(encoder, folder / "encoder.keras")
    text.save_inputs(text.ElmoInputs(8), folder / "text_inputs.json")
    with pytest.raises(ValueError, match="stateful=False"):
        embed(init=folder, corpus=corpus, output=tmp_path / "out")


def test_corpus_that_is_no_text(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    corpus = tmp_path / "bad.txt"
    for content, message in ((b"", "no text"), (b"a\n\xff\n", "line 2: byte")):
        corpus.write_bytes(content)
        with pytest.raises(ValueError, match=message):
            embed(init=folders["elmo"], corpus=corpus, output=tmp_path / "out")


@pytest.mark.slow  # quick: tests/models/test_warm_start.py
def test_warm_start(
    folders: dict[str, Path], corpus: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    found = embed(
        init=folders["elmo"], corpus=corpus, output=output, warm_start=4
    )
    encoder = keras.saving.load_model(folders["elmo"] / "encoder.keras")
    inputs = text.ElmoInputs(8)
    lines = [LINES[0], LINES[2], LINES[4], LINES[7]]  # the others are blank
    warm = models.warm_start(encoder, [inputs([line]) for line in lines])
    for place in (0, 7):
        expected = alone(warm, inputs, LINES[place])
        np.testing.assert_allclose(
            found[place].vectors, expected, rtol=0, atol=1e-5
        )
    cold = alone(encoder, inputs, LINES[0])
    assert np.abs(found[0].vectors - cold).max() > 1e-3
    with pytest.raises(ValueError, match="warm_start: 4 there, None now"):
        embed(init=folders["elmo"], corpus=corpus, output=output)


def test_warm_start_of_a_bert(
    folders: dict[str, Path], corpus: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="`warm_start` needs an ELMo"):
        embed(
            init=folders["bert"],
            corpus=corpus,
            output=tmp_path / "bert",
            warm_start=4,
        )
