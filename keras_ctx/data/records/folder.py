"""Folders of TFRecord files: written whole, checked before they are read."""

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
_AGAIN = "Prepare the corpus again: only what is not whole is made anew."
# TensorFlow's words for a full disk, and for a file of the largest size.
_DISK_ERRORS = {
    tf.errors.ResourceExhaustedError: errno.ENOSPC,
    tf.errors.OutOfRangeError: errno.EFBIG,
}


class RecordFolder(NamedTuple):
    """What `manifest.json` of a folder of records says."""

    path: Path
    settings: RecordSettings
    """What the records depend on besides their texts."""
    source: dict[str, Any]
    """Where the texts come from."""
    text_inputs: dict[str, Any] | None
    """How the texts were cut into ids, where they were."""
    text_inputs_sha256: str | None
    """Digest of that."""
    counts: dict[str, int]
    files: list[dict[str, Any]]
    """`name`, `bytes` and `records` of each file."""

    @property
    def num_records(self) -> int:
        return sum(file["records"] for file in self.files)

    @property
    def paths(self) -> list[str]:
        """Of the files that hold records."""
        return [
            str(self.path / file["name"])
            for file in self.files
            if file["records"]
        ]


def write_records(
    path: Path, records: Iterable[bytes], counts: Counter[str]
) -> dict[str, Any]:
    """Write a file of records under a temporary name, then rename it.

    `path.json` beside it has its size and its counts, and is written last:
    where it is, the file is whole.
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
    """What `write_records` gave for a file that is whole, or None."""
    done = _done_path(path)
    if not (done.exists() and path.exists()):
        return None
    try:
        written = load_json(done.read_text("utf-8"))
    except ValueError:  # cut off: the records are written anew
        return None
    if not isinstance(written, dict) or written.get("name") != path.name:
        return None
    if not isinstance(written.get("counts"), dict):
        return None
    try:
        _check_file(path, written)
        _count(path, written)
    except (LookupError, ValueError):  # no count, or damaged: likewise
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
    """Write what `open_records` reads; the folder is complete with it.

    Args:
        folder: Of the records.
        settings: Of all files.
        source: Where the texts come from, as JSON.
        text_inputs: Those of `write_shard`, or `None`.
        counts: Of the texts; those of the files are added.
        files: What `write_shard` returned, in any order.

    Returns:
        What was written.

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
    """Read the manifest of a folder and compare it with what is there.

    Args:
        folder: As `recipes/prepare_corpus.py` leaves it.
        kind: "bert" or "elmo"; `None` for either.
        text_inputs: Those of the model, which must cut a text as those of
            the records do; `None` looks at nothing.
        whole: Whether to read all files, and compare each record with its
            checksum: a byte that a disk has changed would end a training
            where it is read.

    Returns:
        A `RecordFolder`.

    Raises:
        FileNotFoundError: No manifest, or a file of it is missing.
        ValueError: Records of another kind or none at all, files of another
            size than they were written with, other text inputs, or, with
            `whole`, a record that is damaged.

    Example:
        >>> open_records("a folder that is not there")
        Traceback (most recent call last):
        FileNotFoundError: `folder` must hold records, with manifest.json; ...
    """
    folder = Path(folder)
    path = folder / MANIFEST
    if not path.is_file():
        raise FileNotFoundError(
            "`folder` must hold records, with manifest.json; a run of "
            "prepare_corpus.py that was killed goes on when it is started "
            f"again. Received: {folder}"
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
        with ThreadPoolExecutor() as pool:  # some 100 MB a second, a core
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
                raise ValueError(f"{file['name']}: its sizes are no counts")
        config = found.text_inputs
        if config is not None and _digest(config) != found.text_inputs_sha256:
            raise ValueError("`text_inputs` do not fit their digest")
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
    """Refuse a file with a damaged record, or another number of them."""
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
            "`text_inputs` must cut texts as those of the records do. Prepare "
            "the corpus for this model. Received: " + "; ".join(differing)
        )


def _tokenizer_config(text_inputs: Any) -> dict[str, Any]:
    """What ids depend on: not the length, and not how rows are filled up."""
    config = json.loads(json.dumps(text_inputs.get_config()))
    for key in ("max_length", "padding"):
        config.pop(key, None)
    return {"class": type(text_inputs).__name__, **config}
