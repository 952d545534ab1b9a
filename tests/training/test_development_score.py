"""The best epoch, also of a run that is killed and resumes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import keras
import killed_development
import numpy as np
import pytest

from keras_ctx.training import (
    DevelopmentScore,
    read_metrics,
    remove_checkpoints,
    run_callbacks,
)

ROOT = Path(__file__).resolve().parents[2]


def model() -> keras.Model:
    x = keras.Input((1,))
    model = keras.Model(x, keras.layers.Dense(1, use_bias=False)(x))
    model.compile("sgd", "mse", jit_compile=False)
    return model


def fit(
    folder: Path, scores: list[float], **kwargs
) -> tuple[DevelopmentScore, keras.callbacks.History, list[float]]:
    """Trains with given scores; returns the weight after each epoch."""
    fitted, given, weights = model(), iter(scores), []

    def score() -> float:
        weights.append(float(fitted.get_weights()[0][0, 0]))
        return next(given)

    development = DevelopmentScore(score, "f1", folder, **kwargs)
    ones = np.ones((4, 1), "float32")
    history = fitted.fit(
        *(ones, 3 * ones),
        epochs=len(scores),
        verbose=0,
        callbacks=[development, *run_callbacks(folder)],
    )
    return development, history, weights


CASES = [
    # scores, arguments, best epoch, epochs that ran
    ([0.1, 0.4, 0.3, 0.5, 0.2], {}, 3, 5),
    ([0.1, 0.4, 0.3, 0.4, 0.2], {}, 1, 5),  # of equals, the earlier
    ([0.1, 0.4, 0.3, 0.2, 0.9], {"patience": 2}, 1, 4),
    ([0.1, 0.4, 0.4, 0.5, 0.2], {"patience": 2}, 3, 5),
    ([0.4, 0.4, 0.9], {"patience": 1}, 0, 2),
    ([0.4, 0.2, 0.2, 0.3, 0.1], {"mode": "min", "patience": 2}, 1, 4),
    ([-3.0, -1.0, -2.0], {}, 1, 3),
]


@pytest.mark.quick("scores1-*", "scores4-*", "scores6-*")
@pytest.mark.parametrize(("scores", "arguments", "best", "epochs"), CASES)
def test_best_epoch_is_kept(
    tmp_path: Path, scores: list, arguments: dict, best: int, epochs: int
) -> None:
    development, history, weights = fit(tmp_path, scores, **arguments)
    assert history.history["val_f1"] == scores[:epochs]
    assert development.scores == scores[:epochs]
    assert development.best_epoch == best
    assert development.best_score == scores[best]
    written = json.loads((tmp_path / "development_f1.json").read_text())
    assert written == {"scores": scores[:epochs]}
    files = [path.name for path in tmp_path.glob("best*")]
    assert files == [f"best_epoch_{best}.weights.h5"]
    assert len(set(weights)) == epochs
    development.restore_best()
    assert development.model.get_weights()[0][0, 0] == weights[best]
    assert "val_f1" in read_metrics(tmp_path)[-1]


def test_new_run_in_the_same_folder_starts_anew(tmp_path: Path) -> None:
    fit(tmp_path, [0.1, 0.9, 0.2])
    remove_checkpoints(tmp_path)
    development, _, weights = fit(tmp_path, [0.3, 0.2])
    assert (development.scores, development.best_epoch) == ([0.3, 0.2], 0)
    assert len(list(tmp_path.glob("best*"))) == 1
    development.restore_best()
    assert development.model.get_weights()[0][0, 0] == weights[0]


def test_weights_are_those_of_the_model_alone(tmp_path: Path) -> None:
    fit(tmp_path, [0.5, 0.1])
    path = tmp_path / "best_epoch_0.weights.h5"
    with h5py.File(path) as file:
        assert "optimizer" not in file
    x = keras.Input((1,))
    twin = keras.Model(x, keras.layers.Dense(1, use_bias=False)(x))
    twin.load_weights(path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory):
    development, history = killed_development.fit(
        tmp_path_factory.mktemp("whole")
    )
    # It stops before twelve epochs, and not at the best.
    assert (len(development.scores), development.best_epoch) == (8, 4)
    assert max(development.scores[:4]) == development.scores[3]
    development.restore_best()
    return development


@pytest.mark.slow
@pytest.mark.parametrize(
    "point",
    ["backup", "stopped", "score", "begin"],
)
def test_killed_run_ends_as_the_whole_one(
    tmp_path: Path, whole: DevelopmentScore, point: str
) -> None:
    killed = subprocess.run(
        [sys.executable, killed_development.__file__, tmp_path, point],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert killed.returncode == -signal.SIGKILL
    resumed, _ = killed_development.fit(tmp_path)
    assert resumed.scores == whole.scores
    assert resumed.best_epoch == whole.best_epoch
    resumed.restore_best()
    for one, other in zip(
        whole.model.get_weights(), resumed.model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_epochs_without_their_scores_are_refused(tmp_path: Path) -> None:
    development = DevelopmentScore(lambda: 0.5, "f1", tmp_path)
    ones = np.ones((4, 1))
    with pytest.raises(
        ValueError, match="all 2 epochs before .* with 0. Train"
    ):
        model().fit(
            *(ones, ones),
            initial_epoch=2,
            epochs=3,
            verbose=0,
            callbacks=[development],
        )


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_score_must_be_a_number(tmp_path: Path, score: float) -> None:
    given = iter([0.5, score])
    development = DevelopmentScore(lambda: next(given), "f1", tmp_path)
    ones = np.ones((4, 1))
    with pytest.raises(ValueError, match=f"finite .*: {score} after epoch 1"):
        model().fit(ones, ones, epochs=2, verbose=0, callbacks=[development])


def test_refused_arguments(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`patience` must be .*patience=0"):
        DevelopmentScore(lambda: 1.0, "f1", tmp_path, patience=0)
    with pytest.raises(ValueError, match="`mode` must be .*mode='best'"):
        DevelopmentScore(lambda: 1.0, "f1", tmp_path, mode="best")  # pyright: ignore
    development = DevelopmentScore(lambda: 1.0, "f1", tmp_path)
    assert development.best_epoch is development.best_score is None
    with pytest.raises(ValueError, match="`restore_best` needs a best epoch"):
        development.restore_best()
