"""Callbacks run in the required order, whatever the given order."""

import itertools
from pathlib import Path

import keras
import numpy as np
import pytest
from small_runs import STEPS, At, fit, small_model, terminate

from keras_ctx import layers
from keras_ctx.training import (
    DevelopmentScore,
    ResetState,
    read_metrics,
    run_callbacks,
)


def names(callbacks) -> list[str]:
    return [type(callback).__name__ for callback in callbacks]


def test_run_callbacks_puts_others_where_they_belong(tmp_path: Path) -> None:
    others = [
        keras.callbacks.SwapEMAWeights(),
        keras.callbacks.EarlyStopping("val_f1"),
        DevelopmentScore(lambda: 0.0, "f1", tmp_path),
    ]
    for given in itertools.permutations(others):
        assert names(run_callbacks(tmp_path, callbacks=given)) == [
            "ResumedEpoch",
            "DevelopmentScore",
            "EarlyStopping",
            "RunLog",
            "StopAtDivergence",
            "BackupAndRestore",
            "SwapEMAWeights",
        ]


def test_equal_ones_stay_in_the_order_given(tmp_path: Path) -> None:
    one, other = keras.callbacks.Callback(), keras.callbacks.Callback()
    found = run_callbacks(tmp_path, callbacks=[other, one])
    assert found.index(one) == found.index(other) + 1


@pytest.mark.parametrize("last", ["score", "resumed"])
def test_wrong_order_is_refused_before_the_first_step(tmp_path, last) -> None:
    def score() -> float:
        raise AssertionError("an epoch has ended")

    score_of_dev = DevelopmentScore(score, "f1", tmp_path)
    resumed, *others = run_callbacks(tmp_path)
    callbacks = {
        "score": [resumed, *others, score_of_dev],
        "resumed": [score_of_dev, *others, resumed],
    }[last]
    late = type(callbacks[-1]).__name__
    model = small_model()
    before = model.get_weights()
    x = np.ones((4, 3))
    with pytest.raises(
        ValueError, match=f"`callbacks` must list {late} before BackupAndRest"
    ):
        model.fit(x, x[:, :1], verbose=0, callbacks=callbacks)
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not (tmp_path / "metrics.jsonl").exists()


def test_list_may_be_used_again(tmp_path: Path) -> None:
    model, x = small_model(), np.ones((4, 3))
    callbacks = run_callbacks(tmp_path)
    for epochs in (1, 2):
        model.fit(x, x[:, :1], epochs=epochs, verbose=0, callbacks=callbacks)
    lines = [x for x in read_metrics(tmp_path) if "epoch" in x]
    assert len(lines) == 2


def test_resumed_epoch_ends_training_where_the_score_says_so(tmp_path) -> None:
    given = iter([0.5, 0.4, 0.9])

    def stops() -> DevelopmentScore:
        return DevelopmentScore(lambda: next(given), "f1", tmp_path, 1)

    kill = At(terminate(), step=STEPS + 3)
    with pytest.raises(SystemExit):
        fit(tmp_path, stops(), kill)
    fit(tmp_path, stops())
    # The second epoch is not better, so it is the last.
    assert next(given) == 0.9
    lines = read_metrics(tmp_path)
    assert [line["val_f1"] for line in lines if "epoch" in line] == [0.5, 0.4]
    assert max(line["step"] for line in lines) == 2 * STEPS


@pytest.mark.quick("True")
@pytest.mark.parametrize("is_first", [True, False])
def test_resets_of_a_resumed_epoch_need_no_order(tmp_path, is_first) -> None:
    class Resets(layers.BiLM):
        def reset_state(self) -> None:
            resets.append(counted["steps"])

    counted, resets = {"steps": 0}, []

    class Count(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None) -> None:
            counted["steps"] += 1

    def run(*kill) -> None:
        reset = ResetState(Resets(4, 2, stateful=True), 2)
        ours = (reset, Count())
        before, after = (ours, ()) if is_first else ((), ours)
        fit(tmp_path, *kill, *before, after=after)

    with pytest.raises(SystemExit):
        # One step after the reset before step 2.
        run(Count(), At(terminate(), step=3))
    counted["steps"], resets[:] = 3, []
    run()
    # Steps 2, 4, 6 of an epoch of seven, and again in the next epoch.
    assert resets[:6] == [4, 6, 7, 9, 11, 13]
