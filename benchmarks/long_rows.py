"""Memory and time of long rows, and of gradient checkpointing.

Command   python benchmarks/long_rows.py
Data      Random vectors and ids; the weights are random.
Output    Two tables in Markdown: a row of T tokens with all scores kept, as
          before, and in chunks; a training step with and without gradient
          checkpointing. Memory is the peak of a process of its own, less what
          it held before the first step; seconds are the processor's, of the
          fastest step, which another program disturbs less than the clock.
Expected  Memory doubles with T, where before it grew fourfold, in 1.0 to 1.1
          times the time, in training 1.2 to 1.4; checkpointing takes a third
          of the memory and 1.3 times the time. Scores that do not fit: nan.
"""

import math
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

SIZES = {"block": (12, 768, 3072, 1), "minilm": (12, 384, 1536, 6)}
"""Heads, features and layers of `bert_base`'s block and of MiniLM."""


@dataclass(frozen=True)
class Config:
    lengths: tuple[int, ...] = (512, 1024, 2048, 4096)
    """Tokens of the one row."""
    sizes: tuple[str, ...] = ("block", "minilm")
    """Names of `SIZES`."""
    batch: tuple[int, int] = (8, 512)
    """Rows and tokens of a step with checkpointing."""
    layers: int = 12
    """Layers of a `bert_base` in that step."""


def resident() -> float:
    """Returns the memory of this process in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


@contextmanager
def peak() -> Iterator[list[float]]:
    """Yields a list whose only element is the peak, once it is left."""
    before, found, stopped = resident(), [0.0], threading.Event()

    def watch() -> None:
        while not stopped.wait(0.002):
            found[0] = max(found[0], resident() - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    yield found
    stopped.set()
    watcher.join()


def measured(step: Callable[[], Any], rounds: int = 3) -> str:
    """Returns seconds and MiB, for `main` in another process."""
    seconds = []
    with peak() as found:
        for _ in range(rounds):
            start = time.process_time()
            step()
            seconds.append(time.process_time() - start)
    return f"{min(seconds)} {found[0]}"


def training_step(model: Any) -> Callable[[Any], Any]:
    import tensorflow as tf

    weights = [weight.value for weight in model.trainable_weights]

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            y = model(x, training=True)
            y = y["logits"] if isinstance(y, dict) else y
            loss = tf.reduce_mean(y**2)
        # Sums, lest the gradients be copied for Python.
        gradients: Any = tape.gradient(loss, weights)
        return [tf.reduce_sum(gradient) for gradient in gradients]

    return step


def one_row(size: str, length: int, scores: str, task: str) -> str:
    import keras
    import tensorflow as tf

    from keras_ctx.layers import TransformerEncoderBlock
    from keras_ctx.layers.transformer import attention

    if scores == "kept":
        attention.PLAIN_LENGTH = length
    heads, features, inner, layers = SIZES[size]
    x = y = keras.Input((length, features))
    for _ in range(layers):
        y = TransformerEncoderBlock(heads, inner)(y)
    model = keras.Model(x, y)
    row = tf.random.stateless_normal((1, length, features), (1, 2))
    step = training_step(model) if task == "train" else tf.function(model)
    return measured(lambda: step(row))


def checkpointed(batch: int, length: int, layers: int, setting: str) -> str:
    import tensorflow as tf

    from keras_ctx import models

    encoder = models.bert_encoder(1000, layers, 12, 768, 3072, length)
    model = models.classifier(encoder, 2)
    if setting == "with":
        models.enable_gradient_checkpointing(model)
    ids = tf.ones((batch, length), "int32")
    inputs = {"token_ids": ids, "segment_ids": 0 * ids, "padding_mask": ids > 0}
    step = training_step(model)
    return measured(lambda: step(inputs))


def elsewhere(*arguments: Any) -> tuple[float, float]:
    """Returns seconds and MiB of a measurement in a process of its own.

    Both are nan if the system killed it, for want of memory.
    """
    command = [sys.executable, __file__, "--one", *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode == -signal.SIGKILL:
        return math.nan, math.nan
    done.check_returncode()
    seconds, mebibytes = done.stdout.split()[-2:]
    return float(seconds), float(mebibytes)


def print_row(*values: Any) -> None:
    print("|", " | ".join(map(str, values)), "|", flush=True)


def main(config: Config) -> None:
    print_row(
        "size", "task", "T", "kept, s", "chunks, s", "kept, MiB", "chunks"
    )
    print_row(*["---"] * 7)
    for size in config.sizes:
        for task in ("predict", "train"):
            for length in config.lengths:
                old, new = (
                    elsewhere("row", size, length, scores, task)
                    for scores in ("kept", "chunks")
                )
                pairs = zip(old, new, strict=True)
                (s, t), (m, n) = pairs
                print_row(
                    *(size, task, length, f"{s:.2f}", f"{t:.2f}"),
                    *(f"{m:,.0f}", f"{n:,.0f}"),
                )
    print_row("\ncheckpointing", "s", "MiB")
    print_row(*["---"] * 3)
    for setting in ("without", "with"):
        found = elsewhere("checkpoint", *config.batch, config.layers, setting)
        print_row(setting, f"{found[0]:.1f}", f"{found[1]:,.0f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        kind, *rest = sys.argv[2:]
        given = [int(x) if x.isdigit() else x for x in rest]
        function: Any = one_row if kind == "row" else checkpointed
        print(function(*given))
    else:
        main(tyro.cli(Config))
