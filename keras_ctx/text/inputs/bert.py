"""Turns texts into the ids, segments and mask that a BERT encoder reads."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from keras_ctx.text.inputs.base import TextInputs, register_text_inputs
from keras_ctx.text.inputs.bert_arguments import check_arguments
from keras_ctx.text.ragged.checks import as_labelled_rows, as_rows, as_words
from keras_ctx.text.ragged.operations import (
    filled,
    numbered,
    spread,
    total_lengths,
)
from keras_ctx.text.ragged.packing import Packing, pack
from keras_ctx.text.tokenize.normalization import Characters, Pieces, WordPieces
from keras_ctx.text.tokenize.word_places import WordPlaces, find_words
from keras_ctx.text.vocabulary.file import SPECIAL_TOKENS, load_vocabulary
from keras_ctx.text.vocabulary.literal_tokens import (
    AddedToken,
    NormalizedPieces,
    check_added_tokens,
    with_literals,
    words_pattern,
)


@register_text_inputs
class BertInputs(TextInputs):
    """Text inputs of BERT: `token_ids`, `segment_ids` and `padding_mask`.

    A row is `[CLS] a [SEP]` or, for a text pair, `[CLS] a [SEP] b [SEP]`.
    The same object runs eagerly, in `tf.data` and inside a served graph. It
    has no table or variable, so an export has nothing to track. By default, a
    literal `[MASK]` or `[SEP]` in a text is ordinary text.

    Args:
        vocabulary: Path of a file with one token per line, or the tokens. It
            must hold `[PAD]`, `[UNK]`, `[CLS]`, `[SEP]` and `[MASK]`.
        max_length: Maximum number of tokens in a row, `[CLS]` and `[SEP]`
            included. Longer texts are cut at the end. A text pair is cut at
            the end of its longer text, or of the second if both are equally
            long.
        lower_case: Whether to lower-case texts. With `split="wordpiece"` this
            also drops accents, as in the uncased BERT models, unless
            `strip_accents` says otherwise; `"character"` keeps accents.
        split: `"wordpiece"` for BERT's own tokens, or `"character"` for one
            token per character (none for white space).
        padding: `"longest"` pads to the longest row of the batch,
            `"max_length"` always to `max_length`.
        special_tokens_in_text: Whether a literal `[MASK]`, `[SEP]`, `[CLS]`,
            `[UNK]` or `[PAD]` in a text becomes the special token, as in the
            `tokenizers` library. Use it for filling masks only: in serving
            it lets clients change the structure of a row.
        strip_accents: Whether to drop accents. `None`, the value of most
            models, means the value of `lower_case`. For `split="wordpiece"`
            only.
        tokenize_chinese_chars: Whether every ideograph is a word by itself,
            as in most models. For `split="wordpiece"` only.
        added_tokens: `AddedToken`s, or their arguments as dicts: tokens of the
            vocabulary that are searched for before the text is split, like
            the added tokens of the `tokenizers` library. For
            `split="wordpiece"` only.

    Call arguments:
        text: Strings `(B,)`, or ragged words `(B, None)`. A word without
            pieces becomes `[UNK]`, so that words and labels stay aligned.
        text_pair: None, or the second texts, in the same form.

    Returns:
        A dict of `token_ids` and `segment_ids`, int32 `(B, T)`, and
        `padding_mask`, bool `(B, T)`, True on real tokens.

    Raises:
        ValueError: If `split`, `padding` or `max_length` is out of range, if
            the vocabulary has a duplicate or lacks a special token, or if
            texts have another rank or dtype.

    Example:
        >>> from keras_ctx.text import BertInputs
        >>> special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        >>> inputs = BertInputs([*special, "good", "book", "##s"], 8)
        >>> inputs(["Good books", "book"])["token_ids"].numpy()
        array([[2, 5, 6, 7, 3],
               [2, 6, 3, 0, 0]], dtype=int32)

    Source: Devlin et al. 2019, https://arxiv.org/abs/1810.04805, and the
    tokenizer of https://github.com/google-research/bert.

    Differs: WordPiece gives the same ids as BERT in the `tokenizers` library,
    except in words with one of 953 rare code points (418 if not `lower_case`;
    all are tested). Code points that are newer than that library's Unicode
    tables, or of another class there, follow TensorFlow's tables. The 256
    ideographs from U+2B820 are single words, as in google-research/bert.
    When a text pair is cut to an odd number of pieces, the first text keeps
    the odd piece, as in google-research/bert; `tokenizers` gives it to the
    second text unless that is shorter. Invalid UTF-8 is read as U+FFFD, which
    WordPiece drops, as BERT does, and `split="character"` turns into `[UNK]`.
    """

    input_key = "token_ids"
    unknown_token = "[UNK]"

    def __init__(
        self,
        vocabulary: str | Path | Sequence[str],
        max_length: int,
        lower_case: bool = True,
        split: str = "wordpiece",
        padding: str = "longest",
        special_tokens_in_text: bool = False,
        strip_accents: bool | None = None,
        tokenize_chinese_chars: bool = True,
        added_tokens: Sequence[AddedToken | Mapping[str, Any]] = (),
    ) -> None:
        check_arguments(
            max_length,
            split,
            padding,
            strip_accents,
            tokenize_chinese_chars,
            len(added_tokens),
        )
        tokens = load_vocabulary(vocabulary, required=SPECIAL_TOKENS)
        self.vocabulary = tuple(tokens)
        self.vocabulary_size = len(tokens)
        self.max_length = max_length
        self.lower_case = bool(lower_case)
        self.split = split
        self.padding = padding
        self.special_tokens_in_text = bool(special_tokens_in_text)
        self.pad_id = tokens.index("[PAD]")
        self.unknown_id = tokens.index("[UNK]")
        self.cls_id = tokens.index("[CLS]")
        self.sep_id = tokens.index("[SEP]")
        self.mask_id = tokens.index("[MASK]")
        self.special_ids = tuple(tokens.index(t) for t in SPECIAL_TOKENS)
        self.strip_accents = strip_accents
        self.tokenize_chinese_chars = tokenize_chinese_chars
        self.added_tokens = tuple(
            each if isinstance(each, AddedToken) else AddedToken(**each)
            for each in added_tokens
        )
        check_added_tokens(self.added_tokens, self.vocabulary)
        self._pieces = self._make_pieces()

    def __call__(
        self, text: Any, text_pair: Any = None
    ) -> dict[str, tf.Tensor]:
        segments = [p.ids for p in self._segments(text, text_pair)]
        plan = self._pack(segments)
        return {
            "token_ids": plan.gather(
                segments, self.cls_id, self.sep_id, self.pad_id
            ),
            "segment_ids": plan.segment_ids,
            "padding_mask": plan.padding_mask,
        }

    def tokens(self, text: Any, text_pair: Any = None) -> tf.Tensor:
        """Returns the text of each position, for display and for spans.

        Pieces are shown as in the normalized text, without `##`, even if
        their id is `[UNK]`. A word that is empty after normalization is shown
        as `[UNK]`.

        Args:
            text: As in the call.
            text_pair: As in the call.

        Returns:
            Strings `(B, T)`: `[CLS]`, the pieces, `[SEP]`; "" on padding.
        """
        segments = [p.surface for p in self._segments(text, text_pair, True)]
        return self._pack(segments).gather(segments, "[CLS]", "[SEP]", "")

    def num_tokens(self, text: Any, text_pair: Any = None) -> tf.Tensor:
        """Counts the positions of each row, `[CLS]` and `[SEP]` included.

        Args:
            text: As in the call.
            text_pair: As in the call.

        Returns:
            int32 `(B,)`, before rows are cut to `max_length`.
        """
        segments = [p.ids for p in self._segments(text, text_pair)]
        return total_lengths(segments) + 1 + len(segments)

    def words(self, text: Any) -> WordPlaces:
        """Finds the words of texts, as written, and their positions.

        Passing the words instead of the text gives the same `token_ids`.

        Args:
            text: Strings `(B,)`.

        Returns:
            A `WordPlaces` of ragged `(B, None)`: the `words`, and the `starts`
            and `ends` of each in the text, in characters (code points). With
            `split="character"` a word is a character with its accents.
            Characters that give no token, such as controls, are not words.

        Example:
            >>> from keras_ctx.text import BertInputs
            >>> special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
            >>> inputs = BertInputs([*special, "verdi"], 8)
            >>> found = inputs.words(["Verdi (1895)"])
            >>> found.words.to_list()
            [[b'Verdi', b'(', b'1895', b')']]
            >>> found.starts.to_list()
            [[0, 6, 7, 11]]
        """
        split = self.split
        if split == "wordpiece":
            strips = self.strip_accents
            strips = self.lower_case if strips is None else strips
            split = "wordpiece" if strips else "cased_wordpiece"
            split += "" if self.tokenize_chinese_chars else "_joined"
        whole = words_pattern(self._literals(), self.lower_case)
        found = find_words(text, split, whole)
        return found.keep(
            self._pieces(found.words.values).ids.row_lengths() > 0
        )

    def word_lengths(self, words: Any) -> tf.RaggedTensor:
        """Counts the positions of each word, before any cut.

        Args:
            words: Ragged words `(B, None)`, as in the call.

        Returns:
            Ragged int32 `(B, None)`, at least 1 per word.
        """
        words = as_words(words, "words")
        lengths = self._word_pieces(words.values).ids.row_lengths()
        return words.with_values(tf.cast(lengths, tf.int32))

    def word_index(self, words: Any, second_words: Any = None) -> tf.Tensor:
        """Returns the index of the word that each position belongs to.

        Args:
            words: Ragged words `(B, None)`, as in the call.
            second_words: None, or ragged words of the second segment. Then
                these are counted, and the first text may be strings.

        Returns:
            int32 `(B, T)`, aligned with the call's `token_ids`: the index of
            the word in its text, from 0; -1 on every other position (special
            tokens, the first text of a pair, padding).

        Example:
            >>> from keras_ctx.text import BertInputs
            >>> special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
            >>> inputs = BertInputs([*special, "good", "book", "##s"], 8)
            >>> inputs.word_index(["good"], [["good", "books"]]).numpy()
            array([[-1, -1, -1,  0,  1,  1, -1]], dtype=int32)
        """
        segments, name = [], "words"
        if second_words is not None:
            segments = [filled(self._split(words, name).ids, -1)]
            words, name = second_words, "second_words"
        words = as_words(words, name)
        lengths = self._word_pieces(words.values).ids.row_lengths()
        segments.append(spread(numbered(words), lengths))
        return self._pack(segments).gather(segments, -1, -1, -1)

    def align_labels(
        self, words: Any, label_ids: Any, ignore: int = -1
    ) -> tf.Tensor:
        """Moves the label of each word to the first piece of the word.

        Args:
            words: Ragged words `(B, None)`, as in the call.
            label_ids: Ragged integers `(B, None)`, one per word.
            ignore: The label of every other position.

        Returns:
            int32 `(B, T)`, aligned with the call's `token_ids`.
        """
        words, label_ids = as_labelled_rows(words, label_ids)
        lengths = self._word_pieces(words.values).ids.row_lengths()
        labels = spread(label_ids, lengths)
        first = tf.ragged.range(lengths).values == 0
        segments = [labels.with_values(tf.where(first, labels.values, ignore))]
        return self._pack(segments).gather(segments, ignore, ignore, ignore)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, serializable as JSON.

        Rarely used arguments are included only if they differ from the
        default. So the digest of most models is that of earlier versions.
        """
        rare = {
            "strip_accents": (self.strip_accents, None),
            "tokenize_chinese_chars": (self.tokenize_chinese_chars, True),
            "added_tokens": (
                [token._asdict() for token in self.added_tokens],
                [],
            ),
        }
        return {
            "vocabulary": list(self.vocabulary),
            "max_length": self.max_length,
            "lower_case": self.lower_case,
            "split": self.split,
            "padding": self.padding,
            "special_tokens_in_text": self.special_tokens_in_text,
            **{
                name: value
                for name, (value, default) in rare.items()
                if value != default
            },
        }

    def lower_cased(self) -> "BertInputs":
        """Returns a copy that lower-cases texts but still keeps accents."""
        if self.lower_case:
            return self
        if self.split == "character":  # It always keeps accents.
            return self.with_settings(lower_case=True)
        return self.with_settings(
            lower_case=True, strip_accents=bool(self.strip_accents)
        )

    def uncut(self) -> "BertInputs":
        """Returns a copy that pads to the longest row of the batch.

        `max_length` stays: it is the encoder's number of positions.
        """
        return self.with_settings(padding="longest")

    def unknown(
        self, features: Mapping[str, Any]
    ) -> tuple[np.ndarray, np.ndarray]:
        ids = np.asarray(features["token_ids"])
        ends = np.isin(ids, (self.cls_id, self.sep_id))
        real = np.asarray(features["padding_mask"]) & ~ends
        return ids == self.unknown_id, real

    def _literals(self) -> list[AddedToken]:
        """Returns the tokens that are searched for before a text is split."""
        special = SPECIAL_TOKENS if self.special_tokens_in_text else ()
        return [
            *(AddedToken(token, normalized=False) for token in special),
            *self.added_tokens,
        ]

    def _make_pieces(self) -> Callable[..., Pieces]:
        ids = {token: place for place, token in enumerate(self.vocabulary)}
        literals = [(each, ids[each.content]) for each in self._literals()]
        as_written = [each for each in literals if not each[0].normalized]
        normalized = [each for each in literals if each[0].normalized]
        if self.split == "character":
            pieces = Characters(self.vocabulary, self.lower_case)
        else:
            pieces = WordPieces(
                self.vocabulary,
                self.lower_case,
                self.strip_accents,
                self.tokenize_chinese_chars,
            )
            if normalized:
                pieces = NormalizedPieces(
                    pieces, normalized, self.tokenize_chinese_chars
                )
        return with_literals(pieces, as_written) if as_written else pieces

    def _segments(
        self, text: Any, text_pair: Any, surface: bool = False
    ) -> list[Pieces]:
        pieces = [self._split(text, "text", surface)]
        if text_pair is not None:
            pieces.append(self._split(text_pair, "text_pair", surface))
        return pieces

    def _split(self, text: Any, name: str, surface: bool = False) -> Pieces:
        """Returns the pieces of every text, `(B, None)`."""
        text = as_rows(text, name)
        if not isinstance(text, tf.RaggedTensor):
            return self._pieces(text, surface)
        return self._word_pieces(text.values, surface).merge(text.row_splits)

    def _word_pieces(self, words: tf.Tensor, surface: bool = False) -> Pieces:
        """Returns the pieces of N words, at least one per word, `(N, None)`."""
        pieces = self._pieces(words, surface)
        missing = pieces.ids.row_lengths() == 0
        unknown = tf.fill(tf.shape(missing), self.unknown_id)
        return pieces.put(missing, unknown, tf.fill(tf.shape(missing), "[UNK]"))

    def _pack(self, segments: list[tf.RaggedTensor]) -> Packing:
        return pack(segments, self.max_length, self.padding == "longest")
