"""Answers of an exported model, by TensorFlow alone.

Imports nothing of Keras or of this library, so that it can be run as a script
and show what a server without them will answer:

    python -P raw_answers.py saved_models/<name> answers.npz < texts.json
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  (registers the ops of the text function)


def newest_version(path: str | Path) -> Path:
    """The version folder that a server would serve.

    Args:
        path: Folder of one model, with its numbered versions.

    Returns:
        The folder with the highest number.

    Raises:
        FileNotFoundError: there is no version in `path`.

    Example:
        >>> for version in ("1", "9", "10", ".unfinished-11"):
        ...     (Path("reviews") / version).mkdir(parents=True)
        >>> newest_version("reviews").name
        '10'
    """
    path = Path(path)
    versions = [entry for entry in _numbered(path) if entry.is_dir()]
    if not versions:
        raise FileNotFoundError(
            "`path` must be a folder with numbered versions, as "
            f"keras_ctx.serving.export writes it. Received: path={path}"
        )
    return max(versions, key=lambda version: int(version.name))


def highest_number(path: Path) -> int:
    """The highest number taken by anything in the folder `path`, or 0."""
    return max((int(entry.name) for entry in _numbered(path)), default=0)


def _numbered(path: Path) -> list[Path]:
    if not path.is_dir():
        return []
    return [
        entry
        for entry in path.iterdir()
        # `isdigit` alone also takes digits that TF Serving does not.
        if entry.name.isascii() and entry.name.isdigit()
    ]


def answers(path: str | Path, texts: Sequence[str]) -> dict[str, np.ndarray]:
    """What the newest version answers to texts, by raw TensorFlow.

    Args:
        path: Folder of one model, as given to `export`.
        texts: B texts.

    Returns:
        The outputs of `serving_default` by name, B rows each; strings as
        NumPy `str`.

    Raises:
        FileNotFoundError: there is no version in `path`.

    Example:
        >>> import keras
        >>> import keras_ctx
        >>> inputs = keras_ctx.text.BertInputs(
        ...     ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "好"], 8,
        ...     split="character")
        >>> model = keras_ctx.models.classifier(
        ...     keras_ctx.models.bert_encoder(6, 1, 1, 4, 8, 8), 2)
        >>> version = keras_ctx.serving.export(
        ...     model, inputs, "opinions", labels=["bad", "good"])
        >>> answer = answers("opinions", ["好", "很好"])
        >>> sorted(answer), answer["scores"].shape
        (['label', 'logits', 'scores'], (2, 2))
    """
    # Kept in a name: the functions do not keep alive what they come from.
    served = tf.saved_model.load(str(newest_version(path)))
    return signature_answers(
        served.signatures["serving_default"],
        text=tf.constant(list(texts), tf.string),
    )


def signature_answers(signature, **inputs: tf.Tensor) -> dict[str, np.ndarray]:
    """The outputs of a loaded signature as NumPy arrays."""
    outputs = signature(**inputs)
    return {name: as_numpy(outputs[name]) for name in sorted(outputs)}


def as_numpy(x: tf.Tensor) -> np.ndarray:
    """A tensor as an array; strings as `str`, which needs no pickle."""
    array = x.numpy()
    if x.dtype != tf.string:
        return array
    decoded = [item.decode("utf-8", "replace") for item in array.flat]
    return np.array(decoded, dtype=np.str_).reshape(array.shape)


if __name__ == "__main__":
    _, folder, output = sys.argv
    found = answers(folder, json.load(sys.stdin))
    # By position: an output may have the name of one of savez's arguments.
    np.savez(output, np.array(list(found), np.str_), *found.values())
