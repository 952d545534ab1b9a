"""The laws that every layer obeys, on every backend."""

import inspect
import json

import keras
import numpy as np
import pytest
from backends import BACKEND, compiled, gradients, quickest
from keras import ops
from layer_calls import arrays, build, built, call, functional, numpy
from layer_cases import CASES, LENGTHS, Argument, Case, slow_variants

from keras_ctx import layers

POLICIES = {  # name: the bound on the difference from float32
    "float16": 2e-2,
    "bfloat16": 2e-1,
    "mixed_float16": 2e-2,
    "mixed_bfloat16": 2e-1,
    "float64": 1e-5,
}


def subjects(law: str, dear: bool = False) -> pytest.MarkDecorator:
    """Returns all cases but those that state why they cannot obey a law.

    For an expensive law, with seconds per case, variants are slow tests.
    """
    cases = [case for case in CASES if law not in case.exempt]
    return pytest.mark.parametrize(
        "case",
        slow_variants(cases) if dear else cases,
        ids=lambda case: case.name,
    )


every_case = subjects("")


def answer(case: Case, layer: keras.layers.Layer, flat: dict, run=None) -> list:
    """Returns the outputs of a call as arrays, and restores the state of the
    layer for the next call."""
    before = layer.get_weights()
    outputs = call(case, layer, flat) if run is None else run(flat)
    layer.set_weights(before)
    return numpy(outputs)


def as_float(array: np.ndarray) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(ops.cast(array, "float32")))


def test_no_public_layer_escapes() -> None:
    covered = {case.name.replace(",", "").split()[0] for case in CASES}
    assert covered == set(layers.__all__)
    assert len({case.name for case in CASES}) == len(CASES)


def test_every_exemption_names_a_law() -> None:
    laws = {name for case in CASES for name in case.exempt}
    assert laws <= {"alone", "export", "padding", "policies"}


@pytest.mark.quick("[!B]*", "BiLM", "BiLM, stateful")
@every_case
def test_symbolic_shape_and_dtype_are_the_eager_ones(case: Case) -> None:
    layer = case.create()
    symbolic = call(
        case,
        layer,
        {
            name: keras.KerasTensor(each.value.shape, each.value.dtype.name)
            for name, each in case.flat_arguments.items()
        },
    )
    eager = call(case, layer, arrays(case))
    assert len(eager) == len(symbolic) == len(case.outputs)
    for s, e in zip(symbolic, eager, strict=True):
        assert tuple(s.shape) == tuple(e.shape)
        assert s.dtype == keras.backend.standardize_dtype(e.dtype)
    dynamic = functional(case, layer).outputs
    for s, axes in zip(dynamic, case.outputs, strict=True):
        for size, axis in zip(s.shape, axes, strict=True):
            assert (size is None) == (axis in "BTSMK")


@pytest.mark.quick("[!B]*", "BiLM", "BiLM, stateful")
@every_case
def test_build_makes_every_weight(case: Case) -> None:
    layer = case.create()
    config = layer.get_config()
    build(case, layer)
    before = [weight.path for weight in layer.variables]
    call(case, layer, arrays(case))
    assert [weight.path for weight in layer.variables] == before
    assert len(set(before)) == len(before)
    if "in RNN" not in case.name:  # Keras records how the cell was built
        assert layer.get_config() == config


@every_case
def test_config_round_trip(case: Case) -> None:
    for layer in (case.create(), built(case)):
        config = json.loads(json.dumps(layer.get_config()))
        read = json.loads(json.dumps(config))
        again = type(layer).from_config(read)
        assert again.get_config() == config
        # Every argument of the constructor is in the configuration.
        names = set(inspect.signature(type(layer).__init__).parameters)
        assert names - {"self", "kwargs"} <= set(config)


@pytest.mark.quick("[!B]*", "BiLM", "BiLM, stateful")
@every_case
def test_saved_or_cloned_is_equal_to_the_bit(case: Case, tmp_path) -> None:
    model = functional(case, built(case))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    # Through JSON, which makes lists of tuples.
    configs = [json.dumps(each.get_config()) for each in (loaded, model)]
    assert configs[0] == configs[1]
    clone = keras.models.clone_model(model)
    assert clone.output_shape == model.output_shape
    weights = model.get_weights()
    assert not {id(w) for w in clone.weights} & {id(w) for w in model.weights}
    clone.set_weights(weights)
    for found, expected in zip(clone.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(found, expected)
    found, cloned = loaded(arrays(case)), clone(arrays(case))
    for key, expected in model(arrays(case)).items():
        for other in (found, cloned):
            np.testing.assert_array_equal(
                ops.convert_to_numpy(other[key]), ops.convert_to_numpy(expected)
            )


@pytest.mark.quick(
    "CRF", "CharCNNHighway", "TransformerEncoderBlock", "AddSentenceMarkers"
)
@pytest.mark.skipif(
    BACKEND != "tensorflow", reason="a SavedModel is a format of TensorFlow"
)
@subjects("export", dear=True)
def test_exported_and_loaded_raw_is_equal(case: Case, tmp_path) -> None:
    import tensorflow as tf

    model = functional(case, built(case))
    model.export(tmp_path / "exported", verbose=False)
    exported = tf.saved_model.load(str(tmp_path / "exported"))
    for flat in (arrays(case), padded(case, 2), row(case, 0, trim=True)):
        expected = model(flat)
        found = exported.serve({k: tf.constant(v) for k, v in flat.items()})
        assert found.keys() == expected.keys()
        for key in expected:
            np.testing.assert_allclose(
                ops.convert_to_numpy(found[key]),
                ops.convert_to_numpy(expected[key]),
                rtol=0,
                atol=1e-6,
            )


@pytest.mark.quick("mixed_bfloat16-*", "float16-*")
@subjects("policies", dear=True)
@pytest.mark.parametrize("policy", POLICIES)
def test_policy(case: Case, policy: str) -> None:
    if policy == "float64" and BACKEND == "jax":
        pytest.skip("JAX has float64 only by a switch for the whole process")
    reference = built(case)
    layer = built(case, dtype=policy)
    layer.set_weights(reference.get_weights())
    for weight in layer.weights:
        if "seed" not in weight.path:
            assert weight.dtype == layer.dtype_policy.variable_dtype
    run = quickest(layer, lambda flat: call(case, layer, flat))
    outputs = run(arrays(case))
    expected = call(case, reference, arrays(case))
    compute = layer.dtype_policy.compute_dtype
    named = {
        "compute": compute,
        "float32 at least": "float64" if compute == "float64" else "float32",
    }
    dtypes = case.dtype
    if isinstance(dtypes, str):
        dtypes = (dtypes,) * len(outputs)
    symbolic = call(
        case,
        layer,
        {
            name: keras.KerasTensor(each.value.shape, each.value.dtype.name)
            for name, each in case.flat_arguments.items()
        },
    )
    for x, reference_x, s, dtype in zip(
        outputs, expected, symbolic, dtypes, strict=True
    ):
        wanted = named.get(dtype, dtype)
        assert keras.backend.standardize_dtype(x.dtype) == wanted == s.dtype
        difference = np.abs(as_float(x) - as_float(reference_x))
        scale = np.maximum(1, np.abs(as_float(reference_x)))
        # Written so that NaN fails.
        assert np.all(difference / scale < POLICIES[policy])


@subjects("", dear=True)
def test_every_trainable_weight_gets_a_gradient(case: Case) -> None:
    layer = built(case)
    generator = np.random.default_rng(6)
    # Random, since a plain sum is constant behind a norm.
    directions = [
        generator.normal(size=x.shape).astype("float32")
        for x in call(case, layer, arrays(case))
    ]

    def loss():
        outputs = call(case, layer, arrays(case))
        return sum(
            ops.sum(d * ops.cast(x, "float32"))
            for d, x in zip(directions, outputs, strict=True)
        )

    if not layer.trainable_weights:
        assert not layer.weights or not layer.trainable_variables
        return
    for path, gradient in gradients(layer, loss).items():
        assert gradient is not None, path
        largest = np.abs(gradient).max()
        if any(path.endswith(name) for name in case.no_gradient):
            assert largest < 1e-4, path
        else:
            assert np.isfinite(gradient).all() and largest > 1e-4, path


@pytest.mark.quick("[!B]*", "BiLM", "BiLM, stateful")
@every_case
def test_frozen_layer_does_not_train(case: Case) -> None:
    # As `load_model` does: with the constructor, not the setter.
    layer = case.create(trainable=False)
    model = functional(case, layer)
    assert not model.trainable_weights
    before = model.get_weights()
    evaluated = model(arrays(case), training=False)
    if "training" not in case.call:
        model.set_weights(before)  # a state
        trained = model(arrays(case), training=True)
        for key, expected in evaluated.items():
            np.testing.assert_array_equal(
                ops.convert_to_numpy(trained[key]),
                ops.convert_to_numpy(expected),
            )


def padded(case: Case, amount: int) -> dict[str, np.ndarray]:
    """Returns the arguments with more padding on the right of every T."""

    def pad(each: Argument) -> np.ndarray:
        widths = np.array(
            [(0, amount if axis == "T" else 0) for axis in each.axes]
        )
        wider = np.pad(each.value, widths, constant_values=each.pad)
        if wider.dtype == "float32":
            junk = np.random.default_rng(7).normal(size=wider.shape)
            added = ~np.pad(np.ones(each.value.shape, bool), widths)
            wider[added] *= junk[added]
        return wider

    return {name: pad(each) for name, each in case.flat_arguments.items()}


def assert_same_where_real(
    case: Case, found: list[np.ndarray], expected: list[np.ndarray], rows: list
) -> None:
    """Compares the part that both have, without masked tokens."""
    masked = "padding_mask" in case.arguments
    for x, y, axes in zip(found, expected, case.outputs, strict=True):
        common = tuple(
            slice(min(sizes)) for sizes in zip(x.shape, y.shape, strict=True)
        )
        x, y = x[common], y[common]
        for k, row in enumerate(rows):
            if masked:
                real = tuple(
                    slice(LENGTHS[row] if axis == "T" else None)
                    for axis in axes[1:]
                )
            else:
                real = ()
            np.testing.assert_allclose(
                x[k][real].astype("float64"),
                y[k][real].astype("float64"),
                rtol=0,
                atol=1e-6,
            )


@pytest.mark.quick("[!B]*", "BiLM", "BiLM, stateful")
@subjects("padding")
def test_padding_changes_no_real_output(case: Case) -> None:
    layer = built(case)
    expected = answer(case, layer, arrays(case))
    run = quickest(layer, lambda flat: call(case, layer, flat))
    found = answer(case, layer, padded(case, 3), run)
    assert_same_where_real(case, found, expected, [0, 1, 2])


def row(case: Case, index: int, trim: bool) -> dict[str, np.ndarray]:
    """Returns one row of the batch, without its padding if `trim`."""

    def cut(each: Argument) -> np.ndarray:
        if "B" not in each.axes:
            return each.value
        surplus = 5 - LENGTHS[index] if trim else 0
        return each.value[
            tuple(
                slice(index, index + 1)
                if axis == "B"
                else slice(size - surplus if axis == "T" else size)
                for axis, size in zip(each.axes, each.value.shape, strict=True)
            )
        ]

    return {name: cut(each) for name, each in case.flat_arguments.items()}


@subjects("alone")
def test_alone_is_as_in_a_batch(case: Case) -> None:
    layer = built(case)
    expected = numpy(call(case, layer, arrays(case)))
    run = quickest(layer, lambda flat: call(case, layer, flat))
    for index, trim in ((1, False), (2, True)):
        found = numpy(run(row(case, index, trim)))
        of_row = [y[index : index + 1] for y in expected]
        assert_same_where_real(case, found, of_row, [index])


@subjects("", dear=True)
def test_compiled_is_as_eager(case: Case) -> None:
    layer = built(case)
    run = compiled(layer, lambda flat: call(case, layer, flat))
    found = answer(case, layer, arrays(case), run)
    expected = answer(case, layer, arrays(case))
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_allclose(
            x.astype("float64"), y.astype("float64"), rtol=0, atol=1e-5
        )
