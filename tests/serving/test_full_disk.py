"""On a full or read-only disk, nothing is published."""

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import pytest

from keras_ctx import models, serving
from keras_ctx.serving.verify.raw_answers import answers_of
from keras_ctx.text import BertInputs

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture(scope="module")
def inputs() -> BertInputs:
    return BertInputs([*SPECIAL, *"书好坏"], 16, split="character")


@pytest.fixture(scope="module")
def model() -> keras.Model:
    encoder = models.bert_encoder(8, 1, 2, 8, 16, 16)
    return models.classifier(encoder, 2)


Disk = Callable[[str], Path]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Returns a function that mounts or remounts a disk."""
    path = tmp_path / "disk"
    path.mkdir()

    def mount(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"a disk of one's own must be mounted: {error}")
        return path

    yield mount
    if os.path.ismount(path):
        subprocess.run(["umount", str(path)], check=True)


def check_refused(model, inputs, path: Path, number: int) -> None:
    with pytest.raises(OSError, match="nothing was published") as raised:
        serving.export(model, inputs, path, ["bad", "good"])
    assert raised.value.errno == number
    assert str(path) in str(raised.value)


@pytest.mark.slow
def test_full_disk(disk: Disk, model, inputs) -> None:
    path = disk("size=64k") / "m"
    path.mkdir()
    check_refused(model, inputs, path, errno.ENOSPC)
    assert not list(path.iterdir())


def test_read_only_disk(disk: Disk, model, inputs) -> None:
    path = disk("size=1m,ro") / "m"
    with pytest.raises(OSError, match="`path` must be a folder") as raised:
        serving.export(model, inputs, path, ["bad", "good"])
    assert raised.value.errno == errno.EROFS


@pytest.mark.slow  # an export for every size
def test_disk_that_fills_at_any_point(disk: Disk, model, inputs) -> None:
    path = disk("size=64m") / "m"
    first = serving.export(model, inputs, path, ["bad", "good"])
    request = [("classify", {"text": ["书好"]})]
    [expected] = answers_of(first, request)
    used = sum(
        -(-file.stat().st_size // 4096) * 4096
        for file in first.rglob("*")
        if file.is_file()
    )
    failed = 0
    for share in (0.05, 0.3, 0.6, 0.8, 0.9, 0.95, 0.99, 1.2):
        size = int((1 + share) * used) + 4096
        subprocess.run(
            ["mount", "-o", f"remount,size={size}", str(path.parent)],
            check=True,
        )
        try:
            serving.export(model, inputs, path, ["bad", "good"])
        except OSError as error:
            assert error.errno == errno.ENOSPC
            failed += 1
        versions = sorted(x.name for x in path.iterdir())
        for name in versions:
            [answer] = answers_of(path / name, request)
            assert answer["scores"].tolist() == expected["scores"].tolist()
        if len(versions) > 1:
            break
    assert failed > 3
    assert versions == ["1", "2"]
