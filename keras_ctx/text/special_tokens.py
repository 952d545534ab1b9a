"""Special tokens that a text spells out, such as a literal `[MASK]`."""

import re
from collections.abc import Sequence

import tensorflow as tf

from keras_ctx.text.pieces import Characters, Pieces, WordPieces, valid
from keras_ctx.text.vocabulary import SPECIAL_TOKENS

_LITERAL = f"({'|'.join(map(re.escape, SPECIAL_TOKENS))})"
# A byte that no valid UTF-8 holds.
_BORDER = b"\xff"


class SpecialTokens:
    """Splits off literal special tokens and leaves the rest to `pieces`.

    They are looked for before any normalization, wherever they stand, in
    exactly this spelling, as the `tokenizers` library does.
    """

    def __init__(
        self, pieces: WordPieces | Characters, vocabulary: Sequence[str]
    ) -> None:
        self._pieces = pieces
        self._ids = [vocabulary.index(token) for token in SPECIAL_TOKENS]

    def __call__(self, text: tf.Tensor, surface: bool = False) -> Pieces:
        # Not with TensorFlow Text's `regex_split`, which ends at a NUL.
        apart = _BORDER + rb"\1" + _BORDER
        text = tf.strings.regex_replace(valid(text), _LITERAL, apart)
        sections = tf.strings.split(text, _BORDER)
        literal = sections.values
        match = literal[:, None] == tf.constant(SPECIAL_TOKENS)
        special = tf.reduce_any(match, axis=1)
        ids = tf.gather(self._ids, tf.argmax(match, axis=1))
        pieces = self._pieces(tf.where(special, "", literal), surface)
        return pieces.put(special, ids, literal).merge(sections.row_splits)
