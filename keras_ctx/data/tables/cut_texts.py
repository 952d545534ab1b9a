"""Notes about texts that are longer than the model's input."""

from collections.abc import Mapping

import tensorflow as tf

from keras_ctx.data.tables.labelled_texts import LabelledTexts
from keras_ctx.data.text_inputs import TextInputs

_TEXTS = 512


def cut_texts_notes(
    files: Mapping[str, LabelledTexts], text_inputs: TextInputs
) -> list[str]:
    """Returns sentences for the user about texts that are cut.

    Args:
        files: The texts or text pairs, by name.
        text_inputs: A `keras_ctx.text.TextInputs`.

    Example:
        >>> from pathlib import Path
        >>> from keras_ctx.text import ElmoInputs
        >>> rows = LabelledTexts(
        ...     Path("a.tsv"), [1, 2], ["a b c", "d"], None, ["x", "y"])
        >>> cut_texts_notes({"dev": rows}, ElmoInputs(6, max_length=2))
        ['dev: 1 of 2 texts are longer than 2 tokens and are cut.']
    """
    notes = []
    for name, rows in files.items():
        number = 0
        for start in range(0, len(rows), _TEXTS):
            some = slice(start, start + _TEXTS)
            texts, pairs = tf.constant(rows.texts[some], tf.string), None
            if rows.text_pairs is not None:
                pairs = tf.constant(rows.text_pairs[some], tf.string)
            number += int(text_inputs.is_cut(texts, pairs).numpy().sum())
        if number:
            notes.append(
                f"{name}: {number} of {len(rows)} texts are longer than "
                f"{text_inputs.limit} and are cut."
            )
    return notes
