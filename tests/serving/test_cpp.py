"""Answers served without Python and Keras equal those of the Keras model."""

import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_text as tf_text
from agreeing_rows import largest_difference, rows_of
from conversations import conversation, rows_in
from cpp_server import Arrays, Served, listed, serve
from served_models import CASES, NAMES, Case
from served_ops import absolute_paths, unservable
from signature_requests import (
    HUGE_TEXTS,
    Request,
    odd_requests,
    odd_text_requests,
    request_of,
)

Exported = Callable[[str], tuple[Case, Path]]


@pytest.mark.parametrize("name", NAMES)
def test_every_signature_of_every_model(
    name: str, serve_requests: Path, exported: Exported
) -> None:
    check_every_signature(name, 32, serve_requests, exported)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_hundred_sentences(
    name: str, serve_requests: Path, exported: Exported
) -> None:
    check_every_signature(name, 100, serve_requests, exported)


def check_every_signature(
    name: str, sentences: int, serve_requests: Path, exported: Exported
) -> None:
    case, version = exported(name)
    assert unservable(version) == [] and absolute_paths(version) == []
    signatures = listed(serve_requests, version)
    served = tf.saved_model.load(str(version))
    assert signatures.keys() == served.signatures.keys()
    asked = conversation(case, version, signatures, sentences)
    run = serve(serve_requests, version, asked.requests)
    assert run.status == 0, run.log
    # `pytest -s` shows the largest differences.
    print(name, asked.check(run.answers))


def test_there_is_no_python_in_the_process(
    serve_requests: Path, exported: Exported
) -> None:
    _, version = exported("bert_classifier")
    run = serve(
        serve_requests, version, [("serving_default", {"text": ["a", "很好"]})]
    )
    names = [Path(path).name for path in run.mapped]
    assert {"libtensorflow_cc.so.2", "libtensorflow_framework.so.2"} < {*names}
    assert not [
        name for name in names if "python" in name or name.startswith("_pywrap")
    ]
    # Others are those of the C++ library, the system and TF Text.
    folders = {Path(path).parent.name for path in run.mapped}
    assert not [name for name in folders if "keras" in name]
    [answer] = run.answers
    assert not isinstance(answer, str) and answer["labels"].shape == (2, 3)


def test_signatures_are_listed_as_they_are(
    serve_requests: Path, exported: Exported
) -> None:
    _, version = exported("bert_classifier")
    signatures = listed(serve_requests, version)
    assert signatures["features"].inputs == {
        "segment_ids": ("int32", "[?,?]"),
        "token_ids": ("int32", "[?,?]"),
    }
    for name in ("serving_default", "classify"):
        assert signatures[name].inputs == {"text": ("string", "[?]")}
        assert signatures[name].outputs == {
            "labels": ("string", "[?,3]"),
            "scores": ("float", "[?,3]"),
            "num_tokens": ("int32", "[?]"),
            "truncated": ("bool", "[?]"),
        }
    assert signatures["tokens"].inputs == {"tokens": ("string", "[?,?]")}
    api = "tensorflow/serving/"
    methods = {name: found.method for name, found in signatures.items()}
    assert methods.pop("classify_examples") == f"{api}classify"
    assert methods == dict.fromkeys(
        ("serving_default", "classify", "tokens", "features", "embed"),
        f"{api}predict",
    )


@pytest.mark.slow
def test_signatures_of_a_regressor(
    serve_requests: Path, exported: Exported
) -> None:
    _, version = exported("bert_pair_regressor")
    signatures = listed(serve_requests, version)
    method = signatures["regress_examples"].method
    assert method == "tensorflow/serving/regress"
    assert signatures["regress_examples"].outputs == {
        "outputs": ("float", "[?]")
    }


@pytest.mark.parametrize("name", NAMES)
def test_odd_requests(
    name: str, serve_requests: Path, exported: Exported
) -> None:
    case, version = exported(name)
    check_odd_requests(
        lambda good: odd_requests(good) + odd_text_requests(good),
        case,
        version,
        serve_requests,
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_texts_of_a_megabyte(
    name: str, serve_requests: Path, exported: Exported
) -> None:
    check_odd_requests(
        lambda good: odd_text_requests(good, HUGE_TEXTS),
        *exported(name),
        serve_requests,
    )


def check_odd_requests(
    odd: Callable[[Arrays], list[Request]],
    case: Case,
    version: Path,
    serve_requests: Path,
) -> None:
    signatures = listed(serve_requests, version)
    asked: list[tuple[str, Request]] = []
    for key, signature in signatures.items():
        good = request_of(key, signature, case, ["好 a", "the number is 7."])
        usual = Request("usual", good, False)
        # The last must be answered as if it were the first.
        asked += [(key, one) for one in (usual, *odd(good), usual)]
    run = serve(
        serve_requests, version, [(key, one.inputs) for key, one in asked]
    )
    if run.status != 0:
        key, request = asked[len(run.answers)]
        pytest.fail(f"{key}, {request.what}: {run.status}\n{run.log}")

    wrong: list[str] = []
    before: dict[str, Arrays] = {}
    for (key, request), answer in zip(asked, run.answers, strict=True):
        refused = isinstance(answer, str)
        if request.refused is not None and refused != request.refused:
            wrong.append(f"{key}, {request.what}: {str(answer)[:300]}")
        # If an answer is as good as an error, its content is free: for example,
        # ids beyond the table give NaN.
        if request.refused is False and not isinstance(answer, str):
            check_defined(answer, rows_in(request.inputs))
        if request.what == "usual":
            assert not isinstance(answer, str)
            first = before.setdefault(key, answer)
            largest_difference(answer, rows_of([first]), exactly=True)
    assert not wrong, "\n".join(wrong)


def check_defined(answer: Arrays, rows: int) -> None:
    for key, value in answer.items():
        assert len(value) == rows, key
        assert value.dtype.kind != "f" or np.isfinite(value).all(), key


def test_unknown_signature(serve_requests: Path, exported: Exported) -> None:
    _, version = exported("bert_classifier")
    text = {"text": ["a"]}
    run = serve(
        serve_requests,
        version,
        [(key, text) for key in ("nonsense", "", "serving_default")],
    )
    assert run.status == 0
    assert run.answers[:2] == [
        "NOT_FOUND: No signature nonsense",
        "NOT_FOUND: No signature ",
    ]
    assert not isinstance(run.answers[2], str)


class Unchecked(tf.Module):
    """A tokenizer that does not check requests."""

    def __init__(self) -> None:
        super().__init__()
        self._tokenizer = tf_text.FastBertTokenizer(["[UNK]", "a", "##b"])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def serve(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"ids": self._tokenizer.tokenize(text).to_tensor()}


def serve_unchecked(program: Path, folder: Path) -> Served:
    module = Unchecked()
    tf.saved_model.save(module, str(folder), {"serving_default": module.serve})
    texts = (["ab a"], "ab a", ["a"])
    requests = [("serving_default", {"text": text}) for text in texts]
    return serve(program, folder, requests)


def test_crash_is_seen(serve_requests: Path, tmp_path: Path) -> None:
    # The tests above need that a crash is detected here, and that earlier
    # answers are kept.
    run = serve_unchecked(serve_requests, tmp_path)
    assert run.status in (-signal.SIGSEGV, -signal.SIGABRT)
    [answer] = run.answers
    assert not isinstance(answer, str)
    assert answer["ids"].tolist() == [[1, 2, 1]]
