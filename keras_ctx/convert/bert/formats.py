"""The known formats of BERT checkpoints, and how to recognise them."""

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

from keras_ctx.convert.bert.checkpoint import BertCheckpoint
from keras_ctx.convert.bert.huggingface import (
    CONFIG,
    ONE_FILE,
    huggingface_arguments,
    is_huggingface,
    open_huggingface,
)
from keras_ctx.convert.bert.keras_hub import (
    is_keras_hub,
    keras_hub_arguments,
    open_keras_hub,
)
from keras_ctx.convert.bert.tensorflow import (
    is_tensorflow,
    open_tensorflow,
    tensorflow_arguments,
)
from keras_ctx.convert.files.options import read_json
from keras_ctx.convert.tokenizers.other_families import check_architecture


class Kind(NamedTuple):
    """A format of BERT checkpoints, and how to recognise and read it."""

    words: str
    recognises: Callable[[Path], bool]
    arguments: Callable[[Path], dict[str, Any]]
    """Reads the arguments of `models.bert_encoder`."""
    open: Callable[[Path, bool], AbstractContextManager[BertCheckpoint]]
    """Opens a checkpoint; the second argument is whether to read the heads."""


KINDS = (
    Kind(
        "BERT of KerasHub: a preset with config.json and *.weights.h5, or a "
        "file *.keras",
        is_keras_hub,
        keras_hub_arguments,
        open_keras_hub,
    ),
    Kind(
        f"BERT of Hugging Face: {CONFIG} and {ONE_FILE}, or its shards and "
        "their index",
        is_huggingface,
        huggingface_arguments,
        lambda path, heads: open_huggingface(path),
    ),
    Kind(
        "BERT of google-research/bert or TensorFlow Model Garden: "
        "bert_config.json and a checkpoint, *.index and *.data-...",
        is_tensorflow,
        tensorflow_arguments,
        lambda path, heads: open_tensorflow(path),
    ),
)
# Files that hold a BERT but cannot be read, and the advice for each.
_OTHER_FILES = {
    "adapter_model.*": "The folder holds only an adapter. With peft, merge it "
    "into its model by `merge_and_unload()`, and save the result.",
    "tf_model.h5": "tf_model.h5 is a file of transformers below version 5. "
    "There, "
    "`BertModel.from_pretrained(folder, from_tf=True).save_pretrained(folder)` "
    f"writes {ONE_FILE}; for a model with a head, use the class of that model.",
    "flax_model.msgpack": "flax_model.msgpack is a file of transformers below "
    "version 5. There, `BertModel.from_pretrained(folder, from_flax=True)"
    f".save_pretrained(folder)` writes {ONE_FILE}; for a model with a head, "
    "use the class of that model.",
    "model.*.safetensors": f"Weights in one file must be named {ONE_FILE}: "
    "rename the file if it is complete.",
    "pytorch_model.safetensors": "Weights in one file must be named "
    f"{ONE_FILE}: rename the file.",
    "*.onnx": "An .onnx file is a graph for inference: use the checkpoint "
    "that it was exported from.",
    "*.gguf": "A .gguf file is compressed for inference: use the checkpoint "
    "that it was converted from.",
}
_PART = re.compile(r"\.(index|meta|data-\d{5}-of-\d{5})$")
_PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json")


def kind_of(path: Path, others: Sequence[str] = ()) -> Kind:
    """Returns the format of a folder or file; raises if it has none.

    Args:
        path: The folder or file.
        others: Other formats that the caller knows, for the error message.
    """
    for kind in KINDS:
        if kind.recognises(path):
            return kind
    if not path.exists():
        raise FileNotFoundError(
            "`folder` must name a folder that exists. Check the spelling and "
            f"the working directory. Received: folder={str(path)!r}"
        )
    snapshots = path / "snapshots"
    if snapshots.is_dir() and (path / "refs").is_dir():
        found = sorted(str(folder) for folder in snapshots.iterdir())
        raise ValueError(
            "`folder` must hold the files of a checkpoint. Received: "
            f"folder={str(path)!r}, a cache with one folder per version. Pass "
            f"one of them: {', '.join(found) or 'there is none'}"
        )
    if (path / CONFIG).is_file():  # It may not be a BERT at all.
        check_architecture(read_json(path / CONFIG, "folder"), path / CONFIG)
    if any((path / name).is_file() for name in _PICKLES):
        huggingface_arguments(path)
        raise ValueError(_pickled(path))
    inside = (
        sorted(file.name for file in path.iterdir()) if path.is_dir() else []
    )
    advice = "".join(
        f"\n{words}"
        for pattern, words in _OTHER_FILES.items()
        if any(fnmatch(name, pattern) for name in inside)
    )
    if match := _PART.search(path.name):
        prefix = path.with_name(path.name[: match.start()])
        advice = f"\nPass the folder of the checkpoint, or its prefix, {prefix}"
    words_of_all = [*others, *(kind.words for kind in KINDS)]
    raise ValueError(
        "`folder` must hold an encoder of one of these formats:\n"
        + "".join(f"  {words}\n" for words in words_of_all)
        + f"Received: folder={str(path)!r} with {inside[:20]}{advice}"
    )


def _pickled(path: Path) -> str:
    return (
        "`folder` must hold its weights in safetensors. A pytorch_model.bin "
        "is a pickle, which can run any code when it is opened, and is never "
        "opened here. Convert it once, with torch and safetensors "
        "installed:\n"
        "  import pathlib, torch, safetensors.torch\n"
        f"  folder, tensors = pathlib.Path({str(path)!r}), {{}}\n"
        "  for file in folder.glob('pytorch_model*.bin'):\n"
        "      tensors.update(torch.load(file, weights_only=True))\n"
        "  tensors = {name: tensors[name].clone() for name in tensors}\n"
        "  safetensors.torch.save_file(tensors, "
        f"folder / {ONE_FILE!r}, {{'format': 'pt'}})\n"
        f"Received: folder={str(path)!r}"
    )
