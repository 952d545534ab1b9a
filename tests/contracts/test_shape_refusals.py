"""Inputs of wrong shapes are refused with our messages, in calls and when a
functional model is built."""

from typing import Any, cast

import keras
import numpy as np
import pytest
from backends import BACKEND
from layer_calls import arrays, built, call, numpy
from layer_cases import CASES, B, Case, T

ANY_SHAPE = {
    "WordEmbedding": "as in Keras's Embedding",
    "VocabularyBias": "its axis is the last",
    "ScalarMix": "a mixture is a sum",
    "ProjectedLSTMCell in RNN": "Keras's RNN speaks first",
}
"""Cases whose first argument may have other shapes, with the reason."""


def refused(case: Case, layer, flat: dict, name: str, rule: str) -> None:
    """Checks the refusal eagerly and on symbolic inputs."""
    symbolic = {
        key: keras.KerasTensor(x.shape, x.dtype.name) for key, x in flat.items()
    }
    for arguments in (flat, symbolic):
        message = rf"`{name}`.* {rule}(.|\n)*Received: "
        with pytest.raises(ValueError, match=message):
            layer(**case.nested(arguments), **case.call)


def wrong_ranks(case: Case) -> list[tuple[str, np.ndarray]]:
    found = []
    for name, value in arrays(case).items():
        if (
            name in case.arguments
            and case.name.split(" with ")[0] not in ANY_SHAPE
        ):
            found += [(name, value[..., 0]), (name, value[..., None])]
    return [
        (name, x)
        for name, x in found
        # Characters and words.
        if not (case.name.startswith("PaddingMask") and x.ndim in (2, 3))
    ]


@pytest.mark.parametrize(
    "case", [c for c in CASES if wrong_ranks(c)], ids=lambda case: case.name
)
def test_rank(case: Case) -> None:
    layers = [case.create(), built(case)]  # before and after its weights
    for name, x in wrong_ranks(case):
        for layer in layers:
            refused(case, layer, {**arrays(case), name: x}, name, "must")


FEATURES_READ = {  # by a weight with a row or column for each
    "BiLM",
    "CRF",
    "ProjectedLSTMCell",
    "SampledSoftmax",
    "TransformerEncoderBlock, norm first, with all masks and scores",
    "VocabularyBias",
    "WeightDroppedLSTM",
    "HighwayLSTM",
}


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.name in FEATURES_READ],
    ids=lambda case: case.name,
)
def test_other_features_than_it_was_built_for(case: Case) -> None:
    layer = built(case)
    x = arrays(case)["inputs"]
    for other in (x[..., 1:], np.concatenate([x, x], axis=-1)):
        flat = {**arrays(case), "inputs": other}
        refused(case, layer, flat, "inputs", "must (have|be)")


@pytest.mark.quick("[!B]*", "BiLM")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_integers_for_numbers_are_these_numbers(case: Case) -> None:
    layers = [built(case), built(case)]  # one may keep a state
    for x, y in zip(layers[0].weights, layers[1].weights, strict=True):
        y.assign(x)
    whole = {
        k: np.rint(x) for k, x in arrays(case).items() if x.dtype.kind == "f"
    }
    integers = {name: x.astype("int64") for name, x in whole.items()}
    if not whole:
        return
    found, expected = (
        numpy(call(case, layer, {**arrays(case), **few}))
        for layer, few in zip(layers, (integers, whole), strict=True)
    )
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_allclose(x, y, rtol=0, atol=1e-6)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="it alone has such tensors")
@pytest.mark.parametrize(
    "case",
    # Keras's RNN reads its inputs itself.
    [case for case in CASES if not case.name.endswith("in RNN")],
    ids=lambda case: case.name,
)
def test_ragged_and_sparse_tensors_are_refused(case: Case) -> None:
    import tensorflow as tf

    layer = built(case)
    flat = arrays(case)
    name, x = next(iter(flat.items()))
    for other in (
        cast(Any, tf.RaggedTensor).from_tensor(tf.constant(x)),
        tf.sparse.from_dense(tf.constant(x)),
    ):
        with pytest.raises(ValueError, match="must be a dense tensor"):
            layer(**case.nested({**flat, name: other}), **case.call)


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if "padding_mask" in case.arguments],
    ids=lambda case: case.name,
)
def test_mask_of_other_tokens(case: Case) -> None:
    layer = built(case)
    for shape in ((B, T + 1), (B + 1, T), (1, T)):
        flat = {**arrays(case), "padding_mask": np.ones(shape, bool)}
        refused(case, layer, flat, "padding_mask", "must have the same axes")


@pytest.mark.quick("[!B]*", "BiLM")
@pytest.mark.parametrize(
    "case",
    [case for case in CASES if "padding_mask" in case.arguments],
    ids=lambda case: case.name,
)
def test_what_is_added_to_scores_is_no_mask(case: Case) -> None:
    layer = built(case)
    real = arrays(case)["padding_mask"]
    for mask in ((real - 1) * 10_000, np.where(real, 0.0, -1e9)):
        flat = {**arrays(case), "padding_mask": mask}
        with pytest.raises(ValueError, match=r"`padding_mask` must hold bool"):
            layer(**case.nested(flat), **case.call)
    # Numbers work like booleans, as files store them.
    for dtype in ("int64", "uint8", "float32", "float64"):
        flat = {**arrays(case), "padding_mask": real.astype(dtype)}
        layer(**case.nested(flat), **case.call)


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("TokenAndSegmentEmbedding", "segment_ids"),
        ("SampledSoftmax", "targets"),
        (
            "BiLM with a text of its own for the backward stack",
            "backward_inputs",
        ),
    ],
)
def test_second_argument_of_other_tokens(name: str, argument: str) -> None:
    case = next(case for case in CASES if case.name == name)
    longer = np.repeat(arrays(case)[argument], 2, axis=1)
    flat = {**arrays(case), argument: longer}
    refused(case, built(case), flat, argument, "must have the same axes")


def test_attention_mask_of_one_row_is_that_of_all() -> None:
    case = next(case for case in CASES if "attention_mask" in case.arguments)
    layer, flat = built(case), arrays(case)
    one = {**flat, "attention_mask": flat["attention_mask"][:1]}
    for x, y in zip(
        layer(**one, **case.call), layer(**flat, **case.call), strict=True
    ):
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(x), keras.ops.convert_to_numpy(y)
        )
    for wrong in (flat["attention_mask"][:2], np.ones((B, T, T + 1), bool)):
        refused(
            case,
            layer,
            {**flat, "attention_mask": wrong},
            "attention_mask",
            "must have the shape",
        )
