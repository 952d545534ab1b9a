"""Runs `tensorflow_model_server` in a process, with two clients."""

import base64
import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import numpy as np
import tensorflow as tf
from cpp_server import Arrays, Signature
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

START_SECONDS = 120
REQUEST_SECONDS = 60
# So that answers of a megabyte are not an error.
OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
]


def program() -> str | None:
    """Returns the server of TF_MODEL_SERVER or on PATH, or `None`."""
    return os.environ.get("TF_MODEL_SERVER") or shutil.which(
        "tensorflow_model_server"
    )


class ModelServer(NamedTuple):
    """The addresses of a running server."""

    grpc: str
    rest: str
    process: subprocess.Popen

    def predict(self, model: str, signature: str, inputs: Mapping) -> Any:
        """Returns the outputs by name over gRPC, or the error message."""
        request = predict_pb2.PredictRequest()
        request.model_spec.name = model
        request.model_spec.signature_name = signature
        for key, value in inputs.items():
            request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
        with grpc.insecure_channel(self.grpc, OPTIONS) as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            try:
                response = stub.Predict(request, REQUEST_SECONDS)
            except grpc.RpcError as error:
                return f"{error.code().name}: {error.details()}"  # pyright: ignore
            except UnicodeDecodeError as error:
                # Some versions cannot show an error that quotes raw bytes.
                return f"An error that is no text: {error}"
        return {
            key: tf.make_ndarray(tensor)
            for key, tensor in response.outputs.items()
        }

    def predict_rest(
        self, model: str, name: str, signature: Signature, inputs: Mapping
    ) -> Arrays | str:
        """Returns the same over REST, by columns."""
        columns = {key: _to_json(np.asarray(x)) for key, x in inputs.items()}
        body = {"signature_name": name, "inputs": columns}
        request = urllib.request.Request(
            f"{self.rest}/v1/models/{model}:predict",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, None, REQUEST_SECONDS) as got:
                # Strictly as UTF-8, like a client.
                outputs = json.loads(got.read().decode())["outputs"]
        except urllib.error.HTTPError as error:
            with error:
                # It may quote raw bytes of the request.
                return f"{error.code}: {error.read().decode(errors='replace')}"
        if len(signature.outputs) == 1:
            # A single output has no name.
            [key] = signature.outputs
            outputs = {key: outputs}
        return {
            key: _from_json(value, *signature.outputs[key])
            for key, value in outputs.items()
        }

    def is_available(self, model: str) -> bool:
        """Returns whether a version of the model is available."""
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = model
        with grpc.insecure_channel(self.grpc) as channel:
            stub = model_service_pb2_grpc.ModelServiceStub(channel)
            try:
                status = stub.GetModelStatus(request, 5)
            except grpc.RpcError:
                return False
        available = get_model_status_pb2.ModelVersionStatus.AVAILABLE
        states = [one.state for one in status.model_version_status]
        return available in states


@contextlib.contextmanager
def model_server(
    program: str, models: Mapping[str, Path], folder: Path
) -> Iterator[ModelServer]:
    """Runs a server of `models`, folders of versions by name.

    Its configuration and its log are written to `folder`.
    """
    entries = "\n".join(
        f'  config {{ name: "{name}" base_path: "{path}" '
        'model_platform: "tensorflow" }'
        for name, path in models.items()
    )
    config, log = folder / "models.config", folder / "server.log"
    config.write_text(f"model_config_list {{\n{entries}\n}}\n", "utf-8")
    ports = _free_ports(2)
    command = [program, f"--port={ports[0]}", f"--rest_api_port={ports[1]}"]
    command += [f"--model_config_file={config}"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        server = ModelServer(
            f"127.0.0.1:{ports[0]}", f"http://127.0.0.1:{ports[1]}", process
        )
        deadline = time.monotonic() + START_SECONDS
        while not all(map(server.is_available, models)):
            ended = process.poll() is not None
            if ended or time.monotonic() > deadline:
                what = "ended" if ended else "has no model available"
                raise RuntimeError(f"{program} {what}:\n{log.read_text()}")
            time.sleep(0.2)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        # All open at once, so that they differ.
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _to_json(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list):
        return [_to_json(x) for x in value]
    if isinstance(value, bytes):
        # Arbitrary bytes; only UTF-8 may be sent as a string.
        return {"b64": base64.b64encode(value).decode()}
    return value


def _from_json(value: Any, dtype: str, shape: str) -> np.ndarray:
    if dtype != "string":
        return np.array(value, {"float": "float32"}.get(dtype, dtype))

    def encoded(x: Any) -> Any:
        return list(map(encoded, x)) if isinstance(x, list) else x.encode()

    # Keeps the rank, so that an empty row stays a row.
    return np.array(encoded(value), object).reshape(np.shape(value))
