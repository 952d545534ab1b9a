"""The graph of Python objects in a checkpoint of `tf.train.Checkpoint`."""

from collections import deque
from collections.abc import Iterator

from tensorflow.core.protobuf import trackable_object_graph_pb2

GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
"""The name of the graph among the arrays of the file."""
_VALUE = "VARIABLE_VALUE"


class ObjectGraph:
    """Objects by the way to them: names of attributes, with `/` between.

    The name of an array in the file is one of the ways to it, and which one
    depends on what was saved beside it; the graph knows them all.
    """

    def __init__(self, serialized: bytes):
        graph = trackable_object_graph_pb2.TrackableObjectGraph()
        try:
            graph.ParseFromString(serialized)
        except Exception as error:  # protobuf's own
            raise ValueError(
                f"{GRAPH} must be a graph of objects. Received: {error}"
            ) from error
        for node in graph.nodes:
            for child in node.children:
                if not 0 <= child.node_id < len(graph.nodes):
                    raise ValueError(
                        f"{GRAPH} must be a graph of objects whose nodes are "
                        f"all there. Received: {child.local_name!r}, number "
                        f"{child.node_id} of {len(graph.nodes)}"
                    )
        self._children = [
            {
                _escaped(child.local_name): child.node_id
                for child in node.children
            }
            for node in graph.nodes
        ]
        self._keys = [
            {a.name: a.checkpoint_key for a in node.attributes}.get(_VALUE)
            for node in graph.nodes
        ]

    def key(self, way: str) -> str | None:
        """The name in the file of the array at the end of a way."""
        node = self._at(0, way)
        return None if node is None else self._keys[node]

    def find(self, *children: str) -> str | None:
        """The shortest way to an object from which all these ways lead on."""
        for way, node in self._walk(0):
            if all(self._at(node, child) is not None for child in children):
                return way
        return None

    def keys_below(self, way: str) -> set[str]:
        """The names in the file of all arrays below an object."""
        start = self._at(0, way) or 0
        found = {self._keys[node] for _, node in self._walk(start)}
        return {key for key in found if key is not None}

    def _walk(self, start: int) -> Iterator[tuple[str, int]]:
        seen, queue = {start}, deque([("", start)])
        while queue:
            way, node = queue.popleft()
            yield way, node
            for name, child in self._children[node].items():
                if child not in seen:
                    seen.add(child)
                    queue.append((f"{way}/{name}" if way else name, child))

    def _at(self, node: int, way: str) -> int | None:
        for name in way.split("/") if way else ():
            if name not in self._children[node]:
                return None
            node = self._children[node][name]
        return node


def _escaped(name: str) -> str:
    """A name as it stands in the names of arrays."""
    return name.replace(".", "..").replace("/", ".S")
