"""Rounding bounds compared with actual rounding, and ties by hand."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ctx import layers
from keras_ctx.serving.output_kinds.bound import Bound, errors
from keras_ctx.serving.output_kinds.ranked import is_same_ranking
from keras_ctx.serving.output_kinds.tags import undecided_tags
from keras_ctx.serving.verify.rounding import (
    DRAWS,
    moved_weights,
    unit_roundoff,
)


def bound_of(moved: float) -> Bound:
    bound = Bound()
    bound.widen(np.array([1 + moved]), np.array([1.0]))
    return bound


def deep_model(depth: int, size: int) -> keras.Model:
    x = inputs = keras.Input((size,))
    for _ in range(depth):
        x = keras.layers.Dense(size, activation="tanh")(x)
        x = keras.layers.LayerNormalization()(x)
    return keras.Model(inputs, keras.layers.Dense(1)(x))


def in_float64(model: keras.Model, x: np.ndarray) -> np.ndarray:
    x = x.astype("float64")
    *kernels, (last, bias) = [
        [w.astype("float64") for w in layer.get_weights()]
        for layer in model.layers
        if isinstance(layer, keras.layers.Dense)
    ]
    for kernel, shift in kernels:
        x = np.tanh(x @ kernel + shift)
        x = x - x.mean(axis=1, keepdims=True)
        x = x / np.sqrt(np.mean(x**2, axis=1, keepdims=True) + 1e-3)
    return x @ last + bias


@pytest.mark.quick("12-256-1.0", "4-*", "1-*")
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e4])
@pytest.mark.parametrize(("depth", "size"), [(1, 8), (4, 64), (12, 256)])
def test_rounding_stays_within_and_an_error_does_not(
    depth: int, size: int, scale: float
) -> None:
    keras.utils.set_random_seed(7)
    model = deep_model(depth, size)
    last = model.layers[-1]
    last.kernel.assign(scale * last.kernel)
    x = np.random.default_rng(8).normal(size=(32, size)).astype("float32")
    values = [(w, tf.convert_to_tensor(w.value)) for w in model.weights]

    def answer(pairs) -> np.ndarray:
        with keras.StatelessScope(pairs, initialize_variables=False):
            return model(x).numpy()

    exact, bound = answer(values), Bound()
    for draw in range(DRAWS):
        moved = moved_weights(values, unit_roundoff(model), 1, draw)
        bound.widen(answer(moved), exact)
    # The true error of float32, by other arithmetic: below, but not far.
    _, share = errors(exact, in_float64(model, x).astype("float32"), bound)
    assert 0.005 < share < 0.5
    for weight in model.weights:
        if weight.name == "kernel":
            wrong = [(w, v * 1.001 if w is weight else v) for w, v in values]
            assert errors(answer(wrong), exact, bound)[1] > 3


def test_numbers_that_stand_for_never() -> None:
    bound = Bound()
    exact = np.array([1.0, -1e9, -np.inf])
    bound.widen(np.array([1.001, -1e9 + 64, -np.inf]), exact)
    # Moves of huge numbers do not widen the bound of others.
    assert bound(np.array([1.0]))[0] == pytest.approx(0.004, rel=1e-3)
    assert errors(exact, exact, bound) == (0.0, 0.0)
    assert errors(np.array([1.0, -1e9, 0.0]), exact, bound)[1] == np.inf


@pytest.mark.parametrize("given", [np.nan, np.inf])
def test_no_number_never_passes(given: float) -> None:
    bound = bound_of(0.5)
    assert errors(np.array([given]), np.array([1.0]), bound)[1] == np.inf
    assert errors(np.array([1.0]), np.array([np.nan]), bound)[1] == np.inf


def test_unit_roundoff() -> None:
    for policy, right in (
        ("float32", 2.0**-24),
        ("mixed_bfloat16", 2.0**-8),
        ("mixed_float16", 2.0**-11),
    ):
        dense = keras.layers.Dense(2, dtype=policy)
        inputs = keras.Input((2,))
        assert unit_roundoff(keras.Model(inputs, dense(inputs))) == right


def test_undecided_tags_of_scores() -> None:
    logits = np.array([[[0.0, 1.0, 1.0], [0.0, 1.0, 1.1], [0.0, 0.0, 0.0]]])
    real = np.array([[True, True, False]])
    found = undecided_tags(logits, real, bound_of(1e-6))
    assert found.tolist() == [[True, False, False]]


def test_undecided_tags_of_paths() -> None:
    # Two paths are best: 0 1 0 and 0 1 1, equal up to the last tag.
    scores = np.array([[[2.0, 0.0], [0.0, 3.0], [1.0, 1.0]]], "float32")
    logits = layers.CRF(2)(scores)["logits"].numpy()
    paths = {
        path: sum(
            logits[0, t, path[t - 1] if t else 0, path[t]] for t in range(3)
        )
        for path in itertools.product(range(2), repeat=3)
    }
    best = max(paths.values())
    near = [path for path, score in paths.items() if best - score < 1e-5]
    assert near == [(0, 1, 0), (0, 1, 1)]
    found = undecided_tags(logits, np.ones((1, 3), bool), bound_of(1e-6))
    assert found.tolist() == [[False, False, True]]


@pytest.mark.parametrize(
    ("names", "scores", "same"),
    [
        (["b", "a", "c"], [0.4, 0.4, 0.2], True),  # equals in another order
        (["a", "b", "d"], [0.4, 0.4, 0.2], True),  # the last of several
        (["a", "c", "b"], [0.4, 0.4, 0.2], False),
        (["d", "a", "b"], [0.4, 0.4, 0.2], False),
    ],
)
def test_rankings(names: list[str], scores: list[float], same: bool) -> None:
    expected = np.array([0.4, 0.4, 0.2])
    found = is_same_ranking(
        *(names, np.array(scores), ["a", "b", "c"], expected),
        bound_of(1e-7),
    )
    assert found is same
