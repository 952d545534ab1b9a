"""Counts texts that are mostly outside the vocabulary."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_ctx.text.inputs.base import TextInputs

_BATCH = 1024


class UnknownTexts:
    """A counter of texts with more than half of their tokens unknown.

    Unknown tokens are `[UNK]` for BERT, `<UNK>` for an ELMo that reads words,
    and unknown characters for ELMoForManyLangs. An ELMo that reads bytes has
    none. The model learns nothing from an unknown token: many such texts mean
    that the vocabulary is of another language or case.

    Args:
        inputs: The text inputs.

    Example:
        >>> from keras_ctx.text import BertInputs
        >>> special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        >>> found = UnknownTexts(BertInputs([*special, "good"], 8))
        >>> found.add(["good", "gut", "sehr good", "sehr gut"])
        >>> found.num_texts, found.num_unknown, found.example
        (4, 2, 'gut')
    """

    def __init__(self, inputs: TextInputs) -> None:
        self.inputs = inputs
        self.num_texts = 0
        self.num_unknown = 0
        self.example = ""
        """The first such text."""

    def add(self, texts: Sequence[str] | Sequence[Sequence[str]]) -> None:
        """Counts texts, or rows of words."""
        if self.inputs.unknown_token is None:
            return
        for start in range(0, len(texts), _BATCH):
            batch = texts[start : start + _BATCH]
            if isinstance(batch[0], str):
                given: Any = tf.constant(batch)
            else:
                given = tf.ragged.constant(
                    [list(row) for row in batch], dtype=tf.string
                )
            self.add_features(self.inputs(given), batch)

    def add_features(
        self, features: Mapping[str, Any], texts: Sequence[Any]
    ) -> None:
        """Counts texts whose features have already been computed."""
        found = self.inputs.unknown(features)
        if found is None:
            return
        unknown, real = found
        unknown = unknown & real
        rows = np.flatnonzero(2 * unknown.sum(axis=1) > real.sum(axis=1))
        self.num_texts += len(texts)
        self.num_unknown += len(rows)
        if len(rows) and not self.example:
            text = texts[rows[0]]
            self.example = text if isinstance(text, str) else " ".join(text)

    def warn(self, where: str) -> None:
        """Issues one `UserWarning` if there are such texts.

        Args:
            where: The source of the texts, such as a file.
        """
        if message := self.message(where):
            warnings.warn(message, UserWarning, stacklevel=2)

    def message(self, where: str) -> str:
        """Returns the text of the warning; "" if there are no such texts."""
        if not self.num_unknown:
            return ""
        return (
            f"{where}: {self.num_unknown:,} of {self.num_texts:,} texts are "
            f"more than half {self.inputs.unknown_token}, which tells the "
            f"model nothing, such as {self.example[:80]!r}. Check that the "
            "vocabulary fits the language and the case of the texts."
        )


def warn_unknown(
    inputs: TextInputs,
    texts: Sequence[str] | Sequence[Sequence[str]],
    where: str,
) -> None:
    """Warns once, with a count, of texts with mostly unknown tokens.

    Args:
        inputs: The text inputs.
        texts: Texts, or rows of words.
        where: The source of the texts, such as a file.

    Example:
        >>> import warnings
        >>> from keras_ctx.text import BertInputs
        >>> special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        >>> inputs = BertInputs([*special, "good"], 8)
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     warn_unknown(inputs, ["good", "sehr gut"], "train.tsv")
        >>> print(caught[0].message)
        train.tsv: 1 of 2 texts are more than half [UNK], ...
    """
    found = UnknownTexts(inputs)
    found.add(texts)
    found.warn(where)
