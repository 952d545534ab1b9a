"""What every test starts from: a quiet TensorFlow and the same seeds.

There is one CPU device here. Two logical ones, for `tf.distribute`, would be
in the way of `jit_compile=True` (XLA looks for variables on the first device
only), so tests of distribution run a script in a process of its own.
"""

import gc
import os

# Before the first import of TensorFlow: it reads the level once.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pytest


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
