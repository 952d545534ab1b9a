"""Logs a run: metrics, curves, and the expected end."""

import resource
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from keras_ctx.callback_order import WRITE, PlacedCallback
from keras_ctx.checks import check_at_least
from keras_ctx.evaluation.perplexity import perplexity_of_nats
from keras_ctx.files.json_text import json_text
from keras_ctx.files.whole_file import full_disk_named, write_text
from keras_ctx.training.run.checkpoints import newest_position
from keras_ctx.training.run.folder import SETTINGS
from keras_ctx.training.run.metrics_file import kept_metrics, seconds_trained

# The profiler runs between these steps, when caches are warm.
_TRACED = 20, 25


class RunLog(PlacedCallback):
    """Writes `metrics.jsonl` and TensorBoard curves; prints the expected end.

    A line for steps has the means of Keras's logs over the steps since the
    previous line, and `learning_rate`, `gradient_norm` (of the last step,
    before clipping), `seconds`, `steps_per_second`, `memory` (peak of the
    process, MiB) and, with `tokens_per_step`, `tokens_per_second`, without
    padding. A line for an epoch has Keras's logs of the epoch. Perplexities
    are added for the losses named in `perplexity_of`; one above e**709 is
    infinite. In the file NaN is null, and infinity the string "Infinity";
    `read_metrics` reads both as numbers. TensorBoard shows the same values
    under the same names, and the settings of the run as text.

    A run that resumes drops the lines after its checkpoint, since these steps
    are repeated. This callback comes before `BackupAndRestore`, so that the
    lines up to a checkpoint are always there.

    Args:
        folder: Folder of the run.
        every_steps: Steps between two lines.
        tokens_per_step: Tokens of a batch, padding included. If the model
            logs `padding`, its share, `tokens_per_second` leaves it out.
        perplexity_of: Names of losses that are mean negative log
            likelihoods, in nats.
        profile: Whether TensorFlow's profiler traces some steps, for
            TensorBoard.

    Raises:
        ValueError: `every_steps` is not positive.

    Example:
        >>> import tempfile
        >>> RunLog(tempfile.mkdtemp(), every_steps=50).every_steps
        50
    """

    place = WRITE

    def __init__(
        self,
        folder: str | Path,
        every_steps: int = 20,
        tokens_per_step: int | None = None,
        perplexity_of: Sequence[str] = (),
        profile: bool = False,
    ):
        super().__init__()
        check_at_least(1, every_steps=every_steps)
        self.folder = Path(folder)
        self.every_steps = every_steps
        self.tokens_per_step = tokens_per_step
        self.perplexity_of = tuple(perplexity_of)
        self.profile = profile

    def on_train_begin(self, logs=None):
        position = newest_position(self.folder)
        self._before = seconds_trained(self.folder)
        kept = kept_metrics(self.folder)
        write_text(
            self.folder / "metrics.jsonl",
            "".join(f"{json_text(line)}\n" for line in kept),
        )
        self._start = time.monotonic()
        self._first_step = self._step = position.step
        self._done = position.epoch_step  # steps of the epoch
        self._kept = kept
        self._curves = tf.summary.create_file_writer(
            str(self.folder / "tensorboard")
        )
        settings = self.folder / SETTINGS
        if settings.exists():
            text = settings.read_text("utf-8")
            with self._curves.as_default():
                tf.summary.text("settings", f"```json\n{text}```", self._step)

    def on_epoch_begin(self, epoch, logs=None):
        self._written, self._written_steps = _means(
            self._kept, self._step - self._done
        )
        self._kept = []
        self._timed, self._written_at = 0, time.monotonic()
        self._say_the_end(epoch)

    def on_train_batch_end(self, batch, logs=None):
        if self.profile:
            self._trace()
        self._step += 1
        self._done += 1
        self._timed += 1
        if self._step % self.every_steps == 0:
            self._write_steps(logs or {})

    def on_epoch_end(self, epoch, logs=None):
        self._done = 0
        logs = {} if logs is None else logs
        logs["seconds"] = round(self._seconds(), 1)
        logs.update(self._perplexities(logs))
        self._write({"epoch": epoch + 1, **logs})

    def on_train_end(self, logs=None):
        self._curves.close()

    def _say_the_end(self, epoch: int) -> None:
        # At the beginning of an epoch: at its end Keras's progress bar prints.
        here = self._step - self._first_step
        epochs, steps = self.params["epochs"], self.params["steps"]
        if steps is not None and here:
            left = (epochs - epoch) * steps
            seconds = (time.monotonic() - self._start) * left / here
            end = time.localtime(time.time() + seconds)
            print(
                f"{epoch} of {epochs} epochs; the last one ends in about "
                f"{_duration(seconds)}, {time.strftime('%d %b %H:%M', end)}"
            )

    def _seconds(self) -> float:
        return self._before + time.monotonic() - self._start

    def _write_steps(self, logs: dict[str, float]) -> None:
        """Writes the means since the last line, from those of the epoch."""
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()
        now = time.monotonic()
        count = self._done - self._written_steps
        means = {
            key: (
                value * self._done
                - self._written.get(key, 0.0) * self._written_steps
            )
            / count
            for key, value in logs.items()
        }
        rate = self._timed / (now - self._written_at)
        self._written, self._written_steps = dict(logs), self._done
        self._timed, self._written_at = 0, now
        self._write(
            {
                **means,
                **self._perplexities(means),
                **self._optimizer(),
                "seconds": round(self._seconds(), 1),
                "steps_per_second": rate,
                **self._tokens(rate, means.get("padding", 0.0)),
                "memory": _peak_memory(),
            }
        )

    def _perplexities(self, logs: dict[str, float]) -> dict[str, float]:
        found = {}
        for name in self.perplexity_of:
            for key in (name, f"val_{name}"):
                if key in logs:
                    name_of_it = key.replace("loss", "perplexity")
                    found[name_of_it] = perplexity_of_nats(logs[key])
        return found

    def _optimizer(self) -> dict[str, float]:
        optimizer = self.model.optimizer
        rate = keras.ops.convert_to_numpy(optimizer.learning_rate)
        found = {"learning_rate": float(rate)}
        # With mixed_float16, the optimizer is inside a `LossScaleOptimizer`.
        inner = getattr(optimizer, "inner_optimizer", optimizer)
        if hasattr(inner, "gradient_norm"):
            found["gradient_norm"] = float(inner.gradient_norm.numpy())
        if inner is not optimizer:
            found["loss_scale"] = float(optimizer.dynamic_scale.numpy())
        return found

    def _tokens(self, rate: float, padding: float) -> dict[str, float]:
        if self.tokens_per_step is None:
            return {}
        real = self.tokens_per_step * (1 - padding)
        return {"tokens_per_second": rate * real}

    def _write(self, figures: dict[str, Any]) -> None:
        line = {"step": self._step, **figures}
        path = self.folder / "metrics.jsonl"
        with full_disk_named(path), path.open("a", encoding="utf-8") as file:
            file.write(json_text(line) + "\n")
        group = "epochs" if "epoch" in figures else "steps"
        with self._curves.as_default():
            for key, value in figures.items():
                tf.summary.scalar(f"{group}/{key}", value, self._step)
        self._curves.flush()

    def _trace(self) -> None:
        here = self._step - self._first_step
        if here == _TRACED[0]:
            tf.profiler.experimental.start(str(self.folder / "tensorboard"))
        if here == _TRACED[1]:
            tf.profiler.experimental.stop()


def _means(lines: list[dict], first: int) -> tuple[dict[str, float], int]:
    """Returns the means over the lines of steps after `first`, as Keras logs
    them, and the number of these steps."""
    sums: dict[str, float] = {}
    last = first
    for line in lines:
        if "epoch" not in line and line["step"] > first:
            for key, value in line.items():
                sums[key] = sums.get(key, 0.0) + value * (line["step"] - last)
            last = line["step"]
    return {key: x / (last - first) for key, x in sums.items()}, last - first


def _peak_memory() -> float:
    """Returns the peak memory of this process, or of its GPU, in MiB."""
    if tf.config.list_physical_devices("GPU"):
        info = tf.config.experimental.get_memory_info("GPU:0")
        return info["peak"] / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def _duration(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{seconds:.0f} s"
