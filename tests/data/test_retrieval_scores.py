"""Ranks of right texts, by hand and beside a loop."""

import numpy as np
import pytest

from keras_ctx.evaluation import retrieval_scores


def test_beside_a_loop() -> None:
    random = np.random.default_rng(3)
    queries, texts = random.normal(size=(40, 5)), random.normal(size=(30, 5))
    relevant = [
        sorted(random.choice(30, size=1 + k % 3, replace=False).tolist())
        for k in range(40)
    ]
    reciprocal, recall = [], {1: [], 5: [], 10: []}
    for query, right in zip(queries, relevant, strict=True):
        lengths = np.linalg.norm(texts, axis=1) * np.linalg.norm(query)
        order = np.argsort(-(texts @ query) / lengths).tolist()
        places = [order.index(k) + 1 for k in right]
        reciprocal.append(1 / min(places))
        for k, found in recall.items():
            found.append(sum(place <= k for place in places) / len(places))
    found = retrieval_scores(queries, texts, relevant)
    assert found == pytest.approx(
        {
            "mrr": np.mean(reciprocal),
            **{f"recall_at_{k}": np.mean(x) for k, x in recall.items()},
        },
        abs=1e-12,
    )


def test_equal_vectors_have_no_luck() -> None:
    found = retrieval_scores(np.ones((2, 3)), np.ones((4, 3)), [[0], [1, 2]])
    # Behind the three, and behind the two, that are wrong.
    assert found["mrr"] == pytest.approx((1 / 4 + 1 / 3) / 2)
    assert found["recall_at_1"] == 0 and found["recall_at_5"] == 1
    # A vector of zeros has the cosine 0 with all.
    found = retrieval_scores(np.zeros((1, 2)), np.eye(2), [[0]])
    assert found["mrr"] == 0.5


def test_refusals() -> None:
    good = np.eye(3)
    for relevant in ([[0], [1], []], [[0], [1], [3]], [[0], [1], [2, 2]]):
        with pytest.raises(ValueError, match="for query 2"):
            retrieval_scores(good, good, relevant)
    with pytest.raises(ValueError, match="an entry of `relevant` for each"):
        retrieval_scores(good, good, [[0]])
    with pytest.raises(ValueError, match="`texts` must be finite vectors"):
        retrieval_scores(good, good * np.nan, [[0], [1], [2]])
    with pytest.raises(ValueError, match="`at` must be"):
        retrieval_scores(good, good, [[0], [1], [2]], at=(0,))
