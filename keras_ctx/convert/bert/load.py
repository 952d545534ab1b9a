"""Loads BERT from checkpoints of all known formats."""

import warnings
from pathlib import Path

import keras
import numpy as np

from keras_ctx import models
from keras_ctx.convert.bert.arrays import ENCODER, HEADS, MASKED_LM, POOLER
from keras_ctx.convert.bert.checkpoint import BertCheckpoint
from keras_ctx.convert.bert.formats import kind_of
from keras_ctx.convert.files.weight_table import Weight, check_fit, fill
from keras_ctx.convert.files.weights_file import WeightsFile, whole


def load_bert(
    folder: str | Path,
    heads: bool = False,
    dropout: float | None = None,
    attention_dropout: float | None = None,
    name: str = "bert_encoder",
) -> keras.Model:
    """Loads a BERT encoder or pretrainer from a checkpoint.

    These formats are recognised by their files:

    * Hugging Face: `config.json` with `model.safetensors`, or with its shards
      and their index. Also an ERNIE without embeddings of tasks, such as
      ERNIE 1.0, which computes what BERT computes.
    * google-research/bert: `bert_config.json` with a TensorFlow 1 checkpoint.
    * KerasHub's `BertBackbone`: a preset, a `.keras` file (pass its path), or
      `config.json` with a weights file.
    * TensorFlow Model Garden's `BertEncoder` and `BertEncoderV2`, alone or in
      a model: a checkpoint with a `bert_config.json`, either Google's or the
      encoder's `get_config()` as JSON.

    Other content of the file is not read: the state of an optimizer, and the
    heads unless `heads` is True. Weights are read array by array.

    Args:
        folder: The folder; the prefix of a checkpoint, if a folder holds
            several; or a file of KerasHub.
        heads: Whether to return the pretrainer, with the masked language
            model and next sentence heads.
        dropout: Dropout rate; `None` for that of the file.
        attention_dropout: Dropout rate of the attention weights; `None` for
            that of the file.
        name: Name of the encoder.

    Returns:
        A model of `models.bert_encoder`; if `heads`, of
        `models.bert_pretrainer`. If the file lacks the pooler or the next
        sentence head, it keeps its random weights and a `UserWarning` is
        issued.

    Raises:
        FileNotFoundError: If there is no such folder, no configuration beside
            the weights, or if a shard is missing.
        ValueError: If the folder is of no known format or of another
            architecture, or holds its weights as a pickle, which is never
            opened; if the weights are truncated, hold NaN, or differ from the
            configuration (the message lists all such tensors); or if `heads`
            is True and the file has no masked language model head, or one
            with an untied decoder.

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
        "gelu" is the exact form in files of Hugging Face and the tanh
        approximation in the others, and is loaded accordingly. Class 0 of the
        next sentence head is "follows" in all files, but class 1 here, so the
        rows are swapped. A pretrained checkpoint of Model Garden has a trained
        pooler in its next sentence head and an untrained one in its encoder;
        the trained one is used. All weights are read as float32.
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
    """Returns the weights to read, without absent optional parts."""
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
                "Create new heads with "
                "`models.bert_pretrainer(load_bert(folder))`."
            )
        warnings.warn(
            f"{checkpoint.file.said} has no {part}: it keeps its random "
            "weights and must be trained.",
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
    check_fit(
        weights,
        checkpoint.file,
        checkpoint.config.name,
        lambda name: name not in known and checkpoint.is_weight(name),
    )


def _check_names(weights: list[Weight], checkpoint: BertCheckpoint) -> None:
    """Refuses two different arrays for one weight (a gamma and a weight)."""
    file = checkpoint.file
    for weight in weights:
        first, *others = [x for x in weight.names if x in file.shapes]
        for name in others:
            if not _are_equal(file, first, name):
                raise ValueError(
                    f"`{first}` and `{name}` are names of the same weight and "
                    "must hold the same numbers. Received: "
                    f"{file.said}, where they differ. Save the model again "
                    "with only one of them."
                )


def _are_equal(file: WeightsFile, one: str, other: str) -> bool:
    with whole(file.said):
        return np.array_equal(file.read(one), file.read(other))


def _check_tie(checkpoint: BertCheckpoint) -> None:
    """Refuses an untied decoder: ours is tied to the token embeddings."""
    file, tied = checkpoint.file, checkpoint.tied
    if tied is None:
        return
    table = checkpoint.parts[ENCODER][0].name_in(file) or ""
    if not _are_equal(file, table, tied):
        raise ValueError(
            f"`{tied}` must equal `{table}`: the decoder of the masked "
            "language model is tied to the token embeddings. Received: "
            f"{file.said}, where they differ. Load it with heads=False."
        )
