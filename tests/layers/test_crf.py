"""The conditional random field, compared with a sum over all paths."""

import itertools
import json
import math

import keras
import numpy as np
import pytest

from keras_ctx.layers import CRF

N, T = 3, 4
LENGTHS = (4, 2, 1, 0, 3)
SCORES = (
    np.random.default_rng(2).normal(size=(len(LENGTHS), T, N)).astype("float32")
)
MASK = np.arange(T)[None] < np.array(LENGTHS)[:, None]


def crf_of(num_tags: int = N, **kwargs) -> CRF:
    layer = CRF(num_tags, **kwargs)
    layer.build((None, None, num_tags))
    generator = np.random.default_rng(3)
    layer.set_weights([generator.normal(size=w.shape) for w in layer.weights])
    return layer


def paths(length: int) -> list[tuple[int, ...]]:
    return list(itertools.product(range(N), repeat=length))


def path_score(layer: CRF, scores: np.ndarray, path: tuple) -> float:
    """Returns the score of a path by definition, with `start` and `end`."""
    if not path:
        return 0.0
    transitions, start, end = layer.get_weights()
    return float(
        start[path[0]]
        + end[path[-1]]
        + sum(scores[t, tag] for t, tag in enumerate(path))
        + sum(transitions[i, j] for i, j in itertools.pairwise(path))
    )


def chances(layer: CRF, row: int) -> dict[tuple, float]:
    """Returns the probability of every path of a row."""
    exponentials = {
        path: math.exp(path_score(layer, SCORES[row], path))
        for path in paths(LENGTHS[row])
    }
    total = sum(exponentials.values())
    return {path: x / total for path, x in exponentials.items()}


def numpy(outputs: dict) -> dict[str, np.ndarray]:
    return {k: keras.ops.convert_to_numpy(x) for k, x in outputs.items()}


def test_steps_multiply_to_the_probability_of_every_path() -> None:
    layer = crf_of()
    logits = numpy(layer(SCORES, MASK))["logits"]
    for row in range(len(LENGTHS)):
        for path, chance in chances(layer, row).items():
            before = (0, *path)
            found = sum(
                logits[row, t, before[t], tag] for t, tag in enumerate(path)
            )
            assert found == pytest.approx(math.log(chance), abs=1e-5)


def test_steps_are_probabilities() -> None:
    logits = numpy(crf_of()(SCORES, MASK))["logits"]
    np.testing.assert_allclose(np.exp(logits[MASK]).sum(-1), 1, atol=1e-6)
    assert not logits[~MASK].any()
    # Before the first token there is no tag.
    np.testing.assert_array_equal(logits[:, 0, :1].repeat(N, 1), logits[:, 0])


def test_scores_are_sums_over_all_paths() -> None:
    layer = crf_of()
    scores = numpy(layer(SCORES, MASK))["scores"]
    expected = np.zeros_like(scores)
    for row in range(len(LENGTHS)):
        for path, chance in chances(layer, row).items():
            for t, tag in enumerate(path):
                expected[row, t, tag] += chance
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-6)


def test_tags_are_the_most_probable_path() -> None:
    layer = crf_of()
    tags = numpy(layer(SCORES, MASK))["tags"]
    independent = 0
    for row, length in enumerate(LENGTHS):
        by_chance = chances(layer, row)
        best = max(by_chance, key=lambda path: by_chance[path])
        assert tuple(tags[row, :length]) == best
        assert (tags[row, length:] == -1).all()
        independent += tuple(SCORES[row, :length].argmax(-1)) == best
    # The weights matter: an argmax would give other tags.
    assert independent < len(LENGTHS) - 1


def test_best_path_is_not_the_path_of_best_scores() -> None:
    # Of the paths 00, 01, 10, 11 with 0, 3, 2.5 and 2.5: the best begins
    # with 0, though more than half of the probability begins with 1.
    layer = CRF(2)
    layer.build((None, None, 2))
    layer.transitions.assign([[0, 3], [2.5, 2.5]])
    outputs = numpy(layer(np.zeros((1, 2, 2))))
    assert outputs["tags"].tolist() == [[0, 1]]
    assert outputs["scores"][0, 0].argmax() == 1


def test_without_mask_all_are_real() -> None:
    layer = crf_of()
    found = numpy(layer(SCORES))
    expected = numpy(layer(SCORES, np.ones_like(MASK)))
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value)


def test_starts_as_independent_softmaxes() -> None:
    outputs = numpy(CRF(N)(SCORES, MASK))
    shares = np.exp(SCORES) / np.exp(SCORES).sum(-1, keepdims=True)
    np.testing.assert_allclose(
        outputs["scores"], shares * MASK[..., None], atol=1e-6
    )
    best = np.where(MASK, SCORES.argmax(-1), -1)
    np.testing.assert_array_equal(outputs["tags"], best)


def test_padding_may_be_no_number() -> None:
    layer = crf_of()
    scores = np.where(MASK[..., None], SCORES, np.nan)
    expected = numpy(layer(SCORES, MASK))
    for key, value in numpy(layer(scores, MASK)).items():
        np.testing.assert_array_equal(value, expected[key])


@pytest.mark.parametrize(
    "length", [100, pytest.param(2000, marks=pytest.mark.slow)]
)
def test_long_row_keeps_its_digits(length: int) -> None:
    # In float32 the score of the whole row, some 15,000 or 60,000, has three
    # or two decimals.
    layer, exact = crf_of(), crf_of(dtype="float64")
    scores = 40 * np.random.default_rng(4).normal(size=(1, length, N))
    scores = scores.astype("float32")
    found, expected = numpy(layer(scores)), numpy(exact(scores))
    np.testing.assert_array_equal(found["tags"], expected["tags"])
    for key in ("logits", "scores"):
        np.testing.assert_allclose(
            found[key], expected[key], rtol=1e-5, atol=1e-4
        )


def test_half_precision_does_not_round_the_weights() -> None:
    scores = np.zeros((1, 3, N), "float32")
    half = numpy(crf_of(dtype="mixed_bfloat16")(scores))
    full = numpy(crf_of()(scores))
    for key, value in full.items():
        np.testing.assert_array_equal(half[key], value)


@pytest.mark.parametrize("number", [0, -2, 1.5, True, None])
def test_error_of_num_tags(number) -> None:
    with pytest.raises(ValueError, match=f"`num_tags` .* num_tags={number}"):
        CRF(number)


@pytest.mark.parametrize("shape", [(2, 4, 5), (2, 3)])
def test_error_of_another_number_of_tags(shape: tuple) -> None:
    message = r"`inputs` must be .*`num_tags=3` tags\. Received: shape=\(2,"
    with pytest.raises(ValueError, match=message):
        CRF(3).build(shape)
    with pytest.raises(ValueError, match=message):
        crf_of()(np.ones(shape, "float32"))


# After tag 0 not 2, after 1 not 1, no row begins with 2 or ends with 0.
PAIRS = [(i, j) for i in range(N + 1) for j in (*range(N), N + 1)]
for forbidden in ((0, 2), (1, 1), (N, 2), (0, N + 1)):
    PAIRS.remove(forbidden)


def allows(path: tuple) -> bool:
    return set(itertools.pairwise((N, *path, N + 1))) <= set(PAIRS)


def test_constraints_choose_the_best_allowed_path() -> None:
    free, layer = crf_of(), crf_of(constraints=PAIRS)
    found, expected = numpy(layer(SCORES, MASK)), numpy(free(SCORES, MASK))
    changed = 0
    for row, length in enumerate(LENGTHS):
        by_chance = chances(layer, row)
        best = max(
            filter(allows, paths(length)), key=by_chance.__getitem__, default=()
        )
        assert tuple(found["tags"][row]) == best + (-1,) * (T - length)
        changed += tuple(expected["tags"][row, :length]) != best
    assert changed >= 2
    # And it has no probability.
    for key in ("logits", "scores"):
        np.testing.assert_array_equal(found[key], expected[key])


def test_constraints_hold_against_great_scores() -> None:
    # 50 tokens, each 100,000 better with a tag that only a forbidden step from
    # the start reaches: 5,000,000 in total.
    layer = crf_of(2, constraints=[(2, 0), (0, 0), (1, 1), (0, 3), (1, 3)])
    scores = np.zeros((1, 50, 2), "float32")
    scores[..., 1] = 1e5
    assert not numpy(layer(scores))["tags"].any()


def test_row_without_allowed_path_breaks_as_few_as_can_be() -> None:
    # Rows of 0 1 0 1 ..., which an odd number of tokens cannot make.
    layer = crf_of(2, constraints=[(2, 0), (0, 1), (1, 0), (1, 3)])
    scores = np.array([[[0, 0], [0, 0], [0, 9]]], "float32")
    tags = numpy(layer(scores))["tags"].tolist()
    assert tags in ([[0, 1, 1]], [[0, 1, 0]], [[0, 0, 1]], [[1, 0, 1]])
    assert np.isfinite(numpy(layer(scores))["logits"]).all()


@pytest.mark.parametrize("constraints", [PAIRS, None])
def test_best_path_of_some_tokens(constraints) -> None:
    # The other tokens are summed over all tags that they could have.
    layer = crf_of(constraints=constraints)
    generator = np.random.default_rng(6)
    counts = MASK & (generator.random(MASK.shape) < 0.6)
    counts[0] = [False, True, False, True]
    logits = layer(SCORES, MASK)["logits"]
    tags, log_probability = layer.best_path(logits, counts)
    for row in range(len(LENGTHS)):
        at = np.flatnonzero(counts[row])
        sums = dict.fromkeys(itertools.product(range(N), repeat=len(at)), 0.0)
        for path, chance in chances(layer, row).items():
            sums[tuple(path[t] for t in at)] += chance
        allowed = filter(allows, sums) if constraints and len(at) else sums
        best = max(allowed, key=sums.__getitem__)
        assert tuple(np.asarray(tags)[row, at]) == best
        assert (np.asarray(tags)[row, ~counts[row]] == -1).all()
        assert float(log_probability[row]) == pytest.approx(
            math.log(sums[best]), abs=1e-5
        )


HOLES = np.array(
    [
        [0, 1, 0, 0, 1, 1, 0],
        [1, 0, 0, 0, 0, 0, 1],
        [0] * 7,
        [0, 0, 0, 1, 0, 0, 0],
    ],
    bool,
)


@pytest.mark.parametrize("constraints", [PAIRS, None])
def test_masked_tokens_are_as_if_absent(constraints) -> None:
    layer = crf_of(constraints=constraints)
    scores = np.random.default_rng(7).normal(size=(*HOLES.shape, N))
    scores = np.where(HOLES[..., None], scores, np.nan).astype("float32")
    found = numpy(layer(scores, HOLES))
    for row, mask in enumerate(HOLES):
        if mask.any():
            alone = numpy(layer(scores[row : row + 1, mask]))
            for key, value in alone.items():
                np.testing.assert_allclose(
                    found[key][row, mask], value[0], rtol=0, atol=1e-6
                )
        assert not found["logits"][row, ~mask].any()
        assert not found["scores"][row, ~mask].any()
        assert (found["tags"][row, ~mask] == -1).all()


def test_constraints_are_configuration() -> None:
    layer = CRF(N, constraints=iter(PAIRS))
    config = layer.get_config()
    again = CRF.from_config(json.loads(json.dumps(config)))
    assert again.constraints == layer.constraints == tuple(sorted(PAIRS))
    assert CRF(N).get_config()["constraints"] is None


@pytest.mark.parametrize(
    "pair",
    [(0, 3), (4, 0), (-1, 0), (0, 5), (0, 1, 2), 7, ("0", "1"), (0, 1.0)],
)
def test_error_of_a_pair(pair) -> None:
    with pytest.raises(ValueError, match="`constraints` must hold pairs"):
        CRF(N, constraints=[(3, 0), (0, 4), pair])


@pytest.mark.parametrize(
    "pairs", [[], [(3, 0), (0, 1), (1, 0)], [(3, 0), (1, 4)], [(3, 4)]]
)
def test_error_of_constraints_without_a_path(pairs) -> None:
    with pytest.raises(ValueError, match="`constraints` must allow a path"):
        CRF(N, constraints=pairs)
