"""Set-up of every test: a quiet TensorFlow and fixed seeds.

There is one CPU device here. Two logical devices, for `tf.distribute`, would
break `jit_compile=True` (XLA looks for variables on the first device only), so
tests of distribution run scripts in their own processes.
"""

import gc
import os

# Before the first import of TensorFlow, which reads the level once.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pytest


def pytest_collection_finish() -> None:
    """Excludes imported objects from garbage collection.

    Half a million objects stay to the end, and would be searched repeatedly,
    by Keras itself at each weight that `quantize` removes.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def same_seeds() -> None:
    """Seeds Python, NumPy and the backend, so that tests are reproducible."""
    keras.utils.set_random_seed(20_260_101)
