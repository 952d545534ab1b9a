"""Converts JSON requests for Classify and Regress to `tf.train.Example`s.

Format: https://www.tensorflow.org/tfx/serving/api_rest.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from keras_ctx.serving.rest.values import (
    RequestError,
    is_lossless,
    shown,
    value_reader,
)


def example_inputs(request: dict[str, Any]) -> np.ndarray:
    """Returns the examples of a request for `:classify` or `:regress`.

    Args:
        request: From `read_request`, with `examples`, a list of objects of
            features, and optionally `context`, features of all examples.

    Returns:
        Serialized `tf.train.Example`s `(B,)`.

    Raises:
        RequestError: There are no examples, or a feature mixes types.

    Example:
        >>> found = example_inputs({"examples": [{"text": "Hello."}]})
        >>> example = tf.train.Example.FromString(found[0])
        >>> example.features.feature["text"].bytes_list.value
        [b'Hello.']
    """
    examples = request.get("examples")
    if not isinstance(examples, list) or not examples:
        raise RequestError(
            "`examples` must be a list with one object or more. "
            f"Received: {shown(examples)}"
        )
    context = request.get("context", {})
    for example in [context, *examples]:
        if not isinstance(example, dict):
            raise RequestError(
                "An example must be an object of features. "
                f"Received: {shown(example)}"
            )
        for name in example:
            if name.encode("utf-8", "replace").decode("utf-8") != name:
                raise RequestError(
                    "The name of a feature must be UTF-8. "
                    f"Received: {shown(name)}"
                )
    found = np.empty(len(examples), object)
    found[:] = [
        tf.train.Example(
            features=tf.train.Features(
                feature={
                    name: _feature(name, value)
                    for name, value in {**context, **example}.items()
                }
            )
        ).SerializeToString()
        for example in examples
    ]
    return found


def _feature(name: str, value: Any) -> tf.train.Feature:
    values = value if isinstance(value, list) else [value]
    if all(isinstance(x, str | dict) for x in values):
        read = value_reader(name, tf.string)
        return tf.train.Feature(
            bytes_list=tf.train.BytesList(value=[read(x) for x in values])
        )
    if all(isinstance(x, int) and -(2**63) <= x < 2**63 for x in values):
        return tf.train.Feature(
            int64_list=tf.train.Int64List(value=[int(x) for x in values])
        )
    if all(isinstance(x, float) and is_lossless(x, np.float32) for x in values):
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))
    raise RequestError(
        f"The feature `{name}` must be a value or a list of strings, of "
        f"integers or of floats. Received: {shown(value)}"
    )
