"""Two workers read one shard of records: together the same batches."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from read_records import BATCH, arrays, batches
from worker_processes import start_workers

from keras_ctx import data, text

CHARACTERS = "春天花开他在读书"


def write_records(folder: Path) -> None:
    inputs = text.BertInputs(
        text.character_vocabulary([CHARACTERS]), 16, split="character"
    )
    settings = data.RecordSettings("bert", "character", max_length=16)
    documents = [
        [CHARACTERS[i % 8 :] + CHARACTERS[: j % 8 + 1] for j in range(4)]
        for i in range(40)
    ]
    shard = data.write_shard(folder, 0, documents, settings, inputs)
    data.write_manifest(folder, settings, {}, inputs, {}, [shard])
    text.save_inputs(inputs, folder / "text_inputs.json")


@pytest.mark.slow  # three processes
def test_more_workers_than_shards(tmp_path: Path) -> None:
    write_records(tmp_path)
    assert len(data.open_records(tmp_path).paths) == 1
    script = Path(__file__).with_name("read_records.py")
    workers = start_workers(
        2, lambda index: [script, tmp_path, tmp_path / f"{index}.npz"]
    )
    assert [worker.wait(timeout=120) for worker in workers] == [0, 0]
    parts = [dict(np.load(tmp_path / f"{index}.npz")) for index in range(2)]
    whole = arrays(tf.distribute.get_strategy(), batches(str(tmp_path)))
    assert len(whole) >= 6 * 8
    for key, values in whole.items():
        rows = [part[key] for part in parts]
        assert [len(x) for x in rows] == [BATCH // 2] * 2
        np.testing.assert_array_equal(np.concatenate(rows), values, key)
