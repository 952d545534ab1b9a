"""What every test starts from: a quiet TensorFlow and the same seeds.

There is one CPU device here. Two logical ones, for `tf.distribute`, would be
in the way of `jit_compile=True` (XLA looks for variables on the first device
only), so tests of distribution run a script in a process of its own.
"""

import gc
import os
from fnmatch import fnmatchcase

# Before the first import of TensorFlow: it reads the level once.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pytest


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
    """Keeps what the imports have made out of the garbage collector.

    It stays to the end, and half a million objects would be searched again
    and again, by Keras itself at each weight that `quantize` takes away.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def same_seeds() -> None:
    """Seeds Python, NumPy and the backend: a test gives the same numbers
    alone and among others."""
    keras.utils.set_random_seed(20_260_101)
