"""The graph of Python objects in a checkpoint of `tf.train.Checkpoint`."""

from collections import deque
from collections.abc import Iterator

from tensorflow.core.protobuf import trackable_object_graph_pb2

GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
"""The name of the graph among the arrays of the file."""
_VALUE = "VARIABLE_VALUE"


class ObjectGraph:
    """An object graph, in which paths (`attribute/attribute`) lead to objects.

    An array may have several paths. Its name in the file is one of them, and
    depends on the other saved objects; the graph knows all paths.
    """

    def __init__(self, serialized: bytes):
        graph = trackable_object_graph_pb2.TrackableObjectGraph()
        try:
            graph.ParseFromString(serialized)
        except Exception as error:  # Errors of protobuf have no common class.
            raise ValueError(
                f"{GRAPH} must be a graph of objects. Received: {error}"
            ) from error
        for node in graph.nodes:
            for child in node.children:
                if not 0 <= child.node_id < len(graph.nodes):
                    raise ValueError(
                        f"{GRAPH} must be a complete graph of objects. "
                        f"Received: {child.local_name!r} with the node "
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
        """Returns the name in the file of the array at a path."""
        node = self._at(0, way)
        return None if node is None else self._keys[node]

    def find(self, *children: str) -> str | None:
        """Returns the shortest path to an object with all these subpaths."""
        for way, node in self._walk(0):
            if all(self._at(node, child) is not None for child in children):
                return way
        return None

    def keys_below(self, way: str) -> set[str]:
        """Returns the names in the file of all arrays below an object."""
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
    """Escapes a name as in the names of arrays."""
    return name.replace(".", "..").replace("/", ".S")
