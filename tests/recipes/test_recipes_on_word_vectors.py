"""Recipes on an encoder of word vectors: `--init FOLDER`."""

from pathlib import Path

import numpy as np
import pytest
from recipes.recipe_files import load_recipe

from keras_ctx import convert, data, models, predictions, text, training

WORDS = ["a", "good", "bad", "film", "day"]
TEXTS = ["a good day", "bad", "a bad bad film", "good good", "a good film"]
TRAINING = {"epochs": 3, "batch_size": 4, "learning_rate": 0.05}


@pytest.fixture(params=["hash", "n-grams"])
def init(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(len(WORDS), 6)).astype("float32")
    grams = generator.normal(size=(50, 6)).astype("float32")
    if request.param == "hash":
        vectors, unknown = convert.WordVectors(WORDS, rows), "hash"
    else:
        subwords = convert.Subwords(2, 3, grams)
        vectors = convert.WordVectors(WORDS, rows, subwords)
        unknown = "characters"
    encoder, inputs = convert.word_vector_encoder_from(
        vectors, unknown, char_output_dim=4, max_length=20
    )
    folder = tmp_path / "init"
    training.save_model(encoder, folder / "encoder.keras")
    text.save_inputs(inputs, folder / "text_inputs.json")
    return folder


@pytest.mark.slow
def test_classifier(init: Path, tmp_path: Path) -> None:
    recipe = load_recipe("finetune_classifier")
    train, plain = tmp_path / "train.tsv", tmp_path / "plain.txt"
    train.write_text("".join(f"{x}\t{'nb'['bad' in x]}\n" for x in TEXTS * 4))
    plain.write_text("".join(f"{x}\n" for x in TEXTS))
    output = tmp_path / "run"
    results = recipe.main(
        recipe.Config(
            init=init,
            train=train,
            test=train,
            predict=plain,
            output=output,
            compare=False,
            layer_decay=0.8,
            **TRAINING,
        )
    )
    assert 0 <= results["pretrained"] <= 1
    assert len((output / "predicted.tsv").read_text().splitlines()) == 5
    encoder = convert.load_encoder(output)
    assert models.family_of(encoder).name == "word_vectors"
    assert type(predictions.read_task(output).text_inputs) is (
        text.WordVectorInputs
    )
    # The frozen table is as it was.
    before = convert.load_encoder(init).get_layer("word_table").get_weights()
    after = encoder.get_layer("word_table").get_weights()
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.slow
def test_tagger(init: Path, tmp_path: Path) -> None:
    recipe = load_recipe("finetune_tagger")
    train = tmp_path / "train.conll"
    train.write_text("Ann\tB-PER\nran\tO\n\nBob\tB-PER\nLee\tI-PER\n\n" * 8)
    results = recipe.main(
        recipe.Config(
            init=init,
            train=train,
            test=train,
            output=tmp_path / "run",
            compare=False,
            crf=True,
            **TRAINING,
        )
    )
    assert 0 <= results["pretrained"] <= 1


@pytest.mark.slow
def test_vectors_of_a_corpus(init: Path, tmp_path: Path) -> None:
    corpus, output = tmp_path / "corpus.txt", tmp_path / "vectors"
    lines = ["a good day", "one word more than that " * 6]
    corpus.write_text("".join(f"{line}\n" for line in lines))
    recipe = load_recipe("embed_corpus")
    recipe.main(recipe.Config(init=init, corpus=corpus, output=output))
    encoder = convert.load_encoder(init)
    inputs = convert.load_text_inputs(init).uncut()
    for line, found in zip(lines, data.read_vectors(output), strict=True):
        assert found.tokens == line.split()
        (layer,) = encoder(inputs([line]))["layers"]
        np.testing.assert_allclose(
            found.vectors[:, 0], np.asarray(layer)[0], atol=1e-6
        )
