"""Finds tokens that a text spells out: a literal `[MASK]`, or added tokens."""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from keras_ctx.text.ragged.operations import ragged
from keras_ctx.text.tokenize.normalization import (
    Pieces,
    WordPieces,
    ideographs_apart,
    valid,
)
from keras_ctx.text.vocabulary.file import SPECIAL_TOKENS

# A byte that valid UTF-8 never contains.
_BORDER = b"\xff"
# Rust's `\w`, which decides where a single word ends.
_LETTER = (
    r"[\pL\pM\p{Nd}\p{Nl}\p{Pc}\x{200C}\x{200D}\x{24B6}-\x{24E9}"
    r"\x{1F130}-\x{1F149}\x{1F150}-\x{1F169}\x{1F170}-\x{1F189}]"
)


class AddedToken(NamedTuple):
    """A token that is searched for before the text is split into pieces.

    Names and defaults are those of the `tokenizers` library.

    Example:
        >>> AddedToken("http_url").normalized
        True
    """

    content: str
    """The text of the token, which must be in the vocabulary."""
    normalized: bool = True
    """Whether to search the text that `BertInputs` has normalized (for example
    lower-cased), instead of the original text."""
    single_word: bool = False
    """Whether to ignore it next to a letter, a digit or an underscore."""
    lstrip: bool = False
    """Whether it includes the white space before it. BERT drops that anyway."""
    rstrip: bool = False
    """Whether it includes the white space after it."""


def check_added_tokens(
    tokens: Sequence[AddedToken], vocabulary: Sequence[str]
) -> None:
    """Refuses tokens without an id, and BERT's special tokens."""
    known = set(vocabulary)
    for token in tokens:
        if token.content in SPECIAL_TOKENS:
            raise ValueError(
                f"`added_tokens` must not hold {token.content}, a special "
                "token. Set `special_tokens_in_text=True` to find special "
                "tokens in texts."
            )
        if token.content not in known:
            raise ValueError(
                "`added_tokens` must be tokens of the vocabulary. "
                f"Received: {token.content!r}, which is not in it"
            )


class LiteralTokens:
    """A search for literal tokens in a text, whose rest `pieces` splits.

    A text is read from left to right, and the longest of the tokens that
    begin at a position is taken, as in the `tokenizers` library.

    Args:
        pieces: Splits the rest of the text.
        tokens: The tokens, spelled as they are searched for, and their ids.

    Raises:
        ValueError: If there are too many tokens for one pattern, or if one
            includes the white space that another begins with.
    """

    def __init__(
        self,
        pieces: Callable[[tf.Tensor, bool], Pieces],
        tokens: Sequence[tuple[AddedToken, int]],
    ) -> None:
        self._pieces = pieces
        # The first of two tokens with the same spelling counts.
        first: dict[str, tuple[AddedToken, int]] = {}
        for token, index in tokens:
            first.setdefault(token.content, (token, index))
        contents = sorted(first, key=lambda content: -len(content.encode()))
        self._contents = contents
        self._ids = [first[content][1] for content in contents]
        self._single = [first[content][0].single_word for content in contents]
        strips = [t.content for t, _ in first.values() if t.rstrip]
        blank = [content for content in contents if content[0].isspace()]
        if strips and blank:
            raise ValueError(
                "`added_tokens` must not combine a token with `rstrip`, which "
                "includes the white space after it, with a token that begins "
                "with white space (as ideographs do in normalized text). "
                f"Received: {strips[0]!r} and {blank[0]!r}"
            )
        self._pattern = f"({'|'.join(map(re.escape, contents))})"
        try:
            with tf.init_scope():
                tf.strings.regex_replace("", self._pattern, "")
        except tf.errors.InvalidArgumentError as error:
            raise ValueError(
                "`added_tokens` must be fewer: they are too many for one "
                "regular expression. "
                f"Received: {len(contents):,} tokens"
            ) from error

    def __call__(self, text: tf.Tensor, surface: bool = False) -> Pieces:
        # Not with TensorFlow Text's `regex_split`, which ends at a NUL.
        apart = _BORDER + rb"\1" + _BORDER
        text = tf.strings.regex_replace(text, self._pattern, apart)
        # Each row alternates between text and tokens; text is first and last.
        parts = tf.strings.split(text, _BORDER)
        place = tf.ragged.range(parts.row_lengths()).values
        is_token = place % 2 == 1
        where = tf.where(is_token)[:, 0]
        match = tf.gather(parts.values, where)[:, None] == tf.constant(
            self._contents
        )
        found = tf.argmax(match, axis=1)
        ids = tf.gather(tf.constant(self._ids, tf.int32), found)
        ids = tf.tensor_scatter_nd_update(
            tf.fill(tf.shape(place), -1), where[:, None], ids
        )
        if any(self._single):
            single = tf.gather(tf.constant(self._single), found)
            parts, ids = _only_single_words(parts, ids, where, single)
        is_token = ids >= 0
        rest = tf.where(is_token, "", parts.values)
        pieces = self._pieces(rest, surface)
        return pieces.put(is_token, ids, parts.values).merge(parts.row_splits)


class NormalizedPieces:
    """WordPiece with tokens that are searched for in the normalized text."""

    def __init__(
        self,
        pieces: WordPieces,
        tokens: Sequence[tuple[AddedToken, int]],
        tokenize_chinese_chars: bool,
    ) -> None:
        self._normalize = pieces.normalize
        # As in `tokenizers`, which puts a blank around every ideograph. The
        # blanks decide which characters are next to a token.
        self._apart = tokenize_chinese_chars
        with tf.init_scope():
            contents = self._normal([token.content for token, _ in tokens])
        spelled = []
        for content, (token, index) in zip(
            contents.numpy(), tokens, strict=True
        ):
            if not content.strip():
                raise ValueError(
                    "`added_tokens` must not be empty after normalization. "
                    f"Received: {token.content!r} with normalized=True"
                )
            token = token._replace(content=content.decode())
            spelled.append((token, index))
        self._literal = LiteralTokens(pieces.of_normalized, spelled)

    def __call__(self, text: tf.Tensor, surface: bool = False) -> Pieces:
        return self._literal(self._normal(text), surface)

    def _normal(self, text: Any) -> Any:
        text = self._normalize(tf.convert_to_tensor(text, tf.string))
        return ideographs_apart(text) if self._apart else text


def with_literals(
    pieces: Callable[[tf.Tensor, bool], Pieces],
    tokens: Sequence[tuple[AddedToken, int]],
) -> Callable[[tf.Tensor, bool], Pieces]:
    """Adds tokens to `pieces` that are searched for in the original text."""
    literal = LiteralTokens(pieces, tokens)
    return lambda text, surface=False: literal(valid(text), surface)


def words_pattern(tokens: Sequence[AddedToken], lower_case: bool) -> str:
    """Returns a pattern that matches any of the tokens in a text."""
    patterns = []
    for token in sorted(tokens, key=lambda token: -len(token.content.encode())):
        pattern = re.escape(token.content)
        if token.single_word:
            first, last = (
                r"\b" if re.match(r"\w", token.content[place]) else r"\B"
                for place in (0, -1)
            )
            pattern = first + pattern + last
        folds = lower_case and token.normalized
        patterns.append(f"(?i:{pattern})" if folds else pattern)
    return "|".join(patterns)


def _only_single_words(
    parts: Any, ids: tf.Tensor, where: tf.Tensor, single: tf.Tensor
) -> tuple[Any, tf.Tensor]:
    """Turns tokens that are next to a letter back into text."""
    values = tf.concat([parts.values, ["", ""]], axis=0)
    row = parts.value_rowids()
    row = tf.concat([row, [-1, -1]], axis=0)
    here = tf.gather(row, where)

    def beside(step: int) -> tf.Tensor:
        """Returns the text on that side, joined with the token beyond it."""
        far = where + 2 * step
        inside = tf.gather(row, tf.maximum(far, 0)) == here
        inside &= far >= 0
        far = tf.where(inside, tf.gather(values, tf.maximum(far, 0)), "")
        near = tf.gather(values, where + step)
        return far + near if step < 0 else near + far

    glued = tf.strings.regex_full_match(beside(-1), f"(?s).*{_LETTER}")
    glued |= tf.strings.regex_full_match(beside(1), f"(?s){_LETTER}.*")
    refused = tf.tensor_scatter_nd_update(
        tf.fill(tf.shape(ids), False), where[:, None], single & glued
    )
    ids = tf.where(refused, -1, ids)
    # Joins these tokens with the text on both sides.
    is_token = ids >= 0
    first = tf.tensor_scatter_nd_update(
        is_token | tf.pad(is_token, [[1, 0]])[:-1],
        tf.boolean_mask(parts.row_starts(), parts.row_lengths() > 0)[:, None],
        tf.fill(
            [tf.math.count_nonzero(parts.row_lengths() > 0)],
            True,
        ),
    )
    group = tf.cumsum(tf.cast(first, tf.int64)) - 1
    count = tf.math.count_nonzero(first)
    joined = tf.strings.unsorted_segment_join(parts.values, group, count)
    before = tf.pad(tf.cumsum(tf.cast(first, tf.int64)), [[1, 0]])
    splits = tf.gather(before, parts.row_splits)
    return ragged(joined, splits), tf.boolean_mask(ids, first)
