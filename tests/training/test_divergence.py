"""A diverging run stops, and reports where."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_runs import STEPS, fit

from keras_ctx import training
from keras_ctx.training.run.checkpoints import checkpoints


class Spoil(keras.callbacks.Callback):
    """Sets a weight to NaN from a step on, counted from 1."""

    def __init__(self, step: int):
        super().__init__()
        self.step = step

    def on_train_batch_begin(self, batch, logs=None):
        if int(self.model.optimizer.iterations) + 1 == self.step:
            weights = self.model.get_weights()
            weights[-1][0] = np.nan
            self.model.set_weights(weights)


def test_nan_stops_with_step_records_and_checkpoint(tmp_path: Path) -> None:
    def records_of(step: int) -> list[str]:
        return [f"shard-0#{4 * step + row}" for row in range(4)]

    with pytest.raises(training.DivergenceError) as error:
        fit(
            tmp_path,
            Spoil(STEPS + 3),
            checkpoint_steps=2,
            records_of=records_of,
        )
    assert error.value.step == STEPS + 3
    message = str(error.value)
    assert message.startswith("The loss is nan, at step 10. Its batch: ")
    assert "shard-0#36, shard-0#37, shard-0#38, shard-0#39." in message
    assert f"good checkpoint is {checkpoints(tmp_path)[-1]}. " in message
    assert training.completed_steps(tmp_path) == STEPS + 2
    # It resumes from there; checkpoints have only finite weights.
    model = fit(tmp_path)
    assert np.isfinite(model.get_weights()[0]).all()


def test_nan_before_the_first_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(training.DivergenceError, match="no checkpoint yet"):
        fit(tmp_path, Spoil(2))


def run(folder: Path, losses: np.ndarray, **options) -> None:
    """Trains an epoch of a model whose loss on batch n is `losses[n]`."""
    x = keras.Input((1,))
    model = keras.Model(x, keras.layers.Dense(1, use_bias=False)(x))
    model.compile(keras.optimizers.SGD(0.0), "mae", jit_compile=False)
    model.set_weights([np.zeros((1, 1))])
    rows = np.ones((len(losses), 1, 1)), losses[:, None, None]
    dataset = tf.data.Dataset.from_tensor_slices(rows)
    model.fit(
        dataset.skip(training.completed_steps(folder)),
        steps_per_epoch=len(losses),
        shuffle=False,
        verbose=0,
        callbacks=training.run_callbacks(folder, spike=10.0, **options),
    )


def limit(before: np.ndarray) -> float:
    assert len(before) == 100
    return before.mean() + 10 * before.std(ddof=1)


def test_a_spike_stops(tmp_path: Path) -> None:
    losses = np.random.default_rng(1).normal(5, 0.3, 300)
    run(tmp_path / "none", losses)
    before = losses[141:241]
    losses[241] = limit(before) - 0.1
    run(tmp_path / "below", losses)
    losses[241] = limit(before) + 0.1
    message = rf"loss is {losses[241]:.4g}, more than 10 .* above "
    message += rf"{before.mean():.4g}, .* at step 242\."
    with pytest.raises(training.DivergenceError, match=message):
        run(tmp_path / "above", losses)


def test_a_spike_among_equal_losses(tmp_path: Path) -> None:
    """The deviation counts as at least a twentieth of the mean."""
    losses = np.full(150, 2.0)
    losses[120] = 2.9
    run(tmp_path / "below", losses)
    losses[120] = 3.1
    with pytest.raises(training.DivergenceError, match="at step 121"):
        run(tmp_path / "above", losses)


def test_a_spike_in_an_epoch_that_goes_on(tmp_path: Path) -> None:
    """Its first mean includes earlier steps, so it is not a loss."""
    losses = np.random.default_rng(2).normal(5, 0.3, 300)
    run(tmp_path, losses, checkpoint_steps=150)
    checkpoints(tmp_path)[-1].unlink()
    assert training.completed_steps(tmp_path) == 150
    losses[251] = limit(losses[151:251]) + 0.1
    with pytest.raises(training.DivergenceError, match="at step 252"):
        run(tmp_path, losses)


def test_refused_arguments(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`spike` must be positive"):
        training.StopAtDivergence(tmp_path, spike=0.0)
