"""The local server, with requests over a socket as to TensorFlow Serving."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import contract_models
import keras
import numpy as np
import pytest
import yaml
from contract_models import METHODS, classifier, publish
from recipe_files import RECIPES, load_recipe
from rest_server import Server, serving, wait_until

import keras_ctx
from keras_ctx import models, text

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a folder with two models; one has two versions."""
    folder = tmp_path_factory.mktemp("saved_models")
    for number in (1, 2):
        publish(folder / "labels", number, classifier(number), METHODS)
    publish(folder / "实体", 1, contract_models.tagger())
    (folder / "no model").mkdir()
    (folder / "README.md").write_text("A file.", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    labels = ("stable=1", "gone=7")
    with serving(folder, labels=labels, max_megabytes=0.25) as server:
        yield server


def test_models_are_found_and_named_after_their_folders(server: Server) -> None:
    assert server.get("/models") == (200, {"models": ["labels", "实体"]})


def test_status(server: Server) -> None:
    ok = {"error_code": "OK", "error_message": ""}
    first, second = (
        {"version": number, "state": "AVAILABLE", "status": ok}
        for number in "12"
    )
    both = {"model_version_status": [second, first]}
    assert server.get("/v1/models/labels") == (200, both)
    only = {"model_version_status": [first]}
    assert server.get("/v1/models/labels/versions/1") == (200, only)
    assert server.get("/v1/models/labels/labels/stable") == (200, only)


def test_metadata(server: Server) -> None:
    status, answer = server.get("/v1/models/labels/versions/1/metadata")
    assert status == 200
    assert answer["model_spec"] == {
        "name": "labels",
        "signature_name": "",
        "version": "1",
    }
    signatures = answer["metadata"]["signature_def"]["signature_def"]
    assert signatures.keys() >= classifier().keys()
    text = signatures["classify"]["inputs"]["text"]
    assert text["dtype"] == "DT_STRING"
    assert text["tensor_shape"] == {
        "dim": [{"size": "-1", "name": ""}],
        "unknown_rank": False,
    }
    method = signatures["classify_examples"]["method_name"]
    assert method == "tensorflow/serving/classify"
    newest = server.get("/v1/models/labels/metadata")[1]
    assert newest["model_spec"]["version"] == "2"


def test_rows(server: Server) -> None:
    expected = {
        "labels": ["bad", "good"],
        "num_tokens": 4,
        "scores": [pytest.approx(0.9), pytest.approx(0.1)],
        "truncated": False,
    }
    for rows in (["坏的"], [{"text": "坏的"}], [{"b64": "5Z2P55qE"}]):
        answer = server.post("labels:predict", {"instances": rows})
        assert answer == (200, {"predictions": [expected]})


def test_columns(server: Server) -> None:
    for columns in (["好", "?"], {"text": ["好", "?"]}):
        status, answer = server.post("labels:predict", {"inputs": columns})
        assert status == 200
        assert answer["outputs"]["labels"] == [["good", "bad"]] * 2
        assert answer["outputs"]["num_tokens"] == [3, 3]
    # A request without rows is answered, too.
    status, answer = server.post("labels:predict", {"inputs": {"text": []}})
    assert status == 200 and answer["outputs"]["num_tokens"] == []


def test_one_output_goes_without_its_name(server: Server) -> None:
    which = {"signature_name": "which", "instances": ["a", "b"]}
    for path, number in (("", 2), ("/versions/1", 1), ("/labels/stable", 1)):
        answer = server.post(f"labels{path}:predict", which)
        assert answer == (200, {"predictions": [number, number]})
    which = {"signature_name": "which", "inputs": ["a"]}
    answer = server.post("labels:predict", which)
    assert answer == (200, {"outputs": [2]})


def test_numbers_bytes_and_what_json_lacks(server: Server) -> None:
    rows = [
        {"token_ids": [1, 2], "weights": [0.05, 0.025]},
        {"token_ids": [0, 0], "weights": [1, 2.0]},
    ]
    request = {"signature_name": "features", "instances": rows}
    body = json.dumps(request).encode()
    status, answer = server.send("POST", "/v1/models/labels:predict", body)
    assert status == 200
    # The shortest decimal of the float32, not of its float64.
    assert b'"total": 0.1}' in answer and b"Infinity" in answer
    first, second = json.loads(answer)["predictions"]
    assert first["raw_bytes"] == {"b64": "/wA="}
    assert first["broken"] == "a\N{REPLACEMENT CHARACTER}"
    assert [first["is_even"], second["is_even"]] == [False, True]
    assert second["inverse"] == float("inf")


def test_classify_and_regress(server: Server) -> None:
    request = {
        "signature_name": "classify_examples",
        "examples": [{"text": "好"}, {"text": [{"b64": "5Z2P"}]}],
    }
    status, answer = server.post("labels:classify", request)
    assert status == 200
    assert [[x[0] for x in row] for row in answer["results"]] == [
        ["good", "bad"],
        ["bad", "good"],
    ]
    assert answer["results"][0][0][1] == pytest.approx(0.9)

    request = {
        "signature_name": "regress_examples",
        "context": {"text": "山水火"},
        "examples": [{}, {"place": 1.5}],
    }
    answer = server.post("labels:regress", request)
    assert answer == (200, {"results": [3.0, 3.0]})
    # An example's own features override the context.
    request["examples"][0]["text"] = "山"
    answer = server.post("labels:regress", request)
    assert answer == (200, {"results": [1.0, 3.0]})


FEATURES = {"signature_name": "features"}
ROW = {"token_ids": [1], "weights": [1]}
MALFORMED = {
    "nothing asked": ({}, "either `instances` or `inputs`"),
    "asked twice": ({"instances": ["a"], "inputs": ["a"]}, "either"),
    "no rows": ({"instances": []}, "one row or more"),
    "rows are no list": ({"instances": "a"}, "one row or more"),
    "a number": ({"instances": [1]}, "`text` must be of string. Received: 1"),
    "null": ({"instances": [None]}, "`text` must be of string"),
    "rank 0": ({"inputs": {"text": "a"}}, r"of shape \(None,\)"),
    "rank 2": ({"inputs": {"text": [["a"]]}}, r"shape \(1, 1\)"),
    "rank 2 in rows": ({"instances": [["a"]]}, r"shape \(1, 1\)"),
    "mixed": ({"instances": ["a", {"text": "b"}]}, "as row 1"),
    "another key": ({"instances": [{"txt": "a"}]}, r"keys \['text'\]"),
    "key too many": ({"instances": [{"text": "a", "b": 1}]}, "row 0"),
    "no key": ({"inputs": {"txt": ["a"]}}, r"Missing: \['text'\]"),
    "not base64": ({"instances": [{"b64": "?"}]}, "base64 in `b64`"),
    "base64 of URLs": ({"instances": [{"b64": "5Z2_"}]}, "base64 in `b64`"),
    "base64 cut": ({"instances": [{"b64": "5Z2P5"}]}, "base64 in `b64`"),
    "half the padding": ({"instances": [{"b64": "YQ="}]}, "base64 in `b64`"),
    "padding inside": ({"instances": [{"b64": "YQ==YQ=="}]}, "base64 in"),
    "no base64": ({"instances": [{"b64": 5}]}, "base64 in `b64`"),
    "half a pair": ({"instances": ["\ud83d"]}, "must be Unicode"),
    "half a pair as a name": ({"signature_name": "\ud83d"}, "must be Unicode"),
    "half a pair as a key": (
        {"instances": [{"\ud83d": "a"}]},
        "must be Unicode",
    ),
    "other half": ({"instances": ["\udc80"]}, "must be Unicode"),
    "very deep": (
        {"inputs": {"text": json.loads("[" * 70 + "]" * 70)}},
        r"of shape \(None,\)",
    ),
    "signature": ({"signature_name": "x", "instances": ["a"]}, 'name: "x" not'),
    "signature's type": ({"signature_name": 1}, "must be a string"),
    "values for two": ({**FEATURES, "instances": [[1]]}, "list of objects"),
    "array for two": ({**FEATURES, "inputs": [[1]]}, "must be an object"),
    "ragged": (
        {**FEATURES, "inputs": {**ROW, "token_ids": [[1, 2], [1]]}},
        "`token_ids` must be rectangular",
    ),
    "deeper": (
        {**FEATURES, "inputs": {**ROW, "token_ids": [[1, [2]]]}},
        "where a single value belongs",
    ),
    "flatter": (
        {**FEATURES, "inputs": {**ROW, "token_ids": [[1], 2]}},
        "where a list of 1 belongs",
    ),
    "fraction": (
        {**FEATURES, "instances": [{**ROW, "token_ids": [1.5]}]},
        "int32",
    ),
    "beyond int32": (
        {**FEATURES, "instances": [{**ROW, "token_ids": [2**31]}]},
        "of int32",
    ),
    "true for 1": (
        {**FEATURES, "instances": [{**ROW, "token_ids": [True]}]},
        "int32",
    ),
    "beyond float32": (
        {**FEATURES, "instances": [{**ROW, "weights": [1e39]}]},
        "of float32",
    ),
    # More bits than the fraction, though this number would fit.
    "a power of two": (
        {**FEATURES, "instances": [{**ROW, "weights": [2**24]}]},
        "of float32",
    ),
    "a little too large": (
        {**FEATURES, "instances": [{**ROW, "weights": [3.4028235e38]}]},
        "of float32",
    ),
}


@pytest.mark.parametrize(
    ("request_", "message"), MALFORMED.values(), ids=MALFORMED
)
def test_malformed_request(server: Server, request_, message: str) -> None:
    status, answer = server.post("labels:predict", request_)
    assert status == 400 and list(answer) == ["error"]
    with pytest.raises(ValueError, match=message):
        raise ValueError(answer["error"])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "JSON Parse error"),
        (b"{", "JSON Parse error"),
        (b"[]", "must be a JSON object"),
        (b'{"instances": ["\xff \\udcff"]}', "must be Unicode"),
        (b'\xff{"instances": ["a"]}', "JSON Parse error"),
        (b'{"instances": ["a"]} {}', "JSON Parse error"),
        (b'{"instances": ' + 100_000 * b"[", "JSON Parse error"),
    ],
)
def test_malformed_body(server: Server, body: bytes, message: str) -> None:
    status, answer = server.send("POST", "/v1/models/labels:predict", body)
    assert status == 400 and message in json.loads(answer)["error"]


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("POST", "/v1/models/other:predict", 404, "Servable not found"),
        ("POST", "/v1/models/labels/versions/9:predict", 404, "9 of model"),
        ("POST", "/v1/models/labels/labels/gone:predict", 404, "gone of model"),
        ("POST", "/v1/models/labels/labels/new:predict", 400, "label: new"),
        ("POST", "/v1/models/other/labels/new:predict", 400, "label: new"),
        ("POST", "/v1/models/other/labels/a%2Fb:predict", 400, "label: a/b"),
        ("POST", "/v1/models/other/labels/gone:predict", 404, "model other"),
        ("GET", "/v1/models/labels/labels/new/metadata", 400, "label: new"),
        ("POST", "/v1/models/labels:explain", 400, "Malformed request"),
        ("POST", "/v1/models/labels", 400, "Malformed request"),
        ("GET", "/v1/models/labels:predict", 400, "Malformed request"),
        ("GET", "/v1/models/other", 404, "Servable not found"),
        ("GET", "/v1/models/labels/versions/9", 404, "Could not find"),
        ("GET", "/v1/models/other/metadata", 404, "Servable not found"),
        ("GET", "/v1/models", 400, "Malformed request"),
        ("GET", f"/v1/models/a/versions/{'1' * 5000}", 400, "Malformed"),
        ("GET", f"/v1/models/labels/versions/{2**63}", 400, "to numeric"),
        ("GET", "/v2", 404, "Not Found"),
        ("PUT", "/v1/models/labels", 405, "Method Not Allowed"),
    ],
)
def test_wrong_route(
    server: Server, method: str, path: str, status: int, message: str
) -> None:
    found, answer = server.send(method, path, b'{"instances": ["a"]}')
    assert found == status and message in json.loads(answer)["error"]


def test_wrong_examples(server: Server) -> None:
    for verb, request, message in (
        ("classify", {"examples": [{"text": "a"}]}, "takes ['text']"),
        ("classify", {"signature_name": "classify_examples"}, "`examples`"),
        (
            "classify",
            {"signature_name": "classify_examples", "examples": ["a"]},
            "must be an object",
        ),
        (
            "classify",
            {
                "signature_name": "classify_examples",
                "examples": [{"a": [1, "a"]}],
            },
            "The feature `a`",
        ),
        (
            "regress",
            {
                "signature_name": "classify_examples",
                "examples": [{"text": "a"}],
            },
            "is tensorflow/serving/classify",
        ),
        (
            "classify",
            {"signature_name": "regress_examples", "examples": [{"text": "a"}]},
            "is tensorflow/serving/regress",
        ),
        # Without a name, it is `serving_default`, which is for Predict.
        (
            "classify",
            {"examples": [{"inputs": "a"}]},
            "is tensorflow/serving/predict",
        ),
        (
            "regress",
            {
                "signature_name": "regress_examples",
                "examples": [{"text": "a", "x": 1e39}],
            },
            "The feature `x`",
        ),
        # Refused by the graph: a missing feature.
        (
            "classify",
            {"signature_name": "classify_examples", "examples": [{"b": "a"}]},
            "text",
        ),
    ):
        status, answer = server.post(f"labels:{verb}", request)
        assert status == 400 and message in answer["error"], answer


def test_error_of_the_graph(server: Server) -> None:
    request = {"signature_name": "fails", "instances": ["a"]}
    status, answer = server.post("labels:predict", request)
    assert status == 400 and "never right" in answer["error"]


def test_body_too_long(server: Server) -> None:
    request = {"instances": ["a" * 2**18]}
    status, answer = server.post("labels:predict", request)
    assert status == 413 and "longer than 0.25 MB" in answer["error"]
    status, _ = server.post("labels:predict", {"instances": ["a" * 2**17]})
    assert status == 200


def test_unicode(server: Server) -> None:
    text = '王e\N{COMBINING ACUTE ACCENT}🙂\0\\"\n'
    path = "%E5%AE%9E%E4%BD%93:predict"
    status, answer = server.post(path, {"instances": [text]})
    assert status == 200
    row = answer["predictions"][0]
    assert "".join(row["words"]) == text
    # Characters are code points.
    assert row["ends"] == list(range(1, len(text) + 1))
    assert row["tags"][0] == "B-PER" and row["tags"][3] == "B-MOOD"


def test_probe_of_the_deployment(server: Server) -> None:
    """The health check of deploy/, which uses only bash."""
    path = RECIPES.parent / "deploy" / "docker-compose.yml"
    services = yaml.safe_load(path.read_text(encoding="utf-8"))["services"]
    _, *command = services["serving"]["healthcheck"]["test"]
    command[-1] = command[-1].replace("8501", str(server.port))
    for model, is_healthy in (("labels", True), ("reviews", False)):
        words = [word.replace("reviews", model) for word in command]
        finished = subprocess.run(words, check=False, timeout=60)
        assert (finished.returncode == 0) == is_healthy


def test_page_says_what_it_is(server: Server) -> None:
    status, page = server.send("GET", "/")
    assert status == 200 and b"for trying, not for production" in page
    # Self-contained: nothing is loaded from elsewhere.
    assert b"http:" not in page and b"https:" not in page


@pytest.mark.slow
def test_own_export(tmp_path: Path) -> None:
    """An export of the library answers as the model."""
    inputs = text.BertInputs([*SPECIAL, *"好坏书"], 16, split="character")
    model = models.classifier(models.bert_encoder(8, 1, 2, 8, 16, 16), 2)
    keras_ctx.serving.export(
        model, inputs, tmp_path / "reviews", labels=["bad", "good"]
    )
    with serving(tmp_path / "reviews") as server:
        status, answer = server.post("reviews:predict", {"instances": ["书好"]})
    assert status == 200
    logits = np.asarray(model(inputs(["书好"]))["logits"])[0]
    shares = np.exp(logits) / np.exp(logits).sum()
    found = answer["predictions"][0]["scores"]
    np.testing.assert_allclose(sorted(found), sorted(shares), atol=1e-5)
    keras.backend.clear_session()


def version_of(server: Server) -> int:
    which = {"signature_name": "which", "instances": ["a"]}
    return server.post("labels:predict", which)[1]["predictions"][0]


def states(server: Server) -> dict[str, str]:
    status, answer = server.get("/v1/models/labels")
    if status == 404:
        return {}
    return {x["version"]: x["state"] for x in answer["model_version_status"]}


@pytest.mark.slow
def test_inputs_with_defaults_may_be_left_out(tmp_path: Path) -> None:
    publish(tmp_path / "double", 1, contract_models.translator())
    with serving(tmp_path) as server:

        def ask(**request) -> tuple[int, dict]:
            body = {"signature_name": "translate", **request}
            return server.post("double:predict", body)

        status, found = ask(instances=[{"text": "a"}, {"text": "b"}])
        assert status == 200
        assert found["predictions"][1] == {
            "texts": ["b b"],
            "scores": [0.5],
            "num_tokens": [9],
            "stopped": ["end"],
            "truncated": False,
        }
        status, found = ask(inputs={"text": ["a", "b"], "max_length": [7]})
        assert status == 200
        assert found["outputs"]["num_tokens"] == [[7], [7]]
        status, found = ask(inputs={"max_length": [7]})
        assert (status, "Missing: ['text']" in found["error"]) == (400, True)
        status, found = ask(inputs={"text": ["a"], "max_lenght": [7]})
        assert (status, "['max_lenght']" in found["error"]) == (400, True)
        rows = [{"text": "a", "max_length": 7}, {"text": "b"}]
        status, found = ask(instances=rows)
        assert status == 400
        assert "the keys ['max_length', 'text']" in found["error"]


def test_versions_come_and_go(folder: Path, tmp_path: Path) -> None:
    base, away = tmp_path / "labels", tmp_path / "away"
    shutil.copytree(folder / "labels" / "1", base / "1")
    shutil.copytree(folder / "labels" / "2", away)
    with serving(tmp_path) as server:
        assert version_of(server) == 1
        os.rename(away, base / "2")
        wait_until(lambda: version_of(server) == 2)
        wait_until(
            lambda: (
                states(server) == {"2": "AVAILABLE", "1": "END"}
                or states(server) == {"2": "AVAILABLE"}
            )
        )
        # Removed: the previous version answers again.
        os.rename(base / "2", away)
        wait_until(lambda: version_of(server) == 1)
        wait_until(lambda: states(server) == {"1": "AVAILABLE"})
        # A model added after the start.
        os.rename(away, tmp_path / "unfinished")
        (tmp_path / "late").mkdir()
        os.rename(tmp_path / "unfinished", tmp_path / "late" / "5")
        wait_until(lambda: server.get("/v1/models/late")[0] == 200)
        # And a removed model.
        shutil.rmtree(base / "1")
        wait_until(lambda: states(server) == {})
        request = {"instances": ["a"]}
        assert server.post("labels:predict", request)[0] == 404


@pytest.mark.slow
def test_broken_version_leaves_the_old_one(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = tmp_path / "labels"
    shutil.copytree(folder / "labels" / "1", base / "1")
    with serving(tmp_path) as server:
        (base / "3").mkdir()
        (base / "3" / "saved_model.pb").write_bytes(b"no model")
        wait_until(lambda: states(server).get("3") == "END")
        failed = server.get("/v1/models/labels/versions/3")[1]
        status = failed["model_version_status"][0]["status"]
        assert status["error_code"] != "OK" and status["error_message"]
        assert version_of(server) == 1
        # A version whose warm-up fails is also broken.
        signatures = {**classifier(4)}
        publish(base, 4, signatures, METHODS, {"fails": {"text": ["a"]}})
        wait_until(lambda: states(server).get("4") == "END")
        failed = server.get("/v1/models/labels/versions/4")[1]
        status = failed["model_version_status"][0]["status"]
        assert status["error_code"] == "INVALID_ARGUMENT"
        assert "never right" in status["error_message"]
        assert version_of(server) == 1
        # Repaired, it takes over.
        os.rename(base / "4", tmp_path / ".broken")
        publish(
            base, 4, classifier(4), METHODS, {"which": {"text": ["a", "b"]}}
        )
        wait_until(lambda: version_of(server) == 4)
        assert states(server)["3"] == "END"


@pytest.mark.slow
def test_no_request_fails_while_versions_change(
    folder: Path, tmp_path: Path
) -> None:
    base, away = tmp_path / "labels", tmp_path / "away"
    shutil.copytree(folder / "labels" / "1", base / "1")
    shutil.copytree(folder / "labels" / "2", away)
    answers: list[list] = [[], [], []]
    done = threading.Event()

    def client(found: list) -> None:
        request = {"signature_name": "which", "instances": ["a"] * 5}
        while not done.is_set():
            try:
                found.append(server.post("labels:predict", request))
            except OSError as error:
                found.append((0, error))

    with serving(tmp_path) as server:
        threads = [threading.Thread(target=client, args=(x,)) for x in answers]
        for thread in threads:
            thread.start()
        for _ in range(3):
            os.rename(away, base / "2")
            wait_until(lambda: version_of(server) == 2)
            os.rename(base / "2", away)
            wait_until(lambda: version_of(server) == 1)
        done.set()
        for thread in threads:
            thread.join()
    whole = [(200, {"predictions": [number] * 5}) for number in (1, 2)]
    failed = [x for found in answers for x in found if x not in whole]
    assert not failed
    assert all(x in found for x in whole for found in answers)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"models": (Path("nowhere"),)}, "`models` must be folders"),
        ({"poll_seconds": 0}, "`poll_seconds` must be above 0"),
        ({"threads": 0}, "`threads` must be above 0"),
        ({"intra_op_threads": -1}, "`intra_op_threads` must be from 0 to 1024"),
        ({"intra_op_threads": 1025}, "`intra_op_threads` must be from 0"),
        ({"labels": ("stable",)}, "like stable=1"),
    ],
)
def test_wrong_configuration(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_recipe("serve").Config(**{"models": (), **arguments})


@pytest.mark.slow
def test_process_of_its_own(folder: Path) -> None:
    """It prints its address and purpose, and ends on a signal."""
    process = subprocess.Popen(
        [
            *(sys.executable, RECIPES / "serve.py"),
            *("--models", folder / "labels", "--port", "0"),
        ],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(RECIPES.parent)},
    )
    assert process.stdout is not None
    said = [next(process.stdout), next(process.stdout)]
    assert said[0] == "labels, version 2: available\n"
    assert said[1].startswith("Serving labels at http://127.0.0.1:")
    assert said[1].endswith("for trying, not for production.\n")
    port = int(said[1].split("127.0.0.1:")[1].split("/")[0])
    try:
        server = Server(load_recipe("serve"), None, port)
        assert version_of(server) == 2
    finally:
        process.terminate()
        rest, _ = process.communicate()
    assert process.returncode in (0, -15)
    # A table, and a first request.
    assert re.search(r"^labels +2 +available$", rest, re.MULTILINE)
    assert "Next:" in rest and f"--server http://127.0.0.1:{port}" in rest
