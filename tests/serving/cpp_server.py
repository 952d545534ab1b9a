"""Compiles `serve_requests.cc` and asks it: a server without Python.

program = compiled(folder)
served = serve(program, version, [("serving_default", {"text": texts})])
served.answers[0]["logits"]
"""

import fcntl
import functools
import hashlib
import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorflow as tf

SOURCE = Path(__file__).with_name("serve_requests.cc")
TENSORFLOW = Path(tf.sysconfig.get_lib())

Arrays = dict[str, np.ndarray]
Request = tuple[str, Mapping[str, Any]]


class Signature(NamedTuple):
    """What the program says of a signature: dtype and shape by name."""

    method: str
    inputs: dict[str, tuple[str, str]]
    outputs: dict[str, tuple[str, str]]


class Served(NamedTuple):
    """What one run of the program left behind.

    An answer is the outputs by name, or the error's text. After a crash there
    are fewer answers than requests.
    """

    status: int
    signatures: dict[str, Signature]
    answers: list[Arrays | str]
    mapped: list[str]
    log: str


def op_libraries(packages: Path | None = None) -> list[Path]:
    """TF Text's libraries of ops, of this Python or of another folder."""
    if packages is None:
        spec = find_spec("tensorflow_text")
        assert spec is not None and spec.submodule_search_locations
        packages = Path(spec.submodule_search_locations[0]).parent
    libraries = (packages / "tensorflow_text/python/ops").glob("_*.so")
    return sorted(libraries)


def compiled(folder: Path, tensorflow: Path = TENSORFLOW) -> Path:
    """The program in `folder`, compiled there unless it is up to date.

    Skips the test where there is no compiler.
    """
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("the C++ server needs g++, which is not installed")
    key = hashlib.sha256(SOURCE.read_bytes())
    key.update(f"{tensorflow} {tf.__version__}".encode())
    program = folder / f"serve_requests-{key.hexdigest()[:16]}"
    # One of pytest's processes compiles, and the others wait for it.
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            unfinished = program.with_suffix(".unfinished")
            command = [
                *(compiler, str(SOURCE), "-o", str(unfinished), "-O1"),
                *("-std=c++17", "-Wno-deprecated-declarations"),
                # As the wheel was compiled; another would be another ABI.
                *("-D_GLIBCXX_USE_CXX11_ABI=1", "-DEIGEN_MAX_ALIGN_BYTES=64"),
                *("-isystem", f"{tensorflow}/include", f"-L{tensorflow}"),
                # Sessions register themselves: nothing refers to the library
                # that holds them.
                *("-Wl,--no-as-needed", "-l:libtensorflow_cc.so.2"),
                *("-l:libtensorflow_framework.so.2", "-ldl"),
                f"-Wl,-rpath,{tensorflow}",
            ]
            subprocess.run(command, check=True)
            os.replace(unfinished, program)
    return program


@functools.cache
def listed(program: Path, version: Path) -> dict[str, Signature]:
    """The signatures of a version, as the program reads them."""
    served = serve(program, version)
    assert served.status == 0, served.log
    return served.signatures


def serve(
    program: Path,
    version: Path,
    requests: Iterable[Request] = (),
    libraries: Sequence[Path] | None = None,
) -> Served:
    """Loads `version` in a process of its own and sends it the requests."""
    if libraries is None:
        libraries = op_libraries()
    with tempfile.TemporaryDirectory() as name:
        asked, answered = Path(name) / "requests", Path(name) / "answers"
        with tf.io.TFRecordWriter(str(asked)) as writer:
            for request in requests:
                writer.write(_node(*request).SerializeToString())
        finished = subprocess.run(
            [program, version, *libraries, "--", asked, answered],
            env={"PATH": os.environ["PATH"], "TF_CPP_MIN_LOG_LEVEL": "2"},
            capture_output=True,
            check=False,
            encoding="utf-8",
            # A crash is expected of some, and its image of no use.
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)),
        )
        records: list[Any] = []
        if answered.exists():
            dataset = tf.data.TFRecordDataset(str(answered))
            records = list(dataset.as_numpy_iterator())
    lines = [line.split("\t") for line in finished.stdout.splitlines()]
    return Served(
        status=finished.returncode,
        signatures=_signatures(lines),
        answers=[_answer(record) for record in records],
        mapped=[path for kind, path, *_ in lines if kind == "mapped"],
        log=finished.stderr,
    )


def _node(signature: str, inputs: Mapping[str, Any]) -> tf.compat.v1.NodeDef:
    request = tf.compat.v1.NodeDef(op=signature)
    for key, value in inputs.items():
        request.attr[key].tensor.CopyFrom(tf.make_tensor_proto(value))
    return request


def _answer(record: bytes) -> Arrays | str:
    answer = tf.compat.v1.NodeDef.FromString(record)
    if "" in answer.attr:
        return answer.attr[""].s.decode("utf-8", "replace")
    return {
        key: tf.make_ndarray(value.tensor) for key, value in answer.attr.items()
    }


def _signatures(lines: list[list[str]]) -> dict[str, Signature]:
    found: dict[str, Signature] = {}
    for kind, name, *rest in lines:
        # How the variables are restored; no one sends it a request.
        if name == "__saved_model_init_op":
            continue
        if kind == "signature":
            found[name] = Signature(rest[0], {}, {})
        elif kind in ("input", "output"):
            key, *description = rest
            _, inputs, outputs = found[name]
            side = inputs if kind == "input" else outputs
            side[key] = (description[0], description[1])
    return found
