"""Halving the rate when a loss rises, also in a run that resumes."""

import keras
import numpy as np
import pytest

from keras_ctx.training import HalveRate, run_callbacks
from keras_ctx.training.optimizers.lstm_translator import (
    lstm_translator_optimizer,
)

X = np.ones((2, 1), "float32")
LOSSES = [3.0, 2.0, 2.5, 2.2, 2.3, 2.4, 1.0]
RATES = [0.8, 0.8, 0.4, 0.4, 0.2, 0.1, 0.1]


class Scored(keras.callbacks.Callback):
    """Gives each epoch its loss of `LOSSES`, and notes the rates."""

    def __init__(self) -> None:
        super().__init__()
        self.rates: list[float] = []

    def on_epoch_begin(self, epoch, logs=None):
        self.rates.append(float(self.model.optimizer.learning_rate))

    def on_epoch_end(self, epoch, logs=None):
        assert logs is not None
        logs["val_loss"] = LOSSES[epoch]


def model() -> keras.Model:
    keras.utils.set_random_seed(1)
    made = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    made.compile(lstm_translator_optimizer("sgd", 0.8), "mse")
    return made


def fit(folder, epochs: int, least_share: float = 0.1) -> tuple:
    scored, made = Scored(), model()
    halve = HalveRate("val_loss", folder, least_share)
    made.fit(
        *(X, X),
        epochs=halve.last_epoch(epochs),
        callbacks=run_callbacks(folder, callbacks=[scored, halve]),
        verbose=0,
    )
    return scored.rates, made.get_weights(), halve


def test_halved_after_each_rise_from_epoch_to_epoch(tmp_path) -> None:
    rates, _, _ = fit(tmp_path, 7)
    # The rate of the epoch after 2.5 is half; 2.2 is better than 2.5.
    expected = [0.8, *RATES[:-1]]
    np.testing.assert_allclose(rates, expected, rtol=1e-6)


def test_it_ends_when_the_rate_is_low_and_stays_ended(tmp_path) -> None:
    rates, weights, halve = fit(tmp_path, 7, least_share=0.3)
    assert len(rates) == 5  # 0.2 of 0.8 is below 0.3
    assert halve.last_epoch(7) == 5
    again, same, _ = fit(tmp_path, 7, least_share=0.3)
    assert again == []
    for one, other in zip(weights, same, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("killed_after", [2, 3])
def test_a_resumed_run_is_the_whole_run(killed_after: int, tmp_path) -> None:
    rates, weights, _ = fit(tmp_path / "whole", 7)
    first, _, _ = fit(tmp_path / "killed", killed_after)
    second, found, _ = fit(tmp_path / "killed", 7)
    np.testing.assert_allclose([*first, *second], rates, rtol=1e-6)
    for one, other in zip(weights, found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_refusals(tmp_path) -> None:
    with pytest.raises(ValueError, match="`least_share` must be"):
        HalveRate("val_loss", tmp_path, 0)
    with pytest.raises(ValueError, match="`optimizer` must be one of"):
        lstm_translator_optimizer("adagrad")  # pyright: ignore
    with pytest.raises(ValueError, match="`learning_rate` must be"):
        lstm_translator_optimizer("sgd", -1)
    made = model()
    halve = HalveRate("val_other", tmp_path)
    with pytest.raises(ValueError, match="`monitor` must be a loss in the"):
        made.fit(X, X, callbacks=[halve], verbose=0)
