"""AdamW with a rate per variable, compared with NumPy and Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ctx.training import LayerwiseAdamW, bert_optimizer

DECAY, RATE, EPSILON = 0.3, 0.01, 1e-4
STEPS = 7
SHAPES = {"head": (3, 2), "middle": (4,), "low": (2, 2), "bias": (3,)}
RATES = {"head": (1, 0), "middle": (0.5, 0), "low": (0.25, 3), "bias": (1, 2)}


def variables() -> list[keras.Variable]:
    g = np.random.default_rng(1)
    return [
        keras.Variable(g.normal(size=shape).astype("float32"), name=name)
        for name, shape in SHAPES.items()
    ]


def gradients(steps: int = STEPS) -> list[list[np.ndarray]]:
    g = np.random.default_rng(2)
    return [
        [g.normal(size=s).astype("float32") for s in SHAPES.values()]
        for _ in range(steps)
    ]


def apply(optimizer, weights: list, given: list) -> None:
    optimizer.apply([keras.ops.convert_to_tensor(x) for x in given], weights)


def numpy_adamw(weight, given: list, factor, first_step, decay) -> list:
    """Runs Loshchilov and Hutter's algorithm 2 in float64; yields states."""
    beta_1, beta_2 = 0.9, 0.999
    weight = weight.astype("float64")
    m, v, own_step, states = 0 * weight, 0 * weight, 0, []
    for step, gradient in enumerate(given):
        if step >= first_step:
            own_step += 1
            rate = RATE * factor
            m = beta_1 * m + (1 - beta_1) * gradient
            v = beta_2 * v + (1 - beta_2) * gradient.astype("float64") ** 2
            # Keras adds epsilon to the root before the bias correction.
            root = np.sqrt(v) + EPSILON
            alpha = np.sqrt(1 - beta_2**own_step) / (1 - beta_1**own_step)
            weight = weight - rate * decay * weight - rate * alpha * m / root
        states.append(weight)
    return states


def clipped(given: list, norm: float | None, rates: dict) -> list:
    """Clips by the norm over all variables that are not frozen."""
    result = []
    for step, arrays in enumerate(given):
        awake = [
            x * (step >= rates[name][1])
            for x, name in zip(arrays, SHAPES, strict=True)
        ]
        total = np.sqrt(sum((x.astype("float64") ** 2).sum() for x in awake))
        scale = 1.0 if norm is None else min(1.0, norm / total)
        result.append([x * scale for x in arrays])
    return result


@pytest.mark.parametrize("norm", [None, 2.0])
@pytest.mark.parametrize("rates", [None, RATES], ids=["plain", "layerwise"])
def test_steps_are_those_of_numpy(rates, norm: float | None) -> None:
    weights = variables()
    optimizer = LayerwiseAdamW(
        *(RATE, rates, ["^bias$"]),
        weight_decay=DECAY,
        epsilon=EPSILON,
        global_clipnorm=norm,
    )
    given_to_all = clipped(
        gradients(), norm, rates or dict.fromkeys(SHAPES, (1, 0))
    )
    expected = [
        numpy_adamw(
            weight.numpy(),
            [given[k] for given in given_to_all],
            *(rates or dict.fromkeys(SHAPES, (1, 0)))[weight.name],
            decay=0 if weight.name == "bias" else DECAY,
        )
        for k, weight in enumerate(weights)
    ]
    for step, given in enumerate(gradients()):
        apply(optimizer, weights, given)
        for k, weight in enumerate(weights):
            np.testing.assert_allclose(
                weight.numpy(), expected[k][step], rtol=0, atol=1e-6
            )


@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize("batches", [None, 3])
def test_with_factors_of_one_it_is_keras_adamw(
    batches: int | None, amsgrad: bool
) -> None:
    """Also with gradients of several batches per update.

    TensorFlow's kernel computes 1 - beta_2 in float32, Keras in float64. It
    has no AMSGrad, which is Keras's arithmetic to the bit.
    """
    settings = {
        "weight_decay": DECAY,
        "global_clipnorm": 1.0,
        "gradient_accumulation_steps": batches,
        "amsgrad": amsgrad,
    }
    ours, theirs = variables(), variables()
    optimizer = LayerwiseAdamW(
        RATE, dict.fromkeys(SHAPES, (1, 0)), ["bias"], **settings
    )
    reference = keras.optimizers.AdamW(RATE, **settings)
    reference.exclude_from_weight_decay(var_names=["bias"])
    assert optimizer.get_config()["gradient_accumulation_steps"] == batches
    for given in gradients():
        apply(optimizer, ours, given)
        apply(reference, theirs, given)
        assert int(optimizer.iterations) == int(reference.iterations)
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(
                one.numpy(), other.numpy(), rtol=0, atol=0 if amsgrad else 5e-7
            )


def test_sparse_gradients_update_the_rows_that_they_name() -> None:
    table = keras.Variable(np.ones((3, 2), "float32"), name="table")
    sparse = tf.IndexedSlices(
        tf.ones((1, 2)), tf.constant([1]), tf.constant([3, 2])
    )
    optimizer = LayerwiseAdamW(RATE, weight_decay=0.0)
    optimizer.apply([sparse], [table])
    np.testing.assert_allclose(table.numpy()[1], 1 - RATE, rtol=1e-5)
    np.testing.assert_array_equal(table.numpy()[[0, 2]], 1)


def test_weights_of_half_precision_are_refused() -> None:
    """In bfloat16 0.999 is 1, so that Keras's AdamW does not move them."""
    weight = keras.Variable([1.0, 1.0], dtype="bfloat16", name="kernel")
    optimizer = LayerwiseAdamW(0.25, weight_decay=0.0)
    with pytest.raises(ValueError, match="`variables` must .*mixed_bfloat16"):
        optimizer.apply([keras.ops.array([2.0, -2.0])], [weight])


def test_resting_variable_and_its_moments_do_not_move_a_bit() -> None:
    weights = variables()
    before = [x.numpy().copy() for x in weights]
    optimizer = LayerwiseAdamW(RATE, RATES, weight_decay=DECAY)
    optimizer.build(weights)
    rests = {"low": 3, "bias": 2}
    for step, given in enumerate(gradients(4)):
        # Without the variables, which it already has.
        optimizer.apply([keras.ops.convert_to_tensor(x) for x in given])
        for weight, first in zip(weights, before, strict=True):
            still = step < rests.get(weight.name, 0)
            assert np.array_equal(weight.numpy(), first) == still
            moments = [
                x.numpy().any()
                for x in optimizer.variables
                if x.name
                in (f"{weight.name}_momentum", f"{weight.name}_velocity")
            ]
            assert moments == [not still] * 2


def test_accumulated_batches_are_one_update() -> None:
    k = 3
    parts = gradients(k * STEPS)
    whole = [
        [
            np.mean([x[i] for x in parts[k * step : k * step + k]], axis=0)
            for i in range(len(SHAPES))
        ]
        for step in range(STEPS)
    ]
    ends = []
    for steps, given in ((1, whole), (k, parts)):
        weights = variables()
        optimizer = bert_optimizer(
            *(RATE, STEPS, 0.4),
            layer_rates=RATES,
            gradient_accumulation_steps=steps,
        )
        for x in given:
            apply(optimizer, weights, x)
        assert int(optimizer.iterations) == STEPS
        ends.append([x.numpy() for x in weights])
    for one, other in zip(*ends, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"at least 0. Received: a: \(-1, 0\)"):
        LayerwiseAdamW(RATE, {"a": (-1, 0)})
    with pytest.raises(ValueError, match=r"at least 0. Received: a: \(1, -2\)"):
        LayerwiseAdamW(RATE, {"a": (1, -2)})
    optimizer = LayerwiseAdamW(RATE, {"head": (1, 0), "low": (1, 0)})
    with pytest.raises(ValueError, match="every .*none for middle, bias"):
        optimizer.build(variables())
    optimizer = LayerwiseAdamW(RATE)
    with pytest.raises(ValueError, match="must already be built"):
        optimizer.apply([keras.ops.ones(1)])
    optimizer.build(variables())
    with pytest.raises(ValueError, match="must be called before"):
        optimizer.exclude_from_weight_decay(var_names=["bias"])


def test_variables_are_excluded_from_decay_as_keras_does_it() -> None:
    weights = variables()
    before = [x.numpy().copy() for x in weights]
    optimizer = LayerwiseAdamW(RATE, weight_decay=DECAY)
    optimizer.exclude_from_weight_decay([weights[0]], ["^b"])
    apply(optimizer, weights, [0 * x for x in before])
    still = [
        np.array_equal(x.numpy(), first)
        for x, first in zip(weights, before, strict=True)
    ]
    assert still == [True, False, False, True]
