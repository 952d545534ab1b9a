"""Exports hold what TensorFlow Serving 2.12 and later have, and no paths."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf
import tensorflow_text as tf_text
from conversations import conversation
from cpp_server import compiled, op_libraries, serve
from served_models import CASES, Case
from served_ops import (
    NEW_OPS,
    PYTHON_OPS,
    TEXT_OPS,
    absolute_paths,
    ops,
    unservable,
)

Exported = Callable[[str], tuple[Case, Path]]


@pytest.mark.parametrize("name", CASES)
def test_servers_since_2_12_have_every_op(
    name: str, exported: Exported
) -> None:
    _, version = exported(name)
    assert unservable(version) == []
    # What is served stands in functions, and was looked at.
    assert ops(version) & {"MatMul", "BatchMatMulV2", "Einsum"}


@pytest.mark.parametrize("name", CASES)
def test_no_absolute_path_inside(name: str, exported: Exported) -> None:
    _, version = exported(name)
    assert absolute_paths(version) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
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
    module = tf.Module()
    module.serve = tf.function(  # pyright: ignore
        lambda text: {"output": function(text)},
        input_signature=[tf.TensorSpec([None], tf.string, "text")],
    )
    tf.saved_model.save(module, str(folder), {"serving_default": module.serve})
    return folder


def shrunk(text: tf.Tensor) -> tf.Tensor:
    trimmer = tf_text.RoundRobinTrimmer(3)
    return trimmer.trim([tf.strings.split(text)])[0].to_tensor()


def by_python(text: tf.Tensor) -> tf.Tensor:
    return tf.py_function(lambda x: x, [text], tf.string)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (shrunk, "TFText>RoundRobinTrim .* neither TensorFlow nor TF Text"),
        (by_python, "EagerPyFunc .* calls Python"),
        (
            lambda x: tf.raw_ops.RaggedFillEmptyRows(
                value_rowids=tf.zeros([2], tf.int64),
                values=tf.zeros([2]),
                nrows=3,
                default_value=1.0,
            )[1],
            "RaggedFillEmptyRows .* came after TensorFlow 2.12",
        ),
        (
            lambda x: tf.scatter_nd(
                [[9]], [1], [3], bad_indices_policy="IGNORE"
            ),
            "ScatterNd .* has `bad_indices_policy`",
        ),
    ],
)
def test_check_finds(function: Callable, message: str, tmp_path: Path) -> None:
    [found] = unservable(save(tmp_path, function))
    assert re.match(message, found)


def test_check_finds_paths(tmp_path: Path) -> None:
    assert absolute_paths(save(tmp_path, tf.strings.lower)) == []
    (tmp_path / "vocab.txt").write_text("/\nand/or\n//\n</s>\n", "utf-8")
    assert absolute_paths(tmp_path) == []
    home = "/home/her/vocab.txt"
    save(tmp_path, lambda text: tf.strings.join([text, home]))
    assert absolute_paths(tmp_path) == [f"saved_model.pb: {home}"]


def test_lists_agree_with_this_tensorflow() -> None:
    # Misspelled, a name would be looked for in vain.
    for op in NEW_OPS | PYTHON_OPS:
        assert hasattr(tf.raw_ops, op), op
    for op in TEXT_OPS:
        assert not hasattr(tf.raw_ops, op), op
