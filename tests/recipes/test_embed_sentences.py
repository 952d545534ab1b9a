"""Sentence vectors compared with the encoder's, and nearest sentences."""

import json
import shutil
from functools import cache
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from recipe_files import load_recipe

from keras_ctx import data, models, text, training

LINES = [
    "the bank is on the river",  # 19 letters: too long for 16 positions
    "",
    "river  bank",
    " \t\u3000",
    "the bank ",
    "a « b",
    "the bank",
    "nave site bin",
]
SENTENCES = [line.strip() for line in LINES if line.strip()]


@pytest.fixture
def sentences(tmp_path: Path) -> Path:
    path = tmp_path / "sentences.txt"
    path.write_text("\n".join(LINES) + "\n", encoding="utf-8")
    return path


def embed(**arguments) -> dict:
    recipe = load_recipe("embed_sentences")
    arguments = {"window": 3, "batch_size": 2, **arguments}
    return recipe.main(recipe.Config(**arguments))


def vectors_of(folder: Path) -> np.ndarray:
    return np.stack(
        [v[0, 0] for _, _, v in data.read_vectors(folder) if len(v)]
    )


@cache
def compiled(folder: Path):
    encoder = keras.saving.load_model(folder / "encoder.keras")
    return tf.function(lambda x: encoder(x)["sequence"], reduce_retracing=True)


@cache
def by_hand(folder: Path, sentence: str, limit: int | None) -> np.ndarray:
    """Returns the mean over a single sentence, of length 1."""
    saved = text.load_inputs(folder / "text_inputs.json")
    changed: dict = {"max_length": limit}
    if isinstance(saved, text.BertInputs):
        changed["padding"] = "longest"
    if isinstance(saved, text.ElmoInputs):
        changed["distinct"] = False
    config = {**saved.get_config(), **changed}
    features = type(saved).from_config(config)(tf.constant([sentence]))
    sequence = np.asarray(compiled(folder)(features), "float64")[0]
    mean = sequence.mean(axis=0)
    return mean / np.sqrt((mean**2).sum())


@pytest.mark.parametrize(
    ("kind", "limit", "num_cut"),
    [
        ("bert", 16, 1),
        pytest.param("elmo", None, 0, marks=pytest.mark.slow),
        pytest.param("words", None, 0, marks=pytest.mark.slow),
    ],
)
def test_a_vector_is_the_mean_of_its_tokens(
    kind: str,
    limit: int | None,
    num_cut: int,
    folders: dict[str, Path],
    sentences: Path,
    tmp_path: Path,
) -> None:
    output = tmp_path / "out"
    results = embed(init=folders[kind], input=sentences, output=output)
    assert results["num_lines"] == len(LINES)
    assert results["num_cut"] == num_cut
    found = list(data.read_vectors(output))
    assert [each.line for each in found] == list(range(1, len(LINES) + 1))
    for each, line in zip(found, LINES, strict=True):
        assert each.tokens == ([line.strip()] if line.strip() else [])
        if each.tokens:
            expected = by_hand(folders[kind], line.strip(), limit)
            np.testing.assert_allclose(
                each.vectors[0, 0], expected, rtol=0, atol=1e-6
            )


@pytest.mark.slow
def test_shorter_sentences_on_request(
    folders: dict[str, Path], sentences: Path, tmp_path: Path
) -> None:
    # [CLS] t h e b a n k [SEP] has nine tokens, and just fits.
    results = embed(
        init=folders["bert"],
        input=sentences,
        output=tmp_path / "out",
        max_length=9,
        query=("river",),
    )
    assert results["num_cut"] == 3
    found = vectors_of(tmp_path / "out")
    for vector, sentence in zip(found, SENTENCES, strict=True):
        expected = by_hand(folders["bert"], sentence, 9)
        np.testing.assert_allclose(vector, expected, rtol=0, atol=1e-6)


@pytest.mark.slow
def test_formats_and_precisions_hold_the_same(
    folders: dict[str, Path], sentences: Path, tmp_path: Path
) -> None:
    common = {"init": folders["bert"], "input": sentences}
    embed(output=tmp_path / "1", **common)
    embed(output=tmp_path / "2", format="npz", **common)
    embed(output=tmp_path / "3", dtype="float16", **common)
    one, two, three = (vectors_of(tmp_path / name) for name in "123")
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(one.astype("float16"), three)


@pytest.mark.slow
def test_nearest_are_those_of_the_highest_cosine(
    folders: dict[str, Path],
    sentences: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, output = folders["bert"], tmp_path / "out"
    queries = ("the bank", "bin")
    common = {"init": folder, "input": sentences, "output": output}
    embed(**common)
    before = {path.name: path.read_bytes() for path in output.iterdir()}
    capsys.readouterr()
    results = embed(query=queries, nearest=4, **common)
    shown = capsys.readouterr().out
    assert "0 of 8 lines to embed" in shown
    stored = np.stack([by_hand(folder, s, 16) for s in SENTENCES])
    lines = [i for i, line in enumerate(LINES, 1) if line.strip()]
    for query, found in zip(queries, results["nearest"], strict=True):
        assert found["query"] == query
        scores = stored @ by_hand(folder, query, 16)
        # The same sentence twice: the earlier comes first.
        order = sorted(
            range(len(lines)), key=lambda i: (-scores[i].round(6), i)
        )
        for each, place in zip(found["nearest"], order[:4], strict=True):
            assert each["line"] == lines[place]
            assert each["sentence"] == SENTENCES[place]
            assert each["cosine"] == pytest.approx(scores[place], abs=1e-6)
            assert f"{each['cosine']:.4f}  {each['line']}: " in shown
    first = results["nearest"][0]["nearest"]
    assert [each["line"] for each in first[:2]] == [5, 7]
    assert first[0]["cosine"] == pytest.approx(1, abs=1e-6)
    written = json.loads((output / "nearest.json").read_text("utf-8"))
    assert written == {"nearest": results["nearest"]}
    after = {path.name: path.read_bytes() for path in output.iterdir()}
    del after["nearest.json"]
    assert after == before
    # More than exist: all of them.
    results = embed(query=queries, nearest=50, **common)
    assert len(results["nearest"][1]["nearest"]) == len(SENTENCES)


@pytest.mark.slow
def test_stop_at_any_window_changes_no_byte(
    folders: dict[str, Path], sentences: Path, tmp_path: Path
) -> None:
    whole = tmp_path / "whole"
    common = {"init": folders["bert"], "input": sentences}
    embed(output=whole, **common)
    expected = {path.name: path.read_bytes() for path in whole.iterdir()}
    assert len(expected) == 4
    for stop in (1, 2):
        folder = tmp_path / str(stop)
        shutil.copytree(whole, folder)
        for number in range(stop, 3):
            (folder / f"vectors-{number:05d}.h5").unlink()
        index = (folder / "index.json").read_text()
        index = index.replace('"num_lines": 8', '"num_lines": null')
        (folder / "index.json").write_text(index)
        embed(output=folder, **common)
        found = {path.name: path.read_bytes() for path in folder.iterdir()}
        assert found == expected, stop


@pytest.mark.slow
def test_other_settings_are_refused_by_name(
    folders: dict[str, Path], sentences: Path, tmp_path: Path
) -> None:
    common = {"init": folders["bert"], "input": sentences}
    common["output"] = tmp_path / "out"
    embed(**common)
    other = tmp_path / "other.txt"
    other.write_text("the\n")
    for name, changed in {
        "corpus": {"input": other},
        "batch_size": {"batch_size": 5},
        "window": {"window": 5},
        "text_inputs": {"max_length": 9},
    }.items():
        with pytest.raises(ValueError, match=f"Received: {name}: [^;]*$"):
            embed(**{**common, **changed})
    with pytest.raises(ValueError, match="Received: encoder: "):
        embed(**{**common, "init": folders["elmo"]})


def test_bad_arguments(folders: dict[str, Path], tmp_path: Path) -> None:
    config = load_recipe("embed_sentences").Config
    for name in ("nearest", "window", "batch_size"):
        with pytest.raises(ValueError, match=f"`{name}` must be at least 1"):
            config(**{name: 0})
    path = tmp_path / "sentences.txt"
    path.write_text("the\n")
    common = {"input": path, "output": tmp_path / "out"}
    with pytest.raises(ValueError, match="`max_length` must be at most 16"):
        embed(init=folders["bert"], max_length=17, **common)
    encoder = models.elmo_encoder(
        [(1, 4)], 6, 4, max_characters=8, stateful=True, max_batch_size=2
    )
    folder = tmp_path / "stateful"
    training.save_model(encoder, folder / "encoder.keras")
    text.save_inputs(text.ElmoInputs(8), folder / "text_inputs.json")
    with pytest.raises(ValueError, match="`init` .* not stateful"):
        embed(init=folder, **common)
    assert not (tmp_path / "out").exists()
