"""Runs of embed_corpus.py that stop, resume or are refused."""

import random
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from recipe_files import load_recipe

from keras_ctx import training
from keras_ctx.predictions.vectors import token_vectors


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.slow
@pytest.mark.parametrize("stops", [(5,), (1, 3, 7, 8)])
def test_stop_at_any_window_changes_no_byte(
    stops: tuple[int, ...],
    folders: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The cache evicts words within a window and is emptied every three windows;
    # a resumed run restores the same cache.
    rng = random.Random(1)
    lines = [
        " ".join(f"w{int(rng.paretovariate(0.4)) % 80}" for _ in range(length))
        for length in (rng.randrange(9) for _ in range(30))
    ]
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("\n".join(lines))
    recipe = load_recipe("embed_corpus")
    monkeypatch.setattr(token_vectors, "CACHE_WINDOWS", 3)
    whole = recipe.Config(
        init=folders["elmo"],
        corpus=corpus,
        output=tmp_path / "whole",
        window=4,
        batch_words=12,
        cache_words=20,
    )
    recipe.main(whole)
    expected = content(whole.output)
    assert len(expected) == 9
    for stop in stops:
        folder = tmp_path / f"stopped_{stop}"
        shutil.copytree(whole.output, folder)
        for number in range(stop, 8):
            (folder / f"vectors-{number:05d}.h5").unlink()
        index = (folder / "index.json").read_text()
        index = index.replace('"num_lines": 30', '"num_lines": null')
        (folder / "index.json").write_text(index)
        recipe.main(recipe.Config(**{**vars(whole), "output": folder}))
        assert content(folder) == expected, stop


@pytest.mark.slow
def test_other_settings_are_refused_by_name(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    corpus, other = tmp_path / "corpus.txt", tmp_path / "other.txt"
    corpus.write_text("a b\n\nc\n")
    other.write_text("a b\n\nd\n")
    recipe = load_recipe("embed_corpus")
    common = {"init": folders["elmo"], "corpus": corpus}
    output = tmp_path / "out"

    def embed(**arguments) -> None:
        recipe.main(recipe.Config(output=output, **arguments))

    embed(**common)
    before = content(output)
    folder = tmp_path / "other_weights"
    shutil.copytree(folders["elmo"], folder)
    encoder = keras.saving.load_model(folder / "encoder.keras")
    encoder.get_layer("bilm").forward_cells[0].bias.assign_add(
        np.full(24, 1e-3)
    )
    training.save_model(encoder, folder / "encoder.keras")
    for name, arguments in {
        "corpus": {"corpus": other},
        "encoder": {"init": folder},
        "layers": {"layers": ("0", "1", "2")},
        "dtype": {"dtype": "float16"},
        "format": {"format": "npz"},
        "window": {"window": 5},
        "batch_words": {"batch_words": 13},
        "cache_words": {"cache_words": 13},
    }.items():
        with pytest.raises(ValueError, match=f"Received: {name}: [^;]*$"):
            embed(**{**common, **arguments})
        assert content(output) == before
    embed(**common)  # again: nothing to do
    assert content(output) == before
