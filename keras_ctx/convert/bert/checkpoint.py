"""An open BERT checkpoint of any format."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keras_ctx.convert.files.weight_table import Weight
from keras_ctx.convert.files.weights_file import WeightsFile


@dataclass(frozen=True)
class BertCheckpoint:
    """The content of an open BERT checkpoint, the same for all formats."""

    config: Path
    """The configuration file of the model."""
    arguments: dict[str, Any]
    """Arguments of `models.bert_encoder`."""
    parts: dict[str, list[Weight]]
    """The weights of each part."""
    file: WeightsFile
    is_weight: Callable[[str], bool] = lambda name: True
    """Whether a name of the file is one of the encoder's weights."""
    tied: str | None = None
    """Name of an array that must equal the token embeddings."""
    one_name: bool = False
    """Whether several names of a weight are synonyms of one array."""
    of_heads: dict[str, Any] = field(default_factory=dict)
    """Arguments of `models.bert_pretrainer` that differ from the defaults."""
    not_read: tuple[str, ...] = ()
    """Arrays of a task, outside the encoder and its heads, that `file` leaves
    out."""
