"""Models on a batch without any token, T = 0: no positions, finite rows."""

import keras
import model_cases
import numpy as np
import pytest
from backends import BACKEND
from model_cases import INPUTS, ModelCase

# The others also read positions, targets or tables.
FAMILIES = (
    *("bert", "elmo", "elmo_words", "elmo_many_langs"),
    *("word_vectors", "word_vectors_and_more"),
    *("awd_lstm", "awd_lstm_documents", "cove"),
)
ROWS = 2
NO_ANSWER = {
    "lstm and crf": "Keras's own RNN fails without a step",
    "recurrent_encoder": "the same",
    "with_markers": "its outputs hold the markers, and no law of this form",
}


def cases() -> list:
    return [
        pytest.param(case, marks=[pytest.mark.slow] * case.variant)
        for case in model_cases.CASES
        if case.family in FAMILIES
        and not any(part in case.name for part in NO_ANSWER)
    ]


def flat(outputs: dict) -> dict[str, np.ndarray]:
    found = {}
    for key, value in outputs.items():
        many = value if isinstance(value, list) else [value]
        for k, one in enumerate(many):
            found[f"{key}/{k}"] = keras.ops.convert_to_numpy(one)
    return found


@pytest.mark.quick(
    "elmo_encoder", "bert_encoder, norm first", "span_extractor*"
)
@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_no_token_in_and_none_out(case: ModelCase) -> None:
    model = case.create()
    inputs = {
        name: value[:ROWS, :0]
        for name, (value, *_) in INPUTS[case.family].items()
    }
    ways = [model(inputs)]
    if BACKEND == "tensorflow":
        import tensorflow as tf

        # In a graph with unknown B and T.
        specs = {
            name: tf.TensorSpec([None, None, *value.shape[2:]], value.dtype)
            for name, value in inputs.items()
        }
        tensors = {name: tf.constant(x) for name, x in inputs.items()}
        ways.append(tf.function(model, input_signature=[specs])(tensors))
    for outputs in ways:
        for name, value in flat(outputs).items():
            axes = case.outputs[name.split("/")[0]]
            assert value.ndim == len(axes)
            for size, axis in zip(value.shape, axes, strict=True):
                expected = {"B": ROWS, "T": 0}.get(axis, size)
                assert size == expected, name
            assert np.isfinite(value.astype("float64")).all(), name


def test_pooled_of_no_token_is_that_of_zeros() -> None:
    model = model_cases.bert()
    pooler = model.get_layer("pooler")
    pooler.bias.assign(np.linspace(-1, 1, 8))
    inputs = {
        name: value[:ROWS, :0] for name, (value, *_) in INPUTS["bert"].items()
    }
    pooled = keras.ops.convert_to_numpy(model(inputs)["pooled"])
    expected = np.tanh(np.linspace(-1, 1, 8))
    np.testing.assert_allclose(pooled, [expected] * ROWS, rtol=0, atol=1e-6)
