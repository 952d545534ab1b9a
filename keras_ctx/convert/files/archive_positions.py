"""The positions of an encoder in a `.keras` file, without its weights."""

from collections.abc import Set
from json import JSONDecodeError
from pathlib import Path
from typing import Any

from keras_ctx.files.json_text import load_json
from keras_ctx.files.model_file import read_config
from keras_ctx.models.family import families


def archive_positions(path: Path) -> int | None:
    """How many positions the encoder of a `.keras` file has.

    Args:
        path: What `keras.Model.save` wrote: an encoder, or a model that holds
            one.

    Returns:
        The `max_length` of its position table, the smallest of several;
        `None` for a model without one, such as an ELMo.

    Raises:
        ValueError: The file is no archive of Keras, or is damaged.

    Example:
        >>> from keras_ctx import models
        >>> models.bert_tiny(100, max_length=40).save("encoder.keras")
        >>> archive_positions(Path("encoder.keras"))
        40
    """
    try:
        config = load_json(read_config(path))
    except JSONDecodeError as error:
        raise ValueError(
            f"{path}: the file must be a whole .keras file, as "
            f"`keras.Model.save` writes it. Received: config.json: {error}"
        ) from error
    tables = {family.position_table for family in families()}
    return min(_lengths(config, tables - {None}), default=None)


def _lengths(node: Any, tables: Set[Any]) -> list[int]:
    """The `max_length` of every position table below a node of the config."""
    if isinstance(node, list):
        return [found for child in node for found in _lengths(child, tables)]
    if not isinstance(node, dict):
        return []
    config = node.get("config")
    if node.get("class_name") in tables and isinstance(config, dict):
        return [config["max_length"]]
    children = node.values()
    return [found for child in children for found in _lengths(child, tables)]
