"""Folders of TFRecord files: written atomically, checked before reading."""

import errno
import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf

from keras_ctx.data.records.settings import RecordSettings
from keras_ctx.files.earlier_names import with_names_of_today
from keras_ctx.files.json_text import load_json, load_json_file
from keras_ctx.files.names import is_file_name
from keras_ctx.files.record_check import count_records, good_records
from keras_ctx.files.whole_file import whole_file, write_text
from keras_ctx.settings_diff import differences

MANIFEST = "manifest.json"
_AGAIN = "Prepare the corpus again: only incomplete files are written again."
# TensorFlow's errors for a full disk, and for a file of the maximum size.
_DISK_ERRORS = {
    tf.errors.ResourceExhaustedError: errno.ENOSPC,
    tf.errors.OutOfRangeError: errno.EFBIG,
}


class RecordFolder(NamedTuple):
    """The content of a folder's `manifest.json`."""

    path: Path
    settings: RecordSettings
    """The settings that the records depend on besides their texts."""
    source: dict[str, Any]
    """The source of the texts."""
    text_inputs: dict[str, Any] | None
    """The configuration that converted texts to ids, if any."""
    text_inputs_sha256: str | None
    """The SHA-256 digest of `text_inputs`."""
    counts: dict[str, int]
    files: list[dict[str, Any]]
    """`name`, `bytes` and `records` of each file."""

    @property
    def num_records(self) -> int:
        return sum(file["records"] for file in self.files)

    @property
    def paths(self) -> list[str]:
        """The paths of the files that hold records."""
        return [
            str(self.path / file["name"])
            for file in self.files
            if file["records"]
        ]


def write_records(
    path: Path, records: Iterable[bytes], counts: Counter[str]
) -> dict[str, Any]:
    """Writes a file of records under a temporary name, then renames it.

    `path.json` beside it has its size and its counts, and is written last: if
    it exists, the file is complete.
    """
    number = 0
    with whole_file(path) as temporary:
        try:
            with tf.io.TFRecordWriter(str(temporary)) as writer:
                for record in records:
                    writer.write(record)
                    number += 1
        except tf.errors.OpError as error:
            code = _DISK_ERRORS.get(type(error))
            if code is None or temporary.name not in error.message:
                raise
            raise OSError(code, os.strerror(code)) from error
    written = {
        "name": path.name,
        "bytes": path.stat().st_size,
        "records": number,
        "counts": dict(sorted(counts.items())),
    }
    write_text(_done_path(path), json.dumps(written))
    return written


def _done_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def finished_records(path: Path) -> dict[str, Any] | None:
    """Returns what `write_records` returned for a complete file, or `None`."""
    done = _done_path(path)
    if not (done.exists() and path.exists()):
        return None
    try:
        written = load_json(done.read_text("utf-8"))
    except ValueError:  # cut off: the records are written again
        return None
    if not isinstance(written, dict) or written.get("name") != path.name:
        return None
    if not isinstance(written.get("counts"), dict):
        return None
    try:
        _check_file(path, written)
        _count(path, written)
    except (LookupError, ValueError):  # no count, or damaged
        return None
    return written


def write_manifest(
    folder: str | Path,
    settings: RecordSettings,
    source: dict[str, Any],
    text_inputs: Any,
    counts: dict[str, int],
    files: Iterable[dict[str, Any]],
) -> RecordFolder:
    """Writes the manifest, which `open_records` reads, and ends the folder.

    Args:
        folder: The folder of records.
        settings: The settings of all files.
        source: The source of the texts, as JSON.
        text_inputs: The text inputs given to `write_shard`, or `None`.
        counts: The counts of the texts. The counts of the files are added.
        files: The return values of `write_shard`, in any order.

    Returns:
        The `RecordFolder` that was written.

    Example:
        >>> settings = RecordSettings("elmo", "whitespace")
        >>> write_manifest("records", settings, {}, None, {}, []).num_records
        0
    """
    files = sorted(files, key=lambda file: file["name"])
    total = sum((Counter(file["counts"]) for file in files), Counter(counts))
    config = text_inputs and _tokenizer_config(text_inputs)
    content: dict[str, Any] = {
        "source": source,
        "counts": dict(sorted(total.items())),
        "files": [
            {key: file[key] for key in ("name", "bytes", "records")}
            for file in files
        ],
        "text_inputs_sha256": config and _digest(config),
        "text_inputs": config,
    }
    written = {"settings": asdict(settings), **content}
    text = json.dumps(written, ensure_ascii=False, indent=1)
    Path(folder).mkdir(parents=True, exist_ok=True)
    write_text(Path(folder) / MANIFEST, text + "\n")
    return RecordFolder(Path(folder), settings, **content)


def _digest(config: dict[str, Any]) -> str:
    return hashlib.sha256(
        json.dumps(config, sort_keys=True).encode()
    ).hexdigest()


def open_records(
    folder: str | Path,
    kind: str | None = None,
    text_inputs: Any = None,
    *,
    whole: bool = False,
) -> RecordFolder:
    """Reads the manifest of a folder and compares it with the files.

    Args:
        folder: A folder that `recipes/prepare_corpus.py` has written.
        kind: "bert" or "elmo"; `None` for either.
        text_inputs: The text inputs of the model, which must split a text as
            those of the records do. `None` skips this check.
        whole: Whether to read all files, and compare each record with its
            checksum. Otherwise a damaged byte stops training when it is read.

    Returns:
        A `RecordFolder`.

    Raises:
        FileNotFoundError: The manifest or one of its files does not exist.
        ValueError: The records are of another kind, or there are none; the
            size of a file has changed; the text inputs differ; or, with
            `whole`, a record is damaged.

    Example:
        >>> open_records("a folder that is not there")
        Traceback (most recent call last):
        FileNotFoundError: `folder` must hold records, with manifest.json; ...
    """
    folder = Path(folder)
    path = folder / MANIFEST
    if not path.is_file():
        raise FileNotFoundError(
            "`folder` must hold records, with manifest.json; a killed run of "
            "prepare_corpus.py resumes when it is started again. "
            f"Received: {folder}"
        )
    found = _read_manifest(path)
    settings = found.settings
    if kind not in (None, settings.kind):
        raise ValueError(
            f"`folder` must hold records for {kind}. "
            f"Received: {folder}, for {settings.kind}"
        )
    if not found.num_records:
        raise ValueError(
            f"`folder` must hold records. Received: {folder}, whose "
            f"{len(found.files)} files have none"
        )
    for file in found.files:
        _check_file(folder / file["name"], file)
    if text_inputs is not None:
        _check_text_inputs(found, text_inputs)
    if whole:
        with ThreadPoolExecutor() as pool:  # about 100 MB/s per core
            paths = [folder / file["name"] for file in found.files]
            list(pool.map(_count, paths, found.files))
    return found


def _read_manifest(path: Path) -> RecordFolder:
    content = load_json_file(path)
    try:
        settings = RecordSettings(
            **with_names_of_today(content.pop("settings"))
        )
        found = RecordFolder(path.parent, settings, **content)
        for file in found.files:
            if not is_file_name(file["name"]):
                raise ValueError(
                    "a file must be beside the manifest, not at "
                    f"{file['name']!r}"
                )
            if not all(
                type(file[key]) is int and file[key] >= 0
                for key in ("bytes", "records")
            ):
                raise ValueError(f"{file['name']}: invalid counts")
        config = found.text_inputs
        if config is not None and _digest(config) != found.text_inputs_sha256:
            raise ValueError("`text_inputs` do not match their digest")
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise ValueError(
            f"{path}: the file must be as prepare_corpus.py writes it. "
            f"Prepare the corpus again. Received: {error!r}"
        ) from error
    return found


def _check_file(path: Path, expected: dict[str, Any]) -> None:
    if not path.is_file():
        raise FileNotFoundError(
            f"`folder` must hold all files of its manifest. Missing: {path}"
        )
    size = path.stat().st_size
    if size == expected["bytes"]:
        return
    good = good_records(path)
    try:
        count_records(path)
        reason = "and then ends"
    except ValueError:
        reason = f"and is broken at record {good}"
    raise ValueError(
        f"{path} must have {expected['bytes']:,} bytes and "
        f"{expected['records']:,} records. Received: {size:,} bytes; it has "
        f"{good:,} good records {reason}. {_AGAIN}"
    )


def _count(path: Path, expected: dict[str, Any]) -> None:
    """Refuses a file with a damaged record, or another number of records."""
    try:
        number = count_records(path)
    except ValueError as error:
        raise ValueError(f"{error} {_AGAIN}") from error
    if number != expected["records"]:
        raise ValueError(
            f"{path} must have {expected['records']:,} records, as it was "
            f"written. Received: {number:,}. {_AGAIN}"
        )


def _check_text_inputs(found: RecordFolder, text_inputs: Any) -> None:
    before = dict(found.text_inputs or {})
    now = _tokenizer_config(text_inputs)
    there, here = before.pop("vocabulary", []), now.pop("vocabulary", [])
    differing = differences(before, now)
    if there != here:
        first = next(
            (k for k, (a, b) in enumerate(zip(there, here)) if a != b),  # noqa: B905
            min(len(there), len(here)),
        )
        tokens = [x[first] if first < len(x) else None for x in (there, here)]
        differing.append(
            f"vocabulary: {len(there):,} tokens there, {len(here):,} now, and "
            f"token {first} is {tokens[0]!r} there, {tokens[1]!r} now"
        )
    if differing:
        raise ValueError(
            "`text_inputs` must split texts as those of the records do. "
            "Prepare the corpus for this model. Received: "
            + "; ".join(differing)
        )


def _tokenizer_config(text_inputs: Any) -> dict[str, Any]:
    """Returns the settings that ids depend on: not length or padding."""
    config = json.loads(json.dumps(text_inputs.get_config()))
    for key in ("max_length", "padding"):
        config.pop(key, None)
    return {"class": type(text_inputs).__name__, **config}
