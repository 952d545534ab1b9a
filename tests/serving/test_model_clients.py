"""Tests the clients of `test_model_server.py` without such a server.

serve.py replaces its REST interface, in a separate process.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cpp_server import Signature, listed
from served_models import Case
from signature_requests import (
    Request,
    odd_requests,
    refused_by_rest,
    request_of,
    strings,
)

pytest.importorskip(
    "tensorflow_serving", reason="the client needs tensorflow-serving-api"
)
from model_server import ModelServer  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
MODEL = "bert_classifier"


@pytest.fixture(scope="module")
def version(exported: Callable[[str], tuple[Case, Path]]) -> tuple[Case, Path]:
    return exported(MODEL)


@pytest.fixture(scope="module")
def server(version: tuple[Case, Path]) -> Iterator[ModelServer]:
    process = subprocess.Popen(
        [
            *(sys.executable, ROOT / "recipes" / "serve.py"),
            *("--models", version[1].parent, "--port", "0"),
        ],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    try:
        next(process.stdout)
        url = "http" + next(process.stdout).split("http")[1].split("/ ")[0]
        yield ModelServer("", url, process)
    finally:
        process.terminate()
        process.stdout.close()
        process.wait(60)


@pytest.mark.slow
def test_odd_requests_by_rest(
    server: ModelServer, version: tuple[Case, Path], serve_requests: Path
) -> None:
    case, folder = version
    signatures: dict[str, Signature] = listed(serve_requests, folder)
    without_rows = set()
    for key, signature in signatures.items():
        good = request_of(key, signature, case, ["好 a", "the number is 7."])
        for request in [Request("good", good, False), *odd_requests(good)]:
            answer = server.predict_rest(MODEL, key, signature, request.inputs)
            refused = refused_by_rest(request)
            if refused is not None:
                what = (key, request.what, str(answer)[:300])
                assert isinstance(answer, str) == refused, what
            if request.what == "no rows" and refused:
                without_rows.add(key)
    # No texts get an answer; no words or ids are not a tensor.
    assert without_rows == {"tokens", "features"}


@pytest.mark.slow
def test_errors_and_answers_of_raw_bytes(
    server: ModelServer, version: tuple[Case, Path], serve_requests: Path
) -> None:
    signatures = listed(serve_requests, version[1])
    broken = strings([b"\xff, no example"])
    answer = server.predict_rest(
        MODEL,
        "classify_examples",
        signatures["classify_examples"],
        {"inputs": broken},
    )
    assert isinstance(answer, str) and answer.startswith("400: ")
    answer = server.predict_rest(
        MODEL, "embed", signatures["embed"], {"text": broken}
    )
    assert not isinstance(answer, str)
    assert all(token.decode() for token in answer["tokens"][0])
