"""Finds what a TPU would refuse in a compiled function, without a TPU.

TensorFlow gives TPUs each kernel of its XLA compiler that is not tied to CPUs
or GPUs, without further filters (`DEVICE_TPU_XLA_JIT` in tensorflow/core/tpu/).
So every op of a graph that XLA lowers to HLO has a kernel. This module searches
the graph and the HLO for what XLA accepts on a CPU, but a TPU does not, or only
slowly.
"""

import re

import tensorflow as tf

# Ops of the host, and ops whose result sizes depend on data. XLA lowers some of
# the latter with bounds, which TPUs pad: their shapes are not static.
REFUSED_OPS = re.compile(
    r"String|PyFunc|Print|LookupTable|Summary|File|Queue|Iterator|Ragged|"
    r"SparseTo|Where|Unique|SetDiff|DynamicPartition|NonMaxSuppression"
)
# A TPU has no float64: it is emulated by several float32.
REFUSED_TYPES = {tf.string: "string", tf.float64: "float64"}
REFUSED_HLO = {
    "float64": r"\b(?:f64|c128)\[",
    "a size that depends on data": r"\[[^\]]*<=\d[^\]]*\]",
    "a kernel from outside XLA": r"custom_call_target=\"(?:[^\"]*)\"",
    "traffic with the host": r"\b(?:infeed|outfeed|send|recv)\(",
}


def graph_nodes(function, *arguments) -> list:
    """Returns nodes of the traced graph and of all functions it calls."""
    graph = function.get_concrete_function(*arguments).graph.as_graph_def()
    inner = [node for f in graph.library.function for node in f.node_def]
    return [*graph.node, *inner]


def refused(function, *arguments) -> set[str]:
    """Returns problems of a `tf.function(jit_compile=True)`; empty if none.

    Arguments must have static shapes, which lowering requires.
    """
    found = set()
    for node in graph_nodes(function, *arguments):
        if REFUSED_OPS.search(node.op):
            found.add(f"graph: {node.op}")
        for attribute in node.attr.values():
            for dtype in (attribute.type, *attribute.list.type):
                if dtype in REFUSED_TYPES:
                    found.add(f"graph: {node.op}, {REFUSED_TYPES[dtype]}")
    try:
        hlo = function.experimental_get_compiler_ir(*arguments)(stage="hlo")
    except ValueError as error:
        return found | {f"no HLO: {str(error)[:300]}"}
    for name, pattern in REFUSED_HLO.items():
        found |= {f"HLO: {name}, {x}" for x in re.findall(pattern, hlo)}
    return found
