"""AdamW with a rate for each variable, beside NumPy's and beside Keras's."""

import json

import keras
import numpy as np
import pytest

from keras_ctx import models
from keras_ctx.training import LayerwiseAdamW, bert_optimizer, layer_rates

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
    """Loshchilov and Hutter, algorithm 2, in float64; a state per step."""
    beta_1, beta_2 = 0.9, 0.999
    weight = weight.astype("float64")
    m, v, own_step, states = 0 * weight, 0 * weight, 0, []
    for step, gradient in enumerate(given):
        if step >= first_step:
            own_step += 1
            rate = RATE * factor
            m = beta_1 * m + (1 - beta_1) * gradient
            v = beta_2 * v + (1 - beta_2) * gradient.astype("float64") ** 2
            # Keras adds epsilon to the root before it corrects the bias.
            root = np.sqrt(v) + EPSILON
            alpha = np.sqrt(1 - beta_2**own_step) / (1 - beta_1**own_step)
            weight = weight - rate * decay * weight - rate * alpha * m / root
        states.append(weight)
    return states


def clipped(given: list, norm: float | None, rates: dict) -> list:
    """A norm over all, of what no longer rests."""
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


def test_with_factors_of_one_it_is_keras_adamw() -> None:
    settings = {"weight_decay": DECAY, "global_clipnorm": 1.0}
    ours, theirs = variables(), variables()
    optimizer = LayerwiseAdamW(
        RATE, dict.fromkeys(SHAPES, (1, 0)), ["bias"], **settings
    )
    reference = keras.optimizers.AdamW(RATE, **settings)
    reference.exclude_from_weight_decay(var_names=["bias"])
    for given in gradients():
        apply(optimizer, ours, given)
        apply(reference, theirs, given)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_resting_variable_and_its_moments_do_not_move_a_bit() -> None:
    weights = variables()
    before = [x.numpy().copy() for x in weights]
    optimizer = LayerwiseAdamW(RATE, RATES, weight_decay=DECAY)
    optimizer.build(weights)
    rests = {"low": 3, "bias": 2}
    for step, given in enumerate(gradients(4)):
        apply(optimizer, weights, given)
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


FEATURES = {
    "token_ids": np.tile(np.arange(6, dtype="int32"), (8, 1)),
    "segment_ids": np.zeros((8, 6), "int32"),
    "padding_mask": np.ones((8, 6), bool),
}
LABELS = {"logits": np.arange(8) % 3}


def classifier(**compiled) -> keras.Model:
    keras.utils.set_random_seed(4)
    encoder = models.bert_encoder(
        *(9, 1, 2, 4, 8, 6),
        dropout=0.0,
        attention_dropout=0.0,
        initializer_range=0.5,
    )
    model = models.classifier(encoder, 3, dropout=0.0)
    rates = layer_rates(model, decay=0.5, unfreeze_every=2)
    model.compile(
        bert_optimizer(
            RATE, 40, layer_rates=rates, **compiled.pop("optimizer", {})
        ),
        loss={"logits": keras.losses.SparseCategoricalCrossentropy(True)},
        **compiled,
    )
    return model


def fit(model: keras.Model, epochs: int, initial_epoch: int = 0) -> None:
    model.fit(
        *(FEATURES, LABELS),
        batch_size=4,
        epochs=epochs,
        initial_epoch=initial_epoch,
        shuffle=False,
        verbose=0,
    )


def moved(model: keras.Model, before: dict) -> set[str]:
    return {
        x.path.split("/")[0]
        for x in model.trainable_variables
        if not np.array_equal(before[x.path], x.numpy())
    }


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("accumulated", [1, 2])
def test_layers_awake_one_after_the_other_in_fit(
    jit_compile: bool, accumulated: int
) -> None:
    model = classifier(
        jit_compile=jit_compile,
        optimizer={
            "gradient_accumulation_steps": accumulated,
            "warmup_share": 0,
        },
    )
    before = {x.path: x.numpy().copy() for x in model.trainable_variables}
    # Two batches an epoch, two updates a stage.
    awake = {"logits", "pooler"}
    for stage, name in enumerate((None, "block_0", "embeddings")):
        awake |= {name} if name else set()
        fit(model, (stage + 1) * accumulated, stage * accumulated)
        assert moved(model, before) == awake


def test_goes_on_from_its_file_as_if_it_had_not_been_written(tmp_path) -> None:
    model = classifier(jit_compile=False)
    fit(model, 2)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.optimizer, LayerwiseAdamW)
    config = json.loads(json.dumps(loaded.optimizer.get_config()))
    assert config["layer_rates"]["block_0/intermediate/bias"] == [0.5, 2]
    for each in (model, loaded):
        fit(each, 4, 2)
    for one, other in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_mixed_bfloat16() -> None:
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = classifier(jit_compile=False, optimizer={"warmup_share": 0})
    finally:
        keras.config.set_dtype_policy(previous)
    before = {x.path: x.numpy().copy() for x in model.trainable_variables}
    fit(model, 1)
    assert moved(model, before) == {"logits", "pooler"}
    fit(model, 3, 1)
    assert moved(model, before) >= {"block_0", "embeddings"}
    assert {x.dtype for x in model.optimizer.variables[2:]} == {"float32"}


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"at least 0. Received: a: \(-1, 0\)"):
        LayerwiseAdamW(RATE, {"a": (-1, 0)})
    with pytest.raises(ValueError, match=r"at least 0. Received: a: \(1, -2\)"):
        LayerwiseAdamW(RATE, {"a": (1, -2)})
    optimizer = LayerwiseAdamW(RATE, {"head": (1, 0), "low": (1, 0)})
    with pytest.raises(ValueError, match="every .*none for middle, bias"):
        optimizer.build(variables())
    optimizer = LayerwiseAdamW(RATE)
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
