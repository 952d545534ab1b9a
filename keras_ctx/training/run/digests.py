"""Digests of the inputs of a run, to notice when they change."""

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from keras_ctx.files.existing_file import check_file


def file_digest(path: str | Path) -> str:
    """Returns the SHA-256 of a file in hexadecimal, as `sha256sum` prints it.

    Args:
        path: The file.

    Raises:
        FileNotFoundError: The file does not exist.

    Example:
        >>> _ = Path("empty.txt").write_bytes(b"")
        >>> file_digest("empty.txt")[:8]
        'e3b0c442'
    """
    path = Path(path)
    check_file(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def encoder_digest(encoder: keras.Model) -> str:
    """Returns a digest of the weights and the configuration of a model.

    Args:
        encoder: Any built Keras model.

    Returns:
        The SHA-256 of each layer's configuration and weights, in hexadecimal.

    Example:
        >>> import numpy as np
        >>> from keras_ctx.models import bert_tiny
        >>> encoder = bert_tiny(100)
        >>> before = encoder_digest(encoder)
        >>> _ = encoder.get_layer("pooler").bias.assign(np.ones(128))
        >>> encoder_digest(encoder) == before
        False
    """
    digest = hashlib.sha256()
    for layer in encoder.layers:
        if layer.weights:
            config = json.dumps(layer.get_config(), sort_keys=True, default=str)
            digest.update(config.encode())
            for weight in layer.get_weights():
                digest.update(weight.tobytes())
    return digest.hexdigest()


def text_inputs_digest(text_inputs: Any) -> str:
    """Returns a digest of text inputs: class, settings, vocabulary.

    Args:
        text_inputs: A `keras_ctx.text.TextInputs`.

    Example:
        >>> from keras_ctx.text import ElmoInputs
        >>> len(text_inputs_digest(ElmoInputs(max_characters=6)))
        64
    """
    config = [type(text_inputs).__name__, text_inputs.get_config()]
    return hashlib.sha256(json.dumps(config).encode()).hexdigest()


def input_digests(
    files: Mapping[str, str | Path | None],
    encoder: keras.Model | None = None,
    text_inputs: Any = None,
) -> dict[str, str]:
    """Returns digests of everything that a run reads, for `begin_run`.

    Args:
        files: Paths of the data by name, such as `{"train": "train.tsv"}`;
            `None` is left out.
        encoder: The model from which training starts, if there is one.
        text_inputs: The text inputs, if they are known already.

    Returns:
        The digests by the same names, those of `encoder` and `text_inputs`,
        and the version of this library under `library`.

    Raises:
        FileNotFoundError: A file does not exist.

    Example:
        >>> _ = Path("train.tsv").write_text("good\\t1\\n")
        >>> sorted(input_digests({"train": "train.tsv", "dev": None}))
        ['library', 'train']
    """
    digests = {
        name: file_digest(path)
        for name, path in files.items()
        if path is not None
    }
    if encoder is not None:
        digests["encoder"] = encoder_digest(encoder)
    if text_inputs is not None:
        digests["text_inputs"] = text_inputs_digest(text_inputs)
    # Looked up in the call, since the package imports this module.
    return {**digests, "library": sys.modules["keras_ctx"].__version__}
