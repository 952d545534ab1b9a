"""Turns texts into the ids and the mask that ULMFiT's AWD-LSTM reads."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import tensorflow as tf

from keras_ctx.text.inputs.base import register_text_inputs
from keras_ctx.text.inputs.subwords import SubwordInputs, never_empty
from keras_ctx.text.inputs.word_level import is_count
from keras_ctx.text.ragged.operations import numbered, spread
from keras_ctx.text.tokenize.fastai_rules import FastaiRules
from keras_ctx.text.tokenize.fastai_undone import undone_rules
from keras_ctx.text.tokenize.word_places import WordPlaces, find_words
from keras_ctx.text.vocabulary.file import ULMFIT_SPECIAL_TOKENS

SPLITS = ("words", "character")
# fastai 2 repeats it until the number of tokens is a multiple of 8.
_FILL = "xxfake"
_NEEDED = ("xxunk", "xxpad", "xxbos", "xxfld")


@register_text_inputs
class ULMFiTInputs(SubwordInputs):
    """Text inputs of `awd_lstm_encoder`: `token_ids` and `padding_mask`.

    Tokens are those of fastai's text rules: HTML is mended, `cccc` becomes
    `xxrep 4 c`, a repeated word `xxwrep 4 word`, `CAPITALS` `xxup capitals`
    and `Capital` `xxmaj capital`; every punctuation mark and symbol is a token.
    A row is `xxbos text`, of a text pair `xxbos text xxfld pair`, with padding
    behind it. The same object runs eagerly, in `tf.data` and inside a served
    graph.

    Args:
        vocabulary: The tokens in the order of their ids, among them `xxunk`,
            `xxpad`, `xxbos` and `xxfld`. "xxfake", with which fastai 2 fills
            its vocabularies, may be repeated.
        split: `"words"`, or `"character"` for one token per character, which
            suits Chinese. The rules are applied to both.
        max_length: Maximum number of tokens in a row, `None` for no limit.
            Longer texts are cut where the reader would end, text pairs as by
            `BertInputs`.
        backward: Whether a text is read from its end, for an encoder of that
            direction; `xxbos` stays first.

    Call arguments:
        text: Strings `(B,)`, or ragged words `(B, None)`. The rules see each
            given word alone.
        text_pair: None, or the second texts, in the same form.

    Returns:
        A dict of `token_ids`, int32 `(B, T)`, and `padding_mask`, bool
        `(B, T)`, True on real tokens.

    Raises:
        ValueError: If the vocabulary lacks a special token or has a token
            twice, if an argument is out of range, or if texts have another
            rank or dtype.

    Example:
        >>> from keras_ctx.text import ULMFiTInputs, ulmfit_vocabulary
        >>> tokens = ulmfit_vocabulary(["Good, good, good"], min_count=1)
        >>> tokens[8:]
        ['xxmaj', 'good', ',']
        >>> ULMFiTInputs(tokens)(["Good!", "good"])["token_ids"].numpy()
        array([[2, 8, 9, 0],
               [2, 9, 1, 1]], dtype=int32)

    Source: Howard and Ruder 2018, https://arxiv.org/abs/1801.06146; the rules
    of `fastai.text.core`.

    Differs: fastai splits words by spaCy, which parts `don't` as `do n't`,
    keeps abbreviations, numbers and addresses whole, and has tokens for line
    breaks; here all white space only parts words. Entities without a
    semicolon, and numeric ones with leading zeros or from U+3000 on, stay as
    they are. fastai numbers the texts of a pair (`xxfld 1`), and its backward
    rows end with `xxbos`.
    """

    causal = True
    unknown_token = _NEEDED[0]

    def __init__(
        self,
        vocabulary: Sequence[str],
        split: str = "words",
        max_length: int | None = None,
        backward: bool = False,
    ) -> None:
        _check(vocabulary, split, max_length, backward)
        self.vocabulary = tuple(vocabulary)
        self.vocabulary_size = len(self.vocabulary)
        self.split = split
        self.max_length = max_length
        self.backward = backward
        ids = {token: k for k, token in enumerate(vocabulary)}
        self.unknown_id, self.pad_id, self.begin_id, field_id = (
            ids[token] for token in _NEEDED
        )
        # What stands between documents.
        self.end_id = self.begin_id
        self.start, self.between = (self.begin_id,), (field_id,)
        found = {self.pad_id, self.begin_id, field_id}
        self.special_ids = tuple(sorted(found | {ids.get("xxeos", field_id)}))
        self._table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                tf.constant(list(ids), tf.string),
                tf.constant(list(ids.values()), tf.int32),
            ),
            self.unknown_id,
        )
        self._rules = FastaiRules(ULMFIT_SPECIAL_TOKENS, split == "character")
        # One graph for all that call it.
        self._pieces = tf.function(
            self._ids, input_signature=[tf.TensorSpec([None], tf.string)]
        )

    @property
    def tables(self) -> tuple[Any, ...]:
        """The lookup tables that an export must track."""
        return (self._table, self._rules.table)

    def pieces(self, text: tf.Tensor) -> tf.RaggedTensor:
        return self._pieces(text)

    def piece_texts(self, ids: tf.Tensor) -> tf.Tensor:
        return tf.gather(tf.constant(self.vocabulary), ids)

    def word_pieces(self, words: tf.RaggedTensor) -> tf.RaggedTensor:
        return never_empty(self.pieces(words.values), self.unknown_id)

    def encode(self, text: Any) -> Any:
        """Returns the ids of texts, uncut and without special tokens.

        With `backward` from the last to the first.

        Args:
            text: As in the call.

        Returns:
            Ragged int32 `(B, None)`.
        """
        return self._read(self._split(text, "text"))

    def decode(self, token_ids: Any, padding_mask: Any = None) -> tf.Tensor:
        """Returns the texts of ids, without special tokens.

        Capitals and repetitions replace fastai's marks. The tokens do not keep
        the blanks of a text: one is written between all words and punctuation
        marks, with `split="character"` none.

        Args:
            token_ids: Integers `(B, T)`, or ragged. Those that are no token
                are left out.
            padding_mask: Booleans `(B, T)`, True on real tokens; `None`: all
                are.

        Returns:
            Strings `(B,)`.
        """
        rows = self._read(self._text_ids(token_ids, padding_mask))
        tokens = rows.with_values(self.piece_texts(rows.values))
        return undone_rules(tokens, self.split == "character")

    def words(self, text: Any) -> WordPlaces:
        """Finds the words of texts, or with "character" the characters."""
        whole = self.split == "words"
        return find_words(text, "whitespace" if whole else "code_point")

    def unknown(
        self, features: Mapping[str, Any]
    ) -> tuple[np.ndarray, np.ndarray]:
        ids = np.asarray(features["token_ids"])
        real = np.asarray(features["padding_mask"])
        return ids == self.unknown_id, real & ~np.isin(ids, self.special_ids)

    def uncut(self) -> Self:
        """Returns a copy without `max_length`: an LSTM has no limit."""
        return self.with_settings(max_length=None)

    def get_config(self) -> dict[str, Any]:
        return {
            "vocabulary": list(self.vocabulary),
            "split": self.split,
            "max_length": self.max_length,
            "backward": self.backward,
        }

    def _ids(self, text: tf.Tensor) -> tf.RaggedTensor:
        tokens: Any = self._rules(text)
        return tokens.with_values(self._table.lookup(tokens.values))

    def _read(self, rows: Any) -> Any:
        """Returns rows in the order in which they are read."""
        if not self.backward:
            return rows
        last = tf.repeat(rows.row_limits() - 1, rows.row_lengths())
        place = tf.cast(numbered(rows).values, last.dtype)
        return rows.with_values(tf.gather(rows.values, last - place))

    def _rows(self, segments: Sequence[Any], special: int | None = None) -> Any:
        return super()._rows([self._read(x) for x in segments], special)

    def _of_words(self, words: Any, values: Any, nothing: int) -> Any:
        if not self.backward:
            return super()._of_words(words, values, nothing)
        # The piece that is read last is the first one.
        lengths = self.word_pieces(words).row_lengths()
        rows = spread(values, lengths)
        first = tf.ragged.range(lengths).values == 0
        return rows.with_values(tf.where(first, rows.values, nothing))


def _check(
    vocabulary: Sequence[str], split: str, max_length: Any, backward: Any
) -> None:
    counts = Counter(vocabulary)
    twice = [x for x, n in counts.items() if n > 1 and x != _FILL]
    missing = [x for x in _NEEDED if x not in counts]
    if isinstance(vocabulary, str) or twice or missing:
        raise ValueError(
            "`vocabulary` must hold every token once, and "
            f"{', '.join(_NEEDED)} among them. Received: "
            f"{len(vocabulary):,} tokens without {missing}, more than once "
            f"{twice[:10]}"
        )
    if split not in SPLITS:
        raise ValueError(
            f"`split` must be one of {SPLITS}. Received: split={split!r}"
        )
    if max_length is not None and not (is_count(max_length) and max_length > 3):
        raise ValueError(
            "`max_length` must be None or an integer of at least 4, for a "
            "token of each text of a pair, xxbos and xxfld. "
            f"Received: max_length={max_length!r}"
        )
    if not isinstance(backward, bool):
        raise ValueError(
            f"`backward` must be a boolean. Received: backward={backward!r}"
        )
