"""Answers of an exported model, from a process that never saw the model."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_ctx.serving import raw_answers


def answers_in_fresh_process(
    path: str | Path, texts: Sequence[str]
) -> dict[str, np.ndarray]:
    """What the newest version answers in a process with TensorFlow alone.

    The process imports `tensorflow` and `tensorflow_text`, and nothing of
    this library; what it answers, a server answers.

    Args:
        path: Folder of one model, as given to `export`.
        texts: B texts.

    Returns:
        As `answers` does.

    Raises:
        FileNotFoundError: there is no version in `path`.
        RuntimeError: the process failed; its last lines are in the message.

    Example:
        >>> answers_in_fresh_process("no/such/model", ["Hello."])
        Traceback (most recent call last):
        FileNotFoundError: `path` must be a folder with numbered versions, ...
    """
    raw_answers.newest_version(path)
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "answers.npz"
        # -P: this package's own folder does not go onto the import path.
        finished = subprocess.run(
            [sys.executable, "-P", raw_answers.__file__, path, output],
            input=json.dumps(list(texts)),
            capture_output=True,
            check=False,
            encoding="utf-8",
        )
        if finished.returncode:
            raise RuntimeError(
                f"Raw TensorFlow could not answer from {path}: exit status "
                f"{finished.returncode}.\n{finished.stderr[-2000:]}"
            )
        with np.load(output, allow_pickle=False) as arrays:
            names, *values = (arrays[key] for key in arrays.files)
        return dict(zip(names.tolist(), values, strict=True))
