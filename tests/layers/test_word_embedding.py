"""Vectors of words, from a fixed table or from one of the batch."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ctx.layers import TakeRows, WordEmbedding


def numpy(x) -> np.ndarray:
    return keras.ops.convert_to_numpy(x)


def test_rows_of_the_table_and_one_for_no_word() -> None:
    layer = WordEmbedding(4, 2)
    table = np.array([[1, -1], [2, -2], [3, -3], [4, -4]], "float32")
    layer.build((None, None))
    layer.set_weights([table])
    found = numpy(layer(np.array([[3, 0], [1, 3]])))
    assert found.tolist() == [[[4, -4], [1, -1]], [[2, -2], [4, -4]]]


def test_id_outside_the_table_is_nan_and_no_error() -> None:
    layer = WordEmbedding(4, 2)
    found = np.isnan(numpy(layer(np.array([[4, 0, -1]])))).all(axis=-1)
    assert found.tolist() == [[True, False, True]]


def test_table_starts_uniform_from_minus_one_to_one() -> None:
    layer = WordEmbedding(2000, 5)
    layer.build((None, None))
    [table] = layer.get_weights()
    assert -1 <= table.min() < -0.99 and 0.99 < table.max() <= 1
    # 10,000 draws: the share's standard error is 0.005.
    assert np.mean(np.abs(table) < 0.5) == pytest.approx(0.5, abs=0.03)
    zeros = WordEmbedding(9, 5, embeddings_initializer="zeros")
    zeros.build((None, None))
    assert not zeros.get_weights()[0].any()
    again = WordEmbedding.from_config(zeros.get_config())
    again.build((None, None))
    assert not again.get_weights()[0].any()


def test_gradient_is_dense_and_adds_up_repeated_words() -> None:
    layer = WordEmbedding(4, 2)
    layer.build((None, None))
    ids = np.array([[1, 2, 1], [1, 1, 1]])
    factors = np.arange(12, dtype="float32").reshape(2, 3, 2)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(ids) * factors)
    gradient = tape.gradient(loss, layer.embeddings.value)
    assert not isinstance(gradient, tf.IndexedSlices)
    # 0 + 4 + 6 + 8 + 10 and 1 + 5 + 7 + 9 + 11.
    assert gradient.numpy().tolist() == [[0, 0], [28, 33], [2, 3], [0, 0]]


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((0, 4), "`input_dim` must be at least 1.*input_dim=0"),
        ((9, "4"), "`output_dim` must be .* output_dim='4'"),
        ((True, 4), "`input_dim` must be .* input_dim=True"),
    ],
)
def test_error_of_embedding(sizes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        WordEmbedding(*sizes)


def test_taken_rows_by_hand() -> None:
    table = np.array([[0.5, 1.5], [2.5, 3.5], [4.5, 5.5]], "float32")
    found = numpy(TakeRows()(table, np.array([[2, 2, 0], [1, 0, 1]])))
    assert found.tolist() == [
        [[4.5, 5.5], [4.5, 5.5], [0.5, 1.5]],
        [[2.5, 3.5], [0.5, 1.5], [2.5, 3.5]],
    ]


def test_gradient_of_taken_rows_adds_up() -> None:
    table = tf.Variable(tf.constant([[1.0], [2.0], [3.0]]))
    with tf.GradientTape() as tape:
        rows = TakeRows()(table * 1.0, np.array([[2, 0], [2, 2]]))
        loss = tf.reduce_sum(rows[..., 0] * [[1.0, 10], [100, 1000]])
    gradient = tf.convert_to_tensor(tape.gradient(loss, table))
    assert gradient.numpy().tolist() == [[10], [0], [1101]]


def test_rows_outside_the_table_are_nan() -> None:
    table = np.ones((3, 2), "float32")
    rows = TakeRows()(table, np.array([[3, 2, -1]]))
    found = np.isnan(numpy(rows)).all(axis=-1)
    assert found.tolist() == [[True, False, True]]


@pytest.mark.parametrize("shape", [(3,), (1, 3, 1)])
def test_error_of_ids_of_another_rank(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="`ids` must have 2 axes"):
        TakeRows()(np.ones((4, 2), "float32"), np.zeros(shape, "int32"))
