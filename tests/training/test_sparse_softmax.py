"""Sparse gradients of the softmax over words: the same steps as dense ones."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ctx import layers, models, training
from keras_ctx.training.optimizers.adagrad import Adagrad

V, N, B, T = 30, 6, 4, 3
STEPS = 4


def batch(step: int) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(step)
    return {
        "char_ids": draw.integers(1, 262, (B, T, 5)),
        # Few words: most rows occur more than once.
        "forward_targets": draw.integers(0, 8, (B, T + 1)),
        "backward_targets": draw.integers(0, 8, (B, T + 1)),
        "negative_ids": np.stack(
            [[draw.permutation(V)[:N] for _ in (0, 1)]] * B
        ).astype("int32"),
    }


def trained(optimizer, sparse: bool, scope=None) -> dict[str, np.ndarray]:
    """Trains a small language model, and returns its weights."""
    keras.utils.set_random_seed(1)
    with scope or tf.distribute.get_strategy().scope():
        encoder = models.elmo_encoder(
            [(1, 8)], 16, 4, max_characters=5, dropout=0.0
        )
        model = models.elmo_language_model(encoder, V, N, dropout=0.0)
        model = training.distributed(model)
        softmax = model.get_layer("softmax")
        assert not softmax.sparse_gradient
        softmax.sparse_gradient = sparse
        model.compile(
            optimizer(),
            loss=training.elmo_pretraining_losses(),
            jit_compile=False,
        )
    before = softmax.get_weights()
    features = [batch(step) for step in range(STEPS)]
    zeros = np.zeros((STEPS, B, T + 1), "float32")
    weights = np.full((STEPS, B, T + 1), 1 / (B * (T + 1)), "float32")
    keys = ("forward", "backward")
    batches: Any = (
        {k: np.stack([x[k] for x in features]) for k in features[0]},
        dict.fromkeys(keys, zeros),
        dict.fromkeys(keys, weights),
    )
    model.fit(
        tf.data.Dataset.from_tensor_slices(batches), shuffle=False, verbose=0
    )
    for weight, old in zip(softmax.get_weights(), before, strict=True):
        assert np.abs(weight - old).max() > 1e-4
    return {x.path: x.numpy() for x in model.trainable_variables}


def assert_equal(found: dict, expected: dict) -> None:
    assert found.keys() == expected.keys()
    for path, weight in found.items():
        np.testing.assert_allclose(
            weight, expected[path], rtol=0, atol=1e-5, err_msg=path
        )


def adagrad(**settings):
    return lambda: Adagrad(0.2, **settings)


OPTIMIZERS = {
    "elmo": training.elmo_optimizer,
    "clipped": lambda: training.elmo_optimizer(clip_norm=0.1),
    "each_clipped": adagrad(epsilon=0.0, clipnorm=0.05),
    "epsilon": adagrad(),
    "loss_scale": adagrad(epsilon=0.0, loss_scale_factor=8.0),
    "adamw": lambda: training.bert_optimizer(0.05, STEPS),
}


@pytest.mark.slow  # a step by hand is below
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_steps_are_those_of_dense_gradients(optimizer) -> None:
    assert_equal(trained(optimizer, True), trained(optimizer, False))


def test_dense_and_sparse_by_hand() -> None:
    """Adagrad's first step, of a row that occurs three times and of one that
    does not occur."""
    softmax = layers.SampledSoftmax(V)
    softmax.build((None, None, 2))
    softmax.sparse_gradient = True
    optimizer = training.elmo_optimizer(clip_norm=None)
    before = softmax.kernel.numpy()
    inputs = np.random.default_rng(3).normal(size=(1, 3, 2)).astype("float32")
    targets, negatives = np.array([[7, 7, 7]]), np.array([0, 2])
    with tf.GradientTape() as tape:
        loss = softmax(inputs, targets, negatives, training=True)
    [gradient] = tape.gradient(loss, [softmax.kernel.value])
    assert isinstance(gradient, tf.IndexedSlices)
    dense = tf.convert_to_tensor(gradient).numpy()
    optimizer.apply([gradient], [softmax.kernel])
    step = softmax.kernel.numpy() - before
    expected = -0.2 * dense / np.sqrt(1 + dense**2)
    np.testing.assert_allclose(step, expected, rtol=0, atol=1e-6)
    assert np.abs(step[7]).min() > 1e-3 and not step[8].any()


@pytest.mark.slow
def test_bfloat16() -> None:
    with_policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        found, expected = (
            trained(training.elmo_optimizer, sparse) for sparse in (True, False)
        )
    finally:
        keras.config.set_dtype_policy(with_policy)
    for path, weight in found.items():
        # The parts of a row are summed in bfloat16 or in float32.
        np.testing.assert_allclose(
            weight, expected[path], rtol=0, atol=5e-3, err_msg=path
        )


def test_a_step_reads_no_whole_table() -> None:
    """The graph of a step has no tensor with a row for each word."""
    softmax = layers.SampledSoftmax(12345)
    softmax.build((None, None, 2))
    softmax.sparse_gradient = True
    optimizer = training.elmo_optimizer()
    optimizer.build([softmax.kernel, softmax.bias])

    @tf.function
    def step(inputs, targets, negatives):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(
                softmax(inputs, targets, negatives, training=True)
            )
        weights = softmax.trainable_weights
        found = tape.gradient(loss, [weight.value for weight in weights])
        optimizer.apply(found, weights)
        return loss

    compiled: Any = step
    graph = compiled.get_concrete_function(
        tf.TensorSpec((2, 3, 2)),
        tf.TensorSpec((2, 3), tf.int32),
        tf.TensorSpec((4,), tf.int32),
    ).graph
    shapes = [out.shape for op in graph.get_operations() for out in op.outputs]
    assert len(shapes) > 50
    assert not [
        shape for shape in shapes if shape.rank and 12345 in shape.as_list()
    ]


def test_not_saved() -> None:
    softmax = layers.SampledSoftmax(V)
    softmax.sparse_gradient = True
    copy = layers.SampledSoftmax.from_config(softmax.get_config())
    assert not copy.sparse_gradient


@pytest.mark.slow
def test_two_devices(tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    subprocess.run(
        [sys.executable, __file__, path],
        check=True,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(
                [str(Path(__file__).parents[1] / "distribution"), *sys.path]
            ),
        },
    )
    found = dict(np.load(path))
    expected = trained(training.elmo_optimizer, False)
    assert_equal(found, expected)


def main(path: str) -> None:
    from train_on_devices import two_devices  # pyright: ignore

    _, both = two_devices()
    found: Any = trained(training.elmo_optimizer, True, both.scope())
    np.savez(path, **found)


if __name__ == "__main__":
    main(sys.argv[1])
