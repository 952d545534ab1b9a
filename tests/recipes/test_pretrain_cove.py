"""CoVe over word vectors: trained, translating, an encoder for a tagger."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from recipe_files import load_recipe
from word_pairs_files import write_pairs

from keras_ctx import convert, models, text

WORDS = {
    "one": "eins",
    "two": "zwei",
    "three": "drei",
    "dog": "Hund",
    "cat": "Katze",
}


def pairs_of(folder: Path, name: str, count: int, seed: int) -> list[Path]:
    return write_pairs(folder, name, count, seed, WORDS, 3, str.title)


def write_vectors(folder: Path) -> Path:
    draw = np.random.default_rng(1)
    path = folder / "vectors.txt"
    lines = [
        f"{word} {' '.join(f'{x:.4f}' for x in draw.normal(size=6))}\n"
        for word in WORDS
    ]
    path.write_text("".join(lines))
    return path


def settings(folder: Path, **changed) -> dict:
    return {
        "train": tuple(pairs_of(folder, "train", 300, seed=1)),
        "vectors": write_vectors(folder),
        "output": folder / "run",
        "vocabulary_size": 50,
        "hidden_dim": 16,
        "dropout": 0.0,
        "max_length": 32,
        "tokens_per_batch": 256,
        "epochs": 8,
        "steps_per_epoch": 60,
        "learning_rate": 2e-2,
        "beams": 2,
        **changed,
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cove")
    recipe = load_recipe("pretrain_cove")
    pairs = {
        name: tuple(pairs_of(folder, name, count, seed))
        for name, count, seed in (("dev", 30, 2), ("test", 30, 3))
    }
    recipe.main(recipe.Config(**settings(folder, **pairs)))
    return folder / "run"


@pytest.mark.slow
def test_it_translates(run: Path) -> None:
    found = (run / "translations.txt").read_text().splitlines()
    expected = (run.parent / "test.de").read_text().splitlines()
    right = sum(x == y for x, y in zip(found, expected, strict=True))
    assert right >= 25
    results = json.loads((run / "results.json").read_text())["results"]
    # BLEU is 0: no sentence has four words.
    assert results["val_token_loss"] < 0.4 and "bleu" in results
    recipe = load_recipe("translate")
    (run.parent / "texts.en").write_text("One Dog\n\ntwo unknown cat\n")
    recipe.main(
        recipe.Config(
            model=run,
            input=run.parent / "texts.en",
            output=run.parent / "texts.de",
            beams=2,
        )
    )
    lines = (run.parent / "texts.de").read_text().splitlines()
    assert lines[:2] == ["eins Hund", ""]


@pytest.mark.slow
def test_its_encoder_is_an_encoder_over_the_same_vectors(run: Path) -> None:
    encoder = convert.load_encoder(run)
    inputs = convert.load_text_inputs(run)
    assert models.family_of(encoder).name == "cove"
    assert isinstance(inputs, text.WordVectorInputs)
    convert.check_text_inputs(inputs, encoder, run, pairs=True)
    vectors = convert.load_word_vectors(run.parent / "vectors.txt")
    found = encoder(inputs(["One unknown"]))["layers"][0]
    np.testing.assert_array_equal(found[0, 0, :6], vectors.vector("one"))
    assert not np.asarray(found[0, 1]).any()


@pytest.mark.slow
def test_it_reads_subwords_and_a_run_of_word_vectors(tmp_path: Path) -> None:
    recipe = load_recipe("pretrain_cove")
    one = settings(
        tmp_path, vectors=None, epochs=1, steps_per_epoch=2, optimizer="sgd"
    )
    recipe.main(recipe.Config(**one))
    assert models.family_of(convert.load_encoder(tmp_path / "run")).name == (
        "cove_subwords"
    )
    assert not (tmp_path / "run/target_inputs.json").exists()
    words = tmp_path / "words"
    words.mkdir()
    vectors = convert.load_word_vectors(write_vectors(tmp_path))
    encoder, inputs = convert.word_vector_encoder_from(vectors)
    encoder.save(words / "encoder.keras")
    text.save_inputs(inputs, words / "text_inputs.json")
    other = {**one, "vectors": words, "output": tmp_path / "other"}
    recipe.main(recipe.Config(**other, num_words=3))
    assert convert.load_text_inputs(tmp_path / "other").vocabulary == (
        *list(WORDS)[:3],
    )
    translator = keras.saving.load_model(
        tmp_path / "other/translator.keras", compile=False
    )
    assert set(translator.input) == {
        "word_ids",
        "decoder_token_ids",
        "decoder_padding_mask",
    }


def test_missing_vectors_are_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    recipe = load_recipe("pretrain_cove")
    given = settings(tmp_path, vectors=tmp_path / "none.txt")
    with pytest.raises(FileNotFoundError, match="none.txt"):
        recipe.main(recipe.Config(**given))
    assert not (tmp_path / "run").exists()
    with pytest.raises(ValueError, match="`num_words` must be given with"):
        recipe.Config(**{**given, "vectors": None}, num_words=3)
