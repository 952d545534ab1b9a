"""Checks that the weights in an exported file equal the model's, bit for
bit."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import trackable_object_graph_pb2

_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"


def check_written_weights(
    folder: Path, variables: Iterable[tf.Variable]
) -> None:
    """Compares each weight in the SavedModel `folder` with the one in memory.

    Test requests do not use every row of a table; this check covers all.

    Raises:
        RuntimeError: A weight in the file has no variable in `variables` with
            the same name and the same bits.
    """
    known: defaultdict[str, list[np.ndarray]] = defaultdict(list)
    for variable in variables:
        known[variable.name.removesuffix(":0")].append(variable.numpy())
    reader = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
    graph = trackable_object_graph_pb2.TrackableObjectGraph.FromString(
        reader.get_tensor(_GRAPH)
    )
    for node in graph.nodes:
        for attribute in node.attributes:
            written = reader.get_tensor(attribute.checkpoint_key)
            name = attribute.full_name
            if not any(_is_same(written, x) for x in known[name]):
                raise RuntimeError(
                    f"The export's weight `{name}` must be the model's, bit "
                    f"for bit.{_difference(written, known[name])} Nothing "
                    "was published."
                )


def _is_same(written: np.ndarray, right: np.ndarray) -> bool:
    return (written.dtype, written.shape) == (right.dtype, right.shape) and (
        # Compares bits, so that NaN equals itself.
        written.tobytes() == right.tobytes()
    )


def _difference(written: np.ndarray, known: list[np.ndarray]) -> str:
    if not known:
        return " The model has none of that name."
    right = known[0]
    if written.shape != right.shape:
        return f" Its shape is {written.shape}, the model's {right.shape}."
    largest = np.max(np.abs(written.astype("float64") - right))
    return f" It is off by up to {largest:g}."
