"""BERT in the safetensors files of Hugging Face `transformers`."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from keras_ctx.convert.bert.arrays import Array, arrays
from keras_ctx.convert.bert.checkpoint import BertCheckpoint
from keras_ctx.convert.bert.config import read_huggingface
from keras_ctx.convert.files.safetensors_files import (
    INDEX,
    ONE_FILE,
    open_model_files,
)
from keras_ctx.convert.files.weight_table import (
    CLASS_ROWS,
    CLASSES,
    SAME,
    TRANSPOSED,
    Weight,
)
from keras_ctx.convert.files.weights_file import WeightsFile
from keras_ctx.convert.tokenizers.other_families import check_prefix

CONFIG = "config.json"
_TABLE = "embeddings.word_embeddings.weight"
# Tensors that do not belong to the encoder, in files without a prefix.
_HEADS = ("cls.", "classifier.", "qa_outputs.")
# Counters that older versions of `transformers` saved with the weights.
_BUFFERS = ("embeddings.position_ids", "embeddings.token_type_ids")
_NORMS = {"gamma": "weight", "beta": "bias"}
_DECODER = "predictions.decoder.weight"


def is_huggingface(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (ONE_FILE, INDEX))


@contextmanager
def open_huggingface(folder: Path) -> Iterator[BertCheckpoint]:
    """Opens config.json and its weights, in one file or in shards."""
    config = folder / CONFIG
    arguments = huggingface_arguments(folder)
    with ExitStack() as stack:
        file = open_model_files(folder, stack)
        prefix = _prefix(file)
        heads = prefix.removesuffix("bert.").removesuffix("ernie.")
        tied = f"{heads}cls.{_DECODER}"

        def is_weight(name: str) -> bool:
            if not name.startswith(prefix):
                return False
            inner = name.removeprefix(prefix)
            return inner not in _BUFFERS and not inner.startswith(_HEADS)

        yield BertCheckpoint(
            config,
            arguments,
            huggingface_weights(arguments, prefix, heads),
            file,
            is_weight,
            tied if tied in file.shapes else None,
            one_name=True,
        )


def huggingface_arguments(folder: Path) -> dict[str, Any]:
    """Reads the arguments of `models.bert_encoder`."""
    return read_huggingface(folder / CONFIG)


def huggingface_weights(
    arguments: dict[str, Any], prefix: str, heads: str = ""
) -> dict[str, list[Weight]]:
    """Builds the weight table of each part.

    Args:
        arguments: Arguments of `models.bert_encoder`.
        prefix: Prefix of the encoder's names: `"bert."` in a model with
            heads, `""` without heads.
        heads: Prefix of the names of the heads.
    """
    return {
        part: [_row(array, prefix, heads) for array in rows]
        for part, rows in arrays(arguments).items()
    }


def _row(array: Array, prefix: str, heads: str) -> Weight:
    parent, _, kind = array.name.rpartition("/")
    if parent.startswith("cls/"):
        prefix = heads
    dotted = prefix + parent.replace("/", ".").replace("layer_", "layer.")
    shape, layout = array.shape, SAME
    if kind == "kernel":
        # A linear layer of PyTorch has a row for each of its outputs.
        kinds, shape, layout = ("weight",), array.shape[::-1], TRANSPOSED
    elif kind == "output_weights":
        kinds, layout = ("weight",), CLASS_ROWS
    elif parent == "cls/seq_relationship":
        kinds, layout = ("bias",), CLASSES
    elif parent == "cls/predictions":
        kinds = ("bias", "decoder.bias")
    elif kind in _NORMS:
        # Files from before 2020 use TensorFlow's names.
        kinds = (_NORMS[kind], kind)
    elif kind == "bias":
        kinds = ("bias",)
    else:
        kinds = (f"{kind}.weight",)
    names = tuple(f"{dotted}.{kind}" for kind in kinds)
    return Weight(names, shape, (array.variable,), layout)


def _prefix(file: WeightsFile) -> str:
    """Returns the prefix of the encoder's names."""
    found = [
        name.removesuffix(_TABLE)
        for name in file.shapes
        if name.endswith(_TABLE)
    ]
    if len(found) > 1:
        raise ValueError(
            "`folder` must hold one encoder. Received: "
            f"{file.said} with encoders under {found}. Save only one of them."
        )
    prefix = found[0] if found else ""
    check_prefix(prefix, file.said)
    return prefix
