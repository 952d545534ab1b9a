"""A translator of ten words: trained, averaged, translating files."""

import json
from pathlib import Path

import pytest
from recipe_files import load_recipe
from word_pairs_files import write_pairs

from keras_ctx import convert, models

WORDS = {
    "one": "eins",
    "two": "zwei",
    "three": "drei",
    "four": "vier",
    "dog": "Hund",
    "cat": "Katze",
}


def pairs_of(folder: Path, name: str, count: int, seed: int) -> list[Path]:
    return write_pairs(folder, name, count, seed, WORDS, 4)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("translator")
    recipe = load_recipe("train_translator")
    recipe.main(
        recipe.Config(
            train=tuple(pairs_of(folder, "train", 400, seed=1)),
            dev=tuple(pairs_of(folder, "dev", 40, seed=2)),
            test=tuple(pairs_of(folder, "test", 30, seed=3)),
            output=folder / "run",
            vocabulary_size=60,
            num_layers=2,
            num_heads=2,
            hidden_dim=32,
            intermediate_dim=64,
            dropout=0.0,
            max_length=32,
            tokens_per_batch=256,
            epochs=6,
            steps_per_epoch=100,
            warmup_steps=60,
            learning_rate=5e-3,
            average_checkpoints=2,
            beams=2,
        )
    )
    return folder / "run"


@pytest.mark.slow
def test_it_translates(run: Path) -> None:
    found = (run / "translations.txt").read_text().splitlines()
    expected = (run.parent / "test.de").read_text().splitlines()
    right = sum(x == y for x, y in zip(found, expected, strict=True))
    assert right >= 27
    results = json.loads((run / "results.json").read_text())["results"]
    assert results["val_token_loss"] < 0.3
    assert results["bleu"] > 50
    assert "tok:13a" in results["bleu_signature"]


@pytest.mark.slow
def test_files_are_translated_line_by_line(run: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.en").write_text("one dog\n\ntwo cat\n")
    recipe = load_recipe("translate")
    recipe.main(
        recipe.Config(
            model=run,
            input=tmp_path / "texts.en",
            output=tmp_path / "texts.de",
            beams=2,
        )
    )
    found = (tmp_path / "texts.de").read_text()
    assert found == "eins Hund\n\nzwei Katze\n"


@pytest.mark.slow
def test_its_encoder_is_an_encoder(run: Path) -> None:
    encoder = convert.load_encoder(run)
    assert models.family_of(encoder).name == "transformer"
    assert "pooled" in encoder.output


def test_unequal_files_are_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    one, other = pairs_of(tmp_path, "train", 5, seed=1)
    other.write_text(other.read_text() + "mehr\n")
    recipe = load_recipe("train_translator")
    config = recipe.Config(train=(one, other), output=tmp_path / "run")
    with pytest.raises(
        ValueError, match=r"train.de has 6 and .* before line 6"
    ):
        recipe.main(config)
    assert not (tmp_path / "run").exists()
