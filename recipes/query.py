"""Queries a served model: TensorFlow Serving by gRPC or REST, or serve.py.

Data      One text per line, from --text, --input or standard input; blank
          lines are skipped. For `tokens`, words separated by spaces. With
          --rows a line is a JSON object with a value for each input:
          {"question": "Who?", "context": "..."}
Output    One JSON object per line, in the order of the input: `line`, `inputs`
          and `outputs`, each by name; NaN and Infinity as strings. Padding of
          an answer to the length of others is removed.
Command   python recipes/query.py --model bert_sentiment --text "Very good."
          A file, by gRPC:
          python recipes/query.py --model bert_sentiment \
              --server grpc://localhost:8500 --signature embed \
              --input texts.txt > answers.jsonl
Expected  The same answers from both; gRPC is faster for many numbers. If the
          server is unavailable, the recipe retries for some seconds. REST needs
          only Python's standard library, gRPC tensorflow and
          tensorflow-serving-api.
"""

import contextlib
import importlib.util
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only


@contextlib.contextmanager
def parts_alone(*packages: str) -> Iterator[None]:
    """Imports parts of packages without running their `__init__.py`.

    These parts need only Python's standard library, but keras_ctx itself loads
    TensorFlow, which takes seconds and which a client may lack.
    """
    sys.path.append(str(Path(__file__).resolve().parents[1]))  # not installed
    added = [name for name in packages if name not in sys.modules]
    for name in added:
        spec = importlib.util.find_spec(name)
        if spec is None:
            raise ImportError(
                "query.py needs keras_ctx, without its dependencies: "
                "`pip install --no-deps .` in its folder."
            )
        sys.modules[name] = importlib.util.module_from_spec(spec)
    yield
    for name in added:
        del sys.modules[name]
    sys.path.pop()


with parts_alone("keras_ctx", "keras_ctx.command_line", "keras_ctx.serving"):
    from keras_ctx.command_line.closing import closing
    from keras_ctx.command_line.run_command import run_command

    from keras_ctx.serving.rest import client


@dataclass(frozen=True)
class Config:
    model: str = "bert_sentiment"
    """Name of the model on the server."""
    server: str = "http://localhost:8501"
    """http://HOST:PORT for REST, grpc://HOST:PORT for gRPC (TensorFlow
    Serving listens on 8501 and 8500)."""
    version: int | None = None
    """Version to call. If not given: the newest."""
    label: str | None = None
    """Label of the version to call, such as canary."""
    signature: str = "serving_default"
    """Signature to call."""
    outputs: tuple[str, ...] = ()
    """Outputs to keep. If not given: all."""
    text: tuple[str, ...] = ()
    """Texts to send."""
    input: Path | None = None
    """File of texts, one per line. If not given: standard input."""
    rows: bool = False
    """Whether a line is a JSON object with a value for each input."""
    batch_size: int = 32
    """Lines per request; for typed input it is one. At most the server's
    max_batch_size."""
    width: int | None = None
    """Words per row of `tokens`, padded with ""; must be the same for all
    clients of a server that batches. If not given: the longest row of the
    request."""
    timeout: float = 30.0
    """Seconds to wait for an answer."""
    retries: int = 5
    """Number of retries if the server is unavailable or busy."""

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


def connect(config: Config) -> "client.RestClient | client.GrpcClient":
    by_grpc = config.server.startswith("grpc:")
    kind = client.GrpcClient if by_grpc else client.RestClient
    return kind(
        config.server,
        config.model,
        config.version,
        config.label,
        config.timeout,
    )


def next_words(config: Config, signatures: dict[str, Any]) -> list[Any]:
    """Returns a command that sends the same input to another signature."""
    asked = client.Signature(signatures[config.signature])
    given = ["--input", config.input] if config.input else ["--text"]
    given += config.text
    for name, found in sorted(signatures.items()):
        other = client.Signature(found)
        if name == config.signature or name.startswith("__"):
            continue
        is_like = asked.method == other.method and asked.inputs == other.inputs
        if is_like and len(given) > 1:  # typed input is not kept
            rows = ["--rows"] if config.rows else []
            words = ["query.py", "--server", config.server]
            words += ["--model", config.model, "--signature", name]
            return [*words, *rows, *given]
    return []


def main(config: Config) -> int:
    start = time.monotonic()
    batch_size, count = config.batch_size, 0
    if not config.text and config.input is None and sys.stdin.isatty():
        batch_size = 1
    with contextlib.closing(connect(config)) as connection:
        signatures = client.patiently(connection.signatures, config.retries)
        signature = client.find_signature(
            signatures,
            config.model,
            config.signature,
            config.outputs,
            config.rows,
        )
        found = client.answers(
            connection,
            config.signature,
            signature,
            client.numbered_lines(config.text, config.input),
            outputs=config.outputs,
            rows=config.rows,
            batch_size=batch_size,
            width=config.width,
            retries=config.retries,
        )
        try:
            for answer in found:
                line = json.dumps(answer, ensure_ascii=False, allow_nan=False)
                print(line, flush=True)
                count += 1
        except BrokenPipeError:
            # The reader of the answers, such as `head`, has stopped.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return count
    closing(
        [["answers", "seconds"], [count, time.monotonic() - start]],
        [],
        next_words(config, signatures),
        file=sys.stderr,
    )
    return count


if __name__ == "__main__":
    # UTF-8 in any locale; a lone surrogate is escaped.
    sys.stdin.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore
    run_command(main, Config)
