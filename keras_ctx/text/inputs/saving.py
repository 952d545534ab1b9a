"""Saves and loads text inputs, so that training and serving read text alike."""

import json
from pathlib import Path
from typing import Any

from keras_ctx.files.json_text import load_json
from keras_ctx.files.whole_file import write_text
from keras_ctx.text.inputs.base import REGISTRY, TextInputs


def save_inputs(inputs: TextInputs, path: str | Path) -> None:
    """Writes the class and the configuration of `inputs` as JSON.

    Args:
        inputs: The text inputs to save.
        path: The file. An existing file is replaced, whole or not at all.

    Raises:
        ValueError: If the class of `inputs` is not registered.

    Example:
        >>> from keras_ctx.text import ElmoInputs, load_inputs, save_inputs
        >>> save_inputs(ElmoInputs(split="character"), "inputs.json")
        >>> load_inputs("inputs.json").split
        'character'
    """
    saved = inputs_config(inputs)
    write_text(
        Path(path), json.dumps(saved, ensure_ascii=False, indent=1) + "\n"
    )


def inputs_config(inputs: TextInputs) -> dict[str, Any]:
    """Returns the class and configuration of `inputs`, serializable as JSON.

    Args:
        inputs: The text inputs to describe.

    Raises:
        ValueError: If the class of `inputs` is not registered.

    Example:
        >>> from keras_ctx.text import ElmoInputs
        >>> inputs_config(ElmoInputs())["class"]
        'ElmoInputs'
    """
    name = type(inputs).__name__
    if REGISTRY.get(name) is not type(inputs):
        raise ValueError(
            f"`inputs` must be one of {', '.join(REGISTRY)}; register other "
            f"classes with `register_text_inputs`. Received: {type(inputs)}"
        )
    return {"class": name, "config": inputs.get_config()}


def inputs_from_config(saved: dict[str, Any]) -> TextInputs:
    """Creates text inputs from the dict that `inputs_config` returned.

    Args:
        saved: The dict with the class and the configuration.

    Raises:
        ValueError, TypeError, KeyError: If `saved` is something else; a
            ValueError if its class is not registered.

    Example:
        >>> from keras_ctx.text import ElmoInputs
        >>> saved = inputs_config(ElmoInputs(max_characters=20))
        >>> inputs_from_config(saved).max_characters
        20
    """
    cls, config = REGISTRY.get(saved["class"]), saved["config"]
    if cls is None:
        raise ValueError(
            "`saved` must name a registered class of text inputs. Received: "
            f"{saved['class']!r}, which is not registered. Import the module "
            f"of your own class first. Registered: {', '.join(REGISTRY)}"
        )
    _check(config)
    return cls.from_config(config)


def load_inputs(path: str | Path) -> TextInputs:
    """Reads text inputs from a file that `save_inputs` wrote.

    Args:
        path: The file.

    Returns:
        A new object, equal to the saved one.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If `save_inputs` did not write the file, or if its class
            is not registered.

    Example:
        >>> from keras_ctx.text import ElmoInputs, load_inputs, save_inputs
        >>> save_inputs(ElmoInputs(max_characters=20), "inputs.json")
        >>> load_inputs("inputs.json").max_characters
        20
    """
    try:
        saved = load_json(Path(path).read_text(encoding="utf-8"))
        return inputs_from_config(saved)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise ValueError(
            "`path` must be a file written by `save_inputs`, with one of the "
            f"classes {', '.join(REGISTRY)}. Import the module of your own "
            f"class first. Received: {path}: {error}"
        ) from error


def _check(config: dict[str, Any]) -> None:
    """Refuses values that the classes accept, but only from a caller."""
    if not isinstance(config, dict):
        raise ValueError(
            f"`config` must be an object. Received: {str(config)[:100]!r}"
        )
    for name in ("vocabulary", "characters", "merges"):
        listed = config.get(name, [])
        if not isinstance(listed, list) or not all(
            isinstance(token, str) for token in listed
        ):
            # The class would open a path, which may be any file.
            raise ValueError(
                f"`{name}` must be a list of tokens. "
                f"Received: {str(listed)[:100]!r}"
            )
    for name, most in (("max_length", 2**31 - 1), ("max_characters", 2**16)):
        if type(config.get(name)) is int and config[name] > most:
            raise ValueError(
                f"`{name}` must be at most {most}. Received: a larger number"
            )
