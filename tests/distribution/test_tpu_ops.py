"""A TPU would accept every op of a complete train step."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from pretraining import PRETRAINING
from tpu_ops import graph_nodes, refused

# Ops of the loss, gradients and update; for the biLM also of its loops, which
# are functions that the graph calls.
EXPECTED = {
    "bert": {"SparseSoftmaxCrossEntropyWithLogits", "Softmax", "RsqrtGrad"},
    "elmo": {"SigmoidGrad", "ReluGrad", "TensorListSetItem", "Log1p"},
    "stream": {"SigmoidGrad", "ReluGrad", "TensorListSetItem", "Log1p"},
}


@functools.cache
def compiled_step(name: str) -> tuple:
    """Returns a model with dropout, its train step and a batch."""
    make_model, make_batches = PRETRAINING[name]
    model = make_model(dropout=0.2, jit_compile=True)
    if name == "bert":
        # With the metric of recipes/pretrain_bert.py.
        metrics = {key: ["accuracy"] for key in ("masked_lm", "next_sentence")}
        model.compile(
            model.optimizer,
            model.loss,
            weighted_metrics=metrics,
            jit_compile=True,
        )
    batch = keras.tree.map_structure(
        lambda x: tf.constant(x[0]), make_batches()
    )
    return model, tf.function(model.train_step, jit_compile=True), batch


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] * (name != "bert"))
        for name in PRETRAINING
    ],
)
def test_no_op_of_a_train_step_is_refused(name: str, record_property) -> None:
    _, step, batch = compiled_step(name)
    assert refused(step, batch) == set()
    found = {node.op for node in graph_nodes(step, batch)}
    record_property("ops", " ".join(sorted(found)))
    update = {"MatMul", "Sqrt", "AssignSubVariableOp"}
    dropout = {"StatelessRandomUniformIntV2"}
    assert found > EXPECTED[name] | update | dropout


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bert", "stream"])
def test_compiled_steps_learn_with_dropout(name: str) -> None:
    # XLA draws other random numbers than TensorFlow, so losses differ.
    model, step, batch = compiled_step(name)
    losses = []
    for _ in range(30):
        model.reset_metrics()
        losses.append(float(step(batch)["loss"]))
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.4


def inner_unique(x):
    """An op in the body of a loop, which is a separate function."""

    def body(i, x):
        return i + 1, x + tf.reduce_sum(tf.unique(x)[0])

    return tf.while_loop(lambda i, _: i < 3, body, (0, x))[1]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (
            lambda x: tf.strings.length(tf.strings.as_string(x)),
            {"graph: AsString", "no HLO: "},
        ),
        (
            lambda x: tf.py_function(lambda y: y, [x], tf.float32),
            {"graph: EagerPyFunc", "no HLO: "},
        ),
        (
            lambda x: tf.ragged.range(tf.cast(x, tf.int32)).values,
            {"graph: RaggedRange", "no HLO: "},
        ),
        (
            lambda x: tf.size(tf.where(x > 1)),
            {"graph: Where", "HLO: a size that depends on data, [<=4,1]"},
        ),
        (
            inner_unique,
            {"graph: Unique", "HLO: a size that depends on data, [<=4]"},
        ),
        (
            lambda x: 2 * tf.cast(x, tf.float64),
            {"graph: Mul, float64", "HLO: float64, f64["},
        ),
        (
            lambda x: tf.linalg.eigvalsh(tf.reshape(x, (2, 2))),
            {'HLO: a kernel from outside XLA, custom_call_target="Eigh"'},
        ),
    ],
)
def test_what_a_tpu_refuses_is_found(call, expected: set[str]) -> None:
    x = tf.constant([1.0, 2.0, 3.0, 2.0])
    found = refused(tf.function(call, jit_compile=True, autograph=False), x)
    for start in expected:
        assert any(each.startswith(start) for each in found), (start, found)


def test_what_a_tpu_takes_is_not_refused() -> None:
    square = tf.function(lambda x: tf.nn.softmax(x * x), jit_compile=True)
    assert refused(square, tf.ones((2, 3))) == set()
