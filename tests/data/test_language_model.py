"""Targets by hand; negative samples compared with the exact distribution."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from keras_ctx.data import (
    language_model_targets,
    log_uniform_negatives,
    normalize_weights,
)


def test_targets_by_hand() -> None:
    ragged = tf.ragged.constant([[5, 6, 7], [], [9]], dtype=tf.int32)
    dense = tf.constant([[5, 6, 7], [8, 8, 8], [9, 8, 8]], tf.int32)
    mask = tf.sequence_mask([3, 0, 1], 3)
    for made in (
        language_model_targets(ragged),
        language_model_targets(dense, mask),
    ):
        forward, backward, weights = (part.numpy().tolist() for part in made)
        assert forward == [[5, 6, 7, 1], [1, 0, 0, 0], [9, 1, 0, 0]]
        assert backward == [[0, 5, 6, 7], [0, 0, 0, 0], [0, 9, 0, 0]]
        assert weights == [[1, 1, 1, 1], [1, 0, 0, 0], [1, 1, 0, 0]]


def test_targets_without_a_mask_and_in_a_graph() -> None:
    traced = tf.function(
        language_model_targets,
        input_signature=[tf.TensorSpec((None, None), tf.int64)],
    )
    forward, backward, weights = traced(tf.constant([[3], [4]], tf.int64))
    assert forward.dtype == backward.dtype == tf.int32
    assert forward.numpy().tolist() == [[3, 1], [4, 1]]
    assert backward.numpy().tolist() == [[0, 3], [0, 4]]
    assert (weights.numpy() == 1).all()


def log_uniform(size: int) -> np.ndarray:
    """Returns P(id) by its definition."""
    return np.array(
        [np.log((i + 2) / (i + 1)) / np.log(size + 1) for i in range(size)]
    )


def draws(count: int, num_negatives: int, size: int) -> np.ndarray:
    """Returns draws `(count, N)` with the seeds 0 to count - 1."""

    @tf.function
    def run():
        return tf.map_fn(
            lambda i: log_uniform_negatives(
                tf.stack([i, 17]), num_negatives, size
            ),
            tf.range(count),
            parallel_iterations=8,
        )

    return run().numpy()


def test_ordered_pairs_have_the_exact_law() -> None:
    # Without replacement: P(i, j) = p_i p_j / (1 - p_i). Chi-square over
    # the 30 pairs; 72.1 is exceeded once in 20,000 (29 degrees).
    size, count = 6, 20_000
    p = log_uniform(size)
    assert np.isclose(p.sum(), 1)
    drawn = draws(count, 2, size)
    chi = 0.0
    for i, j in itertools.permutations(range(size), 2):
        expected = count * p[i] * p[j] / (1 - p[i])
        found = ((drawn[:, 0] == i) & (drawn[:, 1] == j)).sum()
        chi += (found - expected) ** 2 / expected
    assert chi < 72.1


@pytest.mark.slow
def test_same_frequencies_as_sequential_sampling() -> None:
    # NumPy draws one by one until N are distinct. Both frequencies have a
    # variance of at most q (1 - q) / count: 5 standard deviations of the
    # difference.
    size, num_negatives, count = 40, 12, 4000
    p = log_uniform(size)
    ours = draws(count, num_negatives, size)
    assert all(len(set(row)) == num_negatives for row in ours.tolist())
    rng = np.random.default_rng(3)
    theirs = np.zeros(size)
    for _ in range(count):
        seen: set[int] = set()
        while len(seen) < num_negatives:
            seen.update(rng.choice(size, 1, p=p).tolist())
        theirs[list(seen)] += 1 / count
    frequency = np.bincount(ours.ravel(), minlength=size) / count
    q = (frequency + theirs) / 2
    assert (
        abs(frequency - theirs) < 5 * np.sqrt(2 * q * (1 - q) / count)
    ).all()


def test_same_frequencies_as_tensorflows_sampler() -> None:
    size, num_negatives, count = 100, 20, 3000

    @tf.function
    def sampler():
        zero = tf.zeros((1, 1), tf.int64)
        return tf.map_fn(
            lambda _: tf.random.log_uniform_candidate_sampler(
                zero, 1, num_negatives, True, size, seed=5
            )[0],
            tf.range(count),
            fn_output_signature=tf.int64,
        )

    def frequencies(drawn):
        return np.bincount(drawn.ravel(), minlength=size) / count

    ours = frequencies(draws(count, num_negatives, size))
    theirs = frequencies(sampler().numpy())
    q = (ours + theirs) / 2
    assert (abs(ours - theirs) < 5 * np.sqrt(2 * q * (1 - q) / count)).all()


def test_large_vocabulary_has_no_favourites() -> None:
    size = 793_471
    drawn = log_uniform_negatives((0, 1), 8192, size).numpy()
    assert drawn.dtype == np.int32 and len(set(drawn.tolist())) == 8192
    assert drawn.min() >= 0 and drawn.max() < size
    # log(i + 1) of a log-uniform id is uniform; the most frequent words,
    # nearly always drawn once and counted once, are left out.
    rare = drawn[drawn > 20_000]
    share = (np.log(rare + 1) < np.log(20_001 * size) / 2).mean()
    assert abs(share - 0.5) < 5 * 0.5 / np.sqrt(len(rare)) + 0.02


def test_a_draw_is_a_function_of_the_seed() -> None:
    one, same, other = (
        log_uniform_negatives(seed, 5, 1000).numpy().tolist()
        for seed in ((4, 4), tf.constant([4, 4]), (4, 5))
    )
    assert one == same != other


@pytest.mark.parametrize("number", [0, 11])
def test_impossible_number_of_negatives_is_refused(number) -> None:
    with pytest.raises(ValueError, match="`num_negatives` must be from 1 to"):
        log_uniform_negatives((0, 0), number, 10)


def test_weights_sum_to_one_or_stay_zero() -> None:
    weights = normalize_weights(tf.constant([[2, 0], [1, 1]]))
    assert weights.dtype == tf.float32
    assert weights.numpy().tolist() == [[0.5, 0], [0.25, 0.25]]
    assert normalize_weights(tf.zeros((2, 3))).numpy().sum() == 0
    flags = normalize_weights(tf.constant([True, False, True]))
    assert flags.numpy().tolist() == [0.5, 0, 0.5]


def test_split_batch_has_the_gradient_of_the_whole() -> None:
    # Two replicas with 1 and 3 real targets: the sum of their weighted sums
    # is the mean over all 4.
    losses = np.array([[8.0, 5.0, 5.0], [1.0, 2.0, 3.0]])
    weights = normalize_weights(tf.constant([[1, 0, 0], [1, 1, 1]])).numpy()
    halves = sum((losses[i] * weights[i]).sum() for i in range(2))
    assert np.isclose(halves, (8 + 1 + 2 + 3) / 4)
