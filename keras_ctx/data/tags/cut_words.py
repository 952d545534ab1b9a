"""Counts of words that do not fit into the model's input."""

from collections.abc import Mapping, Sequence

import tensorflow as tf

from keras_ctx.data.batching.ragged_rows import ragged_rows
from keras_ctx.data.text_inputs import TextInputs

_SENTENCES = 512


def cut_words(
    sentences: Sequence[Sequence[str]], text_inputs: TextInputs
) -> tuple[int, int]:
    """Counts the words that do not fit into the inputs of a model.

    Args:
        sentences: The words of every sentence.
        text_inputs: A `keras_ctx.text.TextInputs`.

    Returns:
        The number of words whose first piece does not fit, and of the
        sentences that they are in.

    Example:
        >>> from keras_ctx.text import ElmoInputs
        >>> cut_words([["a", "b", "c"], ["d"]], ElmoInputs(6, max_length=2))
        (1, 1)
    """
    num_words = num_sentences = 0
    for start in range(0, len(sentences), _SENTENCES):
        rows = sentences[start : start + _SENTENCES]
        lengths = [len(row) for row in rows]
        zeros = ragged_rows([[0] * n for n in lengths], tf.int32)
        kept = text_inputs.align_labels(ragged_rows(rows), zeros, ignore=-1)
        found = (kept.numpy() >= 0).sum(-1)
        missing = [n - m for n, m in zip(lengths, found, strict=True)]
        num_words += int(sum(missing))
        num_sentences += sum(int(n > 0) for n in missing)
    return num_words, num_sentences


def cut_words_notes(
    files: Mapping[str, Sequence[tuple[Sequence[str], Sequence[str]]]],
    text_inputs: TextInputs,
) -> list[str]:
    """Returns sentences for the user about words that are cut off.

    Args:
        files: The words and tags of each sentence, by name of the file.
        text_inputs: A `keras_ctx.text.TextInputs`.

    Example:
        >>> from keras_ctx.text import ElmoInputs
        >>> rows = [(["a", "b", "c"], ["O", "O", "O"])]
        >>> print(*cut_words_notes({"dev": rows}, ElmoInputs(6, max_length=2)))
        dev: 1 words of 1 sentences are cut off, behind `max_length` tokens ...
    """
    notes = []
    for name, rows in files.items():
        num_words, num = cut_words([words for words, _ in rows], text_inputs)
        if num_words:
            notes.append(
                f"{name}: {num_words} words of {num} sentences are cut off, "
                "behind `max_length` tokens of an input: they are not used "
                'for training, and are predicted as "O".'
            )
    return notes
