"""Texts to word ids, for encoders that know words by a table."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from keras_ctx.text.inputs.elmo import ElmoInputs
from keras_ctx.text.ragged.packing import join, pad
from keras_ctx.text.tokenize.normalization import rows_of_words
from keras_ctx.text.tokenize.word_places import WordPlaces
from keras_ctx.text.vocabulary.file import WORD_SPECIAL_TOKENS, load_vocabulary

# The ids of `</S>` and `<S>`, the first two words of every vocabulary.
_END_BEGIN = (2, 1)


class WordInputs:
    """Turns texts into the `word_ids` of `elmo_word_encoder`.

    The id of a word is its place in the vocabulary, counted from 1; 0 is "no
    token here". A word outside the vocabulary is `<UNK>`, which therefore has
    to be in it: without, it would look like padding.

    Args:
        vocabulary: path of a file with one word a line, or the words, `<S>`
            and `</S>` first and `<UNK>` anywhere.
        split: `"whitespace"` or `"character"`, as in `ElmoInputs`.
        max_length: most words in a row, None for no limit.

    Call arguments:
        text: strings `(B,)`, or ragged words `(B, None)`.
        second_text: None, or the same for a second text, as in `ElmoInputs`:
            the markers `</S>` and `<S>` stand between the two.

    Returns:
        A dict of `word_ids`, int32 `(B, T)`, T at least 1.

    Raises:
        ValueError: for arguments out of range, a vocabulary with a duplicate
            or without its special words, texts of another rank or dtype, and
            two texts with a `max_length` below 3.

    Example:
        >>> from keras_ctx.text import WordInputs
        >>> inputs = WordInputs(["<S>", "</S>", "<UNK>", "a", "b"])
        >>> inputs(["a b c", "b"])["word_ids"].numpy()
        array([[4, 5, 3],
               [5, 0, 0]], dtype=int32)

    Source: the vocabulary of https://github.com/allenai/bilm-tf, where an
    unknown word of a cached table has the id of padding.
    """

    def __init__(
        self,
        vocabulary: str | Path | Sequence[str],
        split: str = "whitespace",
        max_length: int | None = None,
    ) -> None:
        words = load_vocabulary(vocabulary, required=WORD_SPECIAL_TOKENS)
        begin_end = WORD_SPECIAL_TOKENS[:2]
        if tuple(words[:2]) != begin_end:
            raise ValueError(
                f"`vocabulary` must begin with {' and '.join(begin_end)}. "
                f"Received: {words[:2]}"
            )
        # Checks the other arguments, and lays out what is not ids.
        self._words = ElmoInputs(split=split, max_length=max_length)
        self.vocabulary = tuple(words)
        self.vocabulary_size = len(words)
        self.split = split
        self.max_length = max_length
        # Not the markers: a word of the text that is spelled so is unknown.
        values = tf.range(3, len(words) + 1, dtype=tf.int32)
        self._table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                tf.constant(words[2:], tf.string), values
            ),
            words.index(WORD_SPECIAL_TOKENS[2]) + 1,
        )

    def __call__(
        self, text: Any, second_text: Any = None
    ) -> dict[str, tf.Tensor]:
        ids = self._ids(text, "text")
        if second_text is not None:
            second = self._ids(second_text, "second_text")
            ids = join(ids, second, _END_BEGIN, self.max_length)
        return {"word_ids": pad(ids, 0, self.max_length)}

    @property
    def tables(self) -> tuple[tf.lookup.StaticHashTable]:
        """What an export has to track."""
        return (self._table,)

    def tokens(self, text: Any, second_text: Any = None) -> tf.Tensor:
        """The words behind the ids: strings `(B, T)`, "" on padding."""
        return self._words.tokens(text, second_text)

    def num_tokens(self, text: Any, second_text: Any = None) -> tf.Tensor:
        """As `ElmoInputs.num_tokens`."""
        return self._words.num_tokens(text, second_text)

    def words(self, text: Any) -> WordPlaces:
        """As `ElmoInputs.words`."""
        return self._words.words(text)

    def word_lengths(self, words: Any) -> tf.RaggedTensor:
        """As `ElmoInputs.word_lengths`."""
        return self._words.word_lengths(words)

    def word_index(self, words: Any, second_words: Any = None) -> tf.Tensor:
        """As `ElmoInputs.word_index`."""
        return self._words.word_index(words, second_words)

    def align_labels(
        self, words: Any, label_ids: Any, ignore: int = -1
    ) -> tf.Tensor:
        """As `ElmoInputs.align_labels`."""
        return self._words.align_labels(words, label_ids, ignore)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, ready for JSON."""
        return {
            "vocabulary": list(self.vocabulary),
            "split": self.split,
            "max_length": self.max_length,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "WordInputs":
        """Builds the object that `get_config` described."""
        return cls(**config)

    def _ids(self, text: Any, name: str) -> tf.RaggedTensor:
        words = rows_of_words(text, name, self.split)
        return words.with_values(self._table.lookup(words.values))
