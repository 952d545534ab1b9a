"""TensorFlow Serving's gRPC interface over one SavedModel: a real server."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from keras_ctx.serving.loaded_version import LoadedVersion


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers for one model; the first `failures` calls of Predict fail."""

    def __init__(self, name: str, folder: Path, failures: int = 0):
        self.name = name
        self.version = LoadedVersion(folder)
        self.failures = failures
        self.sizes: list[int] = []
        """Rows of each request."""

    def Predict(self, request, context):
        self._check(request, context)
        name = request.model_spec.signature_name
        arrays = {x: tf.make_ndarray(y) for x, y in request.inputs.items()}
        self.sizes.append(len(next(iter(arrays.values()))))
        if self.failures:
            self.failures -= 1
            context.abort(grpc.StatusCode.UNAVAILABLE, "Coming up.")
        try:
            outputs = self.version.run(name, arrays)
        except tf.errors.InvalidArgumentError as error:
            return context.abort(
                grpc.StatusCode.INVALID_ARGUMENT, error.message
            )
        response = predict_pb2.PredictResponse()
        for key, value in outputs.items():
            if not request.output_filter or key in request.output_filter:
                response.outputs[key].CopyFrom(tf.make_tensor_proto(value))
        return response

    def GetModelMetadata(self, request, context):
        self._check(request, context)
        found = get_model_metadata_pb2.SignatureDefMap()
        for name, signature in self.version.signatures.items():
            found.signature_def[name].CopyFrom(signature)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.metadata["signature_def"].Pack(found)
        return response

    def _check(self, request, context) -> None:
        spec = request.model_spec
        version = spec.version.value or int(self.version.folder.name)
        if spec.name != self.name or str(version) != self.version.folder.name:
            context.abort(
                grpc.StatusCode.NOT_FOUND,
                f"Servable not found for request: {spec.name}",
            )


@contextlib.contextmanager
def grpc_serving(service: PredictionService) -> Iterator[str]:
    """The address of the server."""
    with ThreadPoolExecutor(2) as pool:
        server = grpc.server(pool)
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            service, server
        )
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield f"grpc://127.0.0.1:{port}"
        finally:
            server.stop(None).wait()
            service.version.close()
