"""Updates of BERT's optimizer, by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ctx import layers, models, training
from keras_ctx.training import LayerwiseAdamW, bert_optimizer, elmo_optimizer


def test_norms_biases_and_mixtures_do_not_decay() -> None:
    encoder = models.bert_encoder(11, 1, 2, 4, 8, max_length=6)
    mix = layers.ScalarMix(2)
    mix.build([(None, None, 4)] * 2)
    weights = encoder.trainable_weights + mix.trainable_weights
    optimizer = bert_optimizer(
        1e-3, total_steps=10, warmup_ratio=0.0, weight_decay=0.5
    )
    before = [w.numpy().copy() for w in weights]
    # Without a gradient, only decay changes a weight: by rate x decay.
    optimizer.build(weights)
    optimizer.apply([keras.ops.zeros_like(w) for w in weights], weights)
    decayed = set()
    for weight, old in zip(weights, before, strict=True):
        name = weight.path.split("/")[-1]
        if name in ("kernel", "embeddings"):
            decayed.add(name)
            np.testing.assert_allclose(
                weight.numpy(), old * (1 - 1e-3 * 0.5), rtol=1e-6
            )
        else:
            assert name in ("bias", "gamma", "beta", "weights", "scale")
            np.testing.assert_array_equal(weight.numpy(), old)
    assert decayed == {"kernel", "embeddings"}


def test_first_steps_are_of_the_size_of_the_rate() -> None:
    weight = keras.Variable(np.zeros(3, "float32"), name="kernel")
    optimizer = bert_optimizer(
        0.1, total_steps=10, warmup_ratio=0.2, weight_decay=0.0
    )
    gradient = np.array([0.5, -0.25, 0.125], "float32")
    moved = []
    for _ in range(3):
        before = weight.numpy().copy()
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [weight])
        moved.append(weight.numpy() - before)
    # With a constant gradient, Adam moves by the rate: steps 0 and 1 of the
    # warm-up, then the peak. In float32, squared gradients after bias
    # correction are accurate to 2e-4.
    for step, rate in zip(moved, (0.0, 0.05, 0.1), strict=True):
        np.testing.assert_allclose(step, -rate * np.sign(gradient), rtol=3e-4)


@pytest.mark.parametrize("clip_norm", [1.0, None])
def test_gradients_are_clipped_together(clip_norm: float | None) -> None:
    optimizer = bert_optimizer(0.1, total_steps=10, clip_norm=clip_norm)
    assert optimizer.global_clipnorm == clip_norm


def test_beta_2() -> None:
    assert bert_optimizer(0.1, 10).beta_2 == 0.999
    assert bert_optimizer(0.1, 10, beta_2=0.98).beta_2 == 0.98


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        # The middle of the rise: 10 of 20 steps; with ratio 32, 16.5 / 32.
        ({}, 0.5),
        ({"schedule": "slanted_triangular"}, 16.5 / 32),
    ],
)
def test_schedules_by_name(arguments: dict, expected: float) -> None:
    optimizer = bert_optimizer(1.0, 100, 0.2, **arguments)
    optimizer.iterations.assign(10)
    assert float(optimizer.learning_rate) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"schedule": "cosine"}, "`schedule` must be .*'cosine'"),
        ({"gradient_accumulation_steps": 0}, "`gradient_acc.* least 1.*=0"),
    ],
)
def test_errors(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bert_optimizer(1.0, 100, **arguments)


@pytest.mark.quick("float64-1e+20-1.0", "float64-0.0-1e-40", "float32-inf-*")
@pytest.mark.parametrize("bound", [1.0, 1e-30, 1e-40, -1.0])
@pytest.mark.parametrize("scale", [1.0, 1e20, 1e-22, 0.0, np.inf, np.nan])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_global_norm_is_clipped_as_by_keras(dtype, scale, bound) -> None:
    """Also where a norm in float32 would overflow or vanish."""
    found = []
    for kind in (training.LayerwiseAdamW, keras.optimizers.AdamW):
        variable = keras.Variable(np.ones(3), dtype=dtype)
        other = keras.Variable(np.ones(1), dtype=dtype)
        optimizer = kind(
            1e-2, weight_decay=0.01, epsilon=1e-30, global_clipnorm=bound
        )
        for _ in range(2):
            gradients = [
                tf.constant(np.array(x), dtype)
                for x in ([3.0 * scale, -4.0, 2.0], [scale])
            ]
            optimizer.apply(gradients, [variable, other])
        found.append(np.concatenate([variable.numpy(), other.numpy()]))
    # Two steps, each exact to 1e-5 of its length of 0.01; where the squares
    # of a gradient vanish in float32, steps are long.
    np.testing.assert_allclose(*found, rtol=1e-6, atol=2e-7)


WRONG_NUMBERS = [
    (bert_optimizer, {"beta_2": 1.5}, "`beta_2` must be"),
    (bert_optimizer, {"weight_decay": -1.0}, "`weight_decay` must be at least"),
    (bert_optimizer, {"clip_norm": float("nan")}, "`clip_norm` must be"),
    (bert_optimizer, {"clip_norm": 0.0}, "`clip_norm` must be"),
    (elmo_optimizer, {"learning_rate": -1.0}, "`learning_rate` must be"),
    (elmo_optimizer, {"clip_norm": -1.0}, "`clip_norm` must be"),
    (
        LayerwiseAdamW,
        {"gradient_accumulation_steps": -2},
        "`gradient_accumulation_steps` must be at least 2",
    ),
    (
        LayerwiseAdamW,
        {"gradient_accumulation_steps": 2.5},
        "`gradient_accumulation_steps` must be",
    ),
]


@pytest.mark.parametrize(("make", "options", "message"), WRONG_NUMBERS)
def test_numbers_out_of_range(make, options: dict, message: str) -> None:
    arguments = [0.1, 10] if make is bert_optimizer else []
    with pytest.raises((ValueError, TypeError), match=message):
        make(*arguments, **options)
