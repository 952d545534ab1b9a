"""Turns texts into the ids that the models of ELMoForManyLangs read."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from keras_ctx.text.inputs.base import register_text_inputs
from keras_ctx.text.inputs.elmo import check_max_characters
from keras_ctx.text.inputs.word_level import WordLevelInputs

_BEGIN, _END, _UNKNOWN = "<bos>", "<eos>", "<oov>"
# The code of ELMoForManyLangs swaps the two, in training and in prediction.
_WORD_BEGIN, _WORD_END, _PAD = "<eow>", "<bow>", "<pad>"
_CHARACTERS = (_BEGIN, _END, _UNKNOWN, _WORD_BEGIN, _WORD_END, _PAD)
_WORDS = (_UNKNOWN, _PAD)


@register_text_inputs
class ElmoForManyLangsInputs(WordLevelInputs):
    """Text inputs of `elmo_for_many_langs`: ids of characters and words.

    A word is read as a row of characters (code points, not bytes) and, if the
    model has word embeddings, also as a whole. Every id is one higher than in
    the model's files, so that 0 is free for "no token here".

    The ids of a word are word-begin, its first `max_characters - 2`
    characters, word-end, then padding. Characters that are not in
    `characters` become `<oov>`. Only these first characters are looked up in
    `vocabulary`; other words become `<oov>`. Case, accents and the width of
    characters are not changed, and the models of simplified and of
    traditional Chinese know only their own characters.

    Args:
        characters: The entries of char.dic, in the order of their ids.
        vocabulary: The entries of word.dic, in the order of their ids; empty
            for a model without word embeddings.
        max_characters: C, the number of ids per word.
        split: `"whitespace"` or `"character"`, as in `ElmoInputs`.
        max_length: Maximum number of words in a row, `None` for no limit.

    Call arguments:
        text: Strings `(B,)`, or ragged words `(B, None)`.
        text_pair: None, or the second texts, in the same form. As in
            `ElmoInputs`, with the markers `<eos>` and `<bos>` in between.

    Returns:
        A dict of `character_ids`, int32 `(B, T, C)`, T at least 1; and, with a
        vocabulary, `word_ids`, int32 `(B, T)`. Both are 0 on padding.

    Raises:
        ValueError: If an argument is out of range, if a list lacks a special
            entry or repeats an entry, if texts have another rank or dtype, or
            if a text pair has a `max_length` below 3.

    Example:
        >>> characters = ["<bos>", "<eos>", "<oov>", "<pad>", "<bow>", "<eow>"]
        >>> inputs = ElmoForManyLangsInputs(
        ...     [*characters, "a", "é"], ["<oov>", "<pad>", "aé"], 5)
        >>> features = inputs(["aé b"])
        >>> features["character_ids"].numpy()
        array([[[6, 7, 8, 5, 4],
                [6, 3, 5, 4, 4]]], dtype=int32)
        >>> features["word_ids"].numpy()
        array([[3, 1]], dtype=int32)

    Source: Che et al. 2018, https://aclanthology.org/K18-2005;
    https://github.com/HIT-SCIR/ELMoForManyLangs.
    """

    input_key = "character_ids"
    unknown_token = _UNKNOWN
    pair_markers = (_END, _BEGIN)

    def __init__(
        self,
        characters: Sequence[str],
        vocabulary: Sequence[str] = (),
        max_characters: int = 50,
        split: str = "whitespace",
        max_length: int | None = None,
    ) -> None:
        _check_list("characters", characters, _CHARACTERS)
        if len(vocabulary):
            _check_list("vocabulary", vocabulary, _WORDS)
        super().__init__(split, max_length)
        check_max_characters(max_characters)
        self.characters = tuple(characters)
        self.vocabulary = tuple(vocabulary) or None
        self.vocabulary_size = len(vocabulary) or None
        self.max_characters = max_characters
        self._ids = {name: i + 1 for i, name in enumerate(characters)}
        self._points = _point_table(self._ids)
        self.begin_characters = self._marker(_BEGIN)
        """The ids of the begin of a sentence."""
        self.end_characters = self._marker(_END)
        """The ids of the end of a sentence."""
        self.unknown_character_id = self._ids[_UNKNOWN]
        self.word_ends = (self._ids[_WORD_BEGIN], self._ids[_WORD_END])
        self.pad_character_id = self._ids[_PAD]
        self.begin_id = self.end_id = 0
        self._table = None
        if vocabulary:
            places = {word: i + 1 for i, word in enumerate(vocabulary)}
            unknown = places[_UNKNOWN]
            self.begin_id = places.get(_BEGIN, unknown)
            self.end_id = places.get(_END, unknown)
            self._table = tf.lookup.StaticHashTable(
                tf.lookup.KeyValueTensorInitializer(
                    tf.constant(list(vocabulary), tf.string),
                    tf.range(1, len(vocabulary) + 1, dtype=tf.int32),
                ),
                unknown,
            )

    def __call__(
        self, text: Any, text_pair: Any = None
    ) -> dict[str, tf.Tensor]:
        words = self.rows(text, text_pair)
        most = self.max_characters - 2
        # Invalid UTF-8 has already become U+FFFD.
        points = tf.strings.unicode_decode(words.values, "UTF-8")[:, :most]
        ids = words.with_values(self._character_ids(words.values, points))
        features = {"character_ids": self.padded(ids)}
        if self._table is not None:
            cut = tf.strings.unicode_encode(points, "UTF-8")
            ids = words.with_values(self._table.lookup(cut))
            features["word_ids"] = self.padded(ids)
        return features

    @property
    def tables(self) -> tuple[tf.lookup.StaticHashTable, ...]:
        """The lookup tables that an export must track."""
        return () if self._table is None else (self._table,)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, serializable as JSON."""
        return {
            "characters": list(self.characters),
            "vocabulary": list(self.vocabulary or ()),
            "max_characters": self.max_characters,
            **super().get_config(),
        }

    def unknown(
        self, features: Mapping[str, Any]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Marks unknown characters: an unknown word may have known ones."""
        ids = np.asarray(features["character_ids"])
        ids = ids.reshape(len(ids), -1)
        no_text = (0, *self.word_ends, self.pad_character_id)
        return ids == self.unknown_character_id, ~np.isin(ids, no_text)

    def check_sizes(
        self, sizes: Mapping[str, Any], folder: str | Path, pairs: bool = False
    ) -> None:
        if pairs:
            self.check_pairs(sizes, folder)
        for name, taken, given in (
            ("characters", sizes["characters"], len(self.characters)),
            ("words", sizes["vocabulary_size"] or 0, self.vocabulary_size or 0),
            (
                "begin of a sentence",
                sizes["begin_characters"],
                self.begin_characters,
            ),
            ("end of a sentence", sizes["end_characters"], self.end_characters),
        ):
            if given != taken:
                raise ValueError(
                    f"{folder}: {name}: the encoder has {taken}, but the text "
                    f"inputs have {given}, so they belong to another encoder. "
                    "Take both from the same run or checkpoint."
                )

    def _marker(self, name: str) -> tuple[int, ...]:
        row = [self._ids[x] for x in (_WORD_BEGIN, name, _WORD_END)]
        pads = [self._ids[_PAD]] * (self.max_characters - 3)
        return (*row, *pads)

    def _character_ids(self, words: tf.Tensor, points: Any) -> tf.Tensor:
        """Returns the ids `(N, C)` of N words."""
        table = tf.constant(self._points)
        ids = points.with_values(
            tf.gather(table, tf.minimum(points.values, len(self._points) - 1))
        )
        ends = tf.fill([points.nrows(), 1], self._ids[_WORD_END])
        ids = tf.concat([ids, ends], axis=1).to_tensor(
            self._ids[_PAD], shape=[None, self.max_characters - 1]
        )
        begin = self._ids[_WORD_BEGIN]
        ids = tf.pad(ids, [[0, 0], [1, 0]], constant_values=begin)
        for name, row in (
            (_BEGIN, self.begin_characters),
            (_END, self.end_characters),
        ):
            ids = tf.where((words == name)[:, None], tf.constant([row]), ids)
        return ids


def _point_table(ids: dict[str, int]) -> np.ndarray:
    """Returns the ids by code point; the last is for all other characters."""
    points = {ord(name): i for name, i in ids.items() if len(name) == 1}
    table = np.full(max(points, default=0) + 2, ids[_UNKNOWN], np.int32)
    for point, i in points.items():
        table[point] = i
    return table


def _check_list(name: str, entries: Any, needed: Sequence[str]) -> None:
    if isinstance(entries, str) or not all(isinstance(x, str) for x in entries):
        raise ValueError(
            f"`{name}` must be a list of strings, in the order of their ids. "
            f"Received: {str(entries)[:100]!r}"
        )
    missing = [x for x in needed if x not in entries]
    if missing:
        raise ValueError(
            f"`{name}` must hold {' and '.join(needed)}. Missing: {missing}"
        )
    if len(set(entries)) != len(entries):
        [(entry, count)] = Counter(entries).most_common(1)
        raise ValueError(
            f"`{name}` must hold each entry once. Received: {entry!r} "
            f"{count} times"
        )
