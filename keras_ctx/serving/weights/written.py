"""Whether the weights in an export's file are those of the model, to a bit."""

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

    No text asks for every row of a table; here each of them is looked at.

    Raises:
        RuntimeError: a weight in the file is none of `variables`, which has
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
        # The bits: a number that is none equals itself there.
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
