"""Texts to the ids, segments and mask that a BERT encoder reads."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from keras_ctx.text import rows
from keras_ctx.text.pieces import Characters, Pieces, WordPieces
from keras_ctx.text.vocabulary import SPECIAL_TOKENS, load_vocabulary


class BertInputs:
    """Turns texts into BERT's `token_ids`, `segment_ids` and `padding_mask`.

    A row is `[CLS] a [SEP]` or, with a second text, `[CLS] a [SEP] b [SEP]`.
    The same function runs eagerly, in `tf.data` and inside a served graph; it
    holds no table or variable, so an export has nothing to track. A literal
    `[MASK]` or `[SEP]` in a text is text, never the special token.

    Args:
        vocabulary: path of a file with one token a line, or the tokens. It
            has to hold `[PAD]`, `[UNK]`, `[CLS]`, `[SEP]` and `[MASK]`.
        max_length: most tokens in a row, `[CLS]` and `[SEP]` included. Longer
            texts are cut; a pair is cut at the end of its longer text, at the
            end of the second where both are equally long.
        lower_case: folds case. With `split="wordpiece"` accents are dropped
            too, as in the uncased BERT models; with `"character"` they stay.
        split: `"wordpiece"` for BERT's own tokens, or `"character"` for one
            token a character (white space gives none).
        padding: `"longest"` pads to the longest row of the batch,
            `"max_length"` always to `max_length`.

    Call arguments:
        text: strings `(B,)`, or ragged words `(B, None)`. A word that gives
            no piece becomes `[UNK]`, so that words and labels stay aligned.
        second_text: None, or the same for the second segment.

    Returns:
        A dict of `token_ids` and `segment_ids`, int32 `(B, T)`, and
        `padding_mask`, bool `(B, T)`, True on real tokens.

    Raises:
        ValueError: for a `split`, `padding` or `max_length` out of range, a
            vocabulary with a duplicate or without a special token, and texts
            of another rank or dtype.

    Example:
        >>> from keras_ctx.text import BertInputs
        >>> special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        >>> inputs = BertInputs([*special, "good", "book", "##s"], 8)
        >>> inputs(["Good books", "book"])["token_ids"].numpy()
        array([[2, 5, 6, 7, 3],
               [2, 6, 3, 0, 0]], dtype=int32)

    Source: Devlin et al. 2019, https://arxiv.org/abs/1810.04805, and the
    tokenizer of https://github.com/google-research/bert.

    Differs: WordPiece gives the ids of the `tokenizers` library's BERT, but
    for some 800 rare code points: marks and punctuation newer than that
    library's Unicode tables follow TensorFlow's, and the ideographs U+2B820
    to U+2B91F are single words, as in google-research/bert. Invalid UTF-8
    reads as U+FFFD; WordPiece drops that, as BERT does, and
    `split="character"` makes `[UNK]` of it.
    """

    def __init__(
        self,
        vocabulary: str | Path | Sequence[str],
        max_length: int,
        lower_case: bool = True,
        split: str = "wordpiece",
        padding: str = "longest",
    ) -> None:
        if isinstance(max_length, bool) or not isinstance(max_length, int):
            raise ValueError(
                "`max_length` must be an integer. "
                f"Received: max_length={max_length!r}"
            )
        if max_length < 3:
            raise ValueError(
                "`max_length` must be at least 3, for [CLS], one token and "
                f"[SEP]. Received: max_length={max_length}"
            )
        if split not in ("wordpiece", "character"):
            raise ValueError(
                '`split` must be "wordpiece" or "character". '
                f"Received: split={split!r}"
            )
        if padding not in ("longest", "max_length"):
            raise ValueError(
                '`padding` must be "longest" or "max_length". '
                f"Received: padding={padding!r}"
            )
        tokens = load_vocabulary(vocabulary, required=SPECIAL_TOKENS)
        self.vocabulary = tuple(tokens)
        self.vocabulary_size = len(tokens)
        self.max_length = max_length
        self.lower_case = bool(lower_case)
        self.split = split
        self.padding = padding
        self.pad_id = tokens.index("[PAD]")
        self.unknown_id = tokens.index("[UNK]")
        self.cls_id = tokens.index("[CLS]")
        self.sep_id = tokens.index("[SEP]")
        self.mask_id = tokens.index("[MASK]")
        self.special_ids = tuple(tokens.index(t) for t in SPECIAL_TOKENS)
        pieces = WordPieces if split == "wordpiece" else Characters
        self._pieces = pieces(self.vocabulary, self.lower_case)

    def __call__(
        self, text: Any, second_text: Any = None
    ) -> dict[str, tf.Tensor]:
        segments = [
            self._split(value, name).ids
            for name, value in _given(text, second_text)
        ]
        plan = self._pack(segments)
        return {
            "token_ids": plan.gather(
                segments, self.cls_id, self.sep_id, self.pad_id
            ),
            "segment_ids": plan.segment_ids,
            "padding_mask": plan.padding_mask,
        }

    def tokens(self, text: Any, second_text: Any = None) -> tf.Tensor:
        """The text behind every position, for people and for spans.

        Pieces are shown as the (normalized) text wrote them, also where their
        id is `[UNK]`, and without `##`; `[UNK]` stands for a word of which
        nothing is left.

        Args:
            text: as in the call.
            second_text: as in the call.

        Returns:
            Strings `(B, T)`: `[CLS]`, the pieces, `[SEP]`; "" on padding.
        """
        segments: list[Any] = [
            self._split(value, name, surface=True).surface
            for name, value in _given(text, second_text)
        ]
        return self._pack(segments).gather(segments, "[CLS]", "[SEP]", "")

    def align_labels(
        self, words: Any, label_ids: Any, ignore: int = -1
    ) -> tf.Tensor:
        """Moves a label a word to the first piece of the word.

        Args:
            words: ragged words `(B, None)`, as in the call.
            label_ids: ragged integers `(B, None)`, one a word.
            ignore: the label of every other position.

        Returns:
            int32 `(B, T)`, aligned with the call's `token_ids`.
        """
        words, label_ids = rows.as_labelled_rows(words, label_ids)
        lengths = self._word_pieces(words.values).ids.row_lengths()
        first = tf.ragged.range(lengths).values == 0
        labels = tf.where(first, tf.repeat(label_ids.values, lengths), ignore)
        splits = tf.gather(
            tf.pad(tf.cumsum(lengths), [[1, 0]]), words.row_splits
        )
        segments = [rows.ragged(labels, splits)]
        return self._pack(segments).gather(segments, ignore, ignore, ignore)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, ready for JSON."""
        return {
            "vocabulary": list(self.vocabulary),
            "max_length": self.max_length,
            "lower_case": self.lower_case,
            "split": self.split,
            "padding": self.padding,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "BertInputs":
        """Builds the object that `get_config` described."""
        return cls(**config)

    def _split(self, text: Any, name: str, surface: bool = False) -> Pieces:
        """The pieces of every text, `(B, None)`."""
        text = rows.as_rows(text, name)
        if not isinstance(text, tf.RaggedTensor):
            return self._pieces(text, surface)
        pieces = self._word_pieces(text.values, surface)
        splits = tf.gather(pieces.ids.row_splits, text.row_splits)
        ids = rows.ragged(pieces.ids.values, splits)
        if not surface:
            return Pieces(ids, None)
        return Pieces(ids, ids.with_values(pieces.surface.values))

    def _word_pieces(self, words: tf.Tensor, surface: bool = False) -> Pieces:
        """The pieces of N words, at least one a word, `(N, None)`."""
        pieces = self._pieces(words, surface)
        missing = tf.cast(pieces.ids.row_lengths() == 0, tf.int64)
        splits = tf.pad(tf.cumsum(missing), [[1, 0]])
        nothing = rows.ragged(tf.fill(splits[-1:], self.unknown_id), splits)
        ids = tf.concat([pieces.ids, nothing], axis=1)
        if not surface:
            return Pieces(ids, None)
        nothing = nothing.with_values(tf.fill(splits[-1:], "[UNK]"))
        return Pieces(ids, tf.concat([pieces.surface, nothing], axis=1))

    def _pack(self, segments: list[tf.RaggedTensor]) -> rows.Packing:
        return rows.pack(segments, self.max_length, self.padding == "longest")


def _given(text: Any, second_text: Any) -> list[tuple[str, Any]]:
    if second_text is None:
        return [("text", text)]
    return [("text", text), ("second_text", second_text)]
