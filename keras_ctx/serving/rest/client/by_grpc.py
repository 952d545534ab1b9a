"""Requests to TensorFlow Serving's gRPC interface, rows in and rows out."""

import json
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import tensorflow as tf
from google.protobuf.json_format import MessageToDict
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from keras_ctx.serving.rest.client.cut_answer import LENGTHS
from keras_ctx.serving.rest.client.errors import RefusedQuery, Unavailable
from keras_ctx.serving.rest.client.signature import Signature
from keras_ctx.serving.rest.example_request import example_inputs
from keras_ctx.serving.rest.response import predict_answer
from keras_ctx.serving.rest.values import RequestError

Row = dict[str, Any]
# The one that the stub calls; tensorflow-serving-api brings it along.
_grpc: Any = prediction_service_pb2_grpc.grpc


# What another try may help with.
_PASSING = ("UNAVAILABLE", "RESOURCE_EXHAUSTED")


class GrpcClient:
    """A client for one model of a server, by gRPC; it needs TensorFlow.

    Args:
        server: grpc://HOST:PORT.
        model: The model's name.
        version: The version to call; `None` for the newest, or that of `label`.
        label: The label of a version.
        timeout: Seconds to wait for an answer.

    Example:
        >>> client = GrpcClient("grpc://localhost:1", "reviews", timeout=1)
        >>> client.signatures()
        Traceback (most recent call last):
        keras_ctx.serving.rest.client.errors.Unavailable: ... (UNAVAILABLE)
        >>> client.close()
    """

    def __init__(
        self,
        server: str,
        model: str,
        version: int | None = None,
        label: str | None = None,
        timeout: float = 30.0,
    ):
        self._choice: dict[str, Any] = {"name": model}
        if version is not None:
            self._choice["version"] = {"value": version}
        if label is not None:
            self._choice["version_label"] = label
        self._timeout = timeout
        # All layers of a batch are more than the 4 MB that gRPC allows.
        self._channel = _grpc.insecure_channel(
            urlsplit(server).netloc,
            options=[
                ("grpc.max_send_message_length", -1),
                ("grpc.max_receive_message_length", -1),
                # Else a server that comes back is not seen for a minute.
                ("grpc.max_reconnect_backoff_ms", 1000),
            ],
        )
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(
            self._channel
        )

    def signatures(self) -> dict[str, Any]:
        """Returns the model's signatures by name, as REST's metadata has them.

        Raises:
            QueryError: The server refuses the request or is unavailable.
        """
        request = get_model_metadata_pb2.GetModelMetadataRequest(
            model_spec=self._choice, metadata_field=["signature_def"]
        )
        answer = self._call(self._stub.GetModelMetadata, request)
        found = get_model_metadata_pb2.SignatureDefMap()
        answer.metadata["signature_def"].Unpack(found)
        self._signatures = dict(found.signature_def)
        return {
            name: {
                "inputs": _shapes(signature.inputs),
                "outputs": _shapes(signature.outputs),
                "method_name": signature.method_name,
                "defaults": {
                    key: MessageToDict(x, preserving_proto_field_name=True)
                    for key, x in signature.defaults.items()
                },
            }
            for name, signature in self._signatures.items()
        }

    def ask(
        self,
        name: str,
        signature: Signature,
        rows: list[Row],
        outputs: tuple[str, ...] = (),
    ) -> list[Row]:
        """Returns the answers to rows as TensorFlow Serving's REST API does.

        Args:
            name: Name of the signature; call `signatures` before.
            signature: The signature of this name.
            rows: For each the signature's inputs by name; for one of Classify
                or Regress the features of an example.
            outputs: Outputs of Predict that the server sends, besides the
                lengths by which answers are cut; if empty, all.

        Returns:
            Outputs by name, for each row; NaN and Infinity as strings.

        Raises:
            QueryError: `rows` have the wrong form, or see `signatures`.
        """
        spec = {**self._choice, "signature_name": name}
        if signature.method == "classify":
            found = self._classify(spec, rows)
        elif signature.method == "regress":
            found = self._regress(spec, rows)
        else:
            kept = sorted({*outputs, *LENGTHS} & signature.outputs.keys())
            found = self._predict(spec, rows, kept if outputs else [])
        return json.loads(json.dumps(found), parse_constant=str)

    def close(self) -> None:
        """Closes the connection."""
        self._channel.close()

    def _predict(
        self, spec: Row, rows: Sequence[Row], outputs: Sequence[str]
    ) -> list[Row]:
        request = predict_pb2.PredictRequest(
            model_spec=spec, output_filter=outputs
        )
        inputs = self._signatures[spec["signature_name"]].inputs
        for name, info in inputs.items():
            try:
                column = [row[name] for row in rows]
                tensor = tf.make_tensor_proto(column, info.dtype)
            except (TypeError, ValueError) as error:
                raise RefusedQuery(
                    f"The input {name!r} cannot be put into one tensor: {error}"
                ) from error
            request.inputs[name].CopyFrom(tensor)
        answer = self._call(self._stub.Predict, request)
        arrays = {x: tf.make_ndarray(y) for x, y in answer.outputs.items()}
        # One name must not be taken away, as REST does.
        columns = {
            name: predict_answer({name: arrays[name]}, True)["predictions"]
            for name in sorted(arrays)
        }
        return [
            dict(zip(columns, row, strict=True))
            for row in zip(*columns.values(), strict=True)
        ]

    def _classify(self, spec: Row, rows: Sequence[Row]) -> list[Row]:
        request = classification_pb2.ClassificationRequest(
            model_spec=spec, input=_examples(rows)
        )
        answer = self._call(self._stub.Classify, request)
        return [
            {
                "classes": [one.label for one in found.classes],
                "scores": [_shortest(one.score) for one in found.classes],
            }
            for found in answer.result.classifications
        ]

    def _regress(self, spec: Row, rows: Sequence[Row]) -> list[Row]:
        request = regression_pb2.RegressionRequest(
            model_spec=spec, input=_examples(rows)
        )
        answer = self._call(self._stub.Regress, request)
        return [
            {"outputs": _shortest(found.value)}
            for found in answer.result.regressions
        ]

    def _call(self, method: Callable, request: Any) -> Any:
        try:
            return method(request, timeout=self._timeout)
        except _grpc.RpcError as error:
            code = error.code().name
            refusal = Unavailable if code in _PASSING else RefusedQuery
            raise refusal(f"{error.details()} ({code})") from error
        except UnicodeDecodeError as error:
            # gRPC for Python cannot show every error that quotes its request.
            raise RefusedQuery(
                f"The server has refused, and quotes what is no text: {error}"
            ) from error


def _shapes(tensors: Any) -> Row:
    return {
        name: {
            "tensor_shape": {
                "dim": [{"size": str(x.size)} for x in info.tensor_shape.dim]
            }
        }
        for name, info in tensors.items()
    }


def _examples(rows: Sequence[Row]) -> Any:
    try:
        found = example_inputs({"examples": list(rows)})
    except RequestError as error:
        raise RefusedQuery(str(error)) from error
    examples = [tf.train.Example.FromString(x) for x in found]
    return {"example_list": {"examples": examples}}


def _shortest(value: float) -> float:
    """Returns the shortest decimal of a float32, as REST writes it."""
    return float(str(np.float32(value)))
