"""A folder of records that is incomplete or of another model is refused with
the reason."""

import json
from pathlib import Path

import pytest
import tensorflow as tf
from record_corpus import BERT, DOCUMENTS, ELMO, bert_inputs, write_folder

from keras_ctx.data import (
    RecordSettings,
    elmo_stream_dataset,
    open_records,
    pair_records_dataset,
    write_manifest,
    write_shard,
)
from keras_ctx.text import ElmoInputs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "records")


def test_the_manifest_says_what_is_there(folder: Path) -> None:
    records = open_records(folder, "bert", bert_inputs(30))
    assert records.settings == BERT
    assert records.counts["documents"] == 60
    assert records.source == {"texts": "made up"}
    paths = sorted(folder.glob("*.tfrecord"))
    assert records.paths == list(map(str, paths))
    for file, path in zip(records.files, paths, strict=True):
        number = sum(1 for _ in tf.data.TFRecordDataset(str(path)))
        assert (file["records"], file["bytes"]) == (number, path.stat().st_size)
    content = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert len(content["text_inputs_sha256"]) == 64


def test_a_shard_that_is_there_is_not_written_again(folder: Path) -> None:
    path = folder / BERT.shard_name(0)
    before = path.stat().st_mtime_ns
    again = write_shard(folder, 0, [], BERT, bert_inputs())
    assert path.stat().st_mtime_ns == before and again["records"] > 0


def test_no_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    with pytest.raises(FileNotFoundError, match="manifest.json.*resumes"):
        open_records(folder)


def test_a_missing_file(folder: Path) -> None:
    (folder / BERT.shard_name(1)).unlink()
    with pytest.raises(
        FileNotFoundError, match="Missing: .*bert-00001-of-00002"
    ):
        pair_records_dataset(folder, bert_inputs(), batch_size=2, seed=0)


def test_a_truncated_file_with_its_good_records(folder: Path) -> None:
    number = open_records(folder).files[1]["records"]
    path = folder / BERT.shard_name(1)
    path.write_bytes(path.read_bytes()[:-5])
    good = f"{number} records. .* {number - 1} good records and is broken at "
    with pytest.raises(ValueError, match=f"00001.*{good}record {number - 1}"):
        open_records(folder)


def test_a_file_that_ends_between_two_records(folder: Path) -> None:
    path = folder / BERT.shard_name(0)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="0 good records and then ends"):
        open_records(folder)


def test_records_of_another_kind(tmp_path: Path, folder: Path) -> None:
    elmo = write_folder(tmp_path / "elmo", ELMO)
    with pytest.raises(ValueError, match="for bert. Received: .* for elmo"):
        pair_records_dataset(elmo, bert_inputs(), batch_size=2, seed=0)
    with pytest.raises(ValueError, match="for elmo. Received: .* for bert"):
        elmo_stream_dataset(
            folder,
            ElmoInputs(6, distinct=True),
            ["<S>", "</S>", "<UNK>"],
            num_negatives=None,
            batch_size=1,
            window_size=2,
            seed=0,
        )


def test_empty_shards(tmp_path: Path) -> None:
    settings = RecordSettings("bert", "character", max_length=24)
    inputs = bert_inputs()
    done = write_shard(tmp_path, 0, [["春"]], settings, inputs)
    write_manifest(tmp_path, settings, {}, inputs, {}, [done])
    with pytest.raises(ValueError, match="whose 1 files have none"):
        open_records(tmp_path)


def test_one_empty_shard_among_others(tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    settings, inputs = (
        RecordSettings(**{**vars(BERT), "num_shards": 3}),
        bert_inputs(),
    )
    done = write_shard(folder, 2, [], settings, inputs)
    before = open_records(folder)
    files = [{**file, "counts": {}} for file in before.files]
    write_manifest(folder, settings, {}, inputs, {}, [*files, done])
    dataset = pair_records_dataset(folder, inputs, batch_size=2, seed=0)
    assert sum(1 for _ in dataset.take(200)) == 200  # skips it


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"lower_case": False}, "lower_case: True there, False now"),
        ({"split": "wordpiece"}, "split: 'character' there, 'wordpiece' now"),
        ({"special_tokens_in_text": True}, "special_tokens_in_text: False"),
    ],
)
def test_text_inputs_of_another_model(
    other: dict, message: str, folder: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        open_records(folder, "bert", bert_inputs(**other))


def test_another_vocabulary(folder: Path) -> None:
    inputs = bert_inputs()
    for change, message in (
        ([*inputs.vocabulary, "x"], "33 .*, 34 now, and token 33 is None"),
        (
            [*inputs.vocabulary[:-1], "x"],
            "33 now, and token 32 is '.' there, 'x'",
        ),
    ):
        other = type(inputs).from_config(
            {**inputs.get_config(), "vocabulary": change}
        )
        with pytest.raises(ValueError, match=message):
            open_records(folder, "bert", other)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gpt", "character"), "`kind`"),
        (("bert", "whitespace"), "`split` must be .* for bert"),
        (("elmo", "wordpiece"), "`split` must be .* for elmo"),
        (("bert", "character", -1), "`seed`"),
        (("bert", "character", 1, 0), "`num_shards`"),
        (("bert", "character", 1, 1, 4), "`max_length`"),
    ],
)
def test_settings_out_of_range(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RecordSettings(*arguments)


def changed(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 4
    path.write_bytes(content)


def record_of(path: Path, place: int) -> int:
    """Returns the record that contains a byte, from the lengths."""
    content, start, number = path.read_bytes(), 0, 0
    while True:
        size = int.from_bytes(content[start : start + 8], "little")
        start += 8 + 4 + size + 4
        if place < start:
            return number
        number += 1


@pytest.mark.parametrize("share", [0, 0.3, 0.6, 0.99])
def test_a_changed_byte_before_a_training(share: float, tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    path = folder / BERT.shard_name(1)
    place = int(share * path.stat().st_size)
    number = record_of(path, place)
    changed(path, place)
    open_records(folder)  # its size is unchanged
    with pytest.raises(ValueError, match=rf"00001.*: record {number}, counted"):
        pair_records_dataset(folder, bert_inputs(), batch_size=2, seed=0)


def test_a_changed_byte_in_sentences(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, ELMO)
    path = folder / ELMO.shard_name(0)
    number = record_of(path, 200)
    changed(path, 200)
    with pytest.raises(ValueError, match=rf"00000.*: record {number}, counted"):
        elmo_stream_dataset(
            folder,
            ElmoInputs(6, distinct=True),
            ["<S>", "</S>", "<UNK>"],
            num_negatives=None,
            batch_size=1,
            window_size=2,
            seed=0,
        )


@pytest.mark.parametrize("damage", ["record", "number", "text", "names"])
def test_a_damaged_shard_is_made_anew(damage: str, folder: Path) -> None:
    path = folder / BERT.shard_name(0)
    done = path.with_name(f"{path.name}.json")
    before, written = path.read_bytes(), json.loads(done.read_text())
    if damage == "record":
        changed(path, 100)
    elif damage == "number":
        done.write_text(json.dumps({**written, "records": 1}))
    elif damage == "text":
        done.write_text(done.read_text()[:-4])
    else:
        done.write_text(json.dumps({"name": path.name, "records": 1}))
    again = write_shard(folder, 0, DOCUMENTS[:35], BERT, bert_inputs())
    assert again == written and path.read_bytes() == before


def test_a_manifest_with_another_number(folder: Path) -> None:
    path = folder / "manifest.json"
    content = json.loads(path.read_text("utf-8"))
    content["files"][1]["records"] -= 1
    path.write_text(json.dumps(content), "utf-8")
    with pytest.raises(ValueError, match=r"00001-of-00002\.tfrecord must have"):
        pair_records_dataset(folder, bert_inputs(), batch_size=2, seed=0)


def test_a_manifest_with_another_token(folder: Path) -> None:
    path = folder / "manifest.json"
    content = json.loads(path.read_text("utf-8"))
    content["text_inputs"]["vocabulary"][7] = "x"
    path.write_text(json.dumps(content), "utf-8")
    with pytest.raises(ValueError, match=r"manifest\.json.*their digest"):
        open_records(folder)
