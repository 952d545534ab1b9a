"""Private attributes of Keras: where we use them, and that they exist.

A new minor version of Keras may rename any of them silently. Then these tests
fail, and setup.cfg excludes that version until they pass.
"""

import ast
import importlib
import inspect
import pkgutil
import re
from functools import cache
from pathlib import Path

import keras
import numpy as np
from keras import ops
from syntax_trees import tree_of

import keras_ctx
from keras_ctx.layers.base.keras_hooks import (
    as_stored,
    inner_layers,
    take_arguments_as_they_are,
)
from keras_ctx.training.keras_hooks import LossOfFunction, start_at_epoch

ROOT = Path(__file__).resolve().parents[1]
HOOKS = ("layers/base/keras_hooks.py", "training/keras_hooks.py")
FILES = [
    path
    for folder in ("keras_ctx", "recipes")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if not path.as_posix().endswith(HOOKS)
]
# Documented despite the underscore: of named tuples, and of `os`.
DOCUMENTED = {"_asdict", "_exit", "_fields", "_replace"}
# Names that the hooks use, one per line; a check for each is below.
NAMES = {
    "_accumulators",
    "_all_reduce_sum_gradients",
    "_autocast",
    "_clip_gradients",
    "_convert_input_args",
    "_dropout_layer",
    "_get_variable_index",
    "_initial_epoch",
    "_keras_mask",
    "_layers",
    "_maybe_symbolic_build",
    "_momentums",
    "_symbolic_build",
    "_velocities",
}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def attributes(path: Path) -> set[str]:
    """Returns private attributes that a file reads, sets or looks up."""
    found = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif (
            isinstance(node, ast.Call)
            and getattr(node.func, "id", "") in ("getattr", "hasattr")
            and isinstance(node.args[1], ast.Constant)
        ):
            found.add(node.args[1].value)
    return set(filter(is_private, found))


@cache
def defined() -> frozenset[str]:
    """Returns private names of our classes, functions and `self`."""
    found = set()
    for path in FILES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
            elif (
                isinstance(node, ast.Attribute)
                and isinstance(node.ctx, ast.Store)
                and getattr(node.value, "id", "") == "self"
            ):
                found.add(node.attr)
    return frozenset(filter(is_private, found))


def test_only_the_hooks_use_private_attributes_of_others() -> None:
    allowed = (defined() | DOCUMENTED) - NAMES
    found = {
        path.relative_to(ROOT).as_posix(): foreign
        for path in FILES
        if (foreign := attributes(path) - allowed)
    }
    assert found == {}


def test_the_hooks_name_what_is_tested_here() -> None:
    found = set()
    for name in HOOKS:
        path = ROOT / "keras_ctx" / name
        found |= attributes(path)
        found |= {
            node.name
            for node in ast.walk(tree_of(path))
            if isinstance(node, ast.FunctionDef) and is_private(node.name)
        }
    assert found == NAMES


def private_names(kind: type) -> set[str]:
    """Returns private names of a class and of `self` in its methods."""
    try:
        on_self = re.findall(r"\bself\.(_\w+)", inspect.getsource(kind))
    except (OSError, TypeError):  # written in C
        on_self = []
    return set(filter(is_private, [*vars(kind), *on_self]))


def classes() -> list[type]:
    """Returns every class of the library with a Keras base class."""
    found = set()
    for module in pkgutil.walk_packages(keras_ctx.__path__, "keras_ctx."):
        for kind in vars(importlib.import_module(module.name)).values():
            if (
                inspect.isclass(kind)
                and kind.__module__.startswith("keras_ctx.")
                and not kind.__module__.endswith(".keras_hooks")
                and any(x.__module__.startswith("keras.") for x in kind.mro())
            ):
                found.add(kind)
    return sorted(found, key=lambda kind: kind.__qualname__)


def test_no_class_takes_a_private_name_of_its_base_in_keras() -> None:
    checked = classes()
    assert len(checked) > 30
    for kind in checked:
        theirs = {
            name
            for base in kind.mro()
            if not base.__module__.startswith("keras_ctx.")
            for name in private_names(base)
        }
        assert not private_names(kind) & theirs, kind


def parameters(function) -> list[str]:
    return list(inspect.signature(function).parameters)


def test_dropout_of_scores_is_a_layer_of_the_rate() -> None:
    layer = keras.layers.MultiHeadAttention(1, 2, dropout=0.25)
    layer.build((1, 4, 2), (1, 4, 2))
    assert isinstance(layer._dropout_layer, keras.layers.Dropout)
    assert layer._dropout_layer.rate == 0.25


def test_a_variable_is_read_as_it_is_stored() -> None:
    class Reads(keras.layers.Layer):
        def build(self, shape):
            self.table = self.add_weight(shape=(2,), initializer="ones")

        def call(self, x):
            stored = as_stored(self.table)
            read = {"stored": stored, "cast": ops.convert_to_tensor(self.table)}
            return {name: value * 1 for name, value in read.items()}

    read = Reads(dtype="mixed_bfloat16")(ops.ones((1,)))
    dtypes = {
        name: keras.backend.standardize_dtype(value.dtype)
        for name, value in read.items()
    }
    assert dtypes == {"stored": "float32", "cast": "bfloat16"}


def test_adam_has_two_moments_of_each_variable() -> None:
    variable = keras.Variable([3.0, 4.0])
    optimizer = keras.optimizers.Adam(1.0, beta_1=0.5, beta_2=0.75)
    optimizer.apply([ops.ones(2) * 2.0], [variable])
    (mean,), (square,) = optimizer._momentums, optimizer._velocities
    np.testing.assert_allclose(mean, [1.0, 1.0])
    np.testing.assert_allclose(square, [1.0, 1.0])


def test_layers_inside_a_layer_are_listed() -> None:
    layer = keras.layers.Bidirectional(keras.layers.LSTM(2))
    forward, backward = inner_layers(layer)
    assert (forward, backward) == (layer.forward_layer, layer.backward_layer)
    assert inner_layers(keras.layers.Dense(2)) == []


def test_a_layer_takes_arguments_as_they_are() -> None:
    class Kinds(keras.layers.Layer):
        def call(self, x):
            return x

    layer = Kinds(dtype="float32")
    given = ops.ones((2,), "float64")
    assert keras.backend.standardize_dtype(layer(given).dtype) == "float32"
    take_arguments_as_they_are(layer)
    assert keras.backend.standardize_dtype(layer(given).dtype) == "float64"


def test_fit_starts_at_the_epoch_that_a_callback_sets() -> None:
    begun = []

    class Start(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            start_at_epoch(self.model, 2)

        def on_epoch_begin(self, epoch, logs=None):
            begun.append(epoch)

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    assert hasattr(model, "_initial_epoch")
    model.compile("sgd", "mse")
    x = np.ones((2, 1))
    model.fit(x, x, epochs=4, verbose=0, callbacks=[Start()])
    assert begun == [2, 3]


def test_mask_of_a_loss_is_an_attribute_of_its_values() -> None:
    def ones(y_true, y_pred):
        values = ops.ones((2,))
        values._keras_mask = ops.convert_to_tensor([True, False])
        return values

    loss = LossOfFunction(ones, reduction="sum")
    assert float(loss(ops.ones((2,)), ops.ones((2,)))) == 1.0
    masked = keras.layers.Masking()(np.array([[[1.0], [0.0]]]))
    np.testing.assert_array_equal(masked._keras_mask, [[True, False]])


def test_loss_of_a_function_is_what_compile_makes() -> None:
    assert LossOfFunction.__name__ == "LossFunctionWrapper"
    assert parameters(LossOfFunction)[:3] == ["fn", "reduction", "name"]


def test_optimizer_has_its_hooks() -> None:
    optimizer = keras.optimizers.SGD()
    first, second = keras.Variable([1.0]), keras.Variable([2.0])
    optimizer.build([first, second])
    assert optimizer._get_variable_index(second) == 1
    reduce = keras.optimizers.Optimizer._all_reduce_sum_gradients
    assert parameters(reduce) == ["self", "grads_and_vars"]


def test_fit_builds_a_model_by_the_hook() -> None:
    expected = ["self", "iterator", "data_batch"]
    assert parameters(keras.Model._maybe_symbolic_build) == expected
    assert parameters(keras.Model._symbolic_build) == expected
    for method in (keras.Model.fit, keras.Model.evaluate):
        source = inspect.getsource(inspect.unwrap(method))
        assert "self._maybe_symbolic_build(iterator=" in source
