"""Texts that a vocabulary knows too little of."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_ctx.text.inputs.bert import BertInputs
from keras_ctx.text.inputs.elmo import ElmoInputs
from keras_ctx.text.inputs.elmo_for_many_langs import ElmoForManyLangsInputs
from keras_ctx.text.inputs.words import WordInputs
from keras_ctx.text.vocabulary.file import WORD_SPECIAL_TOKENS

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
        >>> special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        >>> found = UnknownTexts(BertInputs([*special, "good"], 8))
        >>> found.add(["good", "gut", "sehr good", "sehr gut"])
        >>> found.num_texts, found.num_unknown, found.example
        (4, 2, 'gut')
    """

    def __init__(
        self,
        inputs: BertInputs | ElmoInputs | ElmoForManyLangsInputs | WordInputs,
    ) -> None:
        self.inputs = inputs
        self.num_texts = 0
        self.num_unknown = 0
        self.example = ""
        """The first of them."""

    def add(self, texts: Sequence[str] | Sequence[Sequence[str]]) -> None:
        """Count texts, or rows of words."""
        if isinstance(self.inputs, ElmoInputs):
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
        if isinstance(self.inputs, ElmoInputs):
            return
        if isinstance(self.inputs, ElmoForManyLangsInputs):
            ids = np.asarray(features["character_ids"])
            ids = ids.reshape(len(ids), -1)
            no_text = (
                0,
                *self.inputs.word_ends,
                self.inputs.pad_character_id,
            )
            real = ~np.isin(ids, no_text)
            unknown_id = self.inputs.unknown_character_id
        elif isinstance(self.inputs, WordInputs):
            ids = np.asarray(features["word_ids"])
            real = ids != 0
            unknown_id = 1 + self.inputs.vocabulary.index(
                WORD_SPECIAL_TOKENS[2]
            )
        else:
            ids = np.asarray(features["token_ids"])
            ends = (self.inputs.cls_id, self.inputs.sep_id)
            real = np.asarray(features["padding_mask"]) & ~np.isin(ids, ends)
            unknown_id = self.inputs.unknown_id
        unknown = (ids == unknown_id) & real
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
        token = "<UNK>"
        if isinstance(self.inputs, BertInputs):
            token = "[UNK]"
        elif isinstance(self.inputs, ElmoForManyLangsInputs):
            token = "<oov>"
        return (
            f"{where}: of {self.num_unknown:,} of {self.num_texts:,} texts "
            f"more than half is {token}, which says nothing to a model, such "
            f"as {self.example[:80]!r}. Check that the vocabulary is of this "
            "language, and of this case."
        )


def warn_unknown(
    inputs: BertInputs | ElmoInputs | ElmoForManyLangsInputs | WordInputs,
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
