"""Compares the sizes in the configuration of a `.keras` file with its weights.

A layer allocates memory for the sizes in its configuration before its weights
are read. So a few words in a file from a stranger could take all memory. Here
the model is first built without allocating its weights.
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
"""Bytes of a configuration; a model of a hundred blocks has a tenth."""

_LARGEST = 2**63 - 1  # the largest dimension of a shape
# The entries of these lists are one layer each.
_COUNTS = ("num_layers", "num_highways", "num_hidden_layers")
_LISTED = ("filters", "layers")
# The states of random generators are not stored in the file.
_FEW = 1 << 16
_ADVICE = "Get the file from its publisher again."


def check_sizes(config: str, file: h5py.File, said: str) -> None:
    """Refuses a configuration of a larger model than the weights are for.

    Args:
        config: The `config.json` of a `.keras` file.
        file: Its `model.weights.h5`, open.
        said: The name of the `.keras` file in errors.

    Raises:
        ValueError: The configuration is not JSON, has a size that the weights
            do not have, or does not build a model. Your own classes must be
            registered with `keras.saving.register_keras_serializable`.
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
    # Layers with packed weights (two int4 in a byte) or LoRA are larger when
    # they are built than in the file.
    most = there * (2 if _is_changed(content) else 1) + _FEW
    if wanted > most:
        raise ValueError(
            f"{said}: the configuration of a model must fit its weights. "
            f"Received: a config.json that needs {wanted:,} numbers, and "
            f"{there:,} in model.weights.h5. {_ADVICE}"
        )


def _size_of(file: h5py.File) -> tuple[int, int]:
    """Returns the number of groups in a file of weights, and of numbers."""
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
    """Yields every nested value of an object, with its key."""
    left: list[tuple[str, Any]] = [("", content)]
    while left:
        key, value = left.pop()
        yield key, value
        if isinstance(value, dict):
            left.extend(value.items())
        elif isinstance(value, list):
            left.extend((key, child) for child in value)


def _check_numbers(content: dict, groups: int, most: int, said: str) -> None:
    """Refuses sizes that need much time or memory before weights are read."""
    for key, value in _nodes(content):
        problem = None
        # Each layer, also one without weights, has a group in the file.
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
    """Returns what can be built without weights: of KerasHub, the backbone.

    A KerasHub task creates an optimizer, and so weights, at once. The size of
    its head depends on the backbone and the number of classes.
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
    """Returns the number of weights of a model, built without allocating."""
    found: list[int | Exception] = []

    def build() -> None:
        try:
            with keras.StatelessScope(initialize_variables=False):
                model = keras.saving.deserialize_keras_object(
                    {**_unpacked(content), "compile_config": None},
                    safe_mode=True,
                )
            found.append(sum(prod(each.shape) for each in model.variables))
        except Exception as error:  # layers raise many kinds at such sizes
            found.append(error)

    # Keras remembers variables that are not initialized, and counts names, by
    # thread; a separate thread keeps this out of the caller's.
    thread = threading.Thread(target=build)
    thread.start()
    thread.join()
    if isinstance(found[0], int):
        return found[0]
    raise ValueError(
        f"{said}: the configuration must build a model in this version of "
        "Keras. Register your own classes with "
        "`keras.saving.register_keras_serializable`. Received: "
        f"{type(found[0]).__name__}: {found[0]}"
    ) from found[0]


def _unpacked(node: Any) -> Any:
    """Returns the configuration without its quantization."""
    if isinstance(node, list):
        return [_unpacked(child) for child in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _unpacked(value)
        for key, value in node.items()
        if not (key == "quantized" and isinstance(value, dict))
    }
