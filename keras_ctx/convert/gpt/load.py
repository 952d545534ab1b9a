"""Loads GPT and GPT-2 from checkpoints of all known formats."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_ctx import models
from keras_ctx.convert.files.options import read_json
from keras_ctx.convert.files.safetensors_files import open_model_files
from keras_ctx.convert.files.weight_table import Weight, check_fit, fill
from keras_ctx.convert.files.weights_file import (
    WeightsFile,
    newest_checkpoint,
    open_checkpoint,
    whole,
)
from keras_ctx.convert.gpt.config import (
    read_huggingface,
    read_keras_hub,
    read_release,
)
from keras_ctx.convert.gpt.keras_hub import BACKBONE, open_keras_hub
from keras_ctx.convert.gpt.shards import SHAPES, open_shards, read_shapes
from keras_ctx.convert.gpt.weights import (
    gpt_weights,
    huggingface_names,
    tensorflow_names,
)

CONFIG, HPARAMS = "config.json", "hparams.json"
MODEL_TYPES = ("gpt2", "openai-gpt")
# Masks that older versions of `transformers` saved, and the tied output.
_NOT_READ = (".attn.bias", ".attn.masked_bias", "lm_head.weight")


class _Checkpoint(NamedTuple):
    """An open checkpoint of any format."""

    arguments: dict[str, Any]
    weights: list[Weight]
    file: WeightsFile
    config: str


def load_gpt(
    folder: str | Path,
    dropout: float | None = None,
    attention_dropout: float | None = None,
    name: str = "gpt_encoder",
) -> keras.Model:
    """Loads a GPT or GPT-2 encoder from a checkpoint.

    These formats are recognised by their files:

    * Hugging Face: `config.json` of the `model_type` "gpt2" or "openai-gpt",
      with `model.safetensors` or its shards.
    * openai/gpt-2: `hparams.json` with a TensorFlow 1 checkpoint.
    * KerasHub: a preset of `GPT2Backbone` or a task around it, `config.json`
      and `model.weights.h5`.
    * openai/finetune-transformer-lm, GPT: `params_shapes.json` with
      `params_0.npy` and the files that follow it. They do not have the number
      of heads: each gets 64 features, as in GPT.

    `models.causal_language_model(encoder)` adds the output, which is tied to
    the token table.

    Args:
        folder: The folder.
        dropout: Dropout rate; `None`: that of the configuration, where one
            rate is used for the embeddings, too.
        attention_dropout: Dropout rate of the attention scores; `None`: that
            of the configuration.
        name: Name of the model.

    Returns:
        A trainable model of `models.gpt_encoder`.

    Raises:
        FileNotFoundError: If there is no such folder or file.
        ValueError: If the folder holds another architecture, if the weights
            are truncated, hold NaN, or differ from the configuration (the
            message lists all such tensors), or if the output is not tied.

    Example:
        >>> from keras_ctx import convert
        >>> encoder = models.gpt_encoder(100, 2, 2, 16, 32, max_length=8)
        >>> convert.save_gpt(encoder, "gpt")
        >>> load_gpt("gpt").name
        'gpt_encoder'

    Source:
        The files of https://github.com/huggingface/transformers,
        https://github.com/openai/gpt-2 and
        https://github.com/openai/finetune-transformer-lm.
    """
    path = Path(folder)
    with _open(path) as found:
        _check(found)
        _check_tie(found)
        arguments = dict(found.arguments, name=name)
        if dropout is not None:
            arguments["dropout"] = dropout
        if attention_dropout is not None:
            arguments["attention_dropout"] = attention_dropout
        encoder = models.gpt_encoder(**arguments)
        fill(found.weights, found.file, encoder)
    return encoder


def is_gpt(folder: Path) -> bool:
    """Returns whether a folder holds a GPT in a known format."""
    if (folder / SHAPES).is_file():
        return True
    try:
        if (folder / HPARAMS).is_file():
            # tensor2tensor has a file of this name, too.
            return "n_vocab" in read_json(folder / HPARAMS, "folder")
        if not (folder / CONFIG).is_file():
            return False
        config = read_json(folder / CONFIG, "folder")
    except ValueError:
        return False  # the other formats say what is wrong
    return config.get("model_type") in MODEL_TYPES or _is_keras_hub(config)


def _is_keras_hub(config: dict[str, Any]) -> bool:
    return config.get("class_name") == BACKBONE


def gpt_arguments(folder: Path) -> dict[str, Any]:
    """Reads the arguments of `models.gpt_encoder` from a folder."""
    if (folder / SHAPES).is_file():
        return read_shapes(folder / SHAPES)
    if (folder / HPARAMS).is_file():
        return read_release(folder / HPARAMS)
    if _is_keras_hub(read_json(folder / CONFIG, "folder")):
        return read_keras_hub(folder / CONFIG)
    return read_huggingface(folder / CONFIG)


@contextmanager
def _open(folder: Path) -> Iterator[_Checkpoint]:
    if not folder.is_dir():
        raise FileNotFoundError(
            f"`folder` must be a folder. Received: folder={str(folder)!r}"
        )
    if (folder / SHAPES).is_file():
        arguments = gpt_arguments(folder)
        weights = gpt_weights(arguments, tensorflow_names, axis=1)
        yield _Checkpoint(arguments, weights, open_shards(folder), SHAPES)
        return
    if (folder / HPARAMS).is_file():
        arguments = gpt_arguments(folder)
        file = open_checkpoint(newest_checkpoint(folder, "folder"), "folder")
        weights = gpt_weights(arguments, tensorflow_names, axis=1)
        yield _Checkpoint(arguments, weights, file, HPARAMS)
        return
    if not is_gpt(folder):
        raise ValueError(
            f"`folder` must hold {CONFIG} of the `model_type` "
            f"{' or '.join(map(repr, MODEL_TYPES))}, {HPARAMS}, {SHAPES} or "
            f"a preset of {BACKBONE}. Received: "
            f"folder={str(folder)!r} with "
            f"{sorted(x.name for x in folder.iterdir())[:20]}"
        )
    arguments = gpt_arguments(folder)
    if _is_keras_hub(read_json(folder / CONFIG, "folder")):
        weights = gpt_weights(arguments, tensorflow_names, axis=0)
        file = open_keras_hub(folder, arguments, weights)
        yield _Checkpoint(arguments, weights, file, CONFIG)
        return
    with ExitStack() as stack:
        file = open_model_files(folder, stack)
        prefix = "transformer."
        if not any(x.startswith(prefix) for x in file.shapes):
            prefix = ""
        names = huggingface_names(not arguments["norm_first"], prefix)
        weights = gpt_weights(arguments, names, axis=0)
        yield _Checkpoint(arguments, weights, file, CONFIG)


def _check(found: _Checkpoint) -> None:
    """Refuses weights that do not fit the configuration."""
    file = found.file
    check_fit(
        found.weights,
        file,
        found.config,
        lambda name: (
            not name.endswith(_NOT_READ)
            and not file.is_slot(name)
            and (not file.is_checkpoint or name.startswith("model/"))
        ),
    )


def _check_tie(found: _Checkpoint) -> None:
    """Refuses an output of its own: ours is tied to the token table."""
    file = found.file
    table = found.weights[0].name_in(file) or ""
    for name in file.shapes:
        if name.endswith("lm_head.weight"):
            with whole(file.said):
                same = np.array_equal(file.read(name), file.read(table))
            if not same:
                raise ValueError(
                    f"`{name}` must equal `{table}`: the output is tied to the "
                    f"token table. Received: {file.said}, where they differ."
                )
