"""The character n-grams of words as rows of a table, by fastText's rules."""

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from keras_ctx.text.ragged.operations import ragged

END_OF_SENTENCE = "</s>"
LONGEST_NGRAM = 50
"""The loop of the graph has four steps for each character of an n-gram."""

# 32-bit FNV-1a, in int64: TensorFlow multiplies that on every device.
_START, _PRIME, _BITS = 2166136261, 16777619, 0xFFFFFFFF
_SIGNED = 0xFFFFFF00


@dataclass(frozen=True)
class WordNgrams:
    """Finds the rows of the n-grams of words, as fastText does.

    The n-grams of a word are those of `<word>`, `min_ngram` to `max_ngram`
    characters (code points) long, without a bare `<` or `>`. The row of an
    n-gram is its hash modulo `num_buckets`: 32-bit FNV-1a over its UTF-8
    bytes, where a byte above 127 counts as a negative number, so that it flips
    the upper 24 bits, too. The word `</s>` has no n-grams.

    Args:
        min_ngram: Length of the shortest n-grams, in characters.
        max_ngram: Length of the longest n-grams.
        num_buckets: Number of rows.
        first_rules: Whether `</s>` is a word like any other and a bare `<` or
            `>` is an n-gram, as in fastText before its files had a magic
            number.

    Source:
        `Dictionary::computeSubwords`, `hash` and `pushHash` of
        facebookresearch/fastText.
    """

    min_ngram: int
    max_ngram: int
    num_buckets: int
    first_rules: bool = False

    def __call__(self, words: Any, longest: int = 4) -> Any:
        """Returns rows from 0, ragged int32 `(N, None)`, of words `(N,)`.

        Args:
            words: Strings, in UTF-8.
            longest: Most bytes of a character; invalid UTF-8 may have more
                than 4.
        """
        words = tf.convert_to_tensor(words)
        marked = tf.strings.join(["<", words, ">"])
        data = tf.io.decode_raw(tf.strings.reduce_join(marked), tf.uint8)
        data = tf.cast(data, tf.int64)
        # A character begins at each byte but those of the form 10xxxxxx.
        begins = tf.where(tf.bitwise.bitwise_and(data, 0xC0) != 0x80)[:, 0]
        end = tf.fill([tf.minimum(tf.size(begins), 1)], tf.size(data, tf.int64))
        ends = tf.concat([begins[1:], end], axis=0)
        # `word` of each character, and the last character of that word.
        limits = tf.cumsum(tf.cast(tf.strings.length(marked), tf.int64))
        word = tf.searchsorted(limits, begins, side="right")
        last = tf.searchsorted(begins, limits) - 1
        last = tf.gather(last, word)
        found = self._hashes(data, begins, ends, last, longest)
        kept = self._kept(words, word, last)
        lengths = tf.math.unsorted_segment_sum(
            tf.reduce_sum(tf.cast(kept, tf.int64), axis=1),
            word,
            tf.size(words),
        )
        rows = tf.boolean_mask(tf.math.floormod(found, self.num_buckets), kept)
        splits = tf.pad(tf.cumsum(lengths), [[1, 0]])
        return ragged(tf.cast(rows, tf.int32), splits)

    def _hashes(self, data, begins, ends, last, longest) -> tf.Tensor:
        """Returns the hashes of n-grams by first character and length."""
        first = tf.range(tf.size(begins))
        value = tf.fill([tf.size(begins)], tf.constant(_START, tf.int64))
        columns = []
        for n in range(1, self.max_ngram + 1):
            here = tf.minimum(first + n - 1, last)
            is_inside = first + n - 1 <= last
            begin, end = tf.gather(begins, here), tf.gather(ends, here)
            for k in range(longest):
                is_byte = is_inside & (begin + k < end)
                byte = tf.gather(data, tf.where(is_byte, begin + k, begin))
                byte = tf.where(byte > 127, byte + _SIGNED, byte)
                mixed = tf.bitwise.bitwise_xor(value, byte) * _PRIME
                mixed = tf.bitwise.bitwise_and(mixed, _BITS)
                value = tf.where(is_byte, mixed, value)
            if n >= self.min_ngram:
                columns.append(value)
        return tf.stack(columns, axis=1)

    def _kept(self, words, word, last) -> tf.Tensor:
        """Returns which first characters and lengths are n-grams, bool."""
        first = tf.range(tf.size(word))
        is_kept = first >= 0
        if not self.first_rules:
            is_kept &= tf.gather(words != END_OF_SENTENCE, word)
        columns = []
        for n in range(self.min_ngram, self.max_ngram + 1):
            column = is_kept & (first + n - 1 <= last)
            if n == 1 and not self.first_rules:
                # The first character of a word follows the last of another.
                begins_word = tf.concat([[True], first[:-1] == last[:-1]], 0)
                column &= tf.logical_not(begins_word[: tf.size(word)]) & (
                    first != last
                )
            columns.append(column)
        return tf.stack(columns, axis=1)
