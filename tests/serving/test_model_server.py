"""TensorFlow Serving itself, if available, answers as Keras does.

    TF_MODEL_SERVER=/path/to/tensorflow_model_server \
        pytest tests/serving/test_model_server.py
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conversations import Conversation, conversation
from cpp_server import Signature, listed
from served_models import CASES, Case
from signature_requests import HUGE_TEXTS

pytest.importorskip(
    "tensorflow_serving", reason="the client needs tensorflow-serving-api"
)
from model_server import ModelServer, model_server, program  # noqa: E402
from odd_conversation import check_odd_requests  # noqa: E402

pytestmark = [
    pytest.mark.skipif(
        program() is None,
        reason="no tensorflow_model_server on PATH or in TF_MODEL_SERVER",
    ),
    pytest.mark.slow,
]

Exported = Callable[[str], tuple[Case, Path]]


@pytest.fixture(scope="module")
def server(
    exported: Exported, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ModelServer]:
    models = {name: exported(name)[1].parent for name in CASES}
    folder = tmp_path_factory.mktemp("model_server")
    path = program()
    assert path is not None
    with model_server(path, models, folder) as running:
        yield running
        assert running.process.poll() is None, "the server died"


@pytest.fixture(scope="module", params=CASES)
def case(
    request: pytest.FixtureRequest, exported: Exported, serve_requests: Path
) -> tuple[str, Case, dict[str, Signature], Conversation]:
    name = request.param
    case, version = exported(name)
    # The server lists them only as protocol buffers; the C++ program uses the
    # format of the other tests.
    signatures = listed(serve_requests, version)
    return name, case, signatures, conversation(case, version, signatures)


def test_grpc(server: ModelServer, case) -> None:
    name, _, _, asked = case
    answers = [server.predict(name, *request) for request in asked.requests]
    print(name, asked.check(answers))


def test_rest(server: ModelServer, case) -> None:
    name, _, signatures, asked = case
    answers = [
        server.predict_rest(name, key, signatures[key], inputs)
        for key, inputs in asked.requests
    ]
    print(name, asked.check(answers))


def test_odd_requests(server: ModelServer, case) -> None:
    name, model, signatures, _ = case
    check_odd_requests(server, name, model, signatures, HUGE_TEXTS)


def test_unknown_names(server: ModelServer) -> None:
    model = next(iter(CASES))
    inputs = {"text": ["a"]}
    for names in ((model, "nonsense"), ("nonsense", "serving_default")):
        assert isinstance(server.predict(*names, inputs), str)
    assert isinstance(server.predict(model, "serving_default", inputs), dict)
