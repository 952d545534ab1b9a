"""TensorFlow Serving's gRPC interface over one SavedModel: a real server."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from keras_ctx.serving.rest.loaded_version import LoadedVersion


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """A service for one model; the first `failures` calls of Predict fail.

    Classify and Regress accept only signatures of their own method, as in TF
    Serving's classifier.cc and regressor.cc.
    """

    def __init__(self, name: str, folder: Path, failures: int = 0):
        self.name = name
        self.version = LoadedVersion(folder)
        self.failures = failures
        self.sizes: list[int] = []
        """Number of rows of each request."""

    def Predict(self, request, context):
        self._check(request, context)
        name = request.model_spec.signature_name
        arrays = {x: tf.make_ndarray(y) for x, y in request.inputs.items()}
        self.sizes.append(len(next(iter(arrays.values()))))
        if self.failures:
            self.failures -= 1
            context.abort(grpc.StatusCode.UNAVAILABLE, "Coming up.")
        outputs = self._run(name, arrays, context)
        response = predict_pb2.PredictResponse()
        for key, value in outputs.items():
            if not request.output_filter or key in request.output_filter:
                response.outputs[key].CopyFrom(tf.make_tensor_proto(value))
        return response

    def Classify(self, request, context):
        outputs = self._of_examples("classify", request, context)
        response = classification_pb2.ClassificationResponse()
        rows = zip(outputs["classes"], outputs["scores"], strict=True)
        for names, scores in rows:
            found = response.result.classifications.add()
            for name, score in zip(names, scores, strict=True):
                found.classes.add(label=name, score=score)
        return response

    def Regress(self, request, context):
        outputs = self._of_examples("regress", request, context)
        response = regression_pb2.RegressionResponse()
        for value in outputs["outputs"].reshape(-1):
            response.result.regressions.add(value=value)
        return response

    def _of_examples(self, method, request, context):
        self._check(request, context)
        name = request.model_spec.signature_name or "serving_default"
        found = self.version.signatures[name].method_name
        if found != f"tensorflow/serving/{method}":
            context.abort(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"Expected signature method_name to be {method}. Was: {found}",
            )
        examples = request.input.example_list.examples
        rows = np.array([x.SerializeToString() for x in examples], object)
        return self._run(name, {"inputs": rows}, context)

    def _run(self, name, arrays, context):
        try:
            return self.version.run(name, arrays)
        except tf.errors.InvalidArgumentError as error:
            return context.abort(
                grpc.StatusCode.INVALID_ARGUMENT, error.message
            )

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
    """Yields the address of the server."""
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
