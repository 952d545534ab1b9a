"""Watches a folder of versions, and keeps the newest in memory."""

import contextlib
import gc
import stat
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tensorflow.core.protobuf import error_codes_pb2

from keras_ctx.serving.rest.loaded_version import LoadedVersion
from keras_ctx.serving.verify.raw_answers import is_version

Identity = tuple[str, int, int]
"""Name of a version folder, inode and time, to detect a replacement."""


class NoSuchVersion(LookupError):
    """The version is not served: HTTP status 404."""


class UnknownLabel(LookupError):
    """No version has the label: HTTP status 400."""

    def __init__(self, label: str):
        super().__init__(f"Unrecognized servable version label: {label}")


@dataclass
class Version:
    """The state of one version folder."""

    identity: Identity
    state: str
    error_code: str = "OK"
    error: str = ""
    loaded: LoadedVersion | None = None
    since: float = 0.0


class WatchedModel:
    """One model, with its versions on disk and in memory.

    Call `refresh` repeatedly, from one thread, to follow the folder. A new
    version is loaded and warmed up while the old one answers, and then takes
    over; a request finishes on the version it started with. A version that
    fails to load only changes the status, and is retried a minute later.

    Args:
        name: Name of the model.
        folder: Folder of its versions.
        num_versions: Number of highest versions to serve.
        labels: Versions by label, served in addition to the highest.

    Example:
        >>> import tensorflow as tf
        >>> module = tf.Module()
        >>> module.double = tf.function(
        ...     lambda x: {"twice": 2 * x},
        ...     input_signature=[tf.TensorSpec((None,), tf.int32, name="x")])
        >>> tf.saved_model.save(module, "double/7", module.double)
        >>> model = WatchedModel("double", Path("double"))
        >>> model.refresh()
        ['double, version 7: available']
        >>> with model.version() as (number, loaded):
        ...     number, list(loaded.inputs("serving_default"))
        (7, ['x'])
        >>> model.status()["model_version_status"][0]["state"]
        'AVAILABLE'
    """

    retry_seconds = 60.0

    def __init__(
        self,
        name: str,
        folder: Path,
        num_versions: int = 1,
        labels: dict[str, int] | None = None,
    ):
        self.name = name
        self.folder = folder
        self.num_versions = num_versions
        self.labels = labels or {}
        self._versions: dict[int, Version] = {}
        # Guards the table during a look-up, never during a load.
        self._lock = threading.Lock()

    def refresh(self) -> list[str]:
        """Loads new versions in the folder, then drops removed ones.

        Returns:
            The changes, one line each.
        """
        happened = []
        folders = version_folders(self.folder)
        wanted = sorted(folders)[-self.num_versions :]
        wanted += [x for x in self.labels.values() if x in folders]
        for number in sorted(set(wanted), reverse=True):
            if self._must_load(number, folders[number]):
                happened.append(self._load(number, folders[number]))
        newest = self._versions.get(max(wanted, default=-1))
        for number in sorted(self._versions.keys() - set(wanted)):
            # An old version stays until the newest is loaded, but not if it was
            # removed from the folder.
            answers = newest is not None and newest.loaded is not None
            if answers or number not in folders:
                happened += self._drop(number, forget=number not in folders)
        return happened

    @contextlib.contextmanager
    def version(
        self, number: int | None = None, label: str | None = None
    ) -> Iterator[tuple[int, LoadedVersion]]:
        """Yields a version, which stays in memory while the block runs.

        Args:
            number: Number of the version. Without number and label, the highest
                in memory.
            label: Label of the version.

        Raises:
            NoSuchVersion: The version is not in memory.
            UnknownLabel: `label` is not in `labels`.
        """
        with contextlib.ExitStack() as stack:
            with self._lock:
                found = self._find(number, label)
                known = self._versions.get(found)
                if known is None or known.loaded is None:
                    which = label or ("latest" if number is None else number)
                    raise NoSuchVersion(
                        "Servable not found for request: "
                        f"{which} of model {self.name}"
                    )
                loaded = known.loaded
                stack.enter_context(loaded.in_use())
            yield found, loaded

    def status(
        self, number: int | None = None, label: str | None = None
    ) -> dict[str, Any]:
        """Returns the states of versions, in TensorFlow Serving's form.

        Raises:
            NoSuchVersion: The version does not exist, or there is none at all.
            UnknownLabel: `label` is not in `labels`.
        """
        with self._lock:
            chosen = sorted(self._versions, reverse=True)
            if number is not None or label is not None:
                found = self._find(number, label)
                chosen = [found] if found in self._versions else []
            if not chosen:
                raise NoSuchVersion(
                    f"Could not find any versions of model {self.name}"
                )
            versions = [(x, self._versions[x]) for x in chosen]
        return {
            "model_version_status": [
                {
                    "version": str(x),
                    "state": version.state,
                    "status": {
                        "error_code": version.error_code,
                        "error_message": version.error,
                    },
                }
                for x, version in versions
            ]
        }

    def close(self) -> None:
        """Drops all versions."""
        for number in list(self._versions):
            self._drop(number, forget=True)

    def _find(self, number: int | None, label: str | None) -> int:
        """Returns a version's number, or one that no version has."""
        if label is not None:
            if label not in self.labels:
                raise UnknownLabel(label)
            return self.labels[label]
        if number is not None:
            return number
        loaded = [x for x, version in self._versions.items() if version.loaded]
        return max(loaded, default=-1)

    def _must_load(self, number: int, identity: Identity) -> bool:
        known = self._versions.get(number)
        if known is None or known.identity != identity:
            return True
        if known.error:
            return time.monotonic() > known.since + self.retry_seconds
        return known.loaded is None

    def _load(self, number: int, identity: Identity) -> str:
        known = self._versions.get(number)
        old = known.loaded if known else None
        if old is None:
            self._put(number, Version(identity, "LOADING"))
        try:
            loaded = LoadedVersion(self.folder / identity[0])
        except Exception as error:  # The other versions keep answering.
            version = Version(identity, "AVAILABLE" if old else "END")
            version.loaded, version.since = old, time.monotonic()
            version.error_code, version.error = error_code(error), str(error)
            self._put(number, version)
            return f"{self.name}, version {number}: not loaded. {error}"
        self._put(number, Version(identity, "AVAILABLE", loaded=loaded))
        if old is not None:
            old.close()
        return f"{self.name}, version {number}: available"

    def _drop(self, number: int, forget: bool) -> list[str]:
        version = self._versions[number]
        if forget:
            with self._lock:
                del self._versions[number]
        elif version.loaded is not None:
            self._put(number, Version(version.identity, "END"))
        if version.loaded is None:
            return []
        version.loaded.close()
        # Its graph has reference cycles, which only the collector frees.
        del version
        gc.collect()
        return [f"{self.name}, version {number}: unloaded"]

    def _put(self, number: int, version: Version) -> None:
        with self._lock:
            self._versions[number] = version


def version_folders(folder: Path) -> dict[int, Identity]:
    """Returns the versions in a folder, with marks that detect replacements.

    Like TensorFlow Serving, it reads names with leading zeros, `0001`. Of two
    names for a version, the last in ASCII order counts, that is the shorter.
    """
    found = {}
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for entry in sorted(folder.iterdir()):
            if is_version(entry.name):
                # Ignore a folder that vanishes meanwhile.
                with contextlib.suppress(FileNotFoundError):
                    status = entry.stat()
                    if stat.S_ISDIR(status.st_mode):
                        mark = (entry.name, status.st_ino, status.st_mtime_ns)
                        found[int(entry.name)] = mark
    return found


def error_code(error: Exception) -> str:
    """Returns the name of an error's code, as of TensorFlow's errors."""
    code = getattr(error, "error_code", None)
    if code is not None:
        return error_codes_pb2.Code.Name(code)
    return "NOT_FOUND" if isinstance(error, OSError) else "INVALID_ARGUMENT"
