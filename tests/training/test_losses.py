"""Losses are sums with weights from the input pipeline, not divided."""

import keras
import numpy as np
import pytest

from keras_ctx.training import (
    LogLikelihoodLoss,
    bert_pretraining_losses,
    elmo_pretraining_losses,
)


def test_log_likelihoods_are_added_up() -> None:
    nll = np.array([[1.0, 2.0], [4.0, 8.0]], "float32")
    weights = np.array([[0.5, 0.25], [0.25, 0.0]], "float32")
    loss = LogLikelihoodLoss()
    assert float(loss(0 * nll, nll)) == 15.0
    assert float(loss(0 * nll, nll, weights)) == 0.5 + 0.5 + 1.0


@pytest.mark.parametrize("key", ["masked_lm", "next_sentence"])
def test_cross_entropies_are_added_up(key: str) -> None:
    logits = np.log(np.array([[0.25, 0.75], [0.5, 0.5]], "float32"))
    weights = np.array([0.5, 0.25], "float32")
    loss = bert_pretraining_losses()[key](np.array([1, 0]), logits, weights)
    expected = -(0.5 * np.log(0.75) + 0.25 * np.log(0.5))
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_saved_and_loaded() -> None:
    for loss in elmo_pretraining_losses().values():
        config = keras.losses.serialize(loss)
        again = keras.losses.deserialize(config)
        assert isinstance(again, LogLikelihoodLoss)
        assert (again.name, again.reduction) == (loss.name, "sum")
