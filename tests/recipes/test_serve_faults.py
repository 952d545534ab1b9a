"""The server continues after bad requests and folders."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import tensorflow as tf
from contract_models import METHODS, classifier, publish
from recipe_files import RECIPES, load_recipe
from rest_server import Server, serving, wait_until


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved_models")
    publish(folder / "labels", 1, classifier(1), METHODS)
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    with serving(
        folder, max_rows=3, max_megabytes=0.25, hosts=("models.example",)
    ) as server:
        yield server


def ask(server: Server, path: str, *hosts: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.putrequest("GET", path, skip_host=True)
    for host in hosts:
        connection.putheader("Host", host)
    connection.endheaders()
    response = connection.getresponse()
    answer = response.status, response.read()
    connection.close()
    return answer


@pytest.mark.parametrize("path", ["/", "/models", "/v1/models/labels"])
def test_a_page_whose_name_was_pointed_here_is_refused(
    server: Server, path: str
) -> None:
    for host in ("evil.example", f"evil.example:{server.port}", "127.0.0.1.x"):
        status, body = ask(server, path, host)
        assert status == 400
        assert host in json.loads(body)["error"]
        assert "--hosts" in json.loads(body)["error"]


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.0.0.1:8501", "localhost:8501", "LOCALHOST"),
        *("[::1]:8501", "192.168.1.7", "models.example", "Models.Example:80"),
    ],
)
def test_own_names_and_addresses_are_answered(
    server: Server, host: str
) -> None:
    assert ask(server, "/models", host)[0] == 200


def test_rows_are_bounded(server: Server) -> None:
    for request in (
        {"instances": ["好"] * 4},
        {"inputs": {"text": ["好"] * 4}},
        {"inputs": ["好"] * 4},
    ):
        status, answer = server.post("labels:predict", request)
        assert status == 400
        assert answer["error"] == (
            "A request must have at most 3 rows. Received: 4 rows. "
            "Send fewer at a time."
        )
    assert server.post("labels:predict", {"instances": ["好"] * 3})[0] == 200


def test_bytes_are_bounded(server: Server) -> None:
    status, answer = server.post("labels:predict", {"instances": ["x" * 2**19]})
    assert status == 413 and "--max-megabytes" in answer["error"]


def test_a_body_without_end_is_cut_off(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 30) as client:
        client.sendall(
            b"POST /v1/models/labels:predict HTTP/1.1\r\nHost: localhost\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        sent = 0
        # An error: the server has closed the connection.
        with pytest.raises(OSError):
            while sent < 2**28:
                client.sendall(chunk)
                sent += len(chunk)
        assert sent < 2**27
    assert server.get("/models")[0] == 200


@pytest.mark.parametrize("name", ["max_rows", "max_megabytes"])
def test_limits_must_be_positive(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"`{name}` must be above 0"):
        load_recipe("serve").Config(models=(tmp_path,), **{name: 0})


@pytest.mark.parametrize(
    "wrong", [{"port": 70000}, {"port": -1}, {"poll_seconds": float("inf")}]
)
def test_numbers_of_no_use(wrong: dict, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"`{next(iter(wrong))}` must be"):
        load_recipe("serve").Config(models=(tmp_path,), **wrong)


# uvicorn leaves the socket open if it cannot bind it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_port_that_is_taken(tmp_path: Path) -> None:
    recipe = load_recipe("serve")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ValueError, match=f"port={port}"):
            # TensorFlow already runs here, and cannot change this any more.
            threads = tf.config.threading.get_intra_op_parallelism_threads()
            recipe.main(
                recipe.Config((tmp_path,), port=port, intra_op_threads=threads)
            )


def test_one_bad_folder_does_not_stop_the_others(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    loop = tmp_path / "all" / "a_loop"
    loop.parent.mkdir()
    loop.symlink_to(loop)  # no user can read its content
    gone = tmp_path / "gone"
    gone.mkdir()
    with serving(gone, tmp_path / "all") as server:
        gone.rmdir()
        publish(tmp_path / "all" / "labels", 1, classifier(1), METHODS)
        wait_until(lambda: server.get("/models")[1] == {"models": ["labels"]})
        wait_until(lambda: server.get("/v1/models/labels")[0] == 200)
        wait_until(
            lambda: (
                server.post("labels:predict", {"instances": ["好"]})[0] == 200
            )
        )
    said = capfd.readouterr().out
    for folder in (loop, gone):
        assert said.count(f"{folder}: cannot be read") == 1, said


@pytest.mark.slow
def test_clients_that_leave_make_no_tracebacks(folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, str(RECIPES / "serve.py"), "--port", "0"]
        + ["--models", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    try:
        line = next(x for x in process.stdout if x.startswith("Serving"))
        port = int(line.split("/")[2].rpartition(":")[2])
        head = (
            b"POST /v1/models/labels:predict HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Length: 1000\r\n\r\n"
        )
        whole = json.dumps({"instances": ["x" * 900]}).encode().ljust(1000)
        for content in (b"", b"GE", head, head + b'{"inst', head + whole):
            client = socket.create_connection(("127.0.0.1", port))
            client.sendall(content)
            client.close()
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/models")
        assert connection.getresponse().status == 200
        connection.close()
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
    assert "ClientDisconnect" not in errors


@pytest.mark.slow
def test_wrong_folder_is_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(RECIPES / "serve.py")]
        + ["--models", str(tmp_path / "none")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("serve.py: `--models` must")
    assert "Traceback" not in done.stderr


def test_two_models_of_one_name(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The second was once left out silently."""
    publish(tmp_path / "labels", 3, classifier(1), METHODS)
    # The same model by two paths is not a second one.
    with serving(folder, folder / "labels", tmp_path) as server:
        found = server.get("/v1/models/labels")[1]["model_version_status"]
        assert [each["version"] for each in found] == ["1"]
        server.models.refresh()
    said = capfd.readouterr().out
    assert said.count("not served, because") == 1, said
    assert f"{tmp_path / 'labels'}: not served, because {folder}" in said


def test_a_version_and_a_run_are_no_folders_of_models(
    folder: Path, tmp_path: Path
) -> None:
    """Once, the only message was `no model yet`."""
    config = load_recipe("serve").Config
    version = folder / "labels" / "1"
    with pytest.raises(ValueError, match=f"Give .* around it, {folder}/labels"):
        config(models=(version,))
    copied = tmp_path / "model"
    shutil.copytree(version, copied)
    with pytest.raises(ValueError, match=f"Move its content into {copied}/1"):
        config(models=(copied,))
    run = tmp_path / "run"
    run.mkdir()
    (run / "model.keras").touch()
    with pytest.raises(ValueError, match=f"Export it: .* --model {run} "):
        config(models=(run,))
