"""Reads the number of positions of an encoder from a `.keras` file."""

from collections.abc import Set
from json import JSONDecodeError
from pathlib import Path
from typing import Any

from keras_ctx.files.json_text import load_json
from keras_ctx.files.model_file import read_config
from keras_ctx.models.family import families


def archive_positions(path: Path) -> int | None:
    """Returns the number of positions of the encoder in a `.keras` file.

    Args:
        path: A file that `keras.Model.save` wrote, of an encoder or of a model
            with one.

    Returns:
        The smallest `max_length` of its position embeddings; `None` for a
        model without them, such as an ELMo.

    Raises:
        ValueError: If the file is not a `.keras` file, or is damaged.

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
    """Returns the `max_length` of all position embeddings in a config."""
    if isinstance(node, list):
        return [found for child in node for found in _lengths(child, tables)]
    if not isinstance(node, dict):
        return []
    config = node.get("config")
    if node.get("class_name") in tables and isinstance(config, dict):
        return [config["max_length"]]
    children = node.values()
    return [found for child in children for found in _lengths(child, tables)]
