"""What other people's checkpoints look like, one row a format."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras

from keras_ctx.text import TextInputs


@dataclass(frozen=True)
class CheckpointFormat:
    """Files of encoders that `load_encoder` and `load_text_inputs` read.

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
    """Whose, and which files: for the error where there is no checkpoint."""
    recognises: Callable[[Path], bool]
    """Whether a folder holds one, told by names of files, quickly."""
    encoder: Callable[[Path], keras.Model]
    """The encoder of a folder, trainable, with its weights."""
    text_inputs: Callable[[Path, int | None], TextInputs]
    """The text inputs of a folder; with a `max_length`, or `None` for all
    that the encoder reads."""


_FORMATS: list[CheckpointFormat] = []


def register_checkpoint_format(format: CheckpointFormat) -> CheckpointFormat:
    """Lets all that takes a folder of a checkpoint read another format.

    Args:
        format: Its row. It is asked before BERT's, and after those that were
            there.

    Returns:
        The same row.

    Raises:
        ValueError: `format` is no `CheckpointFormat`.

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
    """The rows of all formats but BERT's, in the order of asking."""
    return tuple(_FORMATS)


def format_of(folder: Path) -> CheckpointFormat | None:
    """The first row that recognises a folder; `None` for that of a BERT."""
    for format in _FORMATS:
        if format.recognises(folder):
            return format
    return None
