"""BERT in the TensorFlow 1 checkpoints of google-research/bert."""

from pathlib import Path
from typing import Any

from keras_ctx.convert.bert.arrays import Array, arrays
from keras_ctx.convert.bert.checkpoint import BertCheckpoint
from keras_ctx.convert.files.weight_table import (
    CLASS_ROWS,
    CLASSES,
    SAME,
    Weight,
)
from keras_ctx.convert.files.weights_file import WeightsFile

_SCOPE = "bert/"
_LAYOUTS = {
    "cls/seq_relationship/output_weights": CLASS_ROWS,
    "cls/seq_relationship/output_bias": CLASSES,
}


def is_google(file: WeightsFile) -> bool:
    return any(name.startswith(_SCOPE) for name in file.shapes)


def google_checkpoint(
    config: Path, arguments: dict[str, Any], file: WeightsFile
) -> BertCheckpoint:
    """Builds the weight tables of an open checkpoint."""
    return BertCheckpoint(
        config,
        arguments,
        {
            part: [_row(array) for array in rows]
            for part, rows in arrays(arguments).items()
        },
        file,
        lambda name: name.startswith(_SCOPE) and not file.is_slot(name),
    )


def _row(array: Array) -> Weight:
    scope = "" if array.name.startswith("cls/") else _SCOPE
    layout = _LAYOUTS.get(array.name, SAME)
    return Weight((scope + array.name,), array.shape, (array.variable,), layout)
