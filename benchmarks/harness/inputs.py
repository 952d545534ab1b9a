"""Makes the inputs of a work: other ones in every round, equal for all."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np

from .awd_lstm_works import SIZES
from .sizes import number_of
from .texts import word_rows
from .works import Work

VOCABULARY_SIZE = 30522
MASKED = 0.15
Sentences = list[tuple[str, int]]
Inputs = dict[str, Any]


def _zipf(
    generator: np.random.Generator, words: int, shape: tuple[int, ...]
) -> np.ndarray:
    """Returns numbers below `words`, by Zipf's law as words are."""
    shares = np.cumsum(1 / np.arange(1, 1 + words))
    return np.searchsorted(shares, shares[-1] * generator.random(shape))


def _rows(work: Work, generator: np.random.Generator) -> Inputs:
    """Returns ids and lengths of the rows."""
    ids = 1 + _zipf(generator, VOCABULARY_SIZE - 1, (work.rows, work.length))
    lengths = np.full(work.rows, work.length)
    if work.shortest is not None:
        lengths = generator.integers(
            work.shortest, work.length, work.rows, endpoint=True
        )
        lengths[0] = work.length
    ids *= np.arange(work.length) < lengths[:, None]
    return {"token_ids": ids.tolist(), "lengths": lengths.tolist()}


def _inference(work: Work, seed: int, sentences: Sentences) -> Inputs:
    return _rows(work, np.random.default_rng(seed))


def _training(work: Work, seed: int, sentences: Sentences) -> Inputs:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 2, work.rows)
    return {**_rows(work, generator), "labels": labels.tolist()}


def _masked_lm(work: Work, seed: int, sentences: Sentences) -> Inputs:
    generator = np.random.default_rng(seed)
    rows = _rows(work, generator)
    ids = np.array(rows["token_ids"])
    order = np.argsort(generator.random(ids.shape))
    positions = np.sort(order[:, : round(MASKED * work.length)])
    targets = np.take_along_axis(ids, positions, 1)
    np.put_along_axis(ids, positions, 103, 1)  # [MASK]
    return {
        **rows,
        "token_ids": ids.tolist(),
        "positions": positions.tolist(),
        "targets": targets.tolist(),
    }


def _texts(work: Work, seed: int, sentences: Sentences) -> Inputs:
    draw = random.Random(seed)
    many = min(work.rows, len(sentences))
    return {"texts": [text for text, _ in draw.sample(sentences, many)]}


def _fine_tuning(work: Work, seed: int, sentences: Sentences) -> Inputs:
    """Splits the sentences once; each round has another order."""
    rows = random.Random(0).sample(sentences, len(sentences))
    held = rows[: min(1000, len(rows) // 5, work.rows)]
    rows = rows[len(held) :][: work.rows]
    random.Random(seed).shuffle(rows)
    return {
        "texts": [text for text, _ in rows],
        "labels": [label for _, label in rows],
        "held_texts": [text for text, _ in held],
        "held_labels": [label for _, label in held],
    }


def _elmo(work: Work, seed: int, sentences: Sentences) -> Inputs:
    shortest = work.shortest or work.length
    draw = random.Random(seed)
    return {"rows": word_rows(work.rows, shortest, work.length, draw)}


def _language_model(work: Work, seed: int, sentences: Sentences) -> Inputs:
    """Returns windows of words for each direction, and ids of their targets.

    The targets follow Zipf's law in the vocabulary of the model, whatever the
    words: that number of different words the manual does not have.
    """
    draw = random.Random(seed)
    windows = [
        word_rows(work.rows, work.length, work.length, draw) for _ in range(2)
    ]
    ids = _zipf(
        np.random.default_rng(seed),
        number_of(work.model),
        (2, work.rows, work.length),
    )
    return {
        "rows": windows[0],
        "backward_rows": windows[1],
        "targets": ids.tolist(),
    }


def _awd_lstm(work: Work, seed: int, sentences: Sentences) -> Inputs:
    """Returns windows of ids, and the id after each of them."""
    words, *_ = SIZES[work.model]
    shape = work.rows, work.length + 1
    ids = _zipf(np.random.default_rng(seed), words, shape)
    return {
        "token_ids": ids[:, :-1].tolist(),
        "targets": ids[:, 1:].tolist(),
        "lengths": [work.length] * work.rows,
    }


MAKERS: dict[str, Callable[[Work, int, Sentences], Inputs]] = {
    "inference": _inference,
    "training": _training,
    "masked_lm": _masked_lm,
    "texts": _texts,
    "request": _texts,
    "fine_tuning": _fine_tuning,
    "elmo": _elmo,
    "elmo_gradients": _elmo,
    "tokens": _texts,
    "language_model": _language_model,
    "awd_lstm": _awd_lstm,
    "awd_lstm_training": _awd_lstm,
    "greedy": _inference,
    "next_token": _inference,
    "beam_translation": _inference,
}


def make_inputs(work: Work, seed: int, sentences: Sentences) -> Inputs:
    return MAKERS[work.kind](work, seed, sentences)


def count(work: Work, inputs: Inputs) -> int:
    """Returns the number of `work.unit`s: padding does not count."""
    if work.unit == "tokens":
        return sum(inputs["lengths"])
    if work.unit == "new tokens":
        return work.rows * work.new
    if work.unit == "words":
        return sum(map(len, inputs["rows"]))
    return len(inputs["texts"])


def real_numbers(inputs: Inputs, result: np.ndarray) -> np.ndarray:
    """Returns the result without the vectors of padding."""
    if result.ndim != 3 or "lengths" not in inputs:
        return result
    mask = np.arange(result.shape[1]) < np.array(inputs["lengths"])[:, None]
    return result[mask]
