"""Computes a Keras model's answers to texts that are too long for it.

It works word by word, with the windows of `keras_ctx.data`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from cpp_server import Arrays
from keras_outputs import counted, outputs_of
from served_models import Case

from keras_ctx.data.squad.window_bounds import window_bounds
from keras_ctx.text import BertInputs


def words_of(case: Case, text: Any) -> list[list[bytes]]:
    """Returns the words of texts, or the given words."""
    if not isinstance(text, tf.RaggedTensor):
        text = case.text_inputs.words(text).words
    return text.to_list()


def ragged(rows: list[list[bytes]]) -> tf.RaggedTensor:
    return tf.ragged.constant(rows, ragged_rank=1, dtype=tf.string)


def windows_of(case: Case, words: list[bytes]) -> tuple[list, np.ndarray]:
    """Returns windows `[first, limit)` of a text, and where words begin."""
    inputs, settings = case.text_inputs, case.arguments["windows"]
    lengths = inputs.word_lengths(ragged([words])).to_list()[0]
    places = np.cumsum([0, *lengths])
    assert inputs.max_length is not None
    # BERT puts [CLS] before a text and [SEP] after it.
    budget = inputs.max_length - 2 * isinstance(inputs, BertInputs)
    bounds = window_bounds(places, budget, budget - settings.overlap)
    return bounds[: settings.max_windows], places


def scores_in_windows(
    case: Case, text: Any, activation: Callable[[np.ndarray], np.ndarray]
) -> Arrays:
    """Returns `scores` `(B, n)`, weighted by the positions of a window."""
    rows = words_of(case, text)
    scores = []
    for words in rows:
        bounds, places = windows_of(case, words)
        read = ragged([words[first:limit] for first, limit in bounds])
        logits = outputs_of(case.model, case.text_inputs(read))["logits"]
        sizes = np.maximum([places[b] - places[a] for a, b in bounds], 1)
        weighted = activation(logits) * sizes[:, None]
        scores.append(weighted.sum(axis=0) / sizes.sum())
    return {
        "scores": np.array(scores, np.float32),
        **counted_in_windows(case, rows),
    }


def counted_in_windows(case: Case, rows: list[list[bytes]]) -> Arrays:
    ends = [windows_of(case, words)[0][-1][1] for words in rows]
    cut = [end < len(words) for end, words in zip(ends, rows, strict=True)]
    return counted(case.text_inputs, ragged(rows)) | {
        "truncated": np.array(cut, bool)
    }


def tags_in_windows(
    case: Case, text: Any, tags_of: Callable[[Any], list[list]]
) -> tuple[list[list], Arrays]:
    """Returns tag and score of words, from the window with most context."""
    rows = words_of(case, text)
    found = []
    for words in rows:
        bounds, _ = windows_of(case, words)
        read = [words[first:limit] for first, limit in bounds]
        best: dict[int, tuple[float, Any]] = {}
        for (first, limit), tagged in zip(
            bounds, tags_of(ragged(read)), strict=True
        ):
            for word in range(first, limit):
                before = word - first if first > 0 else np.inf
                behind = limit - 1 - word if limit < len(words) else np.inf
                known = min(before, behind)
                if word not in best or known > best[word][0]:
                    best[word] = known, tagged[word - first]
        nothing = (0, (b"", 0.0))
        found.append([best.get(w, nothing)[1] for w in range(len(words))])
    return found, counted_in_windows(case, rows)
