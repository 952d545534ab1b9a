"""Text inputs of a recurrent encoder with a frozen encoder beside it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import tensorflow as tf

from keras_ctx.text.inputs.base import TextInputs, register_text_inputs
from keras_ctx.text.inputs.saving import inputs_config, inputs_from_config
from keras_ctx.text.inputs.word_level import WordLevelInputs
from keras_ctx.text.ragged.checks import as_labelled_rows, as_words
from keras_ctx.text.ragged.operations import cut, numbered, segment_lengths
from keras_ctx.text.tokenize.word_places import WordPlaces

_PREFIX = "context_"


@register_text_inputs
class ContextInputs(WordLevelInputs):
    """Text inputs of `recurrent_encoder` with a `context`: those of both.

    Both read the same words, so that each word has one vector of each encoder.
    If the second encoder reads parts of words, a word has the vector of its
    first part, or of its last part if that encoder reads from left to right.
    Words beyond the largest length of the second encoder are left out for
    both encoders, and count as cut off.

    Args:
        word_inputs: The text inputs of the encoder of words, with one
            position for each word.
        context_inputs: The text inputs of the frozen encoder, of any kind.
            Their `max_length` is kept only if they must have one.

    Call arguments:
        text: Strings `(B,)`, or ragged words `(B, None)`.
        text_pair: None, or the second texts, in the same form. A text pair is
            one row of `word_inputs`, and the frozen encoder reads this row as
            one text, in which the markers are words. If the frozen encoder
            reads parts of words, pairs are refused.

    Returns:
        A dict of the features of `word_inputs`; those of `context_inputs`
        with "context_" before their names; and, if the frozen encoder reads
        parts of words, `context_places`, int32 `(B, T)`, the position of the
        part that stands for each word, 0 at padding.

    Raises:
        ValueError: If `word_inputs` do not give each word one position,
            `context_inputs` are not the text inputs of one encoder, a pair is
            refused, or texts have another rank or dtype.

    Example:
        >>> from keras_ctx.text import ElmoInputs, WordVectorInputs
        >>> words = WordVectorInputs(["a", "b"])
        >>> inputs = ContextInputs(words, ElmoInputs(max_characters=5))
        >>> {name: x.shape.as_list() for name, x in inputs(["b a"]).items()}
        {'word_ids': [1, 2], 'context_char_ids': [1, 2, 5]}

    Source: Peters et al. 2017, section 2.3.
    """

    def __init__(
        self, word_inputs: TextInputs, context_inputs: TextInputs
    ) -> None:
        of_words = isinstance(word_inputs, WordLevelInputs)
        if not of_words or isinstance(word_inputs, ContextInputs):
            raise ValueError(
                "`word_inputs` must have one position for each word, such as "
                "`WordVectorInputs`. Give others as `context_inputs`. "
                f"Received: {type(word_inputs).__name__}"
            )
        if word_inputs.distinct:
            raise ValueError(
                "`word_inputs` must give each word at its position. Received: "
                "distinct=True"
            )
        if not isinstance(context_inputs, TextInputs) or isinstance(
            context_inputs, ContextInputs
        ):
            raise ValueError(
                "`context_inputs` must be the text inputs of one encoder. "
                f"Received: {type(context_inputs).__name__}"
            )
        super().__init__(word_inputs.split, word_inputs.max_length)
        self.word_inputs = word_inputs
        self.context_inputs = context_inputs.uncut()
        self.input_key = word_inputs.input_key
        self.max_characters = word_inputs.max_characters
        self.vocabulary = word_inputs.vocabulary
        self.vocabulary_size = word_inputs.vocabulary_size
        self.unknown_token = word_inputs.unknown_token
        self.pair_markers = word_inputs.pair_markers
        self._has_places = not isinstance(self.context_inputs, WordLevelInputs)
        self.takes_pairs = word_inputs.takes_pairs and not self._has_places

    def __call__(
        self, text: Any, text_pair: Any = None
    ) -> dict[str, tf.Tensor]:
        rows, places = self._fitted(self._joined(text, text_pair))
        if text_pair is None:
            found = self.word_inputs(rows)
        else:
            found = self.word_inputs(text, text_pair)
        context = self.context_inputs(rows)
        found |= {f"{_PREFIX}{key}": x for key, x in context.items()}
        if places is not None:
            found[f"{_PREFIX}places"] = self.padded(places)
        return found

    def rows(self, text: Any, text_pair: Any = None) -> Any:
        return self._fitted(self._joined(text, text_pair))[0]

    @property
    def limit(self) -> str:
        limits = (
            [f"{self.max_length} words"] if self.max_length is not None else []
        )
        if self.context_inputs.max_length is not None:
            limits.append(f"{self.context_inputs.limit} of the second encoder")
        return " or ".join(limits)

    def is_cut(
        self, text: Any, text_pair: Any = None, width: int | None = None
    ) -> tf.Tensor:
        cut_here = super().is_cut(text, text_pair, width)
        rows = self._joined(text, text_pair)
        if self.max_length is not None:
            rows = rows[:, : self.max_length]
        return cut_here | self.context_inputs.is_cut(rows)

    @property
    def tables(self) -> tuple[Any, ...]:
        """The lookup tables that an export must track."""
        return (*self.word_inputs.tables, *self.context_inputs.tables)

    def words(self, text: Any) -> WordPlaces:
        return self.word_inputs.words(text)

    def word_index(self, words: Any, second_words: Any = None) -> tf.Tensor:
        if second_words is not None:
            return self.word_inputs.word_index(words, second_words)
        rows, _ = self._fitted(as_words(words, "words"))
        return self.padded(numbered(rows), -1)

    def align_labels(
        self, words: Any, label_ids: Any, ignore: int = -1
    ) -> tf.Tensor:
        words, label_ids = as_labelled_rows(words, label_ids)
        lengths = segment_lengths(self._fitted(words)[0])
        return self.padded(cut(label_ids, lengths), ignore)

    def padding_mask(self, features: Mapping[str, Any]) -> tf.Tensor:
        return self.word_inputs.padding_mask(features)

    def check_features(self, features: Mapping[str, Any]) -> None:
        self.word_inputs.check_features(features)

    def unknown(
        self, features: Mapping[str, Any]
    ) -> tuple[np.ndarray, np.ndarray] | None:
        return self.word_inputs.unknown(features)

    def check_sizes(
        self, sizes: Mapping[str, Any], folder: str | Path, pairs: bool = False
    ) -> None:
        if pairs:
            self.check_pairs(sizes, folder)
        for inputs, own, names in (
            (self.word_inputs, sizes, "text_inputs"),
            (
                self.context_inputs,
                sizes["context_sizes"],
                "context_text_inputs",
            ),
        ):
            given = [cls.__name__ for cls in type(inputs).__mro__]
            if not set(given) & set(sizes[names]):
                raise ValueError(
                    f"{folder}: the text inputs must be those of both "
                    f"encoders, {' or '.join(sizes[names])}. Take both from "
                    f"the same run or checkpoint. Received: {given[0]}"
                )
            inputs.check_sizes(own, folder)

    def with_settings(self, **settings: Any) -> Self:
        """Returns a copy whose `word_inputs` have other arguments."""
        return type(self)(
            self.word_inputs.with_settings(**settings), self.context_inputs
        )

    def uncut(self) -> "ContextInputs":
        return ContextInputs(self.word_inputs.uncut(), self.context_inputs)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, serializable as JSON."""
        return {
            "word_inputs": inputs_config(self.word_inputs),
            "context_inputs": inputs_config(self.context_inputs),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**{k: inputs_from_config(x) for k, x in config.items()})

    def _joined(self, text: Any, text_pair: Any) -> Any:
        if text_pair is not None and not self.takes_pairs:
            raise ValueError(
                "`text_pair` must be None: the second encoder reads parts of "
                "words, of which a pair may have too many. Received: a pair"
            )
        return self.word_inputs.rows(text, text_pair)

    def _fitted(self, rows: Any) -> tuple[Any, Any]:
        """Returns the words that fit both encoders, and their positions."""
        if self.max_length is not None:
            rows = rows[:, : self.max_length]
        if not self._has_places:
            return rows, None
        places = self._places(rows)
        # Only the end of a row is cut.
        there = tf.cast(places.values >= 0, tf.int32)
        lengths = tf.reduce_sum(places.with_values(there), axis=1)
        return cut(rows, lengths), cut(places, lengths)

    def _places(self, rows: Any) -> Any:
        """Returns the position of each word, -1 if it has none, ragged."""
        index = self.context_inputs.word_index(rows)  # (B, S)
        numbers = tf.range(tf.maximum(tf.reduce_max(rows.row_lengths()), 1))
        here = index[:, None, :] == tf.cast(numbers, tf.int32)[:, None]
        # Where several parts have the word's number, the first stands for it;
        # from left to right only the last part has it.
        first = tf.argmax(tf.cast(here, tf.int8), -1, output_type=tf.int32)
        first = tf.where(tf.reduce_any(here, -1), first, -1)
        ragged: Any = tf.RaggedTensor
        return ragged.from_tensor(first, rows.row_lengths())
