"""Temperature, top k and top p on numbers by hand, and what is drawn."""

import keras
import numpy as np
import pytest

from keras_ctx.generation import Sampling
from keras_ctx.generation.sampling import draw, filtered, penalized, sample

SHARES = np.array([[0.05, 0.4, 0.25, 0.2, 0.1]], "float32")
LOGITS = np.log(SHARES)


def left(temperature=1.0, top_k=None, top_p=None, logits=LOGITS) -> list:
    found = filtered(
        keras.ops.convert_to_tensor(logits), temperature, top_k, top_p
    )
    return np.asarray(keras.ops.softmax(found))[0].round(5).tolist()


def test_temperature() -> None:
    squared = SHARES[0].astype("float64") ** 2
    expected = (squared / squared.sum()).round(5)
    np.testing.assert_allclose(left(0.5), expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize(
    ("top_k", "kept"),
    [(1, {1}), (2, {1, 2}), (4, {1, 2, 3, 4}), (9, set(range(5)))],
)
def test_top_k(top_k: int, kept: set) -> None:
    assert {i for i, x in enumerate(left(top_k=top_k)) if x} == kept


@pytest.mark.parametrize(
    ("top_p", "kept"),
    [
        (0.01, {1}),
        (0.39, {1}),
        (0.41, {1, 2}),
        (0.66, {1, 2, 3}),  # 3 crosses 0.66, and stays
        (1.0, set(range(5))),
    ],
)
def test_top_p_keeps_the_token_that_crosses_it(top_p: float, kept: set) -> None:
    assert {i for i, x in enumerate(left(top_p=top_p)) if x} == kept


def test_top_p_is_of_what_top_k_leaves() -> None:
    # Of 0.4, 0.25, 0.2 the first two have 0.65 / 0.85 = 0.76.
    assert {i for i, x in enumerate(left(top_k=3, top_p=0.76)) if x} == {1, 2}
    assert {i for i, x in enumerate(left(top_k=3, top_p=0.77)) if x} == {
        1,
        2,
        3,
    }


def test_equal_tokens_stay_together() -> None:
    equal = np.log(np.array([[0.3, 0.3, 0.3, 0.1]], "float32"))
    assert left(top_k=1, logits=equal) == left(top_k=3, logits=equal)


def test_each_row_has_its_own_numbers() -> None:
    logits = np.repeat(LOGITS, 3, axis=0)
    found = filtered(
        keras.ops.convert_to_tensor(logits),
        np.array([[1.0], [0.5], [1.0]], "float32"),
        np.array([[1], [3], [5]], "int32"),
        np.array([[1.0], [1.0], [0.39]], "float32"),
    )
    kept = np.isfinite(np.asarray(found)).sum(axis=1)
    assert kept.tolist() == [1, 3, 1]


def test_repetition_penalty() -> None:
    logits = keras.ops.convert_to_tensor([[2.0, -2.0, 3.0]])
    found = penalized(logits, np.array([[True, True, False]]), 2.0)
    assert np.asarray(found).tolist() == [[1.0, -4.0, 3.0]]


def test_draws_follow_the_probabilities() -> None:
    rows = np.repeat(LOGITS, 20000, axis=0)
    uniforms = np.random.default_rng(3).random(len(rows), "float32")
    drawn = np.asarray(draw(keras.ops.convert_to_tensor(rows), uniforms))
    counts = np.bincount(drawn, minlength=5) / len(rows)
    # Five standard deviations of a share of 20,000 draws.
    np.testing.assert_allclose(counts, SHARES[0], rtol=0, atol=0.018)


def test_a_draw_is_where_the_sum_exceeds_the_number() -> None:
    none = -np.inf
    logits = [[none, 0.0, np.log(2.0), none, 0.0, none]] * 6
    logits = np.array([*logits, [0.0, *[none] * 5]])
    uniforms = [0.0, 0.2, 0.3, 0.7, 0.8, 1 - 2**-24, 0.5]
    drawn = draw(
        keras.ops.convert_to_tensor(logits.astype("float32")),
        np.array(uniforms, "float32"),
    )
    assert np.asarray(drawn).tolist() == [1, 1, 2, 2, 4, 4, 0]


def test_steps_and_seeds_draw_other_tokens() -> None:
    def texts(seed: int) -> np.ndarray:
        flat = np.zeros((4, 9), "float32")
        found = sample(
            keras.ops.convert_to_tensor(flat),
            {},
            lambda words, state: (keras.ops.convert_to_tensor(flat), state),
            np.full(4, 30),
            30,
            [],
            Sampling(seed=seed).draws(4, 30),
        )
        return np.asarray(found.token_ids)[:, 0]

    one, again, other = texts(1), texts(1), texts(2)
    np.testing.assert_array_equal(one, again)
    assert (one != other).mean() > 0.5
    assert len({tuple(x) for x in one.T}) > 20
    assert len({tuple(x) for x in one}) == 4


ERRORS = [
    ({"temperature": 0.0}, "`temperature` must be"),
    ({"temperature": -1.0}, "`temperature` must be"),
    ({"temperature": 1e-40}, "`temperature` must be at least 1e-30"),
    ({"top_k": 0}, "`top_k` must be"),
    ({"seed": None}, "`seed` must be an integer"),
    ({"seed": 2**70}, "`seed` must be an integer"),
    ({"top_p": 0.0}, "`top_p` must be above 0 and at most 1. Received: 0.0"),
    ({"top_p": 1.5}, "`top_p` must be above 0 and at most 1. Received: 1.5"),
    ({"top_p": float("nan")}, "`top_p` must be"),
]


@pytest.mark.parametrize(("options", "message"), ERRORS)
def test_refusals(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Sampling(**options)
