"""Reads files of predicates, and writes the arguments of a model."""

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from keras_ctx.data import read_propositions
from keras_ctx.data.roles.dataset import fitting_words
from keras_ctx.data.roles.json_lines import json_lines
from keras_ctx.data.roles.sentence import RoleSentence
from keras_ctx.predictions.length_order import WINDOW
from keras_ctx.predictions.predicted_roles import predict_roles
from keras_ctx.predictions.run_task import RunTask
from keras_ctx.text import UnknownTexts

_CUT = (
    "predicates exceed the length that the encoder reads and have no argument.",
    "words of other sentences exceed it and are in no argument.",
)


def role_lines(
    task: RunTask, path: str | Path, batch_size: int
) -> Iterator[str]:
    """Yields a line of JSON for each predicate of a file, in order.

    Args:
        task: Task of a labeller of semantic roles.
        path: A file that `data.read_propositions` reads. Arguments in it are
            not used.
        batch_size: Predicates per batch.

    Returns:
        A generator of lines, as in the `predictions.jsonl` of the recipe:
        `sent_id` is the number of the sentence in the file, from 0; a
        sentence without a predicate has a line, too. How many predicates and
        words were cut off is printed on standard error at the end.

    Raises:
        FileNotFoundError, ValueError: See `data.read_propositions`.
    """
    place: Any = task.settings.get("predicate")
    inputs, numbers = task.text_inputs, itertools.count()
    unknown, num_cut = UnknownTexts(inputs), np.zeros(2, int)
    for sentences in _windows(read_propositions(path)):
        rows = [one for _, found in sentences for one in found]
        predicted = iter(
            predict_roles(
                *(task.model, rows, task.labels, inputs, batch_size, place),
                verbose=False,
            )
        )
        for words, found in sentences:
            best = [next(predicted) for _ in found]
            yield from json_lines(next(numbers), words, best)
        there, missing = fitting_words(rows, inputs, place)
        num_cut += (~there).sum(), missing[there].sum()
        unknown.add([words for words, _ in sentences])
    for number, what in zip(num_cut, _CUT, strict=True):
        if number:
            print(f"{number} {what} Split their sentences.", file=sys.stderr)
    if message := unknown.message(str(path)):
        print(message, file=sys.stderr)


def _windows(sentences: list[RoleSentence]) -> Iterator[list[RoleSentence]]:
    """Yields sentences with about `WINDOW` predicates together."""
    held, number = [], 0
    for sentence in sentences:
        held.append(sentence)
        number += len(sentence[1])
        if number >= WINDOW:
            yield held
            held, number = [], 0
    if held:
        yield held
