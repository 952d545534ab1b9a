"""The client, by REST and gRPC, with servers that answer over sockets."""

import contextlib
import io
import json
import re
import shlex
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import contract_models
import grpc
import pytest
from contract_models import METHODS, classifier, publish
from grpc_server import PredictionService, grpc_serving
from recipe_files import RECIPES, load_recipe
from rest_server import serving


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved_models")
    publish(folder / "labels", 2, classifier(2), METHODS)
    publish(folder / "answers", 1, contract_models.extractor())
    publish(folder / "double", 1, contract_models.translator())
    return folder


@pytest.fixture(scope="module")
def rest(folder: Path) -> Iterator[str]:
    with serving(folder, labels=("stable=2",)) as server:
        yield server.url


@pytest.fixture(scope="module")
def services(folder: Path) -> dict[str, PredictionService]:
    return {
        name: PredictionService(name, folder / name / number)
        for name, number in (("labels", "2"), ("answers", "1"), ("double", "1"))
    }


@pytest.fixture(scope="module")
def grpcs(services: dict[str, PredictionService]) -> Iterator[dict[str, str]]:
    with (
        grpc_serving(services["labels"]) as labels,
        grpc_serving(services["answers"]) as answers,
        grpc_serving(services["double"]) as double,
    ):
        yield {"labels": labels, "answers": answers, "double": double}


@pytest.fixture(params=["rest", "grpc"])
def address(request: pytest.FixtureRequest, rest: str, grpcs: dict) -> dict:
    """Returns the server of each model."""
    if request.param == "grpc":
        return grpcs
    return dict.fromkeys(("labels", "answers", "double"), rest)


def query(capsys: pytest.CaptureFixture, **arguments) -> list[dict]:
    recipe = load_recipe("query")
    count = recipe.main(recipe.Config(**arguments))
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(found) == count
    return found


def refusal(**arguments) -> str:
    recipe = load_recipe("query")
    with pytest.raises(recipe.client.QueryError) as caught:
        recipe.main(recipe.Config(**{"retries": 0, **arguments}))
    return str(caught.value)


def test_texts(address: dict, capsys: pytest.CaptureFixture) -> None:
    found = query(
        capsys, server=address["labels"], model="labels", text=("好", "太坏了")
    )
    assert [x["line"] for x in found] == [1, 2]
    assert [x["inputs"] for x in found] == [{"text": "好"}, {"text": "太坏了"}]
    assert found[1]["outputs"] == {
        "labels": ["bad", "good"],
        "num_tokens": 5,
        "scores": [pytest.approx(0.9), pytest.approx(0.1)],
        "truncated": False,
    }


def test_settings_with_defaults(
    address: dict, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    where = {
        "server": address["double"],
        "model": "double",
        "signature": "translate",
    }
    [found] = query(capsys, **where, text=("a",))
    assert found["inputs"] == {
        "text": "a",
        "length_penalty": 0.5,
        "max_length": 9,
    }
    assert found["outputs"] == {
        "texts": ["a a"],
        "scores": [0.5],
        "num_tokens": [9],
        "stopped": ["end"],
        "truncated": False,
    }
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"text": "b", "max_length": 3}\n{"text": "c"}\n')
    found = query(capsys, **where, input=rows, rows=True)
    assert [x["outputs"]["num_tokens"] for x in found] == [[3], [9]]


def test_file_in_batches_keeps_its_order(
    address: dict, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    path = tmp_path / "texts.txt"
    lines = ["字" * length for length in range(1, 8)]
    path.write_text("\n\n".join(lines) + "\r\n", encoding="utf-8-sig")
    found = query(
        capsys,
        server=address["labels"],
        model="labels",
        input=path,
        batch_size=3,
        outputs=("num_tokens",),
    )
    assert [x["line"] for x in found] == [1, 3, 5, 7, 9, 11, 13]
    assert [x["inputs"]["text"] for x in found] == lines
    counts = [{"num_tokens": length + 2} for length in range(1, 8)]
    assert [x["outputs"] for x in found] == counts


def test_batches_have_the_size_asked_for(
    services: dict, grpcs: dict, capsys: pytest.CaptureFixture
) -> None:
    services["labels"].sizes.clear()
    texts = tuple("abcdefg")
    query(
        capsys, server=grpcs["labels"], model="labels", text=texts, batch_size=3
    )
    assert services["labels"].sizes == [3, 3, 1]


def test_rows_of_several_inputs(
    address: dict,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    rows = [
        {"context": "一二三四五", "question": "?"},
        {"context": "短", "question": "?"},
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
    found = query(capsys, server=address["answers"], model="answers", rows=True)
    assert [x["inputs"] for x in found] == rows
    assert found[0]["outputs"]["answers"] == ["三四", "一", ""]
    assert found[1]["outputs"]["starts"] == [-1, -1, -1]


def test_numbers_and_bytes(
    address: dict, capsys: pytest.CaptureFixture
) -> None:
    row = json.dumps({"token_ids": [1, 2], "weights": [0.05, 0.025]})
    arguments = {
        "model": "labels",
        "signature": "features",
        "text": (row,),
        "rows": True,
    }
    found = query(capsys, server=address["labels"], **arguments)
    outputs = found[0]["outputs"]
    assert outputs["total"] == 0.1 and outputs["is_even"] is False
    assert outputs["raw_bytes"] == {"b64": "/wA="}


def test_one_output_has_its_name(
    address: dict, capsys: pytest.CaptureFixture
) -> None:
    found = query(
        capsys,
        server=address["labels"],
        model="labels",
        signature="which",
        text=("a",),
        version=2,
    )
    assert found[0]["outputs"] == {"number": 2}


def test_label(rest: str, capsys: pytest.CaptureFixture) -> None:
    arguments = {"server": rest, "model": "labels", "text": ("a",)}
    assert query(capsys, label="stable", **arguments)
    assert "canary" in refusal(label="canary", **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "other"}, "Servable not found"),
        ({"version": 9}, "Servable not found"),
        ({"signature": "tag"}, "has no signature 'tag'; it has ['classify',"),
        ({"outputs": ("label",)}, "has no outputs ['label']; it has ['labels'"),
        ({"signature": "features"}, "several inputs, ['token_ids', 'weights']"),
        ({"rows": True}, "Line 1 is not JSON"),
        ({"rows": True, "text": ('{"a": 1}',)}, "must be an object"),
        ({"signature": "fails"}, "Lines 1 to 2: "),
        ({"signature": "fails"}, "never right"),
    ],
)
def test_refusals(address: dict, arguments: dict, message: str) -> None:
    settings = {
        "server": address["labels"],
        "model": "labels",
        "text": ("a", "b"),
        **arguments,
    }
    assert message in refusal(**settings)


def test_ragged_rows(address: dict) -> None:
    rows = [
        json.dumps({"token_ids": ids, "weights": [1.0]})
        for ids in ([1], [1, 2])
    ]
    said = refusal(
        server=address["labels"],
        model="labels",
        signature="features",
        rows=True,
        text=tuple(rows),
    )
    assert "token_ids" in said


def test_busy_server_is_asked_again(
    folder: Path, capsys: pytest.CaptureFixture
) -> None:
    service = PredictionService("labels", folder / "labels" / "2", failures=2)
    arguments = {"model": "labels", "text": ("好",)}
    with grpc_serving(service) as server:
        assert query(capsys, server=server, **arguments)
        assert len(service.sizes) == 3
        service.failures = 2
        said = refusal(server=server, retries=1, **arguments)
    assert "Coming up. (UNAVAILABLE)" in said


class Fixed(BaseHTTPRequestHandler):
    """A handler with the same answer to every request."""

    status = 200
    body = b""
    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Busy(Fixed):
    """A server that is still loading."""

    status, body = 503, b"Loading"


class Proxy(Fixed):
    """A proxy with a page for people."""

    body = b"<html>Please log in.</html>"


@contextlib.contextmanager
def answering(handler: type[Fixed]) -> Iterator[str]:
    """Yields the address of a server with such answers."""
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_busy_rest_server_is_asked_again() -> None:
    with answering(Busy) as url:
        said = refusal(server=url, text=("a",), retries=2)
    assert said == "Loading (status 503)"
    assert Busy.asked == 3


def test_answer_of_another_server() -> None:
    with answering(Proxy) as url:
        said = refusal(server=url, text=("a",))
    assert said == (
        "Not the answer of a model server: <html>Please log in.</html> "
        "(status 200)"
    )


class Broken(Fixed):
    """An error that quotes bytes, like TensorFlow Serving's."""

    status, body = 400, b'{"error": "Could not parse, value: \xff\xc3"}'


class Late(Fixed):
    """A proxy that finds no server."""

    status, body = 502, b"Bad Gateway"


class Other(Fixed):
    """JSON that does not answer the request."""

    body = b'{"status": "ok"}'


class List(Fixed):
    body = b"[1]"


def test_errors_of_any_bytes() -> None:
    with answering(Broken) as url:
        said = refusal(server=url, text=("a",))
    assert said == "Could not parse, value: \ufffd\ufffd (status 400)"
    with answering(Late) as url:
        said = refusal(server=url, text=("a",), retries=1)
    assert said == "Bad Gateway (status 502)" and Late.asked == 2
    for handler in (Other, List):
        with answering(handler) as url:
            said = refusal(server=url, text=("a",))
        assert said.startswith("Not the answer of a model server: ")


class Quoting(PredictionService):
    """A service that refuses every request, and quotes it."""

    def Predict(self, request, context):
        quoted = b"value: " + b"".join(request.inputs["text"].string_val)
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, quoted)


def test_error_of_any_bytes_by_grpc(folder: Path) -> None:
    service = Quoting("labels", folder / "labels" / "2")
    line = json.dumps({"text": "a"})
    with grpc_serving(service) as server:
        arguments = {"server": server, "model": "labels"}
        said = refusal(text=("a\0",), **arguments)
        assert said.startswith("Lines 1 to 1: value: a")
        said = refusal(text=(line,), rows=True, **arguments)
    assert said == "Lines 1 to 1: value: a (INVALID_ARGUMENT)"


def test_address_with_a_slash_at_its_end(
    address: dict, capsys: pytest.CaptureFixture
) -> None:
    server = f"{address['labels']}/"
    assert query(capsys, server=server, model="labels", text=("a",))


class SixServer(HTTPServer):
    address_family = socket.AF_INET6


def test_address_of_ipv6() -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    Busy.asked = 0
    try:
        server = SixServer(("::1", 0), Busy)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with contextlib.closing(server.socket):
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://[::1]:{server.server_port}/"
        assert refusal(server=url, text=("a",)) == "Loading (status 503)"
        server.shutdown()
        thread.join()


def test_file_that_cannot_be_read(rest: str, tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    arguments = {"server": rest, "model": "labels", "input": path}
    assert "The lines cannot be read" in refusal(**arguments)
    path.write_bytes("好\n".encode() + "ä\n".encode("latin-1"))
    assert "not UTF-8" in refusal(**arguments)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_no_server(scheme: str) -> None:
    start = time.monotonic()
    server = f"{scheme}://127.0.0.1:{free_port()}"
    assert "127.0.0.1" in refusal(server=server, text=("a",), retries=1)
    # One pause of at most a quarter of a second.
    assert 0.1 < time.monotonic() - start < 10


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_server_that_is_silent(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}"
        said = refusal(server=server, text=("a",), timeout=0.3)
    assert "No answer in 0.3 seconds" in said or "DEADLINE_EXCEEDED" in said


def test_server_that_comes_up_late(
    folder: Path, capsys: pytest.CaptureFixture
) -> None:
    recipe = load_recipe("query")
    config = recipe.Config(
        server=f"http://127.0.0.1:{free_port()}", model="labels", text=("a",)
    )
    answered: list[int] = []
    client = threading.Thread(
        target=lambda: answered.append(recipe.main(config))
    )
    client.start()
    time.sleep(0.3)
    port = int(config.server.rsplit(":", 1)[1])
    with serving(folder, port=port):
        client.join()
    assert answered == [1]
    assert "Retrying in" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "`batch_size` must be at least 1"),
        ({"width": 0}, "`width`, `timeout`"),
        ({"server": "localhost:8501"}, "`server` must start with http://"),
        ({"server": "grpc://localhost"}, "the last with a port"),
        ({"version": 1, "label": "stable"}, "must not both be given"),
        ({"text": ("a",), "input": Path("b")}, "must not both be given"),
    ],
)
def test_wrong_configuration(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_recipe("query").Config(**arguments)


def test_rest_needs_no_tensorflow(rest: str) -> None:
    """Also, an error is one line, not a traceback."""
    script = (
        "import runpy, sys; sys.modules |= dict.fromkeys("
        "['tensorflow', 'numpy', 'h5py']); "
        "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], "
        "run_name='__main__')"
    )

    def run(model: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [
                *(sys.executable, "-c", script, str(RECIPES / "query.py")),
                *("--server", rest, "--model", model, "--text", "好"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )

    finished = run("labels")
    assert json.loads(finished.stdout)["outputs"]["labels"] == ["good", "bad"]
    finished = run("other")
    assert finished.returncode == 2
    assert finished.stderr.count("\n") == 1
    assert finished.stderr.startswith("query.py: ")
    assert "Servable not found" in finished.stderr


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--server", "http://localhost:1", "--retries", "0"], 1, "reached"),
        (["--server", "grpc://localhost"], 2, "the last with a port"),
        (["--version", "1", "--label", "a"], 2, "must not both be given"),
        (["--input", "none.txt"], 2, "none.txt"),
    ],
)
def test_how_it_ends(
    words: list[str], status: int, said: str, rest: str, capsys
) -> None:
    recipe = load_recipe("query")
    if "--server" not in words:
        words = [*words, "--server", rest, "--model", "labels"]
    if "--input" not in words:
        words = [*words, "--text", "a"]
    with pytest.raises(SystemExit) as ended:
        recipe.run_command(recipe.main, recipe.Config, words)
    assert ended.value.code == status
    written = capsys.readouterr().err
    assert written.count("\n") == 1 and said in written
    words = [*words, "--traceback"]
    with pytest.raises(SystemExit) as ended:
        recipe.run_command(recipe.main, recipe.Config, words)
    assert ended.value.code == status
    written = capsys.readouterr().err
    assert written.startswith("Traceback") and said in written


class Leaving(Fixed):
    """Answers one request, and none after it."""

    size = {"tensor_shape": {"dim": [{"size": "-1"}]}}
    signature = {
        "inputs": {"text": size},
        "outputs": {"score": size},
        "method_name": "tensorflow/serving/predict",
    }
    found = {"signature_def": {"serving_default": signature}}
    body = json.dumps({"metadata": {"signature_def": found}}).encode()

    def do_POST(self) -> None:
        type(self).asked += 1
        if type(self).asked > 2:
            self.connection.close()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"predictions": [0.5, 0.25]}')


class LeavingService(PredictionService):
    def Predict(self, request, context):
        if self.sizes:
            context.abort(grpc.StatusCode.UNAVAILABLE, "Gone.")
        return super().Predict(request, context)


@pytest.mark.parametrize("by_grpc", [False, True])
def test_server_that_leaves_within_a_file(
    by_grpc: bool, folder: Path, tmp_path: Path, capsys
) -> None:
    path = tmp_path / "texts.txt"
    path.write_text("a\nb\nc\n")
    service = LeavingService("labels", folder / "labels" / "2")
    server = grpc_serving(service) if by_grpc else answering(Leaving)
    recipe = load_recipe("query")
    with server as url, pytest.raises(SystemExit) as ended:
        words = ["--server", url, "--model", "labels", "--input", str(path)]
        words += ["--batch-size", "2", "--retries", "0"]
        recipe.run_command(recipe.main, recipe.Config, words)
    assert ended.value.code == 1  # no mistake of who asks
    out, err = capsys.readouterr()
    assert [json.loads(line)["line"] for line in out.splitlines()] == [1, 2]
    assert err.startswith("query.py: Lines 3 to 3: ")
    assert "These lines and those behind them have no answer." in err


@pytest.mark.slow
def test_the_package_is_whole_after_its_parts(rest: str) -> None:
    """Modules that need TensorFlow can still be imported afterwards."""
    script = (
        f"import sys; sys.path.insert(0, {str(RECIPES)!r}); import query; "
        "assert not {'keras', 'keras_ctx'} & set(sys.modules); "
        "import keras_ctx; from keras_ctx.serving.rest import client; "
        "assert client is query.client; print(keras_ctx.serving.export)"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("<function export")


def test_what_is_printed_at_the_end(
    rest: str, capsys: pytest.CaptureFixture
) -> None:
    """Separate from the answers, for machines; the command runs as printed."""
    recipe = load_recipe("query")
    words = ["--server", rest, "--model", "labels", "--text", "好", "太坏了"]
    recipe.run_command(recipe.main, recipe.Config, words)
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2
    assert re.search(r"^answers +seconds\n +2 ", err, re.MULTILINE)
    command = shlex.split(err.partition("Next:")[2].replace("\\\n", ""))
    assert command[command.index("--signature") + 1] != "serving_default"
    recipe.run_command(recipe.main, recipe.Config, command[2:])
    found = [json.loads(x) for x in capsys.readouterr().out.splitlines()]
    assert [x["inputs"] for x in found] == [{"text": "好"}, {"text": "太坏了"}]


def test_who_reads_has_had_enough(rest: str) -> None:
    lines = [str(number) for number in range(3000)]
    command = [sys.executable, RECIPES / "query.py", "--server", rest]
    command += ["--model", "labels", "--batch-size", "1000", "--text", *lines]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["line"] == 1
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait() == 0
