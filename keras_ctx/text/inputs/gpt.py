"""Turns texts into the ids and the mask that a GPT reads."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from keras_ctx.text.inputs.base import register_text_inputs
from keras_ctx.text.inputs.pair_arguments import check_pair_arguments
from keras_ctx.text.inputs.subwords import SubwordInputs, never_empty
from keras_ctx.text.ragged.operations import numbered
from keras_ctx.text.tokenize.byte_pairs import (
    BytePairs,
    bytes_of,
    decode,
    token_bytes,
)
from keras_ctx.text.tokenize.normalization import valid

END_OF_TEXT = "<|endoftext|>"


@register_text_inputs
class GPTInputs(SubwordInputs):
    """Text inputs of GPT-2: `token_ids` and `padding_mask`.

    Tokens are GPT-2's byte-level BPE, so no text is unknown, and `decode`
    returns it. A row is the text, with `end_token` before it if `add_start`,
    behind it if `add_end`, and between the texts of a pair. The same object
    runs eagerly, in `tf.data` and inside a served graph. The end token written
    in a text is ordinary text.

    Args:
        vocabulary: The tokens in the order of their ids, in the characters of
            GPT-2's files, where "Ġ" is a blank.
        merges: The pairs "left right", the first to be merged first.
        max_length: Maximum number of tokens in a row. Longer texts are cut at
            the end, text pairs as by `BertInputs`.
        end_token: The token between texts. GPT-2 has no other special token.
        add_start: Whether a row begins with the end token.
        add_end: Whether a row ends with the end token.

    Call arguments:
        text: Strings `(B,)`, or ragged words `(B, None)`. All words but the
            first have a blank before them.
        text_pair: None, or the second texts, in the same form.

    Returns:
        A dict of `token_ids`, int32 `(B, T)`, and `padding_mask`, bool
        `(B, T)`, True on real tokens.

    Raises:
        ValueError: If the vocabulary lacks a byte, the end token or a token
            of the merges, or has one twice; if `max_length` is too small; or
            if texts have another rank or dtype.

    Example:
        >>> from keras_ctx.text import byte_letters
        >>> tokens = [*byte_letters(), "he", "Ġhe", "<|endoftext|>"]
        >>> inputs = GPTInputs(tokens, ["h e", "Ġ he"], max_length=8)
        >>> ids = inputs(["he he!", "eh"])["token_ids"]
        >>> ids.numpy()
        array([[256, 257,  33],
               [101, 104, 258]], dtype=int32)
        >>> inputs.decode(ids[:1]).numpy()
        array([b'he he!'], dtype=object)

    Source: Radford et al. 2019, section 2.2; `encoder.py` of
    https://github.com/openai/gpt-2.

    Differs: Invalid UTF-8 is read as U+FFFD. Letters and digits that were
    added to Unicode after version 14 are split like other characters.
    """

    causal = True

    def __init__(
        self,
        vocabulary: Sequence[str],
        merges: Sequence[str],
        max_length: int,
        end_token: str = END_OF_TEXT,
        add_start: bool = False,
        add_end: bool = False,
    ) -> None:
        ids = {token: place for place, token in enumerate(vocabulary)}
        check_pair_arguments(
            vocabulary, merges, max_length, end_token=end_token
        )
        self.vocabulary = tuple(vocabulary)
        self.vocabulary_size = len(self.vocabulary)
        self.merges = tuple(merges)
        self.max_length = max_length
        self.end_token = end_token
        self.add_start = bool(add_start)
        self.add_end = bool(add_end)
        self.end_id = ids[end_token]
        self.pad_id = self.end_id
        self.special_ids = (self.end_id,)
        marker = (self.end_id,)
        self.between = marker
        self.start = marker if add_start else ()
        self.end = marker if add_end else ()
        pairs = BytePairs(ids, [tuple(pair.split(" ")) for pair in merges])
        # One graph for all that call it.
        self._pairs = tf.function(
            pairs, input_signature=[tf.TensorSpec([None], tf.string)]
        )
        self._bytes = token_bytes(self.vocabulary, (end_token,))
        self._blank = ids["Ġ"]

    def pieces(self, text: tf.Tensor) -> tf.RaggedTensor:
        found: Any = self._pairs(text)
        return found

    def piece_texts(self, ids: tf.Tensor) -> tf.Tensor:
        """Returns the text of each id; U+FFFD for a part of a character."""
        return valid(bytes_of(ids, self._bytes))

    def word_pieces(self, words: tf.RaggedTensor) -> tf.RaggedTensor:
        first = numbered(words).values == 0
        ids = self.pieces(tf.where(first, words.values, " " + words.values))
        return never_empty(ids, self._blank)

    def decode(self, token_ids: Any, padding_mask: Any = None) -> tf.Tensor:
        """Returns the texts of ids.

        Args:
            token_ids: Integers `(B, T)`, or ragged.
            padding_mask: Booleans `(B, T)`, True on real tokens; `None`: all
                are.

        Returns:
            Strings `(B,)`, valid UTF-8: bytes that are no character become
            U+FFFD. An id that is no token has no text.
        """
        ids = self._real_ids(token_ids, padding_mask)
        return decode(ids, self._bytes)

    def get_config(self) -> dict[str, Any]:
        return {
            "vocabulary": list(self.vocabulary),
            "merges": list(self.merges),
            "max_length": self.max_length,
            "end_token": self.end_token,
            "add_start": self.add_start,
            "add_end": self.add_end,
        }
