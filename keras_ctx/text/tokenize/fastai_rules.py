"""The rules by which fastai mends a text and marks what it changes, as ops."""

import html
import html.entities
import re
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from keras_ctx.text.ragged.operations import ragged
from keras_ctx.text.tokenize.normalization import valid
from keras_ctx.text.tokenize.repetitions import (
    repeated_characters,
    repeated_words,
)

# Left-overs of HTML and of other corpora, in fastai's order: the first ones
# change what the later ones find.
_MENDED = (
    ("#39;", "'"),
    ("amp;", "&"),
    ("#146;", "'"),
    ("nbsp;", " "),
    ("#36;", "$"),
    ("\\n", " "),
    ("quot;", "'"),
    ("<br />", " "),
    ('\\"', '"'),
    ("<unk>", "xxunk"),
    (" @.@ ", "."),
    (" @-@ ", "-"),
    ("...", " …"),
)
_ENTITY = "&(#[0-9]+;|#[xX][0-9a-fA-F]+;|[0-9A-Za-z]{1,31};)"
# References by number below this are known.
_CODE_POINTS = 0x3000
# A byte that valid UTF-8 never contains.
_BORDER = b"\xff"
_BLANK = r"[\x09-\x0D\x1C-\x1F\x{85}\pZ]"
_MARK = r"([!-/:-@\[-`{-~\pP\pS])"


class FastaiRules:
    """Splits texts into fastai's tokens, with its marks before some words.

    In this order: HTML is mended; a character three times or more in a row
    is written as `xxrep`, the number and the character, and a word as
    `xxwrep`, the number and the word; `/`, `#` and backslashes stand apart;
    words in capitals and words with a capital first letter become lower case
    behind `xxup` and `xxmaj`. Then each punctuation mark and symbol is a token
    or, with `characters`, each character. A token of `whole` is not split.

    Args:
        whole: The special tokens.
        characters: Whether each character is a token.

    Example:
        >>> rules = FastaiRules(["xxrep", "xxmaj"])
        >>> rules(["Cool&amp;cheap!!!"]).to_list()
        [[b'xxmaj', b'cool', b'&', b'&', b'cheap', b'xxrep', b'3', b'!']]

    Source:
        `fastai.text.core`; https://docs.fast.ai/text.core.html.
    """

    def __init__(self, whole: Sequence[str], characters: bool = False) -> None:
        self._whole = "|".join(map(re.escape, whole))
        self._characters = characters
        entities = _entities()
        self.table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                tf.constant(list(entities), tf.string),
                tf.constant(list(entities.values()), tf.string),
            ),
            _BORDER,  # no entity
        )

    def __call__(self, text: Any) -> tf.RaggedTensor:
        """Returns the tokens of texts `(N,)`, ragged `(N, None)`."""
        text = self._mended(valid(tf.convert_to_tensor(text, tf.string)))
        text = tf.strings.regex_replace(text, _BLANK, " ")
        words = repeated_words(repeated_characters(text))
        words = split_again(
            words, lambda x: tf.strings.regex_replace(x, r"([/#\\])", r" \1 ")
        )
        words = words.with_values(_marked_case(words.values))
        return split_again(words, self._apart)

    def _mended(self, text: tf.Tensor) -> tf.Tensor:
        for found, instead in _MENDED:
            instead = instead.replace("\\", r"\\")
            text = tf.strings.regex_replace(text, re.escape(found), instead)
        text = tf.strings.regex_replace(
            text, _ENTITY, _BORDER + rb"\1" + _BORDER
        )
        # Each row alternates between text and entities; text is first.
        parts = tf.strings.split(text, _BORDER)
        names = parts.values
        by_number = tf.strings.substr(names + " ", 0, 1) == "#"
        names = tf.where(by_number, tf.strings.lower(names), names)
        character = self.table.lookup(names)
        character = tf.where(
            character == _BORDER, "&" + parts.values, character
        )
        is_entity = tf.ragged.range(parts.row_lengths()).values % 2 == 1
        return tf.strings.unsorted_segment_join(
            tf.where(is_entity, character, parts.values),
            parts.value_rowids(),
            parts.nrows(),
        )

    def _apart(self, words: tf.Tensor) -> tf.Tensor:
        """Puts blanks around the tokens in words that were marked."""
        if not self._characters:
            return tf.strings.regex_replace(words, _MARK, r" \1 ")
        # A mark and its word are two words by now, but in one string.
        words = tf.strings.split(words)
        whole = tf.strings.regex_full_match(words.values, self._whole)
        letters = tf.strings.regex_replace(words.values, "(.)", r"\1 ")
        return tf.strings.unsorted_segment_join(
            tf.where(whole, words.values + " ", letters),
            words.value_rowids(),
            words.nrows(),
        )


def split_again(
    rows: Any, change: Callable[[tf.Tensor], tf.Tensor]
) -> tf.RaggedTensor:
    """Changes words, and splits them at blanks; rows stay rows."""
    words = tf.strings.split(change(rows.values))
    splits = tf.gather(words.row_splits, rows.row_splits)
    return ragged(words.values, splits)


def _marked_case(words: tf.Tensor) -> tf.Tensor:
    """Writes words in lower case, and marks those with capitals."""
    one = tf.strings.regex_full_match(words, "[A-Z]")
    all_capitals = tf.strings.regex_full_match(words, "[A-Z][^a-z]*")
    capital = tf.strings.regex_full_match(words, "[A-Z][^A-Z]*")
    mark = tf.where(all_capitals, "xxup ", tf.where(capital, "xxmaj ", ""))
    mark = tf.where(one, "", mark)
    return mark + tf.strings.lower(words, encoding="utf-8")


def _entities() -> dict[str, str]:
    """Returns the characters of HTML's entities that end with `;`."""
    named = html.entities.html5
    found = {name: x for name, x in named.items() if name.endswith(";")}
    for point in range(_CODE_POINTS):
        for name in (f"#{point};", f"#x{point:x};"):
            found[name] = html.unescape(f"&{name}")
    return found
