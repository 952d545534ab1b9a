"""What the configuration in a `.keras` file asks for, beside its weights.

A layer takes memory for the sizes that its configuration names before its
weights are read. So a few words in a file of a stranger could take all
memory: the model is first built without any numbers.
"""

import reprlib
import threading
from collections.abc import Iterator
from math import prod
from typing import Any

import h5py
import keras

from keras_ctx.files.json_text import load_json

LARGEST_CONFIG = 1 << 22
"""Bytes of a configuration; one of a hundred blocks has a tenth."""

_LARGEST = 2**63 - 1  # what a dimension is counted by
# Lists of these are so many layers.
_COUNTS = ("num_layers", "num_highways", "num_hidden_layers")
_LISTED = ("filters", "layers")
# States of random generators are in no file.
_FEW = 1 << 16
_ADVICE = "Get the file again, from where its author published it."


def check_sizes(config: str, file: h5py.File, said: str) -> None:
    """Refuses a configuration that asks for more than the weights have.

    Args:
        config: The `config.json` of a `.keras` file.
        file: Its `model.weights.h5`, open.
        said: What errors call the `.keras` file.

    Raises:
        ValueError: The configuration is no JSON, names a size that no weights
            have, or makes no model; a class of your own must be registered
            by `keras.saving.register_keras_serializable`.
    """
    try:
        content = load_json(config)
    except ValueError as error:
        raise ValueError(
            f"{said}, config.json: the file must be JSON. {_ADVICE} "
            f"Received: {error}"
        ) from error
    if not isinstance(content, dict):
        raise ValueError(
            f"{said}, config.json: the file must hold one JSON object. "
            f"Received: {type(content).__name__}"
        )
    groups, there = _size_of(file)
    _check_numbers(content, groups, there + _FEW, said)
    wanted = _wanted(_to_build(content, said), said)
    # Layers that are packed (two int4 in a byte) or have LoRA are built
    # larger than they are stored.
    most = there * (2 if _is_changed(content) else 1) + _FEW
    if wanted > most:
        raise ValueError(
            f"{said}: the configuration of a model must fit its weights. "
            f"Received: a config.json that asks for {wanted:,} numbers, and "
            f"{there:,} in model.weights.h5. {_ADVICE}"
        )


def _size_of(file: h5py.File) -> tuple[int, int]:
    """Returns how many groups a file of weights has, and how many numbers."""
    groups = numbers = 0

    def count(name: str, item: h5py.Group | h5py.Dataset) -> None:
        nonlocal groups, numbers
        if isinstance(item, h5py.Group):
            groups += 1
        elif not name.startswith("optimizer/"):
            numbers += prod(item.shape or ())

    file.visititems(count)
    return groups, numbers


def _nodes(content: dict) -> Iterator[tuple[str, Any]]:
    """Every value below an object, with the key that it stands under."""
    left: list[tuple[str, Any]] = [("", content)]
    while left:
        key, value = left.pop()
        yield key, value
        if isinstance(value, dict):
            left.extend(value.items())
        elif isinstance(value, list):
            left.extend((key, child) for child in value)


def _check_numbers(content: dict, groups: int, most: int, said: str) -> None:
    """Refuses what takes long, or memory before there are any weights."""
    for key, value in _nodes(content):
        problem = None
        # Each layer has a group in the file, also one without weights.
        if key in _COUNTS and type(value) is int and value > groups:
            problem = f"must be at most {groups}, the parts of its weights"
        elif (
            key in _LISTED
            and isinstance(value, list)
            and (len(value) > max(groups, 2))
        ):
            value = f"a list of {len(value):,}"
            problem = f"must be at most {groups} long, the parts of its weights"
        elif type(value) is int and abs(value) > _LARGEST:
            problem = f"must be at most {_LARGEST}"
        elif isinstance(value, dict) and _is_ours(value):
            key, value = max(_sizes(value["config"]), key=lambda pair: pair[1])
            if value > most:
                problem = f"must be at most {most:,}, for these weights"
        if problem:
            raise ValueError(
                f"{said}, config.json: `{key}` {problem}. {_ADVICE} "
                f"Received: {reprlib.repr(value)}"
            )


def _is_ours(node: dict) -> bool:
    return "keras_ctx" in str(node.get("registered_name")) + str(
        node.get("module")
    ) and isinstance(node.get("config"), dict)


def _sizes(config: dict) -> Iterator[tuple[str, int]]:
    yield "", 0
    for key, value in config.items():
        if type(value) is int and key != "seed":
            yield key, value


def _to_build(content: dict, said: str) -> dict:
    """What can be built without numbers: of KerasHub's tasks the backbone.

    Each makes an optimizer at once, which is a number. A head is as large as
    the backbone lets it, and the number of its classes.
    """
    config = content.get("config")
    hub = str(content.get("registered_name")).startswith("keras_hub>")
    if not hub or not isinstance(config, dict):
        return content
    backbone = config.get("backbone")
    if not isinstance(backbone, dict):
        return content
    for key, value in _sizes(config):
        if value > _FEW:
            raise ValueError(
                f"{said}, config.json: `{key}` must be at most {_FEW:,}. "
                f"{_ADVICE} Received: {value}"
            )
    return backbone


def _is_changed(content: dict) -> bool:
    return any(
        value
        and (
            key in ("sublayers", "lora_rank", "quantization_config")
            or (key == "class_name" and "Quantized" in str(value))
        )
        for key, value in _nodes(content)
    )


def _wanted(content: dict, said: str) -> int:
    """Returns how many numbers a model has, which is built without any."""
    found: list[int | Exception] = []

    def build() -> None:
        try:
            with keras.StatelessScope(initialize_variables=False):
                model = keras.saving.deserialize_keras_object(
                    {**_unpacked(content), "compile_config": None},
                    safe_mode=True,
                )
            found.append(sum(prod(each.shape) for each in model.variables))
        except Exception as error:  # whatever a layer raises at such sizes
            found.append(error)

    # Keras notes variables without numbers, to give them theirs later, and
    # counts names; a thread of its own takes its notes with it.
    thread = threading.Thread(target=build)
    thread.start()
    thread.join()
    if isinstance(found[0], int):
        return found[0]
    raise ValueError(
        f"{said}: the configuration must make a model in this version of "
        "Keras, with every class of your own registered by "
        "`keras.saving.register_keras_serializable`. Received: "
        f"{type(found[0]).__name__}: {found[0]}"
    ) from found[0]


def _unpacked(node: Any) -> Any:
    """Returns the configuration without what makes integers of numbers."""
    if isinstance(node, list):
        return [_unpacked(child) for child in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _unpacked(value)
        for key, value in node.items()
        if not (key == "quantized" and isinstance(value, dict))
    }
