"""Reads BERT from TensorFlow checkpoints of Google or Model Garden."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from keras_ctx.convert.bert.checkpoint import BertCheckpoint
from keras_ctx.convert.bert.config import read_google
from keras_ctx.convert.bert.google import google_checkpoint, is_google
from keras_ctx.convert.bert.model_garden import garden_checkpoint, is_garden
from keras_ctx.convert.files.weights_file import (
    newest_checkpoint,
    open_checkpoint,
)

_CONFIG = "bert_config.json"


def is_tensorflow(path: Path) -> bool:
    if path.is_dir():
        return any(path.glob("*.index"))
    return Path(f"{path}.index").is_file()


def tensorflow_arguments(path: Path) -> dict[str, Any]:
    """Reads the arguments of `models.bert_encoder`."""
    return read_google(_config(path))


@contextmanager
def open_tensorflow(path: Path) -> Iterator[BertCheckpoint]:
    """Opens a checkpoint of google-research/bert or of Model Garden."""
    config = _config(path)
    arguments = read_google(config)
    if path.is_dir():
        file = open_checkpoint(newest_checkpoint(path, "folder"), "folder")
    else:
        file = open_checkpoint(str(path), "folder")
    if is_google(file):
        yield google_checkpoint(config, arguments, file)
    elif is_garden(file):
        yield garden_checkpoint(config, arguments, file)
    else:
        raise ValueError(
            "`folder` must hold a checkpoint of google-research/bert (names "
            "that begin with `bert/`) or of Model Garden (a graph of "
            f"objects). Received: {file.said} with names such as "
            f"{sorted(file.shapes)[:3]}"
        )


def _config(path: Path) -> Path:
    folder = path if path.is_dir() else path.parent
    config = folder / _CONFIG
    if not config.is_file():
        raise FileNotFoundError(
            f"`folder` must hold {_CONFIG} next to the checkpoint: the weights "
            "do not tell the number of heads. Use the file that came with the "
            "checkpoint. For an encoder of Model Garden, write it with "
            "`json.dump(encoder.get_config(), file)`. "
            f"Received: folder={str(folder)!r}"
        )
    return config
