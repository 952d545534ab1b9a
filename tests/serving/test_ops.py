"""Exports have only ops of TensorFlow Serving since 2.12, and no paths."""

import inspect
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf
import tensorflow_text as tf_text
from conversations import conversation
from cpp_server import compiled, op_libraries, serve
from served_models import NAMES, Case
from served_ops import (
    NEW_ATTRIBUTES,
    NEW_OPS,
    PYTHON_OPS,
    TEXT_OPS,
    absolute_paths,
    ops,
    unservable,
)

from keras_ctx.text import SPECIAL_TOKENS, AddedToken, BertInputs

Exported = Callable[[str], tuple[Case, Path]]


# The quick export is checked by test_cpp.py, which makes it.
@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_servers_since_2_12_have_every_op(
    name: str, exported: Exported
) -> None:
    _, version = exported(name)
    assert unservable(version) == []
    # Served ops are in functions, which are checked.
    assert ops(version) & {"MatMul", "BatchMatMulV2", "Einsum"}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_no_absolute_path_inside(name: str, exported: Exported) -> None:
    _, version = exported(name)
    assert absolute_paths(version) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_answers_by_another_tensorflow(
    name: str, exported: Exported, pytestconfig: pytest.Config
) -> None:
    # For example that of 2.12.1, which TF Serving 2.12 is built from:
    #   pip download --no-deps tensorflow-cpu==2.12.1 tensorflow-text==2.12.1
    #   unzip -d FOLDER each of the two wheels
    #   OTHER_TENSORFLOW=FOLDER pytest tests/serving/test_ops.py -m slow
    folder = os.environ.get("OTHER_TENSORFLOW")
    if folder is None:
        pytest.skip("OTHER_TENSORFLOW names no folder of unpacked wheels")
    assert pytestconfig.cache is not None
    cache = pytestconfig.cache.mkdir("serve_requests")
    program = compiled(cache, Path(folder).resolve() / "tensorflow")
    libraries = op_libraries(Path(folder).resolve())
    case, version = exported(name)
    signatures = serve(program, version, (), libraries).signatures
    asked = conversation(case, version, signatures)
    run = serve(program, version, asked.requests, libraries)
    assert run.status == 0, run.log
    assert f"{folder}/tensorflow/libtensorflow_cc.so.2" in run.mapped
    print(name, asked.check(run.answers))


def save(folder: Path, function: Callable[[tf.Tensor], tf.Tensor]) -> Path:
    serving_default = tf.function(
        lambda text: {"output": function(text)},
        input_signature=[tf.TensorSpec([None], tf.string, "text")],
        autograph=False,
    )
    signatures = {"serving_default": serving_default}
    tf.saved_model.save(tf.Module(), str(folder), signatures)
    return folder


def shrunk(text: tf.Tensor) -> tf.Tensor:
    trimmer = tf_text.RoundRobinTrimmer(3)
    return trimmer.trim([tf.strings.split(text)])[0].to_tensor()


def by_python(text: tf.Tensor) -> tf.Tensor:
    return tf.py_function(lambda x: x, [text], tf.string)


def with_new_op(text: tf.Tensor) -> tf.Tensor:
    rows = tf.zeros([2], tf.int64)
    filled = tf.raw_ops.RaggedFillEmptyRows(
        value_rowids=rows, values=text, nrows=3, default_value=""
    )
    return filled[1]


def with_new_attribute(text: tf.Tensor) -> tf.Tensor:
    return tf.scatter_nd([[9]], text, [3], bad_indices_policy="IGNORE")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (shrunk, "TFText>RoundRobinTrim .* neither TensorFlow nor TF Text"),
        (by_python, "EagerPyFunc .* calls Python"),
        (with_new_op, "RaggedFillEmptyRows .* came after TensorFlow 2.12"),
        (with_new_attribute, "ScatterNd .* has `bad_indices_policy`"),
    ],
)
def test_check_finds(function: Callable, message: str, tmp_path: Path) -> None:
    [found] = unservable(save(tmp_path, function))
    assert re.match(message, found)


def test_odd_text_inputs_need_no_newer_op(tmp_path: Path) -> None:
    # Text inputs of published checkpoints, with all rare settings.
    tokens = [*SPECIAL_TOKENS, "a", "cat", "[E1]", "url"]
    inputs = BertInputs(
        tokens,
        16,
        strip_accents=False,
        tokenize_chinese_chars=False,
        special_tokens_in_text=True,
        added_tokens=[
            AddedToken("cat", single_word=True),
            AddedToken("[E1]", normalized=False, single_word=True),
            AddedToken("url", lstrip=True, rstrip=True),
        ],
    )
    version = save(tmp_path, lambda text: inputs(text)["token_ids"])
    assert "UnsortedSegmentJoin" in ops(version)
    assert unservable(version) == []
    assert absolute_paths(version) == []


def test_check_finds_paths(tmp_path: Path) -> None:
    def save_with(content: str) -> None:
        save(tmp_path, lambda text: tf.strings.join([text, content]))

    for content in ("/", "and/or/neither", "//", "</s>", "http://a/b/c"):
        save_with(content)
        assert absolute_paths(tmp_path) == []
    save_with("from /home/her/vocab.txt")
    assert absolute_paths(tmp_path) == ["saved_model.pb: /home/her/vocab.txt"]
    save_with("")
    (tmp_path / "signature.json").write_text(f'{{"a": "{tmp_path}"}}')
    assert absolute_paths(tmp_path) == [f"signature.json: {tmp_path}"]


def test_lists_agree_with_this_tensorflow() -> None:
    # A misspelled name would never be found.
    for op in NEW_OPS | PYTHON_OPS:
        assert hasattr(tf.raw_ops, op), op
    for op in TEXT_OPS:
        assert not hasattr(tf.raw_ops, op), op
    for op in NEW_ATTRIBUTES:
        assert hasattr(tf.raw_ops, op), op
    policy = inspect.signature(tf.raw_ops.ScatterNd).parameters
    assert policy["bad_indices_policy"].default == ""
