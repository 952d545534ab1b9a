"""An interrupted run ends with bit-identical results."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
from small_runs import STEPS, At, fit, interrupt, small_model, terminate

from keras_ctx import training
from keras_ctx.training.run.checkpoints import checkpoints, load_checkpoint

TIMES = {"seconds", "steps_per_second", "memory"}


def figures(folder: Path) -> list[dict]:
    """Returns the figures that do not depend on the clock."""
    return [
        {key: value for key, value in line.items() if key not in TIMES}
        for line in training.read_metrics(folder)
    ]


def steps_of(folder: Path) -> list[int]:
    names = [path.stem for path in checkpoints(folder)]
    return [int(name.removeprefix("step_")) for name in names]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory):
    """Returns weights, optimizer state and figures of an unbroken run."""
    folder = tmp_path_factory.mktemp("whole")
    model = fit(folder)
    return model, figures(folder)


def assert_same(model: keras.Model, folder: Path, whole) -> None:
    expected, lines = whole
    for ours, theirs in zip(
        [*model.variables, *model.optimizer.variables],
        [*expected.variables, *expected.optimizer.variables],
        strict=True,
    ):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy(), ours.path)
    found = figures(folder)
    assert [list(line) for line in found] == [list(line) for line in lines]
    for ours, theirs in zip(found, lines, strict=True):
        # A mean over steps is a difference of two means since the start of the
        # epoch; the first of a resumed epoch is recomputed. The norm is a sum
        # in float32, whose order depends on the threads.
        for key, value in theirs.items():
            bound = 1e-6 if key == "gradient_norm" else 1e-9
            assert ours[key] == pytest.approx(value, rel=bound), key


# Within an epoch, at its last step, at its end, and after the last one.
@pytest.mark.quick("where1*")
@pytest.mark.parametrize(
    ("where", "every"),
    [
        ({"step": 3}, None),
        ({"epoch": 1}, None),
        pytest.param({"step": 9}, 2, marks=pytest.mark.slow),
        pytest.param({"step": STEPS}, 2, marks=pytest.mark.slow),
        pytest.param({"step": 4 * STEPS}, None, marks=pytest.mark.slow),
        pytest.param({"epoch": 3}, 2, marks=pytest.mark.slow),
    ],
)
def test_an_interrupted_run_ends_as_a_whole_one(
    where, every, whole, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path, after=(At(interrupt, **where),), checkpoint_steps=every)
    model = fit(tmp_path, checkpoint_steps=every)
    assert_same(model, tmp_path, whole)
    assert steps_of(tmp_path)[-1] == 4 * STEPS
    training.remove_checkpoints(tmp_path)
    assert not (tmp_path / "checkpoints").exists()


@pytest.mark.slow
def test_a_run_interrupted_often(whole, tmp_path: Path) -> None:
    for step in (2, 5, 14, 20):
        with pytest.raises(KeyboardInterrupt):
            after = (At(interrupt, step=step),)
            fit(tmp_path, after=after, checkpoint_steps=1)
        assert training.completed_steps(tmp_path) == step - (step % STEPS == 0)
    assert_same(fit(tmp_path, checkpoint_steps=1), tmp_path, whole)


def test_a_run_that_has_ended_stays_as_it_is(whole, tmp_path: Path) -> None:
    fit(tmp_path)
    again = fit(tmp_path)
    assert again.history.history == {}
    assert_same(again, tmp_path, whole)


@pytest.fixture
def in_the_foreground() -> Iterator[None]:
    """Enables Ctrl-C, which background processes of a shell ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.quick("15-*")
@pytest.mark.usefixtures("in_the_foreground")
@pytest.mark.parametrize(
    ("where", "saved"),
    [
        ({"step": 10}, 10),
        pytest.param({"step": STEPS}, STEPS, marks=pytest.mark.slow),
        pytest.param({"epoch": 1}, 2 * STEPS, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize(
    ("number", "name", "status"),
    [(signal.SIGTERM, "SIGTERM", 143), (signal.SIGINT, "Ctrl-C", 130)],
)
def test_a_signal_saves_first(
    number, name, status, where, saved, whole, tmp_path: Path, capsys
):
    before = [signal.getsignal(x) for x in (signal.SIGTERM, signal.SIGINT)]
    with pytest.raises(SystemExit) as ended:
        fit(tmp_path, At(terminate(number), **where))
    assert ended.value.code == status
    now = [signal.getsignal(x) for x in (signal.SIGTERM, signal.SIGINT)]
    assert now == before
    said = f"Stopped by {name} after step {saved}, which is saved in"
    assert said in capsys.readouterr().out
    assert training.completed_steps(tmp_path) == saved
    assert_same(fit(tmp_path), tmp_path, whole)
    now = [signal.getsignal(x) for x in (signal.SIGTERM, signal.SIGINT)]
    assert now == before


@pytest.mark.slow
@pytest.mark.usefixtures("in_the_foreground")
def test_a_second_ctrl_c_ends_at_once(tmp_path: Path) -> None:
    def twice() -> None:
        terminate(signal.SIGINT)()
        terminate(signal.SIGINT)()

    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path, At(twice, step=10))
    assert training.completed_steps(tmp_path) == STEPS


@pytest.mark.slow
@pytest.mark.usefixtures("in_the_foreground")
def test_after_an_error_ctrl_c_is_what_it_was(tmp_path: Path) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ZeroDivisionError):
        fit(tmp_path, At(fail, step=3))
    with pytest.raises(KeyboardInterrupt):
        terminate(signal.SIGINT)()
    assert signal.getsignal(signal.SIGINT) == before


def test_a_run_in_the_background_ignores_ctrl_c(whole, tmp_path: Path) -> None:
    # Like `command &` in a shell script.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        model = fit(tmp_path, At(terminate(signal.SIGINT), step=10))
    finally:
        signal.signal(signal.SIGINT, before)
    assert_same(model, tmp_path, whole)


def test_the_newest_checkpoints_are_kept(tmp_path: Path) -> None:
    fit(tmp_path, checkpoint_steps=3, keep=3)
    assert steps_of(tmp_path) == [3 * STEPS + 3, 3 * STEPS + 6, 4 * STEPS]


def test_a_checkpoint_that_was_being_written_is_none(
    whole, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path, after=(At(interrupt, step=9),))
    # As after a kill: truncated, under a temporary name.
    there = checkpoints(tmp_path)[0]
    half = there.read_bytes()[:1000]
    there.with_name(f".1f.{there.name}").write_bytes(half)
    assert_same(fit(tmp_path), tmp_path, whole)
    assert not list((tmp_path / "checkpoints").glob(".*"))


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from small_runs import At, fit

def no_room():
    # As a full disk: no file may grow beyond so many bytes.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60000, 60000))

fit(Path(sys.argv[1]), At(no_room, step=9))
"""


@pytest.mark.slow
def test_a_damaged_checkpoint_is_named(whole, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path, after=(At(interrupt, step=9),), checkpoint_steps=2)
    last = checkpoints(tmp_path)[-1]
    last.write_bytes(last.read_bytes()[:-1])
    with pytest.raises(ValueError, match=f"{last}, which is damaged.*Remove"):
        fit(tmp_path)
    last.unlink()
    assert_same(fit(tmp_path), tmp_path, whole)


def test_another_model_is_refused(tmp_path: Path) -> None:
    fit(tmp_path)
    with pytest.raises(ValueError, match="must be those of the checkpoint"):
        fit(tmp_path, optimizer={"ema_momentum": 0.9})


@pytest.mark.slow
def test_a_full_disk_leaves_the_checkpoint_before(whole, tmp_path: Path):
    ended = subprocess.run(
        [sys.executable, "-c", FULL_DISK, tmp_path, Path(__file__).parent],
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1
    last = ended.stderr.strip().splitlines()[-1]
    assert "The checkpoint of step 14 could not be written" in last
    assert f"whole one is {checkpoints(tmp_path)[0]}; free some" in last
    assert steps_of(tmp_path) == [STEPS]
    assert not list((tmp_path / "checkpoints").glob(".*"))
    assert_same(fit(tmp_path), tmp_path, whole)


def test_weights_that_are_not_finite_are_not_saved(tmp_path: Path) -> None:
    model = small_model()
    backup = training.BackupAndRestore(tmp_path)

    class Spoil(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                weights = self.model.get_weights()
                weights[0][0, 0] = np.nan
                self.model.set_weights(weights)

    x = np.ones((4, 3), "float32")
    with pytest.raises(ValueError, match="finite weights .*nan .*step 2; "):
        model.fit(x, x[:, :1], epochs=3, verbose=0, callbacks=[Spoil(), backup])
    assert steps_of(tmp_path) == [1]


@pytest.mark.slow
def test_a_callback_before_it_may_stop_the_run(tmp_path: Path) -> None:
    scores = iter([0.5, 0.4, 0.3, 0.2])
    development = training.DevelopmentScore(
        lambda: next(scores), "f1", tmp_path, patience=1
    )
    with pytest.raises(SystemExit):
        fit(tmp_path, development, At(terminate(), step=9))
    scores = iter([0.4])
    development = training.DevelopmentScore(
        lambda: next(scores), "f1", tmp_path, patience=1
    )
    model = fit(tmp_path, development)
    assert development.scores == [0.5, 0.4]
    assert model.stop_training


@pytest.mark.slow
def test_average_of_checkpoints(tmp_path: Path) -> None:
    model = fit(tmp_path, keep=3)
    expected = []
    for path in checkpoints(tmp_path):
        other = small_model()
        load_checkpoint(other, path)
        expected.append(other.get_weights())
    assert len(expected) == 3
    training.average_checkpoints(model, tmp_path, 2)
    for found, *kept in zip(model.get_weights(), *expected, strict=True):
        mean = (kept[1].astype("float64") + kept[2]) / 2
        np.testing.assert_allclose(found, mean, rtol=1e-6)
        assert not np.array_equal(found, kept[2])
    for number in (0, 4):
        with pytest.raises(ValueError, match="`number` must be at most"):
            training.average_checkpoints(model, tmp_path, number)


@pytest.mark.slow
def test_moving_average_of_the_weights(whole, tmp_path: Path) -> None:
    optimizer = {"ema_momentum": 0.9}

    class Weights(keras.callbacks.Callback):
        average = None

        def on_train_batch_end(self, batch, logs=None):
            now = [x.numpy() for x in self.model.trainable_variables]
            if self.average is None:
                self.average = now
            self.average = [
                0.9 * a + 0.1 * x
                for a, x in zip(self.average, now, strict=True)
            ]

    record = Weights()
    model = fit(tmp_path / "whole", record, optimizer=optimizer)
    assert record.average is not None
    for found, expected in zip(
        model.trainable_variables, record.average, strict=True
    ):
        # Keras starts the average at the initial weights or at 0; see below.
        np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)
    with pytest.raises(SystemExit):
        fit(tmp_path / "cut", At(terminate(), step=10), optimizer=optimizer)
    resumed = fit(tmp_path / "cut", optimizer=optimizer)
    for ours, theirs in zip(resumed.weights, model.weights, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


@pytest.mark.parametrize("name", ["every_steps", "keep"])
def test_refused_arguments(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"`{name}` must be at least 1.*=0"):
        training.BackupAndRestore(tmp_path, **{name: 0})


def test_no_room_for_the_folder(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").write_text("in the way")
    with pytest.raises(OSError, match="step 7 could not .* is not there; free"):
        fit(tmp_path)
