"""The registry of checkpoint formats other than BERT's."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras

from keras_ctx.text import TextInputs


@dataclass(frozen=True)
class CheckpointFormat:
    """A checkpoint format that `load_encoder` and `load_text_inputs` read.

    Example:
        >>> from keras_ctx.text import load_inputs
        >>> as_ours = CheckpointFormat(
        ...     "a folder: net.keras and net.json",
        ...     lambda folder: (folder / "net.keras").is_file(),
        ...     lambda folder: keras.saving.load_model(folder / "net.keras"),
        ...     lambda folder, max_length: load_inputs(folder / "net.json"))
        >>> as_ours.recognises(Path("."))
        False
    """

    words: str
    """The origin and the files of the format, for the error message when a
    folder holds no checkpoint."""
    recognises: Callable[[Path], bool]
    """Whether a folder holds this format, judged quickly by file names."""
    encoder: Callable[[Path], keras.Model]
    """Loads the encoder of a folder, trainable, with its weights."""
    text_inputs: Callable[[Path, int | None], TextInputs]
    """Loads the text inputs of a folder, with a `max_length`, or `None` for
    the maximum of the encoder."""


_FORMATS: list[CheckpointFormat] = []


def register_checkpoint_format(format: CheckpointFormat) -> CheckpointFormat:
    """Registers a format for all functions that take a checkpoint folder.

    Args:
        format: The format. It is tried after the formats that are already
            registered, and before BERT's.

    Returns:
        The same format.

    Raises:
        ValueError: If `format` is not a `CheckpointFormat`.

    Example:
        >>> register_checkpoint_format("onnx")
        Traceback (most recent call last):
        ValueError: `format` must be a `CheckpointFormat`. Received: 'onnx'
    """
    if not isinstance(format, CheckpointFormat):
        raise ValueError(
            f"`format` must be a `CheckpointFormat`. Received: {format!r}"
        )
    if format not in _FORMATS:
        _FORMATS.append(format)
    return format


def checkpoint_formats() -> tuple[CheckpointFormat, ...]:
    """Returns all formats except BERT's, in the order they are tried."""
    return tuple(_FORMATS)


def format_of(folder: Path) -> CheckpointFormat | None:
    """Returns the first format that recognises a folder; `None` for BERT."""
    for format in _FORMATS:
        if format.recognises(folder):
            return format
    return None
