"""Invalid ids, positions and targets are refused with our messages in eager
calls, and give NaN in graphs."""

import keras
import numpy as np
import pytest
from backends import compiled
from keras import ops
from layer_calls import arrays, built
from layer_cases import CASES, Case

from keras_ctx import layers

X = np.arange(24, dtype="float32").reshape(2, 3, 4)
WITH_IDS = [
    case
    for case in CASES
    if not case.variant
    and case.name != "PaddingMask"  # only tests for 0
    and any(x.dtype == "int32" for x in arrays(case).values())
]


@pytest.mark.parametrize("case", WITH_IDS, ids=lambda case: case.name)
def test_ids_that_are_no_whole_numbers(case: Case) -> None:
    layer = built(case)
    for name, x in arrays(case).items():
        if x.dtype == "int32":
            for half in (x + 0.5, np.where(x == x.max(), np.nan, x)):
                flat = {**arrays(case), name: half.astype("float32")}
                with pytest.raises(ValueError, match="must be whole numbers"):
                    layer(**case.nested(flat), **case.call)


@pytest.mark.parametrize("bad", [-1, 3])
def test_positions_outside_a_row(bad: int) -> None:
    layer = layers.GatherPositions()
    positions = np.array([[0, 2], [1, bad]], "int32")
    with pytest.raises(ValueError, match="`positions` must be from 0 to 2"):
        layer(X, positions)
    run = compiled(layer, lambda flat: layer(X, flat["positions"]))
    found = ops.convert_to_numpy(run({"positions": positions}))
    assert found[0].tolist() == [[0, 1, 2, 3], [8, 9, 10, 11]]
    assert found[1, 0].tolist() == [16, 17, 18, 19]
    assert np.isnan(found[1, 1]).all()


def test_positions_in_rows_without_tokens() -> None:
    with pytest.raises(ValueError, match="the length of a row is 0"):
        layers.GatherPositions()(X[:, :0], np.zeros((2, 1), "int32"))


@pytest.mark.parametrize("bad", [-1, 11])
def test_targets_outside_the_vocabulary(bad: int) -> None:
    layer = layers.SampledSoftmax(11)
    layer.build(X.shape)
    targets = np.array([[0, 10, bad], [1, 2, 3]], "int32")
    ids = np.array([0, 4], "int32")
    rule = "`targets` must be from 0 to 10: `vocabulary_size` is 11"
    for more in ({}, {"negative_ids": ids, "training": True}):
        with pytest.raises(ValueError, match=rule):
            layer(X, targets, **more)
        run = compiled(layer, lambda t, more=more: layer(X, t["y"], **more))
        found = ops.convert_to_numpy(run({"y": targets}))
        assert np.isnan(found).tolist() == [[False, False, True], [False] * 3]


@pytest.mark.parametrize("bad", [-1, 11])
def test_negatives_outside_the_vocabulary(bad: int) -> None:
    layer = layers.SampledSoftmax(11)
    layer.build(X.shape)
    targets, ids = np.zeros((2, 3), "int32"), np.array([0, bad], "int32")
    with pytest.raises(ValueError, match="`negative_ids` must be from 0 to 10"):
        layer(X, targets, ids, training=True)
    run = compiled(layer, lambda n: layer(X, targets, n["ids"], training=True))
    assert np.isnan(ops.convert_to_numpy(run({"ids": ids}))).all()


@pytest.mark.parametrize(
    ("dtype", "first"), [("int64", 2**32), ("uint64", 2**63), ("uint32", 2**31)]
)
def test_ids_that_do_not_fit_are_no_small_ones(dtype: str, first: int) -> None:
    if keras.backend.backend() != "tensorflow":
        pytest.skip("JAX has no 64 bits, PyTorch no unsigned ones")
    ids = np.array([[first + 5, 3]], dtype)
    rows = ops.convert_to_numpy(layers.WordEmbedding(9, 2)(ids))
    assert np.isnan(rows).all(axis=-1).tolist() == [[True, False]]
    marked = ops.convert_to_numpy(layers.AddMarkerIds()(ids))
    assert marked[0, 1] < 0 and marked[0, 2] == 3


def test_bidirectional_of_what_reads_both_ways() -> None:
    with pytest.raises(ValueError, match="reads in both directions itself"):
        keras.layers.Bidirectional(layers.BiLM(8, 4))


def test_time_distributed_model_of_a_bilm() -> None:
    inputs = keras.Input((3, 4))
    mixed = layers.ScalarMix(2)(layers.BiLM(8, 4)(inputs))
    model = keras.Model(inputs, mixed)
    many = np.stack([X, X + 1], axis=1)  # (B, 2, T, D)
    found = ops.convert_to_numpy(keras.layers.TimeDistributed(model)(many))
    for i in range(2):
        alone = ops.convert_to_numpy(model(many[:, i]))
        np.testing.assert_allclose(found[:, i], alone, rtol=0, atol=1e-6)


def test_one_tensor_is_no_list_of_layers() -> None:
    with pytest.raises(ValueError, match="`layers` must be a list.*one tensor"):
        layers.ScalarMix(2)(np.stack([X, X]))
