"""Files are complete, follow the umask, and leave nothing else behind."""

import os
import resource
import stat
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from keras_ctx.command_line.run_command import _sentence

import keras
import numpy as np
import pytest

from keras_ctx import convert, data, models
from keras_ctx.data.records import folder as record_files
from keras_ctx.files.output_lock import output_lock
from keras_ctx.files.whole_file import full_disk_named, whole_file, write_text
from keras_ctx.training.callbacks.best_epoch import DevelopmentScore
from keras_ctx.training.run.checkpoints import Position, save_checkpoint
from keras_ctx.training.run.folder import save_json, save_model

HEX = "0123456789abcdef" * 2


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Limits the size of files, like a full disk: EFBIG."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def model() -> keras.Model:
    made = models.classifier(models.bert_encoder(200, 1, 2, 64, 64, 16), 2)
    made.compile("adam")
    made.optimizer.build(made.trainable_variables)
    return made


def write_vectors(folder: Path, format: str) -> None:
    writer = data.VectorWriter(folder, 1, 64, settings={}, format=format)
    with writer.shard(1, [[b"a"] * 2000]) as put:
        put(0, np.ones((2000, 1, 64), "float32"))
    writer.finish(1)


def write_allennlp(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as small:
        writer = data.VectorWriter(small, 1, 64, settings={})
        for line in range(1, 41):  # each a file of a few kilobytes
            with writer.shard(line, [[b"a"] * 8]) as put:
                put(0, np.ones((8, 1, 64), "float32"))
        writer.finish(40)
        lines = ["a " * 8] * 40
        data.save_allennlp_vectors(small, lines, folder / "elmo.hdf5")


def write_elmo(folder: Path) -> None:
    encoder = models.elmo_encoder([(1, 64)], 64, 32, max_characters=5)
    convert.save_elmo(encoder, folder / "options.json", folder / "weights.hdf5")


def write_best(folder: Path) -> None:
    score = DevelopmentScore(lambda: 0.5, "f1", folder)
    score.set_model(model())
    score.on_train_begin()
    score.on_epoch_end(0)


def write_records(folder: Path) -> None:
    records = (b"x" * 1000 for _ in range(300))
    record_files.write_records(folder / "a", records, Counter())


WRITERS: dict[str, Callable[[Path], object]] = {
    "hdf5": lambda folder: write_vectors(folder, "hdf5"),
    "npz": lambda folder: write_vectors(folder, "npz"),
    "allennlp": write_allennlp,
    "elmo": write_elmo,
    "best epoch": write_best,
    "records": write_records,
    "checkpoint": lambda folder: save_checkpoint(
        model(), folder, Position(1), [], 2
    ),
    "model": lambda folder: save_model(model(), folder / "a.keras"),
    "bert": lambda folder: convert.save_bert(
        models.bert_encoder(200, 1, 2, 64, 64, 16),
        folder,
        vocabulary=vocabulary(200),
    ),
    "json": lambda folder: save_json({"a": "b" * 10**5}, folder / "a.json"),
}


def vocabulary(size: int) -> list[str]:
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    return special + [f"w{number}" for number in range(size - len(special))]


@pytest.mark.parametrize("name", WRITERS)
def test_full_disk_is_an_error_of_the_file(name: str, tmp_path: Path) -> None:
    """Not a signal that ends the process, as from HDF5."""
    with files_of_at_most(20_000):
        with pytest.raises(OSError) as raised:
            WRITERS[name](tmp_path)
    sentence = _sentence(raised.value)
    assert "Make room, and start the same command again" in sentence
    assert str(tmp_path) in sentence
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    # The index of vectors shows that the rest is missing.
    assert {path.name for path in left} <= {"index.json"}
    WRITERS[name](tmp_path)


@pytest.mark.parametrize("name", WRITERS)
def test_files_follow_the_umask(name: str, tmp_path: Path) -> None:
    mask = 0o027  # neither 0600 nor 0644
    before = os.umask(mask)
    try:
        WRITERS[name](tmp_path / "run")
    except FileNotFoundError:
        (tmp_path / "run").mkdir()
        WRITERS[name](tmp_path / "run")
    finally:
        os.umask(before)
    for path in (tmp_path / "run").rglob("*"):
        usual = 0o777 if path.is_dir() else 0o666
        assert stat.S_IMODE(path.stat().st_mode) == usual & ~mask, path


@pytest.mark.parametrize("name", WRITERS)
def test_no_temporary_file_stays(name: str, tmp_path: Path) -> None:
    WRITERS[name](tmp_path)
    assert not [x for x in tmp_path.rglob("*") if x.name.startswith(".")]


def test_a_killed_run_s_files_are_removed_at_the_next_start(
    tmp_path: Path,
) -> None:
    left = ["index.json", "results.json", "encoder.keras", "a.safetensors"]
    for name in left:
        (tmp_path / f".{HEX}.{name}").touch()
    # Not ours.
    others = [".gitignore", f".{HEX}", f"{HEX}.json", f".{HEX[1:]}.a.json"]
    for name in others:
        (tmp_path / name).touch()
    (tmp_path / f".{HEX}.folder").mkdir()
    with output_lock(tmp_path):
        there = {path.name for path in tmp_path.iterdir()}
    assert there == {*others, f".{HEX}.folder", ".lock"}


def test_vectors_remove_what_a_killed_run_left(tmp_path: Path) -> None:
    (tmp_path / f".{HEX}.index.json").touch()
    (tmp_path / ".vectors-00000.h5").touch()
    write_vectors(tmp_path, "hdf5")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["index.json", "vectors-00000.h5"]


def test_files_of_a_run_that_is_alive_stay(tmp_path: Path) -> None:
    scores = tmp_path / "scores.jsonl"
    stranger = tmp_path / f".{HEX}.other.jsonl"
    stranger.touch()
    with output_lock(scores, is_file=True):
        with whole_file(scores) as growing:
            growing.write_text("half")
            with output_lock(tmp_path):  # a folder has another lock
                assert growing.read_text() == "half"
                assert not stranger.exists()
            stranger.touch()
            with output_lock(tmp_path / "another.jsonl", is_file=True):
                assert growing.exists() and stranger.exists()
    assert scores.read_text() == "half"


def test_a_refused_run_removes_nothing(tmp_path: Path) -> None:
    with output_lock(tmp_path):
        left = tmp_path / f".{HEX}.index.json"
        left.touch()
        with pytest.raises(ValueError, match="one run at a time"):
            with output_lock(tmp_path):
                pass
        assert left.exists()


def test_replaced_file(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "1")
    write_text(tmp_path / "a", "2")
    assert (tmp_path / "a").read_text() == "2"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_full_disk_of_a_file_that_grows(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.symlink_to("/dev/full")
    with (
        pytest.raises(OSError, match="No space") as caught,
        full_disk_named(path),
        path.open("a") as file,
    ):
        file.write("{}\n")  # found when the buffer is written at the end
    assert f"No space left on device: {path}. Make" in _sentence(caught.value)


def test_a_file_needs_its_folder_and_replaces_none(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match="A folder cannot be replaced"):
        write_text(tmp_path, "a")
    with pytest.raises(FileNotFoundError, match="No such folder.*nowhere'"):
        write_text(tmp_path / "nowhere" / "a.txt", "a")
    assert not list(tmp_path.iterdir())
    assert not list(tmp_path.parent.glob(f".*.{tmp_path.name}"))
