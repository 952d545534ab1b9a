"""Rows of `WordTable`, recomputed in NumPy."""

import keras
import numpy as np
import pytest

from keras_ctx.layers import WordTable

IDS = np.array([[3, 1, 5, 0], [2, 4, 3, 3]])
GRAMS = np.array(
    [
        [[1, 7, 0], [2, 2, 3], [0, 0, 0], [0, 0, 0]],
        [[0, 0, 0], [7, 0, 1], [0, 5, 0], [4, 4, 4]],
    ]
)


def tables(layer: WordTable) -> list[np.ndarray]:
    """Gives the tables random values, and returns them."""
    generator = np.random.default_rng(0)
    for weight in layer.weights:
        weight.assign(generator.normal(size=weight.shape))
    return [np.asarray(x, "float64") for x in layer.get_weights()]


def expected(words: np.ndarray, grams: np.ndarray) -> np.ndarray:
    """Returns the means of fastText, with two ids for unknown words."""
    out = np.zeros((*IDS.shape, words.shape[1]))
    for place in np.ndindex(*IDS.shape):
        found = [words[IDS[place]]] if IDS[place] > 2 else []
        found += [grams[i] for i in GRAMS[place] if i]
        if found:
            out[place] = np.mean(found, axis=0)
    return out


@pytest.mark.parametrize("training", [False, True])
def test_means_of_words_and_ngrams(training: bool) -> None:
    layer = WordTable(3, 4, num_unknown=2, num_buckets=7)
    layer(IDS, GRAMS)
    words, grams = tables(layer)
    assert words.shape == (6, 4) and grams.shape == (8, 4)
    found = np.asarray(layer(IDS, GRAMS, training=training))
    np.testing.assert_allclose(found, expected(words, grams), atol=1e-6)
    assert not found[0, 3].any() and not found[1, 0].any()


def test_more_words_than_are_computed_at_once() -> None:
    layer = WordTable(3, 4, num_unknown=2, num_buckets=7)
    many = np.tile(IDS, (200, 1)), np.tile(GRAMS, (200, 1, 1))  # 1,600 words
    layer(*many)
    whole = expected(*tables(layer))
    np.testing.assert_allclose(
        np.asarray(layer(*many)), np.tile(whole, (200, 1, 1)), atol=1e-6
    )


def test_rows_of_words_alone() -> None:
    layer = WordTable(3, 4, num_unknown=2)
    layer(IDS)
    (words,) = tables(layer)
    found = np.asarray(layer(IDS))
    rows = words[IDS]
    rows[0, 3] = 0  # padding, whatever its row holds
    np.testing.assert_allclose(found, rows, atol=1e-7)


@pytest.mark.parametrize("bad", [-1, 6, 2_000_000_000])
def test_ids_outside_the_table(bad: int) -> None:
    ids = IDS.copy()
    ids[1, 1] = bad
    for layer, others in (
        (WordTable(3, 4, 2), ()),
        (WordTable(3, 4, 2, 7), (GRAMS,)),
    ):
        found = np.isnan(np.asarray(layer(ids, *others)))
        assert found.sum() == 4 and found[1, 1].all()


@pytest.mark.parametrize("bad", [-1, 8])
def test_ngrams_outside_the_table(bad: int) -> None:
    grams = GRAMS.copy()
    grams[0, 0, 2] = bad
    found = np.isnan(np.asarray(WordTable(3, 4, 2, 7)(IDS, grams)))
    assert found.sum() == 4 and found[0, 0].all()


def test_initial_values_are_those_of_word2vec() -> None:
    layer = WordTable(5000, 4, num_buckets=5000)
    layer.build((None, None), (None, None, None))
    for table in layer.get_weights():
        assert 0.12 < np.abs(table).max() <= 0.125
        assert abs(table.std() - 0.25 / 12**0.5) < 2e-3


def test_frozen_it_stays_frozen() -> None:
    layer = WordTable(3, 4, num_buckets=7, trainable=False)
    layer(IDS, GRAMS)
    assert not layer.trainable_weights and len(layer.weights) == 2
    again = WordTable.from_config(layer.get_config())
    again(IDS, GRAMS)
    assert not again.trainable_weights
    assert isinstance(again.words, keras.layers.Embedding)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((0, 4), "`vocabulary_size` must be at least 1"),
        ((3, 0), "`output_dim` must be at least 1"),
        ((3, 4, 0), "`num_unknown` must be at least 1"),
        ((3, 4, 1, -1), "`num_buckets` must be at least 0"),
    ],
)
def test_sizes(arguments: tuple, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        WordTable(*arguments)


def test_ngrams_that_are_missing_or_not_read() -> None:
    with pytest.raises(ValueError, match="`subword_ids` must be given.*7 rows"):
        WordTable(3, 4, num_buckets=7)(IDS)
    with pytest.raises(ValueError, match="`subword_ids` must be left out.* 0"):
        WordTable(3, 4)(IDS, GRAMS)
    with pytest.raises(ValueError, match=r"axes \(B, T\) as `word_ids`"):
        WordTable(3, 4, num_buckets=7)(IDS, GRAMS[:, :2])
