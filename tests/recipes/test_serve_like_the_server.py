"""Cases where serve.py once differed from `tensorflow_model_server` 2.20.0.

Expected results were observed on that server, or follow from its
`json_tensor.cc`, `server_core.cc` and `file_system_storage_path_source.cc`.
"""

import base64
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from contract_models import METHODS, classifier, publish
from rest_server import Server, serving, wait_until


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved_models")
    for number in (1, 2):
        publish(folder / "labels", number, classifier(number), METHODS)
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    with serving(folder) as server:
        yield server


PREDICT = "/v1/models/labels:predict"
CLASSIFY = "/v1/models/labels:classify"


def counts(server: Server, body: bytes) -> list[int]:
    """Returns character counts; an invalid byte counts as one."""
    status, answer = server.send("POST", PREDICT, body)
    assert status == 200, answer
    return [row["num_tokens"] for row in json.loads(answer)["predictions"]]


def test_bytes_that_are_no_utf8_reach_the_model(server: Server) -> None:
    body = b'{"instances": ["\xff\xe5\x9d\x8f", "\xe5\xa5\xbd\xc3", "a"]}'
    assert counts(server, body) == [4, 4, 3]
    # Unchanged: U+FFFD would count as three here, not one.
    assert counts(server, b'{"instances": ["\xed\xa0\x80"]}') == [3]
    # Next to escapes, and after a byte order mark.
    body = b'\xef\xbb\xbf{"instances": ["\xc3\\u574f", "\\ud83d\\ude42"]}'
    assert counts(server, body) == [4, 3]


def test_names_that_are_no_utf8(server: Server) -> None:
    body = b'{"signature_name": "\xff", "inputs": ["a"]}'
    status, answer = server.send("POST", PREDICT, body)
    assert status == 400 and "not found in" in json.loads(answer)["error"]
    frame = b'{"signature_name": "classify_examples", "examples": [{%b}]}'
    body = frame % b'"text": "\xff\xe5\xa5\xbd"'
    assert server.send("POST", CLASSIFY, body)[0] == 200
    body = frame % b'"\xff": 1'
    assert server.send("POST", CLASSIFY, body)[0] == 400


@pytest.mark.parametrize(
    "text", ["5Z2P\n55qE\r\n", " 5Z2P55 qE", "5Z2P55qE\t", "5Z2P55qE"]
)
def test_base64_with_white_space(server: Server, text: str) -> None:
    request = {"instances": [{"b64": text}]}
    status, answer = server.post("labels:predict", request)
    assert status == 200 and answer["predictions"][0]["num_tokens"] == 4


@pytest.mark.parametrize("text", ["YWI=", "YWI", "YWI.", "YWI\n=\n", "YWJ="])
def test_base64_padding(server: Server, text: str) -> None:
    request = {"inputs": [{"b64": text}]}
    status, answer = server.post("labels:predict", request)
    assert status == 200 and answer["outputs"]["num_tokens"] == [4]


def test_body_is_read_before_the_model_is_looked_up(server: Server) -> None:
    path = "/v1/models/other"
    assert server.send("POST", f"{path}:predict", b"{")[0] == 400
    assert server.send("POST", f"{path}:classify", b"{}")[0] == 400
    assert server.send("POST", f"{path}:predict", b"{}")[0] == 404


def test_error_of_the_graph_that_quotes_raw_bytes(server: Server) -> None:
    """TensorFlow's Python code cannot convert it to an exception."""
    request = {
        "signature_name": "classify_examples",
        "inputs": [{"b64": base64.b64encode(b"\xff, no example").decode()}],
    }
    status, answer = server.post("labels:predict", request)
    assert status == 400 and "\ufffd, no example" in answer["error"]


def test_numbers_that_are_not(server: Server) -> None:
    """NaN and Infinity, as words, in requests and answers."""
    body = b"""{"signature_name": "features", "instances": [
        {"token_ids": [1], "weights": [NaN]},
        {"token_ids": [1], "weights": [-Infinity]}]}"""
    status, answer = server.send("POST", PREDICT, body)
    assert status == 200
    assert b'"total": NaN' in answer and b'"total": -Infinity' in answer


def test_version_with_zeros_in_front(folder: Path, tmp_path: Path) -> None:
    base = tmp_path / "a:b"
    shutil.copytree(folder / "labels" / "1", base / "0001")
    with serving(tmp_path) as server:

        def version() -> tuple:
            which = {"signature_name": "which", "instances": ["a"]}
            paths = "a%3Ab:predict", "a%3Ab/versions/1:predict"
            return tuple(server.post(path, which) for path in paths)

        assert version() == ((200, {"predictions": [1]}),) * 2
        # Of two folders for one version, the shorter name counts.
        shutil.copytree(folder / "labels" / "2", tmp_path / ".away")
        os.rename(tmp_path / ".away", base / "1")
        wait_until(lambda: version() == ((200, {"predictions": [2]}),) * 2)
        # A number that no server reads.
        (base / str(2**63)).mkdir()
        time.sleep(0.2)
        assert version() == ((200, {"predictions": [2]}),) * 2


def test_name_and_label_are_decoded_once_they_are_apart(
    folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder / "labels" / "1", tmp_path / "a b:c" / "1")
    with serving(tmp_path, labels=("x é=1",)) as server:
        request = {"instances": ["a"]}
        for label, status in (
            ("x%20%C3%A9", 200),
            ("x%20%c3%a9", 200),
            ("x", 400),
        ):
            path = f"a%20b%3Ac/labels/{label}:predict"
            assert server.post(path, request)[0] == status
