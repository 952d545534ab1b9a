"""The base class of text inputs in which a token is a word."""

from typing import Any

import tensorflow as tf

from keras_ctx.text.inputs.base import TextInputs
from keras_ctx.text.ragged.checks import as_labelled_rows, as_words
from keras_ctx.text.ragged.operations import filled, numbered, total_lengths
from keras_ctx.text.ragged.packing import join, pad
from keras_ctx.text.tokenize.normalization import WORD_SPLITS, rows_of_words
from keras_ctx.text.tokenize.word_places import WordPlaces, find_words


class WordLevelInputs(TextInputs):
    """Text inputs with one position per word.

    A subclass computes the ids of words: its call gets the words `(B, None)`
    from `self.rows(text, text_pair)`, and pads each feature with
    `self.padded`.

    Args:
        split: How to split strings: `"whitespace"`, or `"character"` for one
            token per character (none for white space). Words that you pass
            are not split.
        max_length: Maximum number of words in a row, `None` for no limit.

    Raises:
        ValueError: If an argument is out of range, if texts have another rank
            or dtype, or if a text pair has a `max_length` below 3 (one more
            than the markers between the texts).

    Example:
        >>> class Lengths(WordLevelInputs):
        ...     input_key = "lengths"
        ...     def __call__(self, text, text_pair=None):
        ...         words = self.rows(text, text_pair)
        ...         lengths = tf.strings.length(words.values)
        ...         return {"lengths": self.padded(words.with_values(lengths))}
        >>> Lengths()(["a bc", "def"])["lengths"].numpy()
        array([[1, 2],
               [3, 0]], dtype=int32)
    """

    pair_markers: tuple[str, ...] = ("</S>", "<S>")
    """The words between the two texts of a pair."""

    def __init__(
        self, split: str = "whitespace", max_length: int | None = None
    ) -> None:
        if split not in WORD_SPLITS:
            raise ValueError(
                f"`split` must be one of {WORD_SPLITS}. "
                f"Received: split={split!r}"
            )
        if max_length is not None and not (
            is_count(max_length) and max_length >= 1
        ):
            raise ValueError(
                "`max_length` must be None or an integer of at least 1. "
                f"Received: max_length={max_length!r}"
            )
        self.split = split
        self.max_length = max_length

    def rows(self, text: Any, text_pair: Any = None) -> Any:
        """Returns the words of each row (text pairs joined), `(B, None)`."""
        words = rows_of_words(text, "text", self.split)
        if text_pair is None:
            return words
        second = rows_of_words(text_pair, "text_pair", self.split)
        return join(words, second, self.pair_markers, self.max_length)

    def padded(self, rows: Any, value: Any = 0) -> tf.Tensor:
        """Pads rows `(B, None, ...)` to a tensor, cut to `max_length`."""
        return pad(rows, value, self.max_length)

    def tokens(self, text: Any, text_pair: Any = None) -> tf.Tensor:
        """Returns the word at each position, `(B, T)`; "" on padding."""
        return self.padded(self.rows(text, text_pair), "")

    def num_tokens(self, text: Any, text_pair: Any = None) -> tf.Tensor:
        """Counts the positions of each row, with the markers of a text pair.

        Args:
            text: As in the call.
            text_pair: As in the call.

        Returns:
            int32 `(B,)`, before rows are cut to `max_length`.
        """
        segments = [rows_of_words(text, "text", self.split)]
        if text_pair is None:
            return total_lengths(segments)
        second = rows_of_words(text_pair, "text_pair", self.split)
        return total_lengths([*segments, second]) + len(self.pair_markers)

    def words(self, text: Any) -> WordPlaces:
        """Finds the words of texts and their positions.

        Args:
            text: Strings `(B,)`.

        Returns:
            A `WordPlaces` of ragged `(B, None)`: the `words`, and the `starts`
            and `ends` of each in the text, in characters (code points).

        Example:
            >>> from keras_ctx.text import ElmoInputs
            >>> found = ElmoInputs().words(["Go to 北京."])
            >>> found.starts.to_list(), found.ends.to_list()
            ([[0, 3, 6]], [[2, 5, 9]])
        """
        whole = self.split == "whitespace"
        return find_words(text, "whitespace" if whole else "code_point")

    def word_lengths(self, words: Any) -> tf.RaggedTensor:
        """Counts the positions of each word, always 1.

        Args:
            words: Ragged words `(B, None)`.

        Returns:
            Ragged int32 `(B, None)`.
        """
        return filled(as_words(words, "words"), 1)

    def word_index(self, words: Any, second_words: Any = None) -> tf.Tensor:
        """Returns the index of the word that each position belongs to.

        Args:
            words: Ragged words `(B, None)`.
            second_words: None, or ragged words of the second text. Then these
                are counted, and the first text may be strings.

        Returns:
            int32 `(B, T)`, aligned with the call's rows: the index of the
            word in its text, from 0; -1 on every other position (markers, the
            first text of a pair, padding).

        Example:
            >>> from keras_ctx.text import ElmoInputs
            >>> ElmoInputs().word_index(["a b"], [["c", "d"]]).numpy()
            array([[-1, -1, -1, -1,  0,  1]], dtype=int32)
        """
        if second_words is None:
            return self.padded(numbered(as_words(words, "words")), -1)
        first = rows_of_words(words, "words", self.split)
        second = as_words(second_words, "second_words")
        index = join(
            filled(first, -1),
            numbered(second),
            [-1] * len(self.pair_markers),
            self.max_length,
        )
        return self.padded(index, -1)

    def align_labels(
        self, words: Any, label_ids: Any, ignore: int = -1
    ) -> tf.Tensor:
        """Pads and cuts labels like their words.

        Args:
            words: Ragged words `(B, None)`.
            label_ids: Ragged integers `(B, None)`, one per word.
            ignore: The label of padding.

        Returns:
            int32 `(B, T)`, aligned with the call's rows.
        """
        words, label_ids = as_labelled_rows(words, label_ids)
        return self.padded(label_ids, ignore)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, serializable as JSON."""
        return {"split": self.split, "max_length": self.max_length}


def is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
