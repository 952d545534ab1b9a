"""A version in memory: warmed up when loaded, closed when unused."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from keras_ctx.serving.rest.loaded_version import WARM_UP, LoadedVersion

EXAMPLES = tf.TensorSpec((None,), tf.string, name="inputs")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Writes a version that returns texts of examples; fails at "bad"."""

    @tf.function(input_signature=[EXAMPLES])
    def echo(inputs):
        feature = tf.io.FixedLenFeature((), tf.string)
        found = tf.io.parse_example(inputs, {"a": feature, "b": feature})
        is_bad = tf.reduce_any(found["a"] == "bad")
        fine = tf.debugging.assert_equal(is_bad, False, "it is bad")
        with tf.control_dependencies([fine]):
            return {"outputs": tf.strings.join([found["a"], found["b"]])}

    module: Any = tf.Module()
    module.echo = echo
    tf.saved_model.save(module, str(tmp_path / "1"), {"echo": echo})
    return tmp_path / "1"


def example(**features: str) -> tf.train.Example:
    found = tf.train.Example()
    for name, value in features.items():
        found.features.feature[name].bytes_list.value.append(value.encode())
    return found


def serialized(**features: str) -> dict[str, np.ndarray]:
    found = np.empty(1, object)
    found[0] = example(**features).SerializeToString()
    return {"inputs": found}


def test_it_stays_open_while_it_is_used(folder: Path) -> None:
    version = LoadedVersion(folder)
    entered, closed = threading.Event(), threading.Event()
    answers = []

    def use() -> None:
        with version.in_use():
            entered.set()
            closed.wait()
            answers.append(version.run("echo", serialized(a="x", b="y")))

    thread = threading.Thread(target=use)
    thread.start()
    entered.wait()
    version.close()
    with pytest.raises(RuntimeError, match="is closed"):
        with version.in_use():
            pass
    closed.set()
    thread.join()
    assert answers[0]["outputs"].tolist() == [b"xy"]
    # Its memory is free now.
    with pytest.raises(AttributeError):
        version.run("echo", serialized(a="x", b="y"))


@pytest.mark.parametrize("kind", ["classify", "regress"])
@pytest.mark.parametrize("context", [False, True])
@pytest.mark.parametrize("text", ["good", "bad"])
def test_warm_up_with_examples(
    folder: Path, kind: str, context: bool, text: str
) -> None:
    log = prediction_log_pb2.PredictionLog()
    request = getattr(log, f"{kind}_log").request
    request.model_spec.signature_name = "echo"
    if context:
        listed = request.input.example_list_with_context
        listed.context.CopyFrom(example(b="of all"))
        listed.examples.append(example(a=text))
    else:
        request.input.example_list.examples.append(example(a=text, b=""))
    (folder / WARM_UP).parent.mkdir()
    with tf.io.TFRecordWriter(str(folder / WARM_UP)) as writer:
        writer.write(log.SerializeToString())
    if text == "bad":
        with pytest.raises(tf.errors.InvalidArgumentError, match="it is bad"):
            LoadedVersion(folder)
    else:
        LoadedVersion(folder).close()


def test_warm_up_for_an_unknown_signature(folder: Path) -> None:
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.model_spec.signature_name = "other"
    (folder / WARM_UP).parent.mkdir()
    with tf.io.TFRecordWriter(str(folder / WARM_UP)) as writer:
        writer.write(log.SerializeToString())
    with pytest.raises(ValueError, match="unknown signature, 'other'"):
        LoadedVersion(folder)


def test_warm_up_that_is_damaged(folder: Path) -> None:
    log = prediction_log_pb2.PredictionLog()
    path = folder / WARM_UP
    path.parent.mkdir()
    log.predict_log.request.model_spec.signature_name = "serving_default"
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(log.SerializeToString())
    content = bytearray(path.read_bytes())
    content[-6] ^= 4
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"warmup_requests: .* record 0, "):
        LoadedVersion(folder)
