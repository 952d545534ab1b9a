"""Ask a served model: TensorFlow Serving by gRPC or REST, or serve.py.

Command   python recipes/query.py --model bert_sentiment --text "Very good."
          python recipes/query.py --model bert_sentiment --signature embed \
              --server grpc://localhost:8500 < texts.txt > answers.jsonl
          With --rows a line is a JSON object, one value an input:
          {"question": "Who?", "context": "..."}
Data      One text a line, of --text, --input or the standard input; blank
          lines are left out. For `tokens`, words with blanks between them.
Output    One JSON object a line, in the input's order: `line`, `inputs` and
          `outputs`; NaN and Infinity as strings. Padding of answers is cut.
Expected  The same answers by both ways; gRPC is faster for many numbers. A
          server that is away for some seconds is waited for. REST needs tyro
          alone, gRPC tensorflow and tensorflow-serving-api.
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

try:
    import tyro
except ModuleNotFoundError:
    sys.exit("query.py: Needs tyro: pip install 'keras_ctx[recipes]'")
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
    """File of texts, one a line; left out: the standard input."""
    rows: bool = False
    """Whether a line is a JSON object with a value for each input."""
    batch_size: int = 32
    """Lines a request; from a keyboard it is one. No more than the server's
    max_batch_size."""
    width: int | None = None
    """Words a row of `tokens`, filled up with "": one number for all clients
    of a server that batches. Left out: of the longest row of the request."""
    timeout: float = 30.0
    """Seconds to wait for an answer."""
    retries: int = 5
    """How often to try again when the server is not there, or busy."""

    def __post_init__(self):
        sizes = self.batch_size, 1 if self.width is None else self.width
        if min(sizes) < 1 or self.timeout <= 0 or self.retries < 0:
            raise ValueError(
                "`batch_size` must be at least 1, so must `width`, `timeout` "
                f"above 0, `retries` at least 0. Received: {self.batch_size}, "
                f"{self.width}, {self.timeout}, {self.retries}"
            )
        for one, two in (("text", "input"), ("version", "label")):
            if not {None, ()} & {getattr(self, one), getattr(self, two)}:
                raise ValueError(f"`{one}` and `{two}` must not both be given.")
        url = urlsplit(self.server)
        known = ("http", "https", "grpc")
        if url.scheme not in known or url.scheme == "grpc" and not url.port:
            raise ValueError(
                "`server` must start with http://, https:// or grpc://, the "
                f"last with a port. Received: server={self.server!r}"
            )


class QueryError(RuntimeError):
    """The server has refused, or is not to be had."""


class Unavailable(QueryError):
    """The server is not to be had now; another try may help."""


class Signature:
    """What a signature takes and gives, from the server's metadata."""

    def __init__(self, found: dict[str, Any]):
        # Sorted, as in every answer; -1 is an axis of any size.
        self.inputs, self.outputs = (
            {
                name: [int(x["size"]) for x in info["tensor_shape"]["dim"]]
                for name, info in sorted(found[side].items())
            }
            for side in ("inputs", "outputs")
        )
        method = found["method_name"].rpartition("/")[2]
        self.takes_examples = method in ("classify", "regress")
        self.method = method if self.takes_examples else "predict"


class RestClient:
    """Requests to TensorFlow Serving's REST interface."""

    def __init__(self, config: Config):
        self.config = config
        url = urlsplit(config.server)
        kind = getattr(http.client, f"{url.scheme.upper()}Connection")
        self._connect = lambda: kind(url.netloc, timeout=config.timeout)
        model = quote(config.model, safe="")
        self._path = f"{url.path.rstrip('/')}/v1/models/{model}"
        if config.version is not None:
            self._path += f"/versions/{config.version}"
        if config.label is not None:
            self._path += f"/labels/{quote(config.label, safe='')}"

    def signatures(self) -> dict[str, Any]:
        found = self._send("GET", f"{self._path}/metadata", "metadata")
        return found.get("signature_def", {}).get("signature_def", {})

    def ask(self, signature: Signature, rows: list[Row]) -> list[Row]:
        # Not `inputs`: of no rows TensorFlow Serving refuses `instances`, and
        # never answers the other where it batches.
        key, result = "instances", "predictions"
        if signature.takes_examples:
            key, result = "examples", "results"
        request = {"signature_name": self.config.signature, key: rows}
        path = f"{self._path}:{signature.method}"
        answers = self._send("POST", path, result, request)
        if signature.method == "classify":
            return [
                {"classes": [x for x, _ in row], "scores": [y for _, y in row]}
                for row in answers
            ]
        if len(signature.outputs) == 1:
            return [dict.fromkeys(signature.outputs, x) for x in answers]
        return answers

    def _send(self, method: str, path: str, key: str, request: Any = None):
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
        # A model or an error may quote bytes of any sort.
        text = answer.decode("utf-8", "replace")
        try:
            found = json.loads(text, parse_constant=str)
        except (ValueError, RecursionError):
            found = text[:200]
        if status == 200 and isinstance(found, dict) and key in found:
            return found[key]
        if not isinstance(found, dict) or status == 200:
            what = "No answer of a model server: " if status == 200 else ""
            found = {"error": f"{what}{found}"[:250]}
        # 429: it has waited for its turn too long; 502: a proxy finds nobody.
        refusal = Unavailable if status in (429, 502, 503) else QueryError
        raise refusal(f"{found.get('error', found)} (status {status})")

    def close(self) -> None: ...


class GrpcClient:
    """Requests to TensorFlow Serving's gRPC interface."""

    def __init__(self, config: Config):
        from keras_ctx.serving.rest import grpc_client

        self.config = config
        self._error = grpc_client.GrpcError
        self._client = grpc_client.GrpcClient(
            urlsplit(config.server).netloc,
            config.model,
            config.version,
            config.label,
            config.timeout,
        )

    def signatures(self) -> dict[str, Any]:
        return self._call(self._client.signatures)

    def ask(self, signature: Signature, rows: list[Row]) -> list[Row]:
        # By `num_tokens` and `num_masks` answers are cut.
        kept = {*self.config.outputs, *LENGTHS} & signature.outputs.keys()
        outputs = sorted(kept) if self.config.outputs else []
        name = self.config.signature
        return self._call(lambda: self._client.ask(name, rows, outputs))

    def _call(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except self._error as error:
            refusal = Unavailable if error.is_passing else QueryError
            raise refusal(str(error)) from error

    def close(self) -> None:
        self._client.close()


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
                lines = stack.enter_context(config.input.open(encoding="utf-8"))
            for number, line in enumerate(lines, 1):
                # Some editors begin a file with a mark of the byte order.
                line = line.removeprefix("\ufeff") if number == 1 else line
                if line.strip():
                    yield number, line.rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise QueryError(
                f"What comes after line {number} is not UTF-8: {error}"
            ) from error
        except OSError as error:
            raise QueryError(f"The lines cannot be read: {error}") from error


def to_row(config: Config, signature: Signature, number: int, line: str) -> Row:
    inputs = list(signature.inputs)
    if not config.rows and signature.takes_examples:
        return {"text": line}
    if not config.rows:
        return {inputs[0]: line.split() if inputs == ["tokens"] else line}
    try:
        row = json.loads(line, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise QueryError(f"Line {number} is not JSON: {error}") from error
    # An example may have features that the model does not look at.
    if not isinstance(row, dict) or (
        sorted(row) != inputs and not signature.takes_examples
    ):
        raise QueryError(
            f"Line {number} must be an object with the keys {inputs}. "
            f"Received: {line[:80]}"
        )
    return row


def filled(rows: list[Row], width: int | None) -> list[Row]:
    """Rows of words all of one width: "" stands behind the last word."""
    pairs = [pair for row in rows for pair in row.items()]
    words = [x for name, x in pairs if name.endswith("tokens")]
    longest = max((len(x) for x in words if isinstance(x, list)), default=0)
    most = width or max(longest, 1)
    if longest > most:
        raise QueryError(f"A row has {longest} words, above --width {most}.")
    return [
        {
            name: x + [""] * (most - len(x))
            if name.endswith("tokens") and isinstance(x, list)
            else x
            for name, x in row.items()
        }
        for row in rows
    ]


# What says how much of an answer is not padding.
LENGTHS = ("num_masks", "num_tokens", "words")


def cut(shapes: dict[str, list[int]], answer: Row) -> Row:
    """An answer without what pads it to the length of its neighbours."""
    if "tags" in shapes and "words" in shapes:
        # Words that are blank stand before others only.
        there = [i for i, x in enumerate(answer["words"], 1) if x != ""]
        length = max(there, default=0)
    elif "num_tokens" in shapes and "truncated" in shapes:
        length = answer.get("num_masks", answer["num_tokens"])
    else:
        return answer
    return {x: cut_axes(y, shapes[x][1:], length) for x, y in answer.items()}


def cut_axes(value: Any, shape: list[int], length: int) -> Any:
    """The begin of each axis that has any size."""
    if -1 not in shape:
        return value
    if shape[0] == -1:
        value = value[:length]
    return [cut_axes(x, shape[1:], length) for x in value]


def answers(config: Config, client: RestClient | GrpcClient) -> Iterator[Row]:
    """An answer a line."""
    found = patiently(client.signatures, config.retries)
    if config.signature not in found:
        raise QueryError(
            f"The model {config.model!r} has no signature "
            f"{config.signature!r}; it has "
            f"{sorted(x for x in found if not x.startswith('__'))}."
        )
    signature = Signature(found[config.signature])
    inputs, outputs = list(signature.inputs), list(signature.outputs)
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
        rows = [to_row(config, signature, *line) for line in batch]
        try:
            sent = filled(rows, config.width)
            found = patiently(
                lambda r=sent: client.ask(signature, r), config.retries
            )
            if len(found) != len(rows):
                raise QueryError(f"{len(found)} answers to {len(rows)} lines.")
        except QueryError as error:
            first, last = batch[0][0], batch[-1][0]
            raise QueryError(f"Lines {first} to {last}: {error}") from error
        for (number, _), row, answer in zip(batch, rows, found, strict=True):
            answer = cut(signature.outputs, answer)
            kept = {x: answer[x] for x in config.outputs or outputs}
            yield {"line": number, "inputs": row, "outputs": kept}


def main(config: Config) -> int:
    by_grpc = config.server.startswith("grpc:")
    client = GrpcClient(config) if by_grpc else RestClient(config)
    count = 0
    with closing(client):
        for answer in answers(config, client):
            line = json.dumps(answer, ensure_ascii=False, allow_nan=False)
            print(line, flush=True)
            count += 1
    return count


def command(words: list[str]) -> None:
    """Ends as `run_command` of keras_ctx does, which would need TensorFlow."""
    unchecked = {"__post_init__": lambda self: None, "__doc__": __doc__}
    asked = [x for x in words if x != "--traceback"]
    try:
        given = tyro.cli(type("Config", (Config,), unchecked), args=asked)
        main(Config(**vars(given)))
    except (QueryError, ValueError, KeyboardInterrupt) as error:
        if asked != words:
            raise
        said = " ".join(str(error).split()) or "Stopped by Ctrl-C."
        print(f"query.py: {said} (--traceback shows where.)", file=sys.stderr)
        sys.exit({Unavailable: 1, KeyboardInterrupt: 130}.get(type(error), 2))


if __name__ == "__main__":
    # Whatever the locale; half of a surrogate pair is written escaped.
    sys.stdin.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore
    command(sys.argv[1:])
