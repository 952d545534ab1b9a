"""Word likelihoods of the benchmarks on novels, beside sums by hand."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from benchmark_modules import module

kneser_ney = module("kneser_ney")
word_scores = module("word_scores")

TRAIN = [["a", "b", "a"], ["b", "a"], ["c"], ["a", "b", "c", "a", "b"]]
WORDS = ["a", "b", "c", "</S>"]


def by_hand(context: list[str], word: str, discount: float) -> float:
    """Returns the probability of a word after two, from its definition."""
    trigrams = Counter(
        tuple(marked[i : i + 3])
        for marked in (["<S>", "<S>", *x, "</S>"] for x in TRAIN)
        for i in range(len(marked) - 2)
    )
    share = 0.0
    for length in (1, 2, 3):
        # How often an n-gram occurs, or after how many different words.
        seen = [x[3 - length :] for x in trigrams]
        if length == 1:
            seen = [x[-1:] for x in {x[1:] for x in trigrams}]
        counts = trigrams if length == 3 else Counter(seen)
        before = tuple(context[len(context) - length + 1 :])
        rest = {x[-1]: n for x, n in counts.items() if x[:-1] == before}
        if not rest:
            continue
        kept = max(rest.get(word, 0) - (discount if length > 1 else 0), 0)
        spread = discount * len(rest) * share if length > 1 else 0
        share = (kept + spread) / sum(rest.values())
    return share


@pytest.mark.parametrize("discount", [0.5, 0.9])
def test_trigrams_from_the_definition(discount: float) -> None:
    model = kneser_ney.Trigram(TRAIN)
    tests = [list(x) for x in itertools.product("abc", repeat=3)]
    found = model.log_likelihoods(tests, discount).reshape(-1, 4)
    for sentence, values in zip(tests, found, strict=True):
        line = ["<S>", "<S>", *sentence, "</S>"]
        for i, value in enumerate(values):
            expected = by_hand(line[i : i + 2], line[i + 2], discount)
            assert math.exp(value) == pytest.approx(expected)
            shares = [by_hand(line[i : i + 2], x, discount) for x in WORDS]
            assert sum(shares) == pytest.approx(1)


def test_both_directions_have_the_same_places(capsys) -> None:
    test = [["a", "c"], ["b"]]
    forward, backward = kneser_ney.trigram(TRAIN, TRAIN, test)
    discount = float(capsys.readouterr().out.split()[2].rstrip(":"))
    model = kneser_ney.Trigram([x[::-1] for x in TRAIN])
    turned = model.log_likelihoods([["c", "a"], ["b"]], discount)
    np.testing.assert_allclose(backward, turned[[1, 0, 2, 3, 4]])
    assert len(forward) == len(backward) == 5


# End, two pieces with a blank, two without: the next one depends on the last.
END, BEGINS, INSIDE = 0, [0, 1, 2], [3, 4]
TABLE = np.random.default_rng(3).dirichlet(np.ones(5), size=5)


def score(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    shares = TABLE[ids[:, :-1]]
    each = np.take_along_axis(shares, ids[:, 1:, None], axis=2)[..., 0]
    return np.log(each), np.log(shares[..., BEGINS].sum(axis=2))


def exact(words: list[list[int]]) -> np.ndarray:
    ids = np.array([END, *itertools.chain.from_iterable(words), END])
    found = word_scores.token_scores(score, ids, length=8)
    return word_scores.word_scores(found, [*map(len, words)])


def test_words_and_the_end_share_all_probability() -> None:
    def total(pieces: int) -> float:
        """Returns the share of all words of so many pieces or fewer."""
        return sum(
            math.exp(exact([[1, 4], [first, *rest]])[0, 1])
            for count in range(pieces)
            for first in (1, 2)
            for rest in itertools.product(INSIDE, repeat=count)
        )

    end = math.exp(exact([[1, 4]])[0, 1])
    shares = [total(count) + end for count in (1, 4, 8)]
    assert shares[0] < shares[1] < shares[2] < 1
    # Longer words have the rest: all that follow seven pieces inside.
    inside = TABLE[np.ix_(INSIDE, INSIDE)]
    first = TABLE[4, [1, 2]] / TABLE[4, BEGINS].sum()
    longer = first @ TABLE[np.ix_([1, 2], INSIDE)]
    rest = (longer @ np.linalg.matrix_power(inside, 7)).sum()
    assert shares[2] + rest == pytest.approx(1)


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 12, 13, 40])
def test_the_product_is_that_of_all_pieces(count: int) -> None:
    random = np.random.default_rng(count)
    words = [[1 + i % 2, *random.choice(INSIDE, i % 3)] for i in range(count)]
    ids = [END, *itertools.chain.from_iterable(words), END]
    total = sum(
        math.log(TABLE[before, after])
        for before, after in itertools.pairwise(ids)
    )
    found = exact(words)
    assert found.shape == (2, count + 1)
    assert found[1].sum() == pytest.approx(total)
    first = math.log(TABLE[END, BEGINS].sum())
    assert found[0].sum() == pytest.approx(total - first)
