"""Text inputs as a file, so that training and serving read text alike."""

import json
from pathlib import Path
from typing import Any

from keras_ctx.files.json_text import load_json
from keras_ctx.files.whole_file import write_text
from keras_ctx.text.inputs.base import REGISTRY, TextInputs


def save_inputs(inputs: TextInputs, path: str | Path) -> None:
    """Writes the class and the configuration of `inputs` as JSON.

    Args:
        inputs: what to save.
        path: the file; one that exists is replaced, at once or not at all.

    Raises:
        ValueError: for any other object.

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
    """The class and the configuration of `inputs`, ready for JSON.

    Args:
        inputs: what to describe.

    Raises:
        ValueError: for any other object.

    Example:
        >>> from keras_ctx.text import ElmoInputs
        >>> inputs_config(ElmoInputs())["class"]
        'ElmoInputs'
    """
    name = type(inputs).__name__
    if REGISTRY.get(name) is not type(inputs):
        raise ValueError(
            f"`inputs` must be one of {', '.join(REGISTRY)}. "
            f"Received: {type(inputs)}"
        )
    return {"class": name, "config": inputs.get_config()}


def inputs_from_config(saved: dict[str, Any]) -> TextInputs:
    """What `inputs_config` described.

    Args:
        saved: the class and the configuration.

    Raises:
        ValueError, TypeError, KeyError: for something else; a ValueError
            for a class that is not registered here.

    Example:
        >>> from keras_ctx.text import ElmoInputs
        >>> saved = inputs_config(ElmoInputs(max_characters=20))
        >>> inputs_from_config(saved).max_characters
        20
    """
    cls, config = REGISTRY.get(saved["class"]), saved["config"]
    if cls is None:
        raise ValueError(
            f"`saved` names the text inputs {saved['class']!r}, a class that "
            "is not registered. Import the module of your own class first. "
            f"Registered: {', '.join(REGISTRY)}"
        )
    _check(config)
    return cls.from_config(config)


def load_inputs(path: str | Path) -> TextInputs:
    """Reads what `save_inputs` wrote.

    Args:
        path: the file.

    Returns:
        A new object, equal to the one that was saved.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is another one.

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
            "`path` must be a file written by `save_inputs`, with a class of "
            f"{', '.join(REGISTRY)}; a class of your own is known when its "
            f"module has been imported. Received: {path}: {error}"
        ) from error


def _check(config: dict[str, Any]) -> None:
    """What the classes take from a caller, and not from a file."""
    if not isinstance(config, dict):
        raise ValueError(
            f"`config` must be an object. Received: {str(config)[:100]!r}"
        )
    for name in ("vocabulary", "characters"):
        listed = config.get(name, [])
        if not isinstance(listed, list) or not all(
            isinstance(token, str) for token in listed
        ):
            # The class would open a path, and so any file of the machine.
            raise ValueError(
                f"`{name}` must be the list of the tokens. "
                f"Received: {str(listed)[:100]!r}"
            )
    for name, most in (("max_length", 2**31 - 1), ("max_characters", 2**16)):
        if type(config.get(name)) is int and config[name] > most:
            raise ValueError(
                f"`{name}` must be at most {most}. Received: a larger number"
            )
