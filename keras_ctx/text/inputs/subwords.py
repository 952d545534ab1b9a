"""The base class of text inputs whose rows are ids of subwords and a mask."""

import abc
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from keras_ctx.text.inputs.base import TextInputs
from keras_ctx.text.ragged.checks import (
    as_labelled_rows,
    as_rows,
    as_words,
    check_pair,
)
from keras_ctx.text.ragged.operations import (
    cut,
    filled,
    numbered,
    ragged,
    segment_lengths,
    spread,
    total_lengths,
)
from keras_ctx.text.ragged.packing import pad, shared_lengths
from keras_ctx.text.tokenize.word_places import WordPlaces, find_words


class SubwordInputs(TextInputs):
    """Text inputs that return `token_ids` and `padding_mask`.

    A row is `start text end` or, for a text pair, `start text between pair
    end`, each of these with one special token or none. A subclass sets them,
    and defines `pieces` and `piece_texts`.

    Example:
        >>> class Characters(SubwordInputs):
        ...     end_id = 0
        ...     def pieces(self, text):
        ...         return tf.strings.unicode_decode(text, "UTF-8")
        ...     def piece_texts(self, ids):
        ...         return tf.strings.unicode_encode(ids[:, None], "UTF-8")
        ...     def get_config(self):
        ...         return {}
        >>> Characters()(["ab", "c"])["token_ids"].numpy()
        array([[97, 98],
               [99,  0]], dtype=int32)
    """

    input_key = "token_ids"
    # Padding may have the id of the end token.
    mask_from_ids = False
    end_id: int
    """The token that ends a text."""
    start: tuple[int, ...] = ()
    """The tokens before a text."""
    between: tuple[int, ...] = ()
    """The tokens between the texts of a pair."""
    end: tuple[int, ...] = ()
    """The tokens behind a text."""
    causal: bool = False
    """Whether the encoder reads from left to right, so that only the last
    piece of a word has seen all of it."""

    @abc.abstractmethod
    def pieces(self, text: tf.Tensor) -> tf.RaggedTensor:
        """Returns the ids of texts `(N,)`, ragged int32 `(N, None)`."""

    @abc.abstractmethod
    def piece_texts(self, ids: tf.Tensor) -> tf.Tensor:
        """Returns the text of each id, `(N,)`."""

    def word_pieces(self, words: tf.RaggedTensor) -> tf.RaggedTensor:
        """Returns the ids of N words of rows, one or more each, `(N, None)`."""
        return self.pieces(words.values)

    def __call__(
        self, text: Any, text_pair: Any = None
    ) -> dict[str, tf.Tensor]:
        rows = self._rows(self._segments(text, text_pair))
        return {
            "token_ids": self._pad(rows, self.pad_id),
            "padding_mask": self._pad(filled(rows, 1), 0) > 0,
        }

    def encode(self, text: Any) -> tf.RaggedTensor:
        """Returns the ids of texts, uncut and without special tokens.

        Args:
            text: As in the call.

        Returns:
            Ragged int32 `(B, None)`.
        """
        return self._split(text, "text")

    def padding_mask(self, features: Mapping[str, Any]) -> tf.Tensor:
        return tf.cast(features["padding_mask"], tf.bool)

    def tokens(self, text: Any, text_pair: Any = None) -> tf.Tensor:
        """Returns the text of each position, `(B, T)`; "" on padding."""
        rows = self._rows(self._segments(text, text_pair))
        return self._pad(rows.with_values(self.piece_texts(rows.values)), "")

    def num_tokens(self, text: Any, text_pair: Any = None) -> tf.Tensor:
        """Counts the positions of each row before any cut, int32 `(B,)`."""
        segments = self._segments(text, text_pair)
        return total_lengths(segments) + self._num_special(len(segments))

    def words(self, text: Any) -> WordPlaces:
        """Finds the words of texts, split at white space."""
        return find_words(text, "whitespace")

    def word_lengths(self, words: Any) -> tf.RaggedTensor:
        """Counts the positions of each word, ragged int32 `(B, None)`."""
        words = as_words(words, "words")
        lengths = self.word_pieces(words).row_lengths()
        return words.with_values(tf.cast(lengths, tf.int32))

    def word_index(self, words: Any, second_words: Any = None) -> tf.Tensor:
        """Returns the index of the word of each position, int32 `(B, T)`.

        With `causal` only the last piece of a word has it. All other positions
        get -1. With `second_words`, only its words are
        counted.
        """
        segments, name = [], "words"
        if second_words is not None:
            segments = [filled(self._split(words, name), -1)]
            words, name = second_words, "second_words"
        words = as_words(words, name)
        segments.append(self._of_words(words, numbered(words), -1))
        return self._pad(self._rows(segments, -1), -1)

    def align_labels(
        self, words: Any, label_ids: Any, ignore: int = -1
    ) -> tf.Tensor:
        """Moves the label of each word to one piece, int32 `(B, T)`.

        To its first piece, or with `causal` to the last.
        """
        words, label_ids = as_labelled_rows(words, label_ids)
        rows = self._of_words(words, label_ids, ignore)
        if not self.causal:
            lengths = self.word_pieces(words).row_lengths()
            first = tf.ragged.range(lengths).values == 0
            rows = rows.with_values(tf.where(first, rows.values, ignore))
        return self._pad(self._rows([rows], ignore), ignore)

    def _of_words(self, words: Any, values: Any, nothing: int) -> Any:
        """Repeats the value of each word at its pieces.

        With `causal` it stands at the last piece alone.
        """
        lengths = self.word_pieces(words).row_lengths()
        rows = spread(values, lengths)
        if not self.causal:
            return rows
        place = tf.ragged.range(lengths).values
        last = place == tf.repeat(lengths, lengths) - 1
        return rows.with_values(tf.where(last, rows.values, nothing))

    def uncut(self) -> "SubwordInputs":
        """Returns itself: rows are as long as the longest of the batch.

        `max_length` stays: it is the encoder's number of positions.
        """
        return self

    def _real_ids(self, token_ids: Any, padding_mask: Any) -> Any:
        """Returns the ids of real tokens, ragged `(B, None)`."""
        if isinstance(token_ids, tf.RaggedTensor):
            return token_ids
        token_ids = tf.convert_to_tensor(token_ids)
        if padding_mask is None:
            padding_mask = tf.ones_like(token_ids, tf.bool)
        return tf.ragged.boolean_mask(token_ids, tf.cast(padding_mask, tf.bool))

    def _text_ids(self, token_ids: Any, padding_mask: Any) -> Any:
        """Returns the ids of real tokens that are text, ragged int32."""
        ids = tf.cast(self._real_ids(token_ids, padding_mask), tf.int32)
        kept = (ids.values >= 0) & (ids.values < self.vocabulary_size)
        for special in self.special_ids:
            kept &= ids.values != special
        return tf.ragged.boolean_mask(ids, ids.with_values(kept))

    def _num_special(self, num_segments: int) -> int:
        between = len(self.between) * (num_segments - 1)
        return len(self.start) + between + len(self.end)

    def _segments(self, text: Any, text_pair: Any) -> list[tf.RaggedTensor]:
        segments = [self._split(text, "text")]
        if text_pair is not None:
            segments.append(self._split(text_pair, "text_pair"))
        return segments

    def _split(self, text: Any, name: str) -> tf.RaggedTensor:
        """Returns the ids of every text, ragged int32 `(B, None)`."""
        text = as_rows(text, name)
        if not isinstance(text, tf.RaggedTensor):
            return self.pieces(text)
        ids = self.word_pieces(text)
        splits = tf.gather(ids.row_splits, text.row_splits)
        return ragged(ids.values, splits)

    def _rows(self, segments: Sequence[Any], special: int | None = None) -> Any:
        """Joins segments and special tokens to rows of `max_length` or less.

        Args:
            segments: One or two of ragged `(B, None)`.
            special: A value instead of the special tokens.
        """
        lengths: Any = [segment_lengths(x) for x in segments]
        if len(segments) == 2:
            check_pair(segments[0], segments[1])
        if self.max_length is not None:
            budget = self.max_length - self._num_special(len(segments))
            if len(segments) == 2:
                lengths = shared_lengths(lengths[0], lengths[1], budget)
            else:
                lengths = [tf.minimum(lengths[0], budget)]
            segments = [
                cut(x, count)
                for x, count in zip(segments, lengths, strict=True)
            ]

        def markers(ids: tuple[int, ...]) -> list[tf.Tensor]:
            count = segments[0].nrows()
            return [
                tf.fill([count, 1], x if special is None else special)
                for x in ids
            ]

        parts: list[Any] = [*markers(self.start), segments[0]]
        for segment in segments[1:]:
            parts += [*markers(self.between), segment]
        parts += markers(self.end)
        return parts[0] if len(parts) == 1 else tf.concat(parts, axis=1)

    def _pad(self, rows: tf.RaggedTensor, value: Any) -> tf.Tensor:
        return pad(rows, value, self.max_length)


def never_empty(ids: Any, instead: int) -> Any:
    """Gives words without an id one, ragged `(N, None)`."""
    none = ids.row_lengths() == 0
    more = tf.fill([tf.reduce_sum(tf.cast(none, tf.int32))], instead)
    splits = tf.pad(tf.cumsum(tf.cast(none, tf.int64)), [[1, 0]])
    return tf.concat([ids, ragged(more, splits)], axis=1)
