"""What of a compiled function a TPU would refuse, found without a TPU.

TensorFlow gives a TPU each kernel of its XLA compiler that is not tied to CPUs
or GPUs, and filters none out (`DEVICE_TPU_XLA_JIT` in tensorflow/core/tpu/). So
a graph that XLA lowers to HLO has a kernel for each of its ops. What XLA takes
on a CPU, and a TPU not at all or only with grief, is then looked for, in the
graph and in the HLO.
"""

import re

import tensorflow as tf

# Of the host; and ops with as many results as the data say. XLA lowers some of
# the latter, with bounds for sizes, which TPUs pad: no static shapes.
REFUSED_OPS = re.compile(
    r"String|PyFunc|Print|LookupTable|Summary|File|Queue|Iterator|Ragged|"
    r"SparseTo|Where|Unique|SetDiff|DynamicPartition|NonMaxSuppression"
)
# A TPU has no float64: it is put together from several float32.
REFUSED_TYPES = {tf.string: "string", tf.float64: "float64"}
REFUSED_HLO = {
    "float64": r"\b(?:f64|c128)\[",
    "a size that depends on data": r"\[[^\]]*<=\d[^\]]*\]",
    "a kernel from outside XLA": r"custom_call_target=\"(?:[^\"]*)\"",
    "traffic with the host": r"\b(?:infeed|outfeed|send|recv)\(",
}


def graph_nodes(function, *arguments) -> list:
    """Those of the traced graph, and of all functions that it calls."""
    graph = function.get_concrete_function(*arguments).graph.as_graph_def()
    inner = [node for f in graph.library.function for node in f.node_def]
    return [*graph.node, *inner]


def refused(function, *arguments) -> set[str]:
    """What is wrong with a `tf.function(jit_compile=True)`; empty if nothing.

    Arguments have static shapes, as what is to be lowered must have.
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
