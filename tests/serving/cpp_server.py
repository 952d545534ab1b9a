"""Compiles `serve_requests.cc`, a server without Python, and runs it.

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
    """A signature as the program lists it: dtype and shape by name."""

    method: str
    inputs: dict[str, tuple[str, str]]
    outputs: dict[str, tuple[str, str]]


class Served(NamedTuple):
    """The results of one run of the program.

    An answer is the outputs by name, or the error message. After a crash there
    are fewer answers than requests.
    """

    status: int
    signatures: dict[str, Signature]
    answers: list[Arrays | str]
    mapped: list[str]
    log: str


def op_libraries(packages: Path | None = None) -> list[Path]:
    """Returns TF Text's op libraries, of this Python or another folder."""
    if packages is None:
        spec = find_spec("tensorflow_text")
        assert spec is not None and spec.submodule_search_locations
        packages = Path(spec.submodule_search_locations[0]).parent
    libraries = (packages / "tensorflow_text/python/ops").glob("_*.so")
    return sorted(libraries)


def compiled(folder: Path, tensorflow: Path = TENSORFLOW) -> Path:
    """Returns the program in `folder`, compiled if it is out of date.

    Skips the test if there is no compiler.
    """
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("the C++ server needs g++, which is not installed")
    key = hashlib.sha256(SOURCE.read_bytes())
    key.update(f"{tensorflow} {tf.__version__}".encode())
    program = folder / f"serve_requests-{key.hexdigest()[:16]}"
    # One pytest process compiles; the others wait.
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            unfinished = program.with_suffix(".unfinished")
            command = [
                *(compiler, str(SOURCE), "-o", str(unfinished), "-O1"),
                *("-std=c++17", "-Wno-deprecated-declarations"),
                # Like the wheel: another setting would be another ABI.
                *("-D_GLIBCXX_USE_CXX11_ABI=1", "-DEIGEN_MAX_ALIGN_BYTES=64"),
                *("-isystem", f"{tensorflow}/include", f"-L{tensorflow}"),
                # Sessions register themselves: nothing refers to their library.
                *("-Wl,--no-as-needed", "-l:libtensorflow_cc.so.2"),
                *("-l:libtensorflow_framework.so.2", "-ldl"),
                f"-Wl,-rpath,{tensorflow}",
            ]
            subprocess.run(command, check=True)
            os.replace(unfinished, program)
    return program


@functools.cache
def listed(program: Path, version: Path) -> dict[str, Signature]:
    """Returns the signatures of a version, read by the program."""
    served = serve(program, version)
    assert served.status == 0, served.log
    return served.signatures


def serve(
    program: Path,
    version: Path,
    requests: Iterable[Request] = (),
    libraries: Sequence[Path] | None = None,
) -> Served:
    """Loads `version` in a separate process and sends it the requests."""
    if libraries is None:
        libraries = op_libraries()
    with tempfile.TemporaryDirectory() as name:
        asked, answered = Path(name) / "requests", Path(name) / "answers"
        with tf.io.TFRecordWriter(str(asked)) as writer:
            for request in requests:
                writer.write(_node(*request).SerializeToString())
        finished = subprocess.run(
            [program, version, *libraries, "--", asked, answered],
            env={
                "PATH": os.environ["PATH"],
                "TF_CPP_MIN_LOG_LEVEL": "2",
                # As in deploy/; answers without it are checked by `export`.
                "TF_ONEDNN_ASSUME_FROZEN_WEIGHTS": "1",
            },
            capture_output=True,
            check=False,
            encoding="utf-8",
            # Some crashes are expected; no core dump is needed.
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
        # Restores the variables; not for requests.
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
