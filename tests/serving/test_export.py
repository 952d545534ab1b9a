"""A version on disk: its files, and its answers equal the model's."""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from served_models import SENTIMENTS, Case
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import prediction_log_pb2

from keras_ctx import models, serving
from keras_ctx.serving.verify.raw_answers import answers_of
from keras_ctx.text import BertInputs, WordInputs

TEXTS = ["书好", "", "这本书 [SEP] bad"]

Exported = Callable[[str], tuple[Case, Path]]


@pytest.fixture(scope="module")
def shared(exported: Exported) -> tuple[Case, Path]:
    return exported("bert_classifier")


@pytest.fixture(scope="module")
def version(shared: tuple[Case, Path]) -> Path:
    return shared[1]


@pytest.fixture(scope="module")
def text_inputs(shared: tuple[Case, Path]) -> BertInputs:
    inputs = shared[0].text_inputs
    assert isinstance(inputs, BertInputs)
    return inputs


@pytest.fixture(scope="module")
def classifier(shared: tuple[Case, Path]) -> keras.Model:
    return shared[0].model


@pytest.mark.slow
def test_answers_are_those_of_the_model(
    classifier, version: Path, text_inputs
) -> None:
    assert version.name == "1"
    answer = serving.answers(version.parent, TEXTS)
    assert sorted(answer) == ["labels", "num_tokens", "scores", "truncated"]
    logits = classifier(text_inputs(TEXTS), training=False)["logits"].numpy()
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    for row, share in enumerate(shares):
        order = np.argsort(-share)
        assert answer["labels"][row].tolist() == [SENTIMENTS[i] for i in order]
        np.testing.assert_allclose(
            answer["scores"][row], share[order], atol=1e-5
        )
    # A single text has less padding, and must get the same answer.
    alone = serving.answers(version.parent, TEXTS[:1])
    np.testing.assert_allclose(alone["scores"], answer["scores"][:1], atol=1e-5)

    there = serving.answers_in_fresh_process(version.parent, TEXTS)
    assert there.keys() == answer.keys()
    for key, value in answer.items():
        assert there[key].dtype == value.dtype
        np.testing.assert_array_equal(there[key], value)


def test_vocabulary_and_labels_can_be_read_again(
    version: Path, text_inputs
) -> None:
    labels = version / "assets" / "labels.txt"
    assert labels.read_bytes() == "bad\nso so\n很好\n".encode()
    again = BertInputs(version / "assets" / "vocab.txt", 48)
    assert again.vocabulary == text_inputs.vocabulary


def test_card(classifier, version: Path) -> None:
    card = json.loads((version / "signature.json").read_text("utf-8"))
    assert card["name"] == "bert_classifier"
    assert card["task"] == card["serving_default"] == "classify"
    assert card["labels"] == SENTIMENTS
    assert card["metrics"] == {"accuracy": 0.912345}
    assert card["text_inputs"]["class"] == "BertInputs"
    assert card["text_inputs"]["max_length"] == 48
    assert card["versions"]["tensorflow"] == tf.__version__
    # It lists exactly the inputs and outputs of the graph.
    served = tf.saved_model.load(str(version))
    assert card["signatures"].keys() | {"serving_default"} == set(
        served.signatures
    )
    for name, one in card["signatures"].items():
        function = served.signatures[name]
        taken = function.structured_input_signature[1]
        for specs, found in (
            (one["inputs"], taken),
            (one["outputs"], function.structured_outputs),
        ):
            assert specs == {
                key: {"dtype": spec.dtype.name, "shape": spec.shape.as_list()}
                for key, spec in found.items()
            }
    digest = hashlib.sha256()
    for weight in classifier.weights:
        digest.update(f"float32 {tuple(weight.shape)}".encode())
        digest.update(weight.numpy().tobytes())
    assert card["weights_sha256"] == digest.hexdigest()

    readme = (version / "README.md").read_text("utf-8")
    assert "# bert_classifier: classify" in readme
    assert "| accuracy | 0.9123 |" in readme
    assert digest.hexdigest() in readme
    assert "http://localhost:8501/v1/models/bert_classifier:predict" in readme
    for name in card["signatures"]:
        assert f"| `{name}`" in readme


def test_requests_of_the_readme(version: Path) -> None:
    readme = (version / "README.md").read_text("utf-8")
    requests = {
        url.rsplit(":", 1)[1]: json.loads(body)
        for body, url in re.findall(r"curl -d '(.*)' \\\n  (\S+)\n", readme)
    }
    assert requests.keys() == {"predict", "classify"}
    assert requests["classify"] == {
        "signature_name": "classify_examples",
        "examples": [{"text": "今天天气很好。"}],
    }


@pytest.mark.slow
def test_name_that_no_address_may_hold(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    # A link has its own name.
    (tmp_path / "it's b").symlink_to(tmp_path / "plain")
    inputs = WordInputs(["<S>", "</S>", "<UNK>"], max_length=8)
    encoder = models.elmo_word_encoder(3, 4, 4, num_layers=1)
    texts = [f"text {i}" for i in range(20)]
    version = serving.export(
        encoder, inputs, tmp_path / "it's b", version=7, check_texts=texts
    )
    assert version == tmp_path / "it's b" / "7"
    readme = (version / "README.md").read_text("utf-8")
    assert "/v1/models/it%27s%20b:predict" in readme
    # No request exceeds a server's batch.
    path = version / "assets.extra" / "tf_serving_warmup_requests"
    rows = set()
    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        log = prediction_log_pb2.PredictionLog.FromString(record)
        request = log.predict_log.request
        assert request.model_spec.name == "it's b"
        rows |= {x.tensor_shape.dim[0].size for x in request.inputs.values()}
    assert rows == {1, 4, 8}


def test_python_of_the_readme_compiles(version: Path) -> None:
    readme = (version / "README.md").read_text("utf-8")
    code = readme.split("```python\n")[1].split("```")[0]
    compile(code, "README.md", "exec")
    body = readme.split("curl -d '")[1].split("'")[0]
    assert json.loads(body).keys() == {"inputs"}


@pytest.mark.slow
def test_warm_up_requests_are_answered(version: Path) -> None:
    path = version / "assets.extra" / "tf_serving_warmup_requests"
    asked: dict[str, set[int]] = {}
    requests = []
    for record in tf.data.TFRecordDataset(str(path)):
        log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
        kind = log.WhichOneof("log_type")
        if kind == "predict_log":
            request = log.predict_log.request
            inputs = {
                key: tf.make_ndarray(proto)
                for key, proto in request.inputs.items()
            }
        else:
            assert kind == "classify_log"
            request = log.classify_log.request
            rows = request.input.example_list.examples
            inputs = {"inputs": [row.SerializeToString() for row in rows]}
        assert request.model_spec.name == "bert_classifier"
        name = request.model_spec.signature_name
        requests.append((name, inputs))
        # All: the order of a protobuf map differs between processes.
        size = sum(
            len(str(x))
            for values in inputs.values()
            for x in np.asarray(values, object).flat
        )
        asked.setdefault(name, set()).add(size)
    card = json.loads((version / "signature.json").read_text("utf-8"))
    assert asked.keys() == card["signatures"].keys()
    assert {len(sizes) for sizes in asked.values()} == {3}  # lengths
    assert len(answers_of(version, requests)) == 3 * len(asked)


def test_method_names(version: Path) -> None:
    saved = saved_model_pb2.SavedModel.FromString(
        (version / "saved_model.pb").read_bytes()
    )
    signatures = saved.meta_graphs[0].signature_def
    methods = {
        name: one.method_name.rpartition("/")[2]
        for name, one in signatures.items()
        if not name.startswith("__")
    }
    assert methods.pop("classify_examples") == "classify"
    assert set(methods.values()) == {"predict"}


def first_ops(functions: dict, name: str, argument: int) -> set[str]:
    """Returns the first ops on an argument of a graph function."""
    function = functions[name]
    wire = function.signature.input_arg[argument].name
    ops: set[str] = set()
    for node in function.node_def:
        for position, source in enumerate(node.input):
            if source.partition(":")[0] == wire:
                if "f" in node.attr:
                    inner = node.attr["f"].func.name
                    ops |= first_ops(functions, inner, position)
                else:
                    ops.add(node.op)
    return ops


def test_rank_of_a_request_is_checked_first(version: Path) -> None:
    # Python refuses another rank before the graph runs; a server does not, and
    # a scalar string would crash it in the tokenizer.
    served = tf.saved_model.load(str(version))
    signature = served.signatures["serving_default"]
    graph = signature.graph.as_graph_def()
    functions = {f.signature.name: f for f in graph.library.function}
    [call] = [
        node.attr["f"].func.name
        for node in graph.node
        if "f" in node.attr and "text" in node.input
    ]
    assert first_ops(functions, call, 0) == {"EnsureShape"}


@pytest.mark.slow
def test_numbers_of_versions(tmp_path: Path, classifier, text_inputs) -> None:
    seventh = serving.export(classifier, text_inputs, tmp_path, version=7)
    assert seventh == tmp_path / "7"
    # Without labels there is no task, so the model's own outputs are served.
    assert not (seventh / "assets" / "labels.txt").exists()
    assert sorted(serving.answers(tmp_path, TEXTS)) == [
        *("logits", "num_tokens", "truncated")
    ]
    with pytest.raises(FileExistsError, match="`version` must be a number"):
        serving.export(classifier, text_inputs, tmp_path, version=7)
    assert [x.name for x in tmp_path.iterdir()] == ["7"]


@pytest.mark.slow
def test_words_by_a_table(tmp_path: Path) -> None:
    inputs = WordInputs(["<S>", "</S>", "<UNK>", "good"], max_length=8)
    encoder = models.elmo_word_encoder(4, 8, 4)
    serving.export(models.embedder(encoder), inputs, tmp_path)
    texts = ["good day", "day good"]
    answer = serving.answers_in_fresh_process(tmp_path, texts)
    expected = models.embedder(encoder)(inputs(texts))["embedding"]
    np.testing.assert_allclose(answer["embedding"], expected, atol=1e-5)


@pytest.mark.slow
def test_half_precision_is_served_as_float32(
    tmp_path: Path, text_inputs
) -> None:
    encoder = models.bert_encoder(text_inputs.vocabulary_size, 1, 2, 8, 16, 48)
    model = models.classifier(models.with_dtype(encoder, "mixed_bfloat16"), 3)
    serving.export(model, text_inputs, tmp_path, SENTIMENTS)
    answer = serving.answers(tmp_path, TEXTS)
    assert answer["scores"].dtype == np.float32


@pytest.mark.slow
def test_fresh_process_that_fails_says_why(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    with pytest.raises(RuntimeError, match="SavedModel file does not exist"):
        serving.answers_in_fresh_process(tmp_path, ["a"])


def test_no_version_to_answer_from(tmp_path: Path) -> None:
    (tmp_path / "1").write_text("a file")
    (tmp_path / ".unfinished-2").mkdir()
    for ask in (serving.answers, serving.answers_in_fresh_process):
        with pytest.raises(FileNotFoundError, match="`path` must be a folder"):
            ask(tmp_path, ["a"])
