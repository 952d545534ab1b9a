"""Google's compiler for TPUs accepts complete train steps; `make tpu`.

libtpu is not a dependency: its licence is that of Google Cloud, and JAX
searches for TPUs wherever it is installed.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("compile_for_tpu.py")


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("libtpu") is None,
    reason="libtpu is not there: `make tpu` fetches it",
)
def test_train_steps_compile_for_a_tpu() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["bert", "elmo", "stream"]
