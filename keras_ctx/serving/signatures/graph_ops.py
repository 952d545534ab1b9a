"""The ops in a SavedModel, and what must be imported to have them."""

from pathlib import Path

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2


def python_imports(folder: Path) -> list[str]:
    """What a Python program must import to load the SavedModel `folder`.

    `tensorflow_text` is among it if there is an op which TensorFlow alone
    does not have.
    """
    saved = saved_model_pb2.SavedModel.FromString(
        (folder / "saved_model.pb").read_bytes()
    )
    graphs = [one.graph_def for one in saved.meta_graphs]
    nodes = [node for graph in graphs for node in graph.node]
    for graph in graphs:
        nodes += [x for f in graph.library.function for x in f.node_def]
    functions = {
        f.signature.name for graph in graphs for f in graph.library.function
    }
    own = {node.op for node in nodes} - functions
    # All ops of TensorFlow are there, and none of a library.
    foreign = {op for op in own if not hasattr(tf.raw_ops, op)}
    return ["tensorflow", "tensorflow_text"] if foreign else ["tensorflow"]
