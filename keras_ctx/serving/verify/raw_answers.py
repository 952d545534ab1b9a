"""Runs an exported model with TensorFlow alone.

It imports neither Keras nor this library, so that it can be run as a script and
show what a server without them will answer:

    python -P raw_answers.py saved_models/<name>/<n> answers.npz < requests.json
"""

import base64
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  (registers the ops of the text function)
from tensorflow.core.protobuf import saved_model_pb2

Request = tuple[str, Mapping[str, Any]]


def newest_version(path: str | Path) -> Path:
    """Returns the version folder that a server would serve.

    Args:
        path: Folder of one model, with its numbered versions.

    Returns:
        The folder with the highest number.

    Raises:
        FileNotFoundError: `path` has no version.

    Example:
        >>> for version in ("1", "9", "10", ".unfinished-11"):
        ...     (Path("reviews") / version).mkdir(parents=True)
        >>> newest_version("reviews").name
        '10'
    """
    path = Path(path)
    versions = [entry for entry in _numbered(path) if entry.is_dir()]
    if not versions:
        raise FileNotFoundError(
            "`path` must be a folder with numbered versions, as "
            f"keras_ctx.serving.export writes it. Received: path={path}"
        )
    # Of `1` and `0001`, the one that a server would load.
    return max(versions, key=lambda entry: (int(entry.name), entry.name))


def is_version(name: str) -> bool:
    """Returns whether TF Serving reads a folder name as a version number."""
    # `isdigit` alone also takes digits that TF Serving does not.
    return name.isascii() and name.isdigit() and int(name) < 2**63


def taken_numbers(path: Path) -> set[int]:
    """Returns the numbers taken by anything in the folder `path`."""
    return {int(entry.name) for entry in _numbered(path)}


def _numbered(path: Path) -> list[Path]:
    if not path.is_dir():
        return []
    return [entry for entry in path.iterdir() if is_version(entry.name)]


def answers(
    path: str | Path,
    inputs: Sequence[str] | Mapping[str, Any],
    signature: str = "serving_default",
) -> dict[str, np.ndarray]:
    """Returns the answers of the newest version, with raw TensorFlow.

    Args:
        path: Folder of one model, as given to `export`.
        inputs: B texts, or the signature's inputs by name, as (nested) lists
            or arrays; `text_pair` is also read as `second_text`. Inputs that
            have defaults may be left out.
        signature: Name of the signature.

    Returns:
        Its outputs by name, B rows each; strings as NumPy `str`.

    Raises:
        FileNotFoundError: `path` has no version.
        ValueError: The version has no such signature, or it takes other inputs.

    Example:
        >>> import keras_ctx
        >>> inputs = keras_ctx.text.BertInputs(
        ...     ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "好"], 8,
        ...     split="character")
        >>> model = keras_ctx.models.classifier(
        ...     keras_ctx.models.bert_encoder(6, 1, 1, 4, 8, 8), 2)
        >>> version = keras_ctx.serving.export(
        ...     model, inputs, "opinions", labels=["bad", "good"])
        >>> answer = answers("opinions", ["好", "很好"])
        >>> answer["labels"].shape, answer["num_tokens"].tolist()
        ((2, 2), [3, 4])
        >>> answers("opinions", {"tokens": [["很", "好"]]}, "tokens").keys()
        dict_keys(['labels', 'num_tokens', 'scores', 'truncated'])
    """
    # Here, since the other functions run where this library is not.
    from keras_ctx.serving.text_pair import with_known_name

    version = newest_version(path)
    served: Any = tf.saved_model.load(str(version))
    if signature in served.signatures and isinstance(inputs, Mapping):
        function = served.signatures[signature]
        known = function.structured_input_signature[1]
        inputs = with_known_name(inputs, known)
    return _answer(served, version, signature, inputs)


def answers_of(
    version: Path, requests: Iterable[Request]
) -> list[dict[str, np.ndarray]]:
    """Runs requests, pairs of signature and inputs, on one version."""
    # Keep a reference: the functions do not keep their model alive.
    served = tf.saved_model.load(str(version))
    return [_answer(served, version, *request) for request in requests]


def _answer(
    served, version: Path, name: str, inputs: Sequence[str] | Mapping[str, Any]
) -> dict:
    if name not in served.signatures:
        raise ValueError(
            f"`signature` must be one of {sorted(served.signatures)}. "
            f"Received: signature={name!r}"
        )
    function = served.signatures[name]
    specs = function.structured_input_signature[1]
    if isinstance(inputs, str):
        raise ValueError(
            f"`inputs` must be a list of texts. Received: {inputs[:80]!r}"
        )
    if not isinstance(inputs, Mapping):
        inputs = {"prompt" if "prompt" in specs else "text": list(inputs)}
    defaults = {}
    if specs.keys() != inputs.keys():
        defaults = _defaults(version, name)
    missing = sorted(specs.keys() - inputs.keys() - defaults.keys())
    if missing or inputs.keys() - specs.keys():
        raise ValueError(
            f"`inputs` of {name!r} must be {sorted(specs)}. "
            f"Received: {sorted(inputs)}"
            + (f". Missing: {missing}" if missing else "")
        )
    inputs = {**defaults, **inputs}
    tensors = {
        key: tf.constant(inputs[key], spec.dtype) for key, spec in specs.items()
    }
    outputs = function(**tensors)
    return {key: as_numpy(outputs[key]) for key in sorted(outputs)}


def _defaults(version: Path, name: str) -> dict[str, np.ndarray]:
    """Returns the inputs of a signature that may be left out."""
    saved = saved_model_pb2.SavedModel.FromString(
        (version / "saved_model.pb").read_bytes()
    )
    [graph] = saved.meta_graphs
    defaults = graph.signature_def[name].defaults
    return {key: tf.make_ndarray(x) for key, x in defaults.items()}


def as_numpy(x: tf.Tensor) -> np.ndarray:
    """Converts a tensor to an array; strings to `str`, without pickle."""
    array = x.numpy()
    if x.dtype != tf.string:
        return array
    decoded = [item.decode("utf-8", "replace") for item in array.flat]
    return np.array(decoded, dtype=np.str_).reshape(array.shape)


def main(version: str, output: str) -> None:
    requests = json.load(sys.stdin, object_hook=_bytes)
    found = answers_of(Path(version), requests)
    names = [[i, name] for i, answer in enumerate(found) for name in answer]
    values = [value for answer in found for value in answer.values()]
    # By position: the name of an output may be that of an argument of savez.
    np.savez(output, np.array(json.dumps(names)), *values)


def _bytes(value: dict) -> Any:
    return base64.b64decode(value["b64"]) if value.keys() == {"b64"} else value


if __name__ == "__main__":
    main(*sys.argv[1:])
