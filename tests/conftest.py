"""Set-up of every test: a quiet TensorFlow and fixed seeds.

There is one CPU device here. Two logical devices, for `tf.distribute`, would
break `jit_compile=True` (XLA looks for variables on the first device only), so
tests of distribution run scripts in their own processes.
"""

import gc
import os
from fnmatch import fnmatchcase
from unittest import mock

import pytest

# Before the first import of TensorFlow, which reads the level once.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# What is imported stays to the end: nothing to search until all is collected.
gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Makes slow what `quick(*patterns)` does not name."""
    unused: dict[tuple[str, str], bool] = {}
    for item in items:
        mark = item.get_closest_marker("quick")
        if mark is None:
            continue
        name, _, case = item.name.removesuffix("]").partition("[")
        fits = {pattern: fnmatchcase(case, pattern) for pattern in mark.args}
        for pattern, fit in fits.items():
            key = f"{item.path}::{name}", pattern
            unused[key] = unused.get(key, True) and not fit
        if not any(fits.values()):
            item.add_marker(pytest.mark.slow)
    # A single case was asked for: the others are not there to be named.
    if not any("[" in argument for argument in config.args):
        for (test, pattern), is_unused in unused.items():
            if is_unused:
                raise pytest.UsageError(f"{test} has no case {pattern!r}")


def pytest_collection_finish() -> None:
    """Excludes imported objects from garbage collection.

    Half a million objects stay to the end, and would be searched repeatedly,
    by Keras itself at each weight that `quantize` removes. What tests make is
    searched seldom: a model has more objects than Python's threshold of 700.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
    gc.enable()


@pytest.fixture(autouse=True)
def same_seeds() -> None:
    """Seeds Python, NumPy and Keras, so that tests are reproducible.

    TensorFlow's own seed stays: a new one frees the kernels of all operations,
    and creating them again took a quarter of the time.
    """
    # Not above: the process that hands out the tests does without TensorFlow.
    import keras
    import tensorflow as tf

    with mock.patch.object(tf.random, "set_seed"):
        keras.utils.set_random_seed(20_260_101)
