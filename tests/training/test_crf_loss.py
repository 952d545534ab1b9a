"""The loss of a conditional random field, compared with a sum over paths."""

import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ctx.layers import CRF
from keras_ctx.training import CRFLoss

N, T = 3, 4
LENGTHS = (4, 2, 1, 0)
SCORES = np.random.default_rng(2).normal(size=(4, T, N)).astype("float32")
REAL = np.arange(T)[None] < np.array(LENGTHS)[:, None]
TAGS = np.array([[2, 0, 0, 1], [1, 2, 0, 0], [0] * 4, [0] * 4])


def crf() -> CRF:
    layer = CRF(N)
    layer.build(SCORES.shape)
    generator = np.random.default_rng(3)
    layer.set_weights([generator.normal(size=w.shape) for w in layer.weights])
    return layer


def likelihood(layer: CRF, row: int, tags: list[int]) -> float:
    """Returns -log of the probability of paths with the known `tags`."""
    transitions, start, end = layer.get_weights()

    def score(path: tuple[int, ...]) -> float:
        return (
            start[path[0]]
            + end[path[-1]]
            + sum(SCORES[row, t, tag] for t, tag in enumerate(path))
            + sum(transitions[i, j] for i, j in itertools.pairwise(path))
        )

    every = list(itertools.product(range(N), repeat=LENGTHS[row]))
    if every == [()]:
        return 0.0
    agreeing = [
        path
        for path in every
        if all(a == b or b < 0 for a, b in zip(path, tags, strict=False))
    ]
    total = sum(math.exp(score(path)) for path in every)
    return -math.log(sum(math.exp(score(path)) for path in agreeing) / total)


def rows_of(layer: CRF, tags: np.ndarray, weights=None) -> np.ndarray:
    """Returns the loss of each row alone."""
    logits = layer(SCORES, REAL)["logits"]
    return np.array(
        [
            CRFLoss()(
                tags[k : k + 1],
                logits[k : k + 1],
                None if weights is None else weights[k : k + 1],
            )
            for k in range(len(tags))
        ]
    )


@pytest.mark.parametrize("weighted", [False, True])
def test_rows_of_many_lengths(weighted: bool) -> None:
    layer = crf()
    expected = [likelihood(layer, k, list(TAGS[k])) for k in range(4)]
    weights = REAL.astype("float32") if weighted else None
    found = rows_of(layer, TAGS, weights)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    together = CRFLoss()(TAGS, layer(SCORES, REAL)["logits"], weights)
    assert float(together) == pytest.approx(sum(expected), abs=1e-5)


@pytest.mark.parametrize(
    "known",
    [[0, 1, 1, 1], [1, 0, 0, 1], [1, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0]],
)
def test_unknown_tags_are_summed_out(known: list[int]) -> None:
    layer = crf()
    tags = np.where(known, TAGS, -1)
    expected = [likelihood(layer, k, list(tags[k])) for k in range(4)]
    np.testing.assert_allclose(rows_of(layer, tags), expected, atol=1e-5)
    # A weight of 0 has the same effect, with any tag.
    weights = (np.array(known) * REAL).astype("float32")
    found = rows_of(layer, TAGS, weights)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_weights_multiply_a_tokens_share_and_a_row() -> None:
    layer = crf()
    logits = layer(SCORES, REAL)["logits"]
    first, second = (
        likelihood(layer, 1, [1, -1]),
        likelihood(layer, 1, [1, 2]) - likelihood(layer, 1, [1, -1]),
    )
    weights = np.array([[0.5, 2.0, 0, 0]], "float32")
    found = CRFLoss()(TAGS[1:2], logits[1:2], weights)
    expected = 0.5 * first + 2 * second
    assert float(found) == pytest.approx(expected, abs=1e-5)
    found = CRFLoss()(TAGS, logits, np.array([0.0, 3.0, 0.0, 0.0], "float32"))
    expected = 3 * (first + second)
    assert float(found) == pytest.approx(expected, abs=1e-5)


def test_impossible_tags_have_a_finite_loss_and_gradient() -> None:
    layer = crf()
    layer.transitions.assign([[0, -1e4, 0]] * 3)
    with tf.GradientTape() as tape:
        loss = CRFLoss()(TAGS, layer(SCORES, REAL)["logits"])
    gradients = tape.gradient(loss, [w.value for w in layer.weights])
    assert float(loss) > 9e3
    for gradient in gradients:
        numbers = np.asarray(gradient)
        assert np.isfinite(numbers).all() and np.abs(numbers).max() > 0.1


def test_gradient_is_expected_less_observed_counts() -> None:
    # Lafferty et al. 2001, section 4; by small changes of each weight.
    layer = crf()

    def loss():
        return CRFLoss()(TAGS, layer(SCORES, REAL)["logits"])

    with tf.GradientTape() as tape:
        value = loss()
    found = tape.gradient(value, [w.value for w in layer.weights])
    weights = layer.get_weights()
    for k, gradient in enumerate(found):
        for index in np.ndindex(*weights[k].shape):
            numbers = [w.astype("float64") for w in weights]
            sides = []
            for step in (1e-2, -1e-2):
                numbers[k][index] = weights[k][index] + step
                layer.set_weights(numbers)
                total = [likelihood(layer, r, list(TAGS[r])) for r in range(4)]
                sides.append(sum(total))
            # The error of a step of 1e-2 is of third order.
            slope = (sides[0] - sides[1]) / 2e-2
            assert float(np.asarray(gradient)[index]) == pytest.approx(
                slope, abs=1e-3
            )


@pytest.mark.slow
@pytest.mark.parametrize("jit_compile", [False, True])
def test_fit_learns_what_scores_of_tokens_cannot_say(jit_compile) -> None:
    # Only the first word of a row determines its tag, shared by all others:
    # tags of single words can reach at most 1/2.
    generator = np.random.default_rng(5)
    words = np.zeros((64, 6), "int32")
    words[:, 0] = generator.integers(1, 3, 64)
    tags = np.repeat(words[:, :1] - 1, 6, axis=1)
    lengths = generator.integers(1, 7, (64, 1))
    weights = (np.arange(6)[None] < lengths).astype("float32")
    accuracy = {}
    for with_crf in (False, True):
        keras.utils.set_random_seed(1)
        inputs = keras.Input((None,), dtype="int32")
        mask = keras.Input((None,), dtype="bool")
        x = keras.layers.Embedding(3, 2)(inputs)
        if with_crf:
            outputs = CRF(2)(x, mask)
            loss = CRFLoss(reduction="sum_over_batch_size")
        else:
            outputs = {"logits": x}
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model = keras.Model((inputs, mask), outputs)
        model.compile(
            keras.optimizers.Adam(0.1),
            loss={"logits": loss},
            jit_compile=jit_compile,
        )
        history = model.fit(
            (words, weights > 0),
            {"logits": tags},
            sample_weight={"logits": weights},
            epochs=20,
            batch_size=32,
            verbose=0,
        )
        assert np.isfinite(history.history["loss"]).all()
        answer = model.predict((words, weights > 0), verbose=0)
        found = answer["tags"] if with_crf else answer["logits"].argmax(-1)
        later = (weights > 0) & (np.arange(6) > 0)
        accuracy[with_crf] = (found == tags)[later].mean()
    assert accuracy[True] == 1.0
    assert accuracy[False] < 0.7


def test_config_round_trip() -> None:
    loss = CRFLoss(name="tags")
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert isinstance(again, CRFLoss)
    assert (again.name, again.reduction) == ("tags", "sum")


def test_masked_tokens_are_as_if_absent() -> None:
    layer = crf()
    mask = np.array([[0, 1, 0, 1], [1, 0, 0, 1], [0, 0, 1, 0]], bool)
    logits = layer(SCORES[:3], mask)["logits"]
    for weights in (None, mask.astype("float32")):
        found = CRFLoss(reduction="none")(TAGS[:3], logits, weights)
        for row, real in enumerate(mask):
            alone = CRFLoss(reduction="none")(
                TAGS[row : row + 1, real],
                layer(SCORES[row : row + 1, real])["logits"],
            )
            np.testing.assert_allclose(
                np.asarray(found)[row, real], alone[0], rtol=0, atol=1e-6
            )
            assert not np.asarray(found)[row, ~real].any()


def test_constraints_leave_a_finite_loss() -> None:
    # No pair in TAGS is allowed; the loss is that without constraints.
    free, layer = crf(), CRF(N, constraints=[(3, 1), (1, 1), (1, 4)])
    layer.build(SCORES.shape)
    layer.set_weights(free.get_weights())
    expected = CRFLoss()(TAGS, free(SCORES, REAL)["logits"])
    with tf.GradientTape() as tape:
        found = CRFLoss()(TAGS, layer(SCORES, REAL)["logits"])
    assert float(found) == float(expected)
    for gradient in tape.gradient(found, [w.value for w in layer.weights]):
        assert np.isfinite(np.asarray(gradient)).all()


def test_error_of_a_tag_outside_the_set() -> None:
    logits = crf()(SCORES, REAL)["logits"]
    tags = TAGS.copy()
    tags[1, 1] = 3
    message = "`y_true` must hold tags below 3, .*3 in row 1 at token 1"
    with pytest.raises(ValueError, match=message):
        CRFLoss()(tags, logits)
    # With weight 0, at padding, and below 0, any number is allowed.
    weights = REAL.astype("float32")
    weights[1, 1] = 0
    tags[2, 3], tags[0, 0], weights[0, 0] = 99, -7, 0
    expected = CRFLoss()(np.where(weights > 0, TAGS, -1), logits, weights)
    assert float(CRFLoss()(tags, logits, weights)) == float(expected)
    tags[1, 1] = -5
    assert np.isfinite(CRFLoss()(tags, logits))


def test_tag_outside_the_set_is_nan_in_a_graph() -> None:
    layer = crf()
    tags = TAGS.copy()
    tags[1, 1] = 3

    @tf.function
    def run():
        with tf.GradientTape() as tape:
            loss = CRFLoss()(tf.constant(tags), layer(SCORES, REAL)["logits"])
        return loss, tape.gradient(loss, [w.value for w in layer.weights])

    loss, gradients = run()
    assert np.isnan(loss)
    assert all(np.isnan(np.asarray(x)).any() for x in gradients)
