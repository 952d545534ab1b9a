"""Finds which libraries the ops in a SavedModel need."""

from pathlib import Path

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2


def python_imports(folder: Path) -> list[str]:
    """Returns what a Python program must import to load a SavedModel.

    This includes `tensorflow_text` if there is an op that TensorFlow alone does
    not have.
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
    # `raw_ops` has all ops of TensorFlow, and none of other libraries.
    foreign = {op for op in own if not hasattr(tf.raw_ops, op)}
    return ["tensorflow", "tensorflow_text"] if foreign else ["tensorflow"]
