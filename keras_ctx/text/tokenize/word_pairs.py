"""GPT's byte-pair encoding of words as TensorFlow ops: text to ids and back."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_ctx.text.ragged.operations import ragged
from keras_ctx.text.tokenize.normalization import (
    ideographs_apart,
    normalize,
    split_wordpiece_words,
)
from keras_ctx.text.tokenize.pair_merges import PairMerges, lacking

WORD_END = "</w>"


class WordPairs:
    """Splits texts into the tokens of GPT's byte-pair encoding.

    A text is lower-cased and split into words as by BERT, at white space and
    around punctuation. A word is its characters, the last one with `</w>`, and
    neighbours are merged as by `PairMerges`.

    Args:
        vocabulary: Ids by token.
        merges: Pairs of tokens, the first to be merged first.
        unknown_id: The id of a character that is no token.

    Raises:
        ValueError: The vocabulary lacks a token of the merges.

    Source:
        Radford et al. 2018, section 4.1; `OpenAIGPTTokenizer` of
        https://github.com/huggingface/transformers.
    """

    def __init__(
        self,
        vocabulary: Mapping[str, int],
        merges: Sequence[Sequence[str]],
        unknown_id: int,
    ) -> None:
        if missing := lacking(vocabulary, merges):
            raise ValueError(
                "`vocabulary` must have both sides and the result of each of "
                "`merges`: the files belong to different models. Received: a "
                f"vocabulary without {missing[:5]}"
            )
        self._unknown_id = unknown_id
        self._inside = _characters(vocabulary, "")
        self._last = _characters(vocabulary, WORD_END)
        self._merges = PairMerges(vocabulary, merges)

    def __call__(self, text: tf.Tensor) -> tf.RaggedTensor:
        """Returns the ids of texts `(N,)`, ragged int32 `(N, None)`."""
        words = split_wordpiece_words(
            ideographs_apart(normalize(text, lower_case=True))
        )
        found, index = tf.unique(words.values)
        ids = tf.gather(self._pieces(found), index)
        splits = tf.gather(ids.row_splits, words.row_splits)
        return ragged(tf.cast(ids.values, tf.int32), splits)

    def _pieces(self, words: tf.Tensor) -> tf.RaggedTensor:
        """Returns the ids of words `(N,)`, ragged int64 `(N, None)`."""
        points: Any = tf.strings.unicode_decode(words, "UTF-8")
        owner = tf.cast(points.value_rowids(), tf.int32)
        is_last = tf.concat([owner[1:] != owner[:-1], [True]], axis=0)
        ids = tf.where(
            is_last[: tf.size(owner)],
            self._ids(points.values, *self._last),
            self._ids(points.values, *self._inside),
        )
        return self._merges(ids, owner, tf.size(words))

    def _ids(self, points: Any, codes: np.ndarray, ids: np.ndarray) -> Any:
        """Returns the id of each code point, of those in ascending `codes`."""
        place = tf.minimum(tf.searchsorted(codes, points), len(codes) - 1)
        known = tf.gather(codes, place) == points
        return tf.where(known, tf.gather(ids, place), self._unknown_id)


def _characters(
    vocabulary: Mapping[str, int], end: str
) -> tuple[np.ndarray, np.ndarray]:
    """Returns ascending code points, and the id of each one with an end."""
    found = sorted(
        (ord(token[0]), i)
        for token, i in vocabulary.items()
        if token[1:] == end and token
    )
    # No character has a code point below 0, and `searchsorted` needs one.
    return (
        np.array([-1, *(code for code, _ in found)], "int32"),
        np.array([-1, *(i for _, i in found)], "int64"),
    )


def decode_words(ids: tf.RaggedTensor, vocabulary: Sequence[str]) -> tf.Tensor:
    """Joins tokens, with a blank behind each word but the last.

    Args:
        ids: Ragged integers `(B, None)`.
        vocabulary: The token of each id.

    Returns:
        Strings `(B,)`. An id that is no token has no text.
    """
    tokens = [x.replace(WORD_END, " ") for x in vocabulary]
    none = len(tokens)
    known = (ids.values >= 0) & (ids.values < none)
    texts = tf.gather(
        tf.constant([*tokens, ""]), tf.where(known, ids.values, none)
    )
    joined = tf.strings.reduce_join(ids.with_values(texts), axis=-1)
    return tf.strings.regex_replace(joined, " $", "")
