"""Loads and runs an exported version as TensorFlow Serving does."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  (registers the ops of the text function)
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from keras_ctx.files.record_check import count_records

Arrays = dict[str, np.ndarray]
WARM_UP = Path("assets.extra", "tf_serving_warmup_requests")


class LoadedVersion:
    """A SavedModel in its own session, until it is closed.

    Closing a session frees all of its memory, unlike `tf.saved_model.load`,
    whose functions stay registered in the process. It can run from several
    threads at the same time.

    Args:
        folder: A version folder, with `saved_model.pb`.

    Raises:
        OSError: `folder` has no SavedModel.
        tf.errors.OpError: It cannot be loaded, or a warm-up request fails.
        ValueError: The same, raised by TensorFlow's Python code, or a warm-up
            request is damaged.

    Example:
        >>> double = tf.function(
        ...     lambda x: {"twice": 2 * x},
        ...     input_signature=[tf.TensorSpec((None,), tf.int32, name="x")])
        >>> module = tf.Module()
        >>> module.double = double
        >>> tf.saved_model.save(module, "double/1", {"double": double})
        >>> version = LoadedVersion(Path("double/1"))
        >>> version.inputs("double")
        {'x': TensorSpec(shape=(None,), dtype=tf.int32, name='x')}
        >>> version.run("double", {"x": np.array([1, 2], "int32")})
        {'twice': array([2, 4], dtype=int32)}
        >>> version.close()

    Source: https://www.tensorflow.org/tfx/serving/saved_model_warmup.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._graph = tf.Graph()
        self._session: Any = tf.compat.v1.Session(graph=self._graph)
        self._functions: dict[str, tuple[list[str], Callable]] = {}
        self._lock = threading.Lock()
        self._users = 0
        self._closing = False
        try:
            with self._graph.as_default():
                meta_graph = tf.compat.v1.saved_model.load(
                    self._session, ["serve"], str(folder)
                )
            self.signatures: dict[str, SignatureDef] = dict(
                meta_graph.signature_def
            )
            self._warm_up(folder / WARM_UP)
        except BaseException:
            self.close()
            raise

    def inputs(self, signature: str) -> dict[str, tf.TensorSpec]:
        """Returns the inputs of a signature, by name.

        Raises:
            KeyError: The signature does not exist.
        """
        tensors = {
            name: self._graph.get_tensor_by_name(info.name)
            for name, info in self.signatures[signature].inputs.items()
        }
        # Sorted: the order of a proto's map differs between processes.
        return {
            name: tf.TensorSpec(tensor.shape, tensor.dtype, name)
            for name, tensor in sorted(tensors.items())
        }

    def defaults(self, signature: str) -> Arrays:
        """Returns the values of inputs that a request may leave out."""
        defaults = self.signatures[signature].defaults
        return {name: tf.make_ndarray(x) for name, x in defaults.items()}

    def run(self, signature: str, inputs: Arrays) -> Arrays:
        """Runs a signature.

        Args:
            signature: A name in `signatures`.
            inputs: An array for each of its inputs without a default, of its
                dtype and shape, which are not checked before the graph runs.

        Returns:
            Its outputs by name.

        Raises:
            tf.errors.OpError: The graph refuses the inputs.
        """
        with self._lock:
            if signature not in self._functions:
                self._functions[signature] = self._function(signature)
            names, function = self._functions[signature]
        inputs = {**self.defaults(signature), **inputs}
        try:
            values = function(*(inputs[name] for name in sorted(inputs)))
        except UnicodeDecodeError as error:
            # TensorFlow's error quotes bytes of the inputs.
            message = error.object.decode("utf-8", "replace")
            raise tf.errors.InvalidArgumentError(None, None, message) from error
        return dict(zip(names, values, strict=True))

    def _function(self, signature: str) -> tuple[list[str], Callable]:
        definition = self.signatures[signature]
        # Sorted, so that answers always have the same order.
        outputs = dict(sorted(definition.outputs.items()))
        fetches, feeds = (
            [self._graph.get_tensor_by_name(info.name) for info in infos]
            for infos in (
                outputs.values(),
                [info for _, info in sorted(definition.inputs.items())],
            )
        )
        return list(outputs), self._session.make_callable(fetches, feeds)

    @contextlib.contextmanager
    def in_use(self) -> Iterator["LoadedVersion"]:
        """Keeps the version open while the block runs."""
        with self._lock:
            if self._closing:
                raise RuntimeError(f"{self.folder} is closed.")
            self._users += 1
        try:
            yield self
        finally:
            with self._lock:
                self._users -= 1
                last = self._closing and not self._users
            if last:
                self._free()

    def close(self) -> None:
        """Frees the memory as soon as no call is running."""
        with self._lock:
            self._closing = True
            idle = not self._users
        if idle:
            self._free()

    def _free(self) -> None:
        self._functions.clear()
        self._session.close()
        # Deleting the session frees the weights.
        self._session = None

    def _warm_up(self, path: Path) -> None:
        if not path.is_file():
            return
        try:
            from tensorflow_serving.apis import prediction_log_pb2
        except ImportError as error:
            raise ImportError(
                f"Reading {path} needs `pip install tensorflow-serving-api`."
            ) from error
        count_records(path)
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            log = prediction_log_pb2.PredictionLog.FromString(record)
            kind = log.WhichOneof("log_type")
            request = getattr(log, str(kind)).request
            name = request.model_spec.signature_name or "serving_default"
            if name not in self.signatures:
                raise ValueError(
                    f"{path} has a request for an unknown signature, {name!r}."
                )
            self.run(name, _warm_up_inputs(request))


def _warm_up_inputs(request: Any) -> Arrays:
    if not hasattr(request, "input"):
        return {
            name: tf.make_ndarray(tensor)
            for name, tensor in request.inputs.items()
        }
    # Classify and Regress have their examples in either of two lists.
    listed = request.input.example_list_with_context
    examples = request.input.example_list.examples or listed.examples
    found = np.empty(len(examples), object)
    for number, example in enumerate(examples):
        whole = tf.train.Example()
        whole.MergeFrom(listed.context)
        whole.MergeFrom(example)
        found[number] = whole.SerializeToString()
    return {"inputs": found}
