"""Runs an exported model in a new process without this library."""

import base64
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_ctx.serving.verify import raw_answers
from keras_ctx.serving.verify.raw_answers import Request


def answers_in_fresh_process(
    path: str | Path,
    inputs: Sequence[str] | Mapping[str, Any],
    signature: str = "serving_default",
) -> dict[str, np.ndarray]:
    """Returns the answers of the newest version in a TensorFlow-only process.

    The process imports `tensorflow` and `tensorflow_text`, but nothing of this
    library, so a server gives the same answers.

    Args:
        path: Folder of one model, as given to `export`.
        inputs: See `answers`; strings and (nested) lists or arrays.
        signature: Name of the signature.

    Returns:
        See `answers`.

    Raises:
        FileNotFoundError: `path` has no version.
        RuntimeError: The process failed; the message has its last lines.

    Example:
        >>> answers_in_fresh_process("no/such/model", ["Hello."])
        Traceback (most recent call last):
        FileNotFoundError: `path` must be a folder with numbered versions, ...
    """
    if not isinstance(inputs, Mapping):
        inputs = list(inputs)
    version = raw_answers.newest_version(path)
    [answer] = fresh_answers(version, [(signature, inputs)])
    return answer


def fresh_answers(
    version: Path, requests: Sequence[Request]
) -> list[dict[str, np.ndarray]]:
    """Runs `raw_answers.answers_of` in its own process."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "answers.npz"
        # -P keeps this package's folder off the import path.
        finished = subprocess.run(
            [sys.executable, "-P", raw_answers.__file__, version, output],
            input=json.dumps(list(requests), default=_plain),
            capture_output=True,
            check=False,
            encoding="utf-8",
        )
        if finished.returncode:
            raise RuntimeError(
                f"Raw TensorFlow could not answer from {version}: exit status "
                f"{finished.returncode}.\n{finished.stderr[-2000:]}"
            )
        with np.load(output, allow_pickle=False) as arrays:
            names, *values = (arrays[key] for key in arrays.files)
    found: list[dict[str, np.ndarray]] = [{} for _ in requests]
    for (i, name), value in zip(json.loads(str(names)), values, strict=True):
        found[i][name] = value
    return found


def _plain(value: Any) -> Any:
    """Converts values that JSON cannot express."""
    if isinstance(value, bytes):
        return {"b64": base64.b64encode(value).decode()}
    return value.tolist()
