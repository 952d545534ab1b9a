"""The laws of the search, on a chain of words and on tiny models."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from contracts.beam_lists import beam_search, divisor, every_sequence

from keras_ctx.generation import BeamSearch
from keras_ctx.generation.beam_search import search_beams

WORDS, MOST, END = 5, 4, 0
RULES = ["tensor2tensor", "huggingface"]
PENALTIES = [(0.0, "power"), (0.6, "power"), (1.0, "power"), (0.6, "gnmt")]


def chain(seed: int) -> np.ndarray:
    """Returns log probabilities of a word at each place after each word.

    They depend on the place, or sequences of the same pairs in another order
    would be equally probable.
    """
    logits = 2 * np.random.default_rng(seed).normal(size=(MOST, WORDS, WORDS))
    return logits - np.log(np.exp(logits).sum(axis=2, keepdims=True))


def following(table: np.ndarray):
    """Returns the function from new words to the chances of the next."""
    return lambda ids: table[len(ids), ids[-1] if ids else END]


def searched(tables: np.ndarray, rules: BeamSearch, returned: int, **options):
    """Searches chains `(N, T, V, V)`, each in a row; another row stops sooner.

    Returns:
        For each chain its scores and new tokens, the best first.
    """
    values = tf.constant(tables)
    count = len(tables)

    def step(words, state):
        place = tf.minimum(state["place"] + 1, MOST - 1)
        rows = tf.stack([state["chain"], place, words], axis=1)
        return tf.gather_nd(values, rows), {**state, "place": place}

    @tf.function(jit_compile=options.pop("jit_compile", False))
    def run():
        chains = tf.concat([tf.range(count), [0]], axis=0)
        return search_beams(
            tf.gather(values[:, 0, END], chains),
            {"chain": chains, "place": tf.zeros_like(chains)},
            step,
            tf.constant([MOST] * count + [2]),
            MOST,
            [END],
            rules,
            returned,
            **options,
        )

    found = run()
    return [
        [
            (float(score), [int(x) for x in ids if x >= 0])
            for score, ids in zip(scores, token_ids, strict=True)
        ]
        for scores, token_ids in zip(
            found.scores.numpy()[:count],
            found.token_ids.numpy()[:count],
            strict=True,
        )
    ]


def assert_same(found: list, expected: list, atol: float = 1e-6) -> None:
    assert [ids for _, ids in found] == [ids for _, ids in expected]
    np.testing.assert_allclose(
        [score for score, _ in found],
        [score for score, _ in expected],
        rtol=0,
        atol=atol,
    )


@pytest.mark.quick("*False*tensor2tensor*0.6-gnmt*", "*True*hugg*1.0-*")
@pytest.mark.parametrize(("alpha", "penalty"), PENALTIES)
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("jit_compile", [False, True])
def test_beam_of_all_sequences_is_exhaustive(
    alpha: float, penalty: str, rule: str, jit_compile: bool
) -> None:
    table = chain(1)
    every = every_sequence(
        *(following(table), WORDS, MOST, END), cut=rule == "huggingface"
    )
    expected = sorted(
        ((x / divisor(penalty, alpha, len(ids)), ids) for x, ids in every),
        key=lambda x: -x[0],
    )[:5]
    rules = BeamSearch(WORDS**MOST, alpha, penalty, rule)
    (found,) = searched(table[None], rules, 5, jit_compile=jit_compile)
    assert_same(found, expected)


SETTINGS = [
    (width, least, alpha, penalty)
    for width, least in ((1, 0), (2, 3), (4, 0))
    for alpha, penalty in PENALTIES
]


@pytest.mark.quick("*never-2-3-0.6-gnmt*", "*True-4-0-1.0-power*")
@pytest.mark.parametrize(("width", "least", "alpha", "penalty"), SETTINGS)
@pytest.mark.parametrize("early_stopping", [True, False, "never"])
@pytest.mark.parametrize("rule", RULES)
def test_search_equals_lists(
    rule: str,
    early_stopping: bool | str,
    width: int,
    least: int,
    alpha: float,
    penalty: str,
) -> None:
    tables = np.stack([chain(seed) for seed in range(30)])
    rules = BeamSearch(width, alpha, penalty, rule, early_stopping)
    returned = width if rule == "huggingface" else 1
    found = searched(tables, rules, returned, min_new=least)
    for table, of_chain in zip(tables, found, strict=True):
        expected = beam_search(
            *(following(table), WORDS, MOST, END, width, alpha, penalty),
            *(rule, early_stopping, least),
        )[:returned]
        assert_same(of_chain[: len(expected)], expected)


def test_beam_1_is_greedy() -> None:
    tables = np.stack([chain(seed) for seed in range(9)])
    for table, found in zip(
        tables, searched(tables, BeamSearch(1, 0.0), 1), strict=True
    ):
        ids, total = [], 0.0
        while len(ids) < MOST and END not in ids:
            row = following(table)(ids)
            ids.append(int(row.argmax()))
            total += float(row.max())
        assert_same(found, [(total, ids)])


def test_an_end_is_final() -> None:
    """A beam that ended is not continued and pays for nothing more: the case
    in which a well-known sampler loses the best sequence."""
    table = np.log(
        np.array(
            [
                [0.10, 0.36, 0.34, 0.10, 0.10],
                [0.04, 0.24, 0.24, 0.24, 0.24],
                [0.80, 0.05, 0.05, 0.05, 0.05],
                [0.20, 0.20, 0.20, 0.20, 0.20],
                [0.20, 0.20, 0.20, 0.20, 0.20],
            ]
        )
    )
    tables = np.tile(table, (1, MOST, 1, 1))
    (found,) = searched(tables, BeamSearch(2, 0.0), 1)
    assert_same(found, [(np.log(0.34 * 0.8), [2, END])])


def test_length_penalty_decides() -> None:
    def best(alpha: float) -> list[int]:
        (found,) = searched(chain(1)[None], BeamSearch(9, alpha, "power"), 1)
        return found[0][1]

    assert len(best(3.0)) > len(best(0.0))


def test_missing_texts_have_no_score() -> None:
    table = np.full((MOST, WORDS, WORDS), -50.0)
    table[..., END] = 0.0
    rules = BeamSearch(3, 0.0, rule="huggingface")
    (found,) = searched(table[None], rules, 3)
    assert found[0] == (0.0, [END])


def test_sums_are_float32_at_least() -> None:
    values = keras.ops.cast(chain(2)[0], "bfloat16")
    found = search_beams(
        values[:1],
        {},
        lambda words, state: (keras.ops.take(values, words, axis=0), state),
        np.array([MOST]),
        MOST,
        [END],
        BeamSearch(2),
    )
    assert found.scores.dtype == "float32"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 0}, "`width` must be"),
        ({"penalty": "lp"}, "`penalty` must be one of 'gnmt', 'power'"),
        ({"rule": "fairseq"}, "`rule` must be one of 'tensor2tensor'"),
        ({"early_stopping": "always"}, "`early_stopping` must be True"),
    ],
)
def test_refusals(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BeamSearch(**options)
