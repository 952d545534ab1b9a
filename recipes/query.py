"""Ask a served model: TensorFlow Serving by gRPC or REST, or serve.py.

Command   python recipes/query.py --model bert_sentiment --text "Very good."
          python recipes/query.py --model bert_sentiment --signature embed \
              --server grpc://localhost:8500 < texts.txt > answers.jsonl
          With --rows a line is a JSON object, one value an input:
          {"question": "Who?", "context": "..."}
Data      One text a line, of --text, --input or the standard input; blank
          lines are left out.
Output    One JSON object a line, in the order of the input: `line`, `inputs`
          and `outputs`, each by name.
Expected  The same answers by both ways; gRPC is faster where there are many
          numbers. A server that is away for some seconds is waited for. REST
          needs nothing but Python's own library, gRPC tensorflow and
          tensorflow-serving-api.
"""

import http.client
import itertools
import json
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import tyro

T = TypeVar("T")
Row = dict[str, Any]


@dataclass(frozen=True)
class Config:
    model: str = "bert_sentiment"
    """Name of the model on the server."""
    server: str = "http://localhost:8501"
    """http://HOST:PORT for REST, grpc://HOST:PORT for gRPC (TensorFlow
    Serving listens on 8501 and 8500)."""
    version: int | None = None
    """Version to ask; left out: the newest."""
    label: str | None = None
    """Label of the version to ask, such as canary."""
    signature: str = "serving_default"
    """Signature to ask."""
    outputs: tuple[str, ...] = ()
    """Outputs to keep; left out: all."""
    text: tuple[str, ...] = ()
    """Texts to ask for."""
    input: Path | None = None
    """File of texts, one a line; left out, without `text`: the standard
    input."""
    rows: bool = False
    """Whether a line is a JSON object with a value for each input."""
    batch_size: int = 32
    """Lines a request; from a keyboard it is one."""
    timeout: float = 30.0
    """Seconds to wait for an answer."""
    retries: int = 5
    """How often to try again when the server is not there, or busy."""

    def __post_init__(self):
        if self.batch_size < 1 or self.timeout <= 0 or self.retries < 0:
            raise ValueError(
                "`batch_size` must be at least 1, `timeout` above 0 and "
                f"`retries` at least 0. Received: {self.batch_size}, "
                f"{self.timeout}, {self.retries}"
            )
        if self.text and self.input is not None:
            raise ValueError("`text` and `input` must not be given together.")
        if self.version is not None and self.label is not None:
            raise ValueError(
                "`version` and `label` must not be given together."
            )
        if urlsplit(self.server).scheme not in ("http", "https", "grpc"):
            raise ValueError(
                "`server` must start with http://, https:// or grpc://. "
                f"Received: server={self.server!r}"
            )


class QueryError(RuntimeError):
    """The server has refused, or is not to be had."""


class Unavailable(QueryError):
    """The server is not to be had now; another try may help."""


class RestClient:
    """Requests to TensorFlow Serving's REST interface."""

    def __init__(self, config: Config):
        self.config = config
        url = urlsplit(config.server)
        secure = url.scheme == "https"
        kind = (
            http.client.HTTPSConnection
            if secure
            else http.client.HTTPConnection
        )
        self._connect = lambda: kind(url.netloc, timeout=config.timeout)
        self._path = f"{url.path.rstrip('/')}/v1/models/{quote(config.model)}"
        if config.version is not None:
            self._path += f"/versions/{config.version}"
        if config.label is not None:
            self._path += f"/labels/{quote(config.label)}"

    def signature(self) -> tuple[list[str], list[str]]:
        """The names of the signature's inputs and of its outputs."""
        found = self._send("GET", f"{self._path}/metadata")["metadata"]
        signatures = found["signature_def"]["signature_def"]
        signature = signatures.get(self.config.signature)
        if signature is None:
            raise _no_signature(self.config, signatures)
        # As in every answer, sorted.
        self._outputs = sorted(signature["outputs"])
        return sorted(signature["inputs"]), self._outputs

    def predict(self, rows: list[Row]) -> list[Row]:
        request = {
            "signature_name": self.config.signature,
            "instances": rows,
        }
        answers = self._send("POST", f"{self._path}:predict", request)
        answers = answers["predictions"]
        if len(self._outputs) == 1:
            return [{self._outputs[0]: answer} for answer in answers]
        return answers

    def _send(self, method: str, path: str, request: Any = None) -> Any:
        body = None if request is None else json.dumps(request).encode()
        headers = {"Content-Type": "application/json"}
        try:
            with closing(self._connect()) as connection:
                connection.request(method, path, body, headers)
                response = connection.getresponse()
                status, answer = response.status, response.read()
        except TimeoutError as error:
            raise QueryError(
                f"No answer in {self.config.timeout:g} seconds; send fewer "
                "lines at a time (--batch-size), or wait longer (--timeout)."
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(
                f"{self.config.server} cannot be reached: {error}"
            ) from error
        try:
            found = json.loads(answer)
        except ValueError:
            found = answer[:200].decode("utf-8", "replace")
        if status == 200 and isinstance(found, dict):
            return found
        if not isinstance(found, dict):
            what = "No answer of a model server: " if status == 200 else ""
            found = {"error": f"{what}{found}"}
        refusal = Unavailable if status == 503 else QueryError
        raise refusal(f"{found.get('error', found)} (status {status})")

    def close(self) -> None:
        pass


class GrpcClient:
    """Requests to TensorFlow Serving's gRPC interface."""

    def __init__(self, config: Config):
        import grpc
        from tensorflow_serving.apis import prediction_service_pb2_grpc

        self.config = config
        self._grpc = grpc
        # All layers of a batch are more than the 4 MB that gRPC allows.
        self._channel = grpc.insecure_channel(
            urlsplit(config.server).netloc,
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

    def signature(self) -> tuple[list[str], list[str]]:
        from tensorflow_serving.apis import get_model_metadata_pb2

        request = get_model_metadata_pb2.GetModelMetadataRequest(
            metadata_field=["signature_def"]
        )
        self._choose(request.model_spec)
        answer = self._call(self._stub.GetModelMetadata, request)
        found = get_model_metadata_pb2.SignatureDefMap()
        answer.metadata["signature_def"].Unpack(found)
        if self.config.signature not in found.signature_def:
            raise _no_signature(self.config, found.signature_def)
        signature = found.signature_def[self.config.signature]
        self._inputs = {x: y.dtype for x, y in signature.inputs.items()}
        return sorted(signature.inputs), sorted(signature.outputs)

    def predict(self, rows: list[Row]) -> list[Row]:
        import tensorflow as tf
        from tensorflow_serving.apis import predict_pb2

        from keras_ctx.serving import rest_answer

        request = predict_pb2.PredictRequest(output_filter=self.config.outputs)
        self._choose(request.model_spec)
        request.model_spec.signature_name = self.config.signature
        for name, dtype in self._inputs.items():
            try:
                column = [row[name] for row in rows]
                tensor = tf.make_tensor_proto(column, tf.dtypes.as_dtype(dtype))
            except KeyError as error:
                raise QueryError(f"A row has no input {name!r}.") from error
            except (TypeError, ValueError) as error:
                raise QueryError(
                    f"The input {name!r} cannot be put into one tensor: {error}"
                ) from error
            request.inputs[name].CopyFrom(tensor)
        answer = self._call(self._stub.Predict, request)
        arrays = {x: tf.make_ndarray(y) for x, y in answer.outputs.items()}
        # One name must not be taken away, as REST does.
        columns = {
            name: rest_answer.predict_answer({name: arrays[name]}, True)
            for name in sorted(arrays)
        }
        values = [column["predictions"] for column in columns.values()]
        return [
            dict(zip(columns, row, strict=True))
            for row in zip(*values, strict=True)
        ]

    def _choose(self, model_spec: Any) -> None:
        model_spec.name = self.config.model
        if self.config.version is not None:
            model_spec.version.value = self.config.version
        if self.config.label is not None:
            model_spec.version_label = self.config.label

    def _call(self, method: Callable, request: Any) -> Any:
        try:
            return method(request, timeout=self.config.timeout)
        except self._grpc.RpcError as error:
            code = error.code().name
            busy = code == "UNAVAILABLE"
            refusal = Unavailable if busy else QueryError
            raise refusal(f"{error.details()} ({code})") from error

    def close(self) -> None:
        self._channel.close()


def _no_signature(config: Config, found: Iterable[str]) -> QueryError:
    return QueryError(
        f"The model {config.model!r} has no signature {config.signature!r}; "
        f"it has {sorted(x for x in found if not x.startswith('__'))}."
    )


def patiently(call: Callable[[], T], retries: int) -> T:
    """The value of `call`, tried again, each time after a longer pause."""
    for attempt in itertools.count():
        try:
            return call()
        except Unavailable as error:
            if attempt == retries:
                raise
            # At random, so that clients do not all come back at once.
            pause = min(0.25 * 2**attempt, 8) * random.uniform(0.5, 1)
            print(f"{error} Again in {pause:.1f} s.", file=sys.stderr)
            time.sleep(pause)
    raise AssertionError("It counts for ever.")


def numbered_lines(config: Config) -> Iterator[tuple[int, str]]:
    number = 0
    with ExitStack() as stack:
        lines: Iterable[str] = config.text or sys.stdin
        try:
            if config.input is not None:
                file = config.input.open(encoding="utf-8-sig")
                lines = stack.enter_context(file)
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield number, line.rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise QueryError(
                f"What comes after line {number} is not UTF-8: {error}"
            ) from error
        except OSError as error:
            raise QueryError(f"The lines cannot be read: {error}") from error


def to_row(config: Config, inputs: list[str], number: int, line: str) -> Row:
    if not config.rows:
        return {inputs[0]: line}
    try:
        row = json.loads(line)
    except ValueError as error:
        raise QueryError(f"Line {number} is not JSON: {error}") from error
    if not isinstance(row, dict) or sorted(row) != inputs:
        raise QueryError(
            f"Line {number} must be an object with the keys {inputs}. "
            f"Received: {line[:80]}"
        )
    return row


def answers(config: Config, client: RestClient | GrpcClient) -> Iterator[Row]:
    """An answer a line."""
    inputs, outputs = patiently(client.signature, config.retries)
    unknown = sorted(set(config.outputs) - set(outputs))
    if unknown:
        raise QueryError(
            f"The signature {config.signature!r} has no outputs {unknown}; it "
            f"has {outputs}."
        )
    if len(inputs) > 1 and not config.rows:
        raise QueryError(
            f"The signature {config.signature!r} has several inputs, {inputs}: "
            "give --rows, and a JSON object with these keys a line."
        )
    lines = numbered_lines(config)
    size = config.batch_size
    if not config.text and config.input is None and sys.stdin.isatty():
        size = 1
    while batch := list(itertools.islice(lines, size)):
        rows = [to_row(config, inputs, *line) for line in batch]
        try:
            found = patiently(lambda r=rows: client.predict(r), config.retries)
        except QueryError as error:
            first, last = batch[0][0], batch[-1][0]
            raise QueryError(f"Lines {first} to {last}: {error}") from error
        for (number, _), row, answer in zip(batch, rows, found, strict=True):
            kept = {x: answer[x] for x in config.outputs or outputs}
            yield {"line": number, "inputs": row, "outputs": kept}


def main(config: Config) -> int:
    by_grpc = urlsplit(config.server).scheme == "grpc"
    client = GrpcClient(config) if by_grpc else RestClient(config)
    count = 0
    with closing(client):
        for answer in answers(config, client):
            print(json.dumps(answer, ensure_ascii=False), flush=True)
            count += 1
    return count


if __name__ == "__main__":
    for stream in (sys.stdin, sys.stdout):
        # Whatever the locale; half of a surrogate pair is written escaped.
        stream.reconfigure(  # type: ignore[union-attr]
            encoding="utf-8",
            errors="strict" if stream is sys.stdin else "backslashreplace",
        )
    try:
        main(tyro.cli(Config))
    except QueryError as error:
        sys.exit(str(error))
