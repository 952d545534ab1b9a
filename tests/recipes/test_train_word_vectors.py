"""Word vectors from a corpus: neighbours, files, and what they are for."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recipe_files import load_recipe

from keras_ctx import convert, models, text

# Words of a topic stand together; "der" stands everywhere.
TOPICS = (
    "cat dog horse cow sheep".split(),
    "red blue green white black".split(),
    "one two three four five".split(),
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    draw = random.Random(0)
    lines = [
        " ".join([*draw.choices(draw.choice(TOPICS), k=6), "der"])
        for _ in range(600)
    ]
    path = tmp_path_factory.mktemp("words") / "corpus.txt"
    path.write_text("\n".join(lines) + "\nrare\n")
    return path


def train(corpus: Path, name: str, **options: Any) -> Path:
    recipe = load_recipe("train_word_vectors")
    output = corpus.parent / name
    recipe.main(
        recipe.Config(
            corpus=corpus,
            output=output,
            hidden_dim=8,
            words_per_step=200,
            negatives_per_step=16,
            subsample=0,
            **{"epochs": 8, **options},
        )
    )
    return output


def neighbours_of_topics(run: Path) -> float:
    """Returns the share of the nearest words that are of the same topic."""
    recipe = load_recipe("query_word_vectors")
    words = tuple(word for topic in TOPICS for word in topic)
    answers = recipe.main(
        recipe.Config(vectors=run, nearest=words, top_k=len(TOPICS[0]) - 1)
    )
    right = [
        found in topic
        for topic in TOPICS
        for word in topic
        for found, _ in answers[word]
    ]
    return float(np.mean(right))


@pytest.mark.parametrize(
    "options",
    [
        {},
        pytest.param({"objective": "cbow"}, marks=pytest.mark.slow),
        pytest.param({"num_buckets": 200}, marks=pytest.mark.slow),
    ],
)
def test_words_of_a_topic_are_near(corpus: Path, options: dict) -> None:
    run = train(corpus, "-".join(["run", *options]), **options)
    assert neighbours_of_topics(run) > 0.9
    results = json.loads((run / "results.json").read_text())["results"]
    assert results["words_per_second"] > 0
    # The files are those of an encoder like any other.
    encoder, inputs = convert.load_encoder(run), convert.load_text_inputs(run)
    vectors = convert.load_word_vectors(run / "vectors.txt")
    found = encoder(inputs(["cat rare"]))["sequence"]
    np.testing.assert_allclose(found[0, 0], vectors.vector("cat"), atol=1e-6)
    assert np.abs(found[0, 1]).max() > 0  # unknown, and not padding
    assert models.family_of(encoder).name == "word_vectors"
    assert "rare" not in vectors.words  # it occurs once


@pytest.mark.slow
def test_an_ended_run_is_not_trained_again(corpus: Path) -> None:
    run = train(corpus, "ended", epochs=1)
    before = (run / "vectors.txt").stat().st_mtime_ns
    train(corpus, "ended", epochs=1)
    assert (run / "vectors.txt").stat().st_mtime_ns == before
    with pytest.raises(ValueError, match="other settings"):
        train(corpus, "ended", epochs=2)


def test_a_text_that_is_too_short(tmp_path: Path) -> None:
    (tmp_path / "short.txt").write_text("a b a b\n" * 5)
    with pytest.raises(ValueError, match="more words than a step"):
        train(tmp_path / "short.txt", "run")
    (tmp_path / "rare.txt").write_text("a b c d\n")
    with pytest.raises(ValueError, match="two words or more that occur"):
        train(tmp_path / "rare.txt", "run")
    with pytest.raises(ValueError, match="`vocabulary_size` must be at least"):
        train(tmp_path / "short.txt", "run", vocabulary_size=1)
    assert not (tmp_path / "run").exists()


def test_questions_of_another_form(tmp_path: Path) -> None:
    recipe = load_recipe("query_word_vectors")
    with pytest.raises(ValueError, match="three words for each question"):
        recipe.Config(analogy=("man", "king"))
    path = tmp_path / "vectors.txt"
    path.write_text("house 1 2\nriver 2 1\n")
    config = recipe.Config(vectors=path, nearest=("House", "river"))
    with pytest.raises(
        ValueError,
        match="`nearest` must name words of .*, such as house. Received: House",
    ):
        recipe.main(config)
    with pytest.raises(ValueError, match="or the folder of .* Received: "):
        recipe.main(recipe.Config(vectors=tmp_path, nearest=("river",)))
    with pytest.raises(ValueError, match="Give `nearest` words"):
        recipe.Config()


def test_an_unknown_word_has_the_vector_of_its_n_grams(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    subwords = convert.Subwords(3, 4, draw.normal(size=(50, 4)))
    vectors = convert.WordVectors(
        ["cats", "river", "catch"], draw.normal(size=(3, 4)), subwords
    )
    encoder, inputs = convert.word_vector_encoder_from(vectors)
    encoder.save(tmp_path / "encoder.keras")
    text.save_inputs(inputs, tmp_path / "text_inputs.json")
    recipe = load_recipe("query_word_vectors")
    answers = recipe.main(recipe.Config(vectors=tmp_path, nearest=("cat",)))
    cat = subwords.vectors[subwords.rows(["cat"])[0]].mean(axis=0)
    for word, cosine in answers["cat"]:
        row = vectors.vector(word)
        expected = row @ cat / np.linalg.norm(row) / np.linalg.norm(cat)
        assert cosine == pytest.approx(expected, abs=1e-5)
    few = convert.load_word_vectors(tmp_path, vocabulary=["river", "none"])
    assert few.words == ("river",)
    np.testing.assert_allclose(few.vector("cat"), cat, atol=1e-6)
    np.testing.assert_allclose(
        few.vector("river"), vectors.vector("river"), atol=1e-6
    )
    assert len(convert.load_word_vectors(tmp_path, most_frequent=2)) == 2
    with pytest.raises(ValueError, match="none of its 3 words"):
        convert.load_word_vectors(tmp_path, vocabulary=["none"])
