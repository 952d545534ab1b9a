"""Texts that a vocabulary knows too little of."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_ctx.text.inputs.base import TextInputs

_BATCH = 1024


class UnknownTexts:
    """Counts texts of which more than half is unknown to the vocabulary.

    Of a BERT that is `[UNK]`, of an ELMo that reads words `<UNK>`; one that
    reads bytes knows them all. Of a model of ELMoForManyLangs it is the
    characters that count. A model sees nothing of what is unknown:
    many such texts mean a vocabulary of another language, or of other case.

    Args:
        inputs: Text inputs of this package.

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
        """The first of them."""

    def add(self, texts: Sequence[str] | Sequence[Sequence[str]]) -> None:
        """Count texts, or rows of words."""
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
        """Count texts whose features are there already."""
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
        """One `UserWarning`, if there are any.

        Args:
            where: What holds the texts, such as a file.
        """
        if message := self.message(where):
            warnings.warn(message, UserWarning, stacklevel=2)

    def message(self, where: str) -> str:
        """What the warning says; "" if there are none."""
        if not self.num_unknown:
            return ""
        return (
            f"{where}: of {self.num_unknown:,} of {self.num_texts:,} texts "
            f"more than half is {self.inputs.unknown_token}, which says "
            f"nothing to a model, such as {self.example[:80]!r}. Check that "
            "the vocabulary is of this language, and of this case."
        )


def warn_unknown(
    inputs: TextInputs,
    texts: Sequence[str] | Sequence[Sequence[str]],
    where: str,
) -> None:
    """Warn once, with a count, of texts that a vocabulary hardly knows.

    Args:
        inputs: Text inputs of this package.
        texts: Texts, or rows of words.
        where: What holds them, such as a file.

    Example:
        >>> import warnings
        >>> from keras_ctx.text import BertInputs
        >>> special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        >>> inputs = BertInputs([*special, "good"], 8)
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     warn_unknown(inputs, ["good", "sehr gut"], "train.tsv")
        >>> print(caught[0].message)
        train.tsv: of 1 of 2 texts more than half is [UNK], ...
    """
    found = UnknownTexts(inputs)
    found.add(texts)
    found.warn(where)
