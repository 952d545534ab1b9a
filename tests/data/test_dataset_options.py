"""Options that all datasets need, whatever they read."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from record_corpus import DOCUMENTS, bert_inputs, write_folder

from keras_ctx import data
from keras_ctx.files.record_check import count_records
from keras_ctx.text import ElmoInputs

INPUTS = bert_inputs()
WORDS = ["<S>", "</S>", "<UNK>", "春", "花"]
STEPS: dict[str, Any] = {"batch_size": 2, "steps_per_epoch": 2, "seed": 0}


def corpus(folder: Path) -> Path:
    path = folder / "corpus.txt"
    texts = ["\n".join(sentences) for sentences in DOCUMENTS]
    path.write_text("\n\n".join(texts) + "\n", encoding="utf-8")
    return path


def rows(folder: Path) -> tf.data.Dataset:
    return data.classification_dataset(
        ["春天", "花开"], [0, 1], INPUTS, batch_size=2, training=False
    )


DATASETS: list[Callable[[Path], tf.data.Dataset]] = [
    rows,
    lambda folder: data.packed_dataset(
        rows(folder), length=24, batch_size=1, max_texts=2
    ),
    lambda folder: data.bert_pretraining_dataset(
        corpus(folder), INPUTS, **STEPS
    ),
    lambda folder: data.pair_records_dataset(
        write_folder(folder), INPUTS, batch_size=2, seed=0
    ),
    lambda folder: data.elmo_pretraining_dataset(
        corpus(folder), ElmoInputs(9), WORDS, num_negatives=1, **STEPS
    ),
    lambda folder: data.elmo_stream_dataset(
        corpus(folder),
        ElmoInputs(9, distinct=True),
        WORDS,
        num_negatives=1,
        batch_size=2,
        window_size=4,
        seed=0,
    ),
]


@pytest.mark.quick("0", "3")
@pytest.mark.parametrize("number", range(len(DATASETS)))
def test_use_ends_at_once_and_workers_share_batches(number, tmp_path) -> None:
    options = DATASETS[number](tmp_path).options()
    assert options.autotune.enabled is False
    policy = options.experimental_distribute.auto_shard_policy
    assert policy == tf.data.experimental.AutoShardPolicy.DATA


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(DATASETS)))
def test_an_iterator_never_waits_for_the_tuning(number, tmp_path) -> None:
    """With tuning, one of these ends in ten waits for 0.5 s and more."""
    dataset = DATASETS[number](tmp_path).repeat()
    for _ in range(20):
        iterator = iter(dataset)
        start = time.perf_counter()
        while time.perf_counter() - start < 0.7:
            next(iterator)
            time.sleep(0.02)
        start = time.perf_counter()
        del iterator
        assert time.perf_counter() - start < 0.4


def test_counting_records_does_not_tune(tmp_path, monkeypatch) -> None:
    seen = []
    whole = tf.data.Dataset.as_numpy_iterator

    def watched(dataset):
        seen.append(dataset.options().autotune.enabled)
        return whole(dataset)

    monkeypatch.setattr(tf.data.Dataset, "as_numpy_iterator", watched)
    with tf.io.TFRecordWriter(str(tmp_path / "x")) as writer:
        writer.write(b"one")
    assert count_records(tmp_path / "x") == 1
    assert seen == [False]
