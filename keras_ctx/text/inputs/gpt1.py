"""Turns texts into the ids and the mask that the first GPT reads."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_ctx.text.inputs.base import register_text_inputs
from keras_ctx.text.inputs.pair_arguments import check_pair_arguments
from keras_ctx.text.inputs.subwords import SubwordInputs, never_empty
from keras_ctx.text.tokenize.word_pairs import WordPairs, decode_words

UNKNOWN = "<unk>"


@register_text_inputs
class GPT1Inputs(SubwordInputs):
    """Text inputs of the first GPT: `token_ids` and `padding_mask`.

    Tokens are GPT's byte-pair encoding of lower-case words, where `</w>` ends
    a word. The released vocabulary has no special tokens: those of fine-tuning
    are new rows of the table. So a row is the text alone, and the texts of a
    pair follow each other, unless tokens are given. The same object runs
    eagerly, in `tf.data` and inside a served graph.

    Args:
        vocabulary: The tokens in the order of their ids.
        merges: The pairs "left right", the first to be merged first.
        max_length: Maximum number of tokens in a row. Longer texts are cut at
            the end, text pairs as by `BertInputs`.
        unknown_token: The token of a character that is no token.
        start_token: A token before a row, or `None`.
        delimiter_token: A token between the texts of a pair, or `None`.
        end_token: A token behind a row, from which a classifier reads, or
            `None`.

    Call arguments:
        text: Strings `(B,)`, or ragged words `(B, None)`.
        text_pair: None, or the second texts, in the same form.

    Returns:
        A dict of `token_ids`, int32 `(B, T)`, and `padding_mask`, bool
        `(B, T)`, True on real tokens.

    Raises:
        ValueError: If the vocabulary lacks a special token or a token of the
            merges, or has one twice; if `max_length` is too small; or if
            texts have another rank or dtype.

    Example:
        >>> tokens = ["<unk>", "h", "e", "e</w>", "!</w>", "he</w>"]
        >>> inputs = GPT1Inputs(tokens, ["h e</w>"], max_length=8)
        >>> ids = inputs(["He, he!", "eh"])["token_ids"]
        >>> ids.numpy()
        array([[5, 0, 5, 4],
               [2, 0, 0, 0]], dtype=int32)
        >>> inputs.decode(ids[:1]).numpy()
        array([b'he <unk>he !'], dtype=object)

    Source: Radford et al. 2018, section 4.1;
    https://github.com/openai/finetune-transformer-lm; `OpenAIGPTTokenizer` of
    https://github.com/huggingface/transformers.

    Differs: The release splits words by spaCy after ftfy, which writes some
    characters otherwise and has a token for the end of a line. These are the
    ids of `transformers`, which splits as BERT does. Accents are dropped, and
    invalid UTF-8 too.
    """

    causal = True
    end_id: Any

    def __init__(
        self,
        vocabulary: Sequence[str],
        merges: Sequence[str],
        max_length: int,
        unknown_token: str = UNKNOWN,
        start_token: str | None = None,
        delimiter_token: str | None = None,
        end_token: str | None = None,
    ) -> None:
        special = {
            "start_token": start_token,
            "delimiter_token": delimiter_token,
            "end_token": end_token,
        }
        check_pair_arguments(
            *(vocabulary, merges, max_length),
            unknown_token=unknown_token,
            **special,
        )
        ids = {token: place for place, token in enumerate(vocabulary)}
        self.vocabulary = tuple(vocabulary)
        self.vocabulary_size = len(self.vocabulary)
        self.merges = tuple(merges)
        self.max_length = max_length
        self.unknown_token = unknown_token
        self.unknown_id = self.pad_id = ids[unknown_token]
        self._special = special
        self.start, self.between, self.end = (
            () if token is None else (ids[token],) for token in special.values()
        )
        self.end_id = self.end[0] if self.end else None
        found = {*self.start, *self.between, *self.end}
        self.special_ids = tuple(sorted(found))
        pairs = WordPairs(
            ids, [tuple(pair.split(" ")) for pair in merges], self.unknown_id
        )
        # One graph for all that call it.
        self._pairs = tf.function(
            pairs, input_signature=[tf.TensorSpec([None], tf.string)]
        )

    def pieces(self, text: tf.Tensor) -> tf.RaggedTensor:
        return self._pairs(text)

    def piece_texts(self, ids: tf.Tensor) -> tf.Tensor:
        return tf.gather(tf.constant(self.vocabulary), ids)

    def word_pieces(self, words: tf.RaggedTensor) -> tf.RaggedTensor:
        return never_empty(self.pieces(words.values), self.unknown_id)

    def unknown(
        self, features: Mapping[str, Any]
    ) -> tuple[np.ndarray, np.ndarray]:
        ids = np.asarray(features["token_ids"])
        real = np.asarray(features["padding_mask"])
        return ids == self.unknown_id, real & ~np.isin(ids, self.special_ids)

    def decode(self, token_ids: Any, padding_mask: Any = None) -> tf.Tensor:
        """Returns the texts of ids: lower-case words with blanks between them.

        Args:
            token_ids: Integers `(B, T)`, or ragged.
            padding_mask: Booleans `(B, T)`, True on real tokens; `None`: all
                are.

        Returns:
            Strings `(B,)`. An id that is no token has no text.
        """
        ids = self._real_ids(token_ids, padding_mask)
        return decode_words(ids, self.vocabulary)

    def get_config(self) -> dict[str, Any]:
        return {
            "vocabulary": list(self.vocabulary),
            "merges": list(self.merges),
            "max_length": self.max_length,
            "unknown_token": self.unknown_token,
            **self._special,
        }
