"""BERT from everybody's checkpoints."""

import warnings
from pathlib import Path

import keras
import numpy as np

from keras_ctx import models
from keras_ctx.convert.bert.arrays import ENCODER, HEADS, MASKED_LM, POOLER
from keras_ctx.convert.bert.checkpoint import BertCheckpoint
from keras_ctx.convert.bert.formats import kind_of
from keras_ctx.convert.files.weight_table import Weight, differences, fill
from keras_ctx.convert.files.weights_file import WeightsFile, whole


def load_bert(
    folder: str | Path,
    heads: bool = False,
    dropout: float | None = None,
    attention_dropout: float | None = None,
    name: str = "bert_encoder",
) -> keras.Model:
    """A BERT encoder, or a pretrainer, from a checkpoint of any known kind.

    Known are, told apart by their files:

    * Hugging Face: `config.json` with `model.safetensors`, or with its shards
      and their index.
    * google-research/bert: `bert_config.json` with a TensorFlow 1 checkpoint.
    * KerasHub's `BertBackbone`: a preset, a `.keras` file (pass its path), or
      `config.json` with a file of weights.
    * TensorFlow Model Garden's `BertEncoder` and `BertEncoderV2`, alone or in
      a model: a checkpoint with a `bert_config.json`, that of Google or the
      encoder's own `get_config()` as JSON.

    What the file holds beside the encoder is left: heads, unless asked for,
    and the state of an optimizer. Weights are read array by array.

    Args:
        folder: The folder; or of several checkpoints in one the prefix of one;
            or a file of KerasHub's.
        heads: Whether to return the pretrainer, with the heads of the masked
            language model and of the next sentence.
        dropout: Share dropped in training; `None` for that of the file.
        attention_dropout: Share of attention dropped in training; likewise.
        name: Name of the encoder.

    Returns:
        A model of `models.bert_encoder`; with `heads` one of
        `models.bert_pretrainer`. A pooler that the file lacks stays at its
        random start, as does the head of the next sentence, with a
        `UserWarning`.

    Raises:
        FileNotFoundError: There is no such folder, no configuration beside
            the weights, or a shard is missing.
        ValueError: The folder is of no known kind, of another architecture, or
            has its weights in a pickle, which is never opened; the weights are
            cut off, hold NaN, or differ from the configuration (an error
            names all tensors that do); or `heads` of a file that has no head
            of the masked language model, or one with a decoder of its own.

    Example:
        >>> from keras_ctx import convert
        >>> encoder = models.bert_encoder(100, 2, 2, 16, 32, max_length=8)
        >>> convert.save_bert(encoder, "bert")
        >>> load_bert("bert", dropout=0.0).get_layer("block_1").dropout
        0.0

    Source:
        The files of https://github.com/huggingface/transformers,
        https://github.com/google-research/bert,
        https://github.com/keras-team/keras-hub and
        https://github.com/tensorflow/models.

    Differs:
        "gelu" is the exact form in Hugging Face's files and its tanh
        approximation in the others', and is loaded so. Class 0 of a next
        sentence head is "follows" in all of them and class 1 here: the rows
        change places. A pretrained checkpoint of Model Garden has a trained
        pooler in its next sentence head and an untrained one in its encoder:
        the trained one is taken. A file is read as float32, whatever its type.
    """
    path = Path(folder)
    with kind_of(path).open(path, heads) as checkpoint:
        weights = _wanted(checkpoint, heads)
        _check(weights, checkpoint)
        if checkpoint.one_name:
            _check_names(weights, checkpoint)
        if heads:
            _check_tie(checkpoint)
        arguments = dict(checkpoint.arguments, name=name)
        if dropout is not None:
            arguments["dropout"] = dropout
        if attention_dropout is not None:
            arguments["attention_dropout"] = attention_dropout
        encoder = models.bert_encoder(**arguments)
        model = encoder
        if heads:
            model = models.bert_pretrainer(encoder, **checkpoint.of_heads)
        fill(weights, checkpoint.file, model)
    return model


def _wanted(checkpoint: BertCheckpoint, heads: bool) -> list[Weight]:
    """The rows to read: parts that may be absent, and are, left out."""
    weights = list(checkpoint.parts[ENCODER])
    for part in (POOLER, *HEADS) if heads else (POOLER,):
        rows = checkpoint.parts[part]
        if any(row.name_in(checkpoint.file) for row in rows):
            weights += rows
            continue
        if part == MASKED_LM:
            raise ValueError(
                "`heads` must be False for a checkpoint without the head of "
                "the masked language model. Received: heads=True, "
                f"{checkpoint.file.said}, which has no {rows[0].names[0]}. "
                "`models.bert_pretrainer(load_bert(folder))` gives new heads."
            )
        warnings.warn(
            f"{checkpoint.file.said} has no {part}: it stays at its random "
            "start, to be trained.",
            UserWarning,
            stacklevel=3,
        )
    return weights


def _check(weights: list[Weight], checkpoint: BertCheckpoint) -> None:
    known = {
        name
        for rows in checkpoint.parts.values()
        for row in rows
        for name in row.names
    }
    found = differences(
        weights,
        checkpoint.file,
        "the configuration gives",
        lambda name: name not in known and checkpoint.is_weight(name),
    )
    if found:
        raise ValueError(
            "\n".join(
                [
                    "The weights do not fit the configuration. Received: "
                    f"{checkpoint.file.said}",
                    *found,
                    f"Take the {checkpoint.config.name} that belongs to these "
                    "weights.",
                ]
            )
        )


def _check_names(weights: list[Weight], checkpoint: BertCheckpoint) -> None:
    """Refuse two arrays for one place, such as a gamma beside a weight."""
    file = checkpoint.file
    for weight in weights:
        first, *others = [x for x in weight.names if x in file.shapes]
        for name in others:
            if not _are_equal(file, first, name):
                raise ValueError(
                    f"`{first}` and `{name}` are two names of one array and "
                    "must hold the same numbers. Received: "
                    f"{file.said}, where they differ. Save the model again "
                    "with one of them."
                )


def _are_equal(file: WeightsFile, one: str, other: str) -> bool:
    with whole(file.said):
        return np.array_equal(file.read(one), file.read(other))


def _check_tie(checkpoint: BertCheckpoint) -> None:
    """Refuse a decoder of its own: ours is the token table."""
    file, tied = checkpoint.file, checkpoint.tied
    if tied is None:
        return
    table = checkpoint.parts[ENCODER][0].name_in(file) or ""
    if not _are_equal(file, table, tied):
        raise ValueError(
            f"`{tied}` must equal `{table}`: the masked language model here "
            "scores with the token table itself. Received: "
            f"{file.said}, where they differ. Load it with heads=False."
        )
