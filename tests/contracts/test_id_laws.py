"""Ids mean the same in any dtype."""

import numpy as np
import pytest
from layer_calls import arrays, build, call, numpy
from layer_cases import CASES, Case
from model_cases import CASES as MODEL_CASES
from model_cases import INPUTS, ModelCase
from random_weights import randomized
from test_model_laws import answer

from keras_ctx import layers

DTYPES = ("float32", "float64", "int64", "uint8", "int8", "uint16", "float16")
WITH_IDS = [
    case
    for case in CASES
    if any(v.dtype == "int32" for v in arrays(case).values())
]
WAYS_IN = list({case.family: case for case in MODEL_CASES[::-1]}.values())


def in_other_numbers(inputs: dict) -> dict[str, dict]:
    """Returns the same ids in each dtype that can hold them."""
    found = {}
    for dtype in DTYPES:
        other = {
            name: value.astype(dtype) if value.dtype == "int32" else value
            for name, value in inputs.items()
        }
        if all(np.array_equal(other[name], inputs[name]) for name in inputs):
            found[dtype] = other
    return found


@pytest.mark.quick("bfloat16-*")
@pytest.mark.parametrize("case", WITH_IDS, ids=lambda case: case.name)
# bfloat16 cannot hold 257, the id of a marker.
@pytest.mark.parametrize("policy", ["float32", "bfloat16"])
def test_layer(case: Case, policy: str) -> None:
    layer = case.create(
        **({} if "policies" in case.exempt else {"dtype": policy})
    )
    build(case, layer)
    randomized(layer)
    expected = numpy(call(case, layer, arrays(case)))
    others = in_other_numbers(arrays(case))
    assert len(others) > 3
    for dtype, inputs in others.items():
        found = numpy(call(case, layer, inputs))
        for x, y in zip(found, expected, strict=True):
            np.testing.assert_array_equal(x, y, err_msg=dtype)


@pytest.mark.quick("bert", "elmo", "elmo_words", "elmo_stream")
@pytest.mark.parametrize("case", WAYS_IN, ids=lambda case: case.family)
def test_model(case: ModelCase) -> None:
    inputs = {name: value for name, (value, *_) in INPUTS[case.family].items()}
    model = randomized(case.create())
    expected = answer(model, inputs)
    others = in_other_numbers(inputs)
    for dtype in ("float32", "int64", "uint8"):
        if dtype in others:
            for key, value in answer(model, others[dtype]).items():
                np.testing.assert_array_equal(
                    value, expected[key], err_msg=f"{key}, {dtype}"
                )


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_table_larger_than_the_numbers_of_a_dtype(dtype: str) -> None:
    layer = layers.WordEmbedding(300, 2)
    ids = np.array([[0, 1, 127]])
    np.testing.assert_array_equal(
        layer(ids.astype(dtype)), layer(ids.astype("int32"))
    )
