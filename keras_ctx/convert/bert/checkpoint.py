"""A checkpoint of BERT, open, whatever its kind."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keras_ctx.convert.files.weight_table import Weight
from keras_ctx.convert.files.weights_file import WeightsFile


@dataclass(frozen=True)
class BertCheckpoint:
    """What it holds, in terms that all kinds share."""

    config: Path
    """The file that says what the model is."""
    arguments: dict[str, Any]
    """Of `models.bert_encoder`."""
    parts: dict[str, list[Weight]]
    """The table of each part that `bert_names` knows."""
    file: WeightsFile
    is_weight: Callable[[str], bool] = lambda name: True
    """Whether a name of the file is one of the encoder's weights."""
    tied: str | None = None
    """Name of an array that must be the token table once more."""
    one_name: bool = False
    """Whether two names of a row are two words for one array."""
    of_heads: dict[str, Any] = field(default_factory=dict)
    """Arguments of `models.bert_pretrainer`, where the heads differ."""
    not_read: tuple[str, ...] = ()
    """Arrays beside the encoder and its heads that no table knows, where
    `file` leaves them out: those of a task."""
