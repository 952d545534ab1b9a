"""A signature: a function from named tensors to named tensors."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import tensorflow as tf

from keras_ctx.serving.output_kinds.kind import OutputKind
from keras_ctx.serving.signatures.model_outputs import Tensors


class Signature(NamedTuple):
    """A function from tensors, in the order of `inputs`, to named tensors."""

    function: Callable[..., Tensors]
    inputs: dict[str, tf.TensorSpec]
    kinds: Mapping[str, OutputKind]
    """The kind of each output, for the comparison of an export. It may contain
    outputs that the function returns only for other inputs."""
    method: str = "predict"
    """The API of TF Serving that it is for."""
    searches: bool = False
    """Whether it searches a text or a path of tags, so that rounding can change
    a row as a whole."""
    defaults: Mapping[str, tf.Tensor] = {}
    """The values of inputs that a request may leave out, for all rows."""
