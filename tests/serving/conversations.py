"""Requests with real sentences for every signature in batches of 1, 3 and
32."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf
from agreeing_rows import largest_difference, rows_of
from cpp_server import Arrays, Signature
from keras_answers import KERAS_ANSWERS
from real_sentences import real_sentences
from served_models import Case
from signature_requests import TABLE, request_of

LARGEST = 32


class Asked(NamedTuple):
    """One request: rows from `start` of the sentences, in a batch of `size`."""

    signature: str
    size: int
    start: int
    inputs: Arrays


class Conversation(NamedTuple):
    """Requests, with the answers of two references to every sentence."""

    asked: list[Asked]
    witnesses: dict[str, dict[str, list[Arrays]]]

    @property
    def requests(self) -> list[tuple[str, Arrays]]:
        """Returns the signature and the inputs of each request."""
        return [(asked.signature, asked.inputs) for asked in self.asked]

    def check(self, answers: Sequence[Arrays | str]) -> dict[str, float]:
        """Returns the largest difference per reference; raises above 1e-5."""
        largest = dict.fromkeys(self.witnesses, 0.0)
        for asked, answer in zip(self.asked, answers, strict=True):
            assert not isinstance(answer, str), (asked.signature, answer)
            rows = slice(asked.start, asked.start + rows_in(asked.inputs))
            for witness, expected in self.witnesses.items():
                difference = largest_difference(
                    answer,
                    expected[asked.signature][rows],
                    # Smaller batches are padded less.
                    exactly=asked.size == LARGEST,
                )
                largest[witness] = max(largest[witness], difference)
        return largest


def conversation(
    case: Case,
    version: Path,
    signatures: Mapping[str, Signature],
    sentences: int = 100,
) -> Conversation:
    """Returns requests for every signature in three batch sizes."""
    served = tf.saved_model.load(str(version))
    texts = real_sentences()[:sentences]
    assert len(texts) == sentences
    asked: list[Asked] = []
    keras: dict[str, list[Arrays]] = {}
    raw: dict[str, list[Arrays]] = {}
    # The signature with the task's name is the same, and done before.
    for key in sorted(signatures, key="serving_default".__eq__):
        batches = [
            request_of(
                key, signatures[key], case, texts[start : start + LARGEST]
            )
            for start in range(0, len(texts), LARGEST)
        ]
        for size in (1, 3, LARGEST):
            start = 0
            for batch in batches:
                for part in parts(batch, size):
                    asked.append(Asked(key, size, start, part))
                    start += rows_in(part)
            assert start == len(texts)
        raw[key] = rows_of([raw_answer(served, key, x) for x in batches])
        same = signatures[key].inputs == signatures[case.task].inputs
        if key == "serving_default" and same:
            keras[key] = keras[case.task]
            continue
        answers = KERAS_ANSWERS[case.task if "default" in key else key]
        keras[key] = rows_of([answers(case, x) for x in batches])
    return Conversation(asked, {"Keras": keras, "raw TensorFlow": raw})


def parts(batch: Arrays, size: int) -> list[Arrays]:
    """Splits a batch into batches of `size` rows."""
    return [
        {
            key: value if key == TABLE else value[start : start + size]
            for key, value in batch.items()
        }
        for start in range(0, rows_in(batch), size)
    ]


def rows_in(batch: Arrays) -> int:
    """Returns the number of rows of a batch."""
    [rows] = {len(value) for key, value in batch.items() if key != TABLE}
    return rows


def raw_answer(served, signature: str, inputs: Arrays) -> Arrays:
    """Returns the answer of TensorFlow's Python API."""
    tensors = {key: tf.constant(value) for key, value in inputs.items()}
    outputs = served.signatures[signature](**tensors)
    return {key: x.numpy() for key, x in outputs.items()}
