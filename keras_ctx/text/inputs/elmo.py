"""Texts to the character ids that an ELMo encoder reads."""

from typing import Any

import tensorflow as tf

from keras_ctx.text.ragged.checks import as_labelled_rows, as_words
from keras_ctx.text.ragged.operations import filled, numbered, total_lengths
from keras_ctx.text.ragged.packing import join, pad
from keras_ctx.text.tokenize.normalization import WORD_SPLITS, rows_of_words
from keras_ctx.text.tokenize.word_places import WordPlaces, find_words

# Every id is one higher than in the sheet: 0 means "no token here".
_SENTENCE_BEGIN, _SENTENCE_END = 257, 258
_WORD_BEGIN, _WORD_END, _CHARACTER_PAD = 259, 260, 261


class ElmoInputs:
    """Turns texts into ELMo's `char_ids`, the UTF-8 bytes of every word.

    A word is word-begin, its first `max_characters - 2` bytes, word-end, pads.
    The cut may halve a character. Byte b has id b + 1, so that 0 is free for
    "no token here". The words `<S>` and `</S>`, so written, give the sentence
    markers' rows, as in the reference; the encoder adds its own markers.

    Args:
        max_characters: C, ids a word.
        split: `"whitespace"` or `"character"` (one token a character, none for
            white space); how a string is split. Words are taken as they are.
        max_length: most words in a row, None for no limit.
        distinct: whether to give each distinct word of the batch once, for
            `keras_ctx.models.distinct_words`.

    Call arguments:
        text: strings `(B,)`, or ragged words `(B, None)`.
        second_text: None, or the same for a second text. A pair is one row,
            `text </S> <S> second_text`, as in a stream of sentences; with a
            `max_length` it is cut at the end of its longer text, at the end
            of the second where both are equally long.

    Returns:
        A dict of `char_ids`, int32 `(B, T, C)`, T at least 1. If distinct:
        `distinct_char_ids`, int32 `(W, C)`, a row of zeros, the begin and the
        end of a sentence, then the words as they first come; `word_ids`,
        int32 `(B, T)`, rows of it, 0 on padding.

    Raises:
        ValueError: for arguments out of range, texts of another rank or
            dtype, and two texts with a `max_length` below 3.

    Example:
        >>> from keras_ctx.text import ElmoInputs
        >>> ElmoInputs(max_characters=5)(["a bc", "é"])["char_ids"].numpy()
        array([[[259,  98, 260, 261, 261],
                [259,  99, 100, 260, 261]],
        <BLANKLINE>
               [[259, 196, 170, 260, 261],
                [  0,   0,   0,   0,   0]]], dtype=int32)

    Source: Peters et al. 2018, https://arxiv.org/abs/1802.05365; character
    ids of https://github.com/allenai/bilm-tf and of allennlp.

    Differs: invalid UTF-8 becomes U+FFFD (three bytes). White space is that
    of Python's `str.split`.
    """

    def __init__(
        self,
        max_characters: int = 50,
        split: str = "whitespace",
        max_length: int | None = None,
        distinct: bool = False,
    ) -> None:
        if split not in WORD_SPLITS:
            raise ValueError(
                f"`split` must be one of {WORD_SPLITS}. "
                f"Received: split={split!r}"
            )
        if not _is_count(max_characters) or max_characters < 3:
            raise ValueError(
                "`max_characters` must be an integer of at least 3, for "
                "word-begin, one byte and word-end. "
                f"Received: max_characters={max_characters!r}"
            )
        if max_length is not None and not (
            _is_count(max_length) and max_length >= 1
        ):
            raise ValueError(
                "`max_length` must be None or an integer of at least 1. "
                f"Received: max_length={max_length!r}"
            )
        self.max_characters = max_characters
        self.split = split
        self.max_length = max_length
        self.distinct = distinct

    def __call__(
        self, text: Any, second_text: Any = None
    ) -> dict[str, tf.Tensor]:
        words = self._words(text, second_text)
        if self.distinct:
            return self._distinct(words)
        char_ids = words.with_values(self._char_ids(words.values))
        return {"char_ids": pad(char_ids, 0, self.max_length)}

    def tokens(self, text: Any, second_text: Any = None) -> tf.Tensor:
        """The words behind the rows: strings `(B, T)`, "" on padding."""
        return pad(self._words(text, second_text), "", self.max_length)

    def num_tokens(self, text: Any, second_text: Any = None) -> tf.Tensor:
        """How many positions each row needs, with the markers of a pair.

        Args:
            text: as in the call.
            second_text: as in the call.

        Returns:
            int32 `(B,)`; a row of more than `max_length` is cut.
        """
        segments = [rows_of_words(text, "text", self.split)]
        if second_text is None:
            return total_lengths(segments)
        second = rows_of_words(second_text, "second_text", self.split)
        return total_lengths([*segments, second]) + 2

    def words(self, text: Any) -> WordPlaces:
        """The words of texts, and their places.

        Args:
            text: strings `(B,)`.

        Returns:
            A `WordPlaces` of ragged `(B, None)`: `words`, and the `starts`
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
        """How many positions each word takes: 1, as `BertInputs` counts.

        Args:
            words: ragged words `(B, None)`.

        Returns:
            Ragged int32 `(B, None)`.
        """
        return filled(as_words(words, "words"), 1)

    def word_index(self, words: Any, second_words: Any = None) -> tf.Tensor:
        """The number of the word that each position belongs to.

        Args:
            words: ragged words `(B, None)`.
            second_words: None, or ragged words of the second text, whose
                words are counted then. The first text may be strings.

        Returns:
            int32 `(B, T)`, aligned with the call's rows: the place of the
            word in its row, from 0; -1 on every other position (markers, the
            first of two texts, padding).

        Example:
            >>> from keras_ctx.text import ElmoInputs
            >>> ElmoInputs().word_index(["a b"], [["c", "d"]]).numpy()
            array([[-1, -1, -1, -1,  0,  1]], dtype=int32)
        """
        if second_words is None:
            index = numbered(as_words(words, "words"))
        else:
            first = rows_of_words(words, "words", self.split)
            second = as_words(second_words, "second_words")
            index = join(
                filled(first, -1),
                numbered(second),
                (-1, -1),
                self.max_length,
            )
        return pad(index, -1, self.max_length)

    def align_labels(
        self, words: Any, label_ids: Any, ignore: int = -1
    ) -> tf.Tensor:
        """Pads and cuts labels like their words.

        Args:
            words: ragged words `(B, None)`.
            label_ids: ragged integers `(B, None)`, one a word.
            ignore: the label of padding.

        Returns:
            int32 `(B, T)`, aligned with the call's `char_ids`.
        """
        words, label_ids = as_labelled_rows(words, label_ids)
        return pad(label_ids, ignore, self.max_length)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, ready for JSON."""
        return {
            "max_characters": self.max_characters,
            "split": self.split,
            "max_length": self.max_length,
            "distinct": self.distinct,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ElmoInputs":
        """Builds the object that `get_config` described."""
        return cls(**config)

    def _words(self, text: Any, second_text: Any) -> tf.RaggedTensor:
        words = rows_of_words(text, "text", self.split)
        if second_text is None:
            return words
        second = rows_of_words(second_text, "second_text", self.split)
        return join(words, second, ("</S>", "<S>"), self.max_length)

    def _distinct(self, words: tf.RaggedTensor) -> dict[str, tf.Tensor]:
        if self.max_length is not None:
            words = words[:, : self.max_length]  # pyright: ignore
        distinct, places = tf.unique(words.values)
        table = self._char_ids(tf.concat([["<S>", "</S>"], distinct], axis=0))
        word_ids = words.with_values(places + 3)
        return {
            "distinct_char_ids": tf.pad(table, [[1, 0], [0, 0]]),
            "word_ids": pad(word_ids, 0, self.max_length),
        }

    def _char_ids(self, words: tf.Tensor) -> tf.Tensor:
        """Ids `(N, C)` of N words."""
        most = self.max_characters - 2
        codes = tf.io.decode_raw(words, tf.uint8, fixed_length=most)
        codes = tf.cast(codes, tf.int32) + 1
        length = tf.minimum(tf.strings.length(words), most)
        for marker, code in (("<S>", _SENTENCE_BEGIN), ("</S>", _SENTENCE_END)):
            found = words == marker
            codes = tf.where(found[:, None], code, codes)
            length = tf.where(found, 1, length)
        position, length = tf.range(most + 1)[None, :], length[:, None]
        codes = tf.pad(codes, [[0, 0], [0, 1]])
        codes = tf.where(position < length, codes, _CHARACTER_PAD)
        codes = tf.where(position == length, _WORD_END, codes)
        return tf.pad(codes, [[0, 0], [1, 0]], constant_values=_WORD_BEGIN)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
