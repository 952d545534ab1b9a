"""What a text model says of a text, as plain Python values."""

from typing import NamedTuple

import numpy as np


class Label(NamedTuple):
    """The likeliest class of a text.

    Example:
        >>> Label("good", 0.9, {"good": 0.9, "bad": 0.1}).label
        'good'
    """

    label: str
    score: float
    """Its probability."""
    scores: dict[str, float]
    """The probabilities of all classes, the likeliest first; their sum is 1."""


class LabelSet(NamedTuple):
    """All labels of a text whose probability is over one half.

    Example:
        >>> LabelSet(("rain",), {"rain": 0.8, "wind": 0.3}).labels
        ('rain',)
    """

    labels: tuple[str, ...]
    """The likeliest first; none, where none is likely."""
    scores: dict[str, float]
    """The probability of each label alone, the likeliest first."""


class Entity(NamedTuple):
    """A name in a text, or a word with a tag that is no part of a span.

    Example:
        >>> Entity("LOC", "Rome", 3, 7, 0.9).text
        'Rome'
    """

    label: str
    """Its type, such as "PER"; of plain tags the tag."""
    text: str
    """As the text writes it; of words that were given, joined by blanks."""
    start: int
    """Its first character in the text; where words were given, its first
    word. Counted from 0."""
    end: int
    """The character, or word, behind the last."""
    score: float
    """The mean probability of the tags of its words."""


class Answer(NamedTuple):
    """The best answer to a question.

    Example:
        >>> Answer("Rome", 3, 7, 0.9, -5.0).text
        'Rome'
    """

    text: str
    """As the context writes it; "" for no answer."""
    start: int
    """Its first character in the context, counted from 0; -1 for none."""
    end: int
    """The character behind the last."""
    score: float
    """Its probability among the best answers."""
    null_odds: float
    """How far "no answer" is ahead of the best answer, in logits."""


class Filled(NamedTuple):
    """A word in the place of a [MASK].

    Example:
        >>> Filled("Rome", 0.6).word
        'Rome'
    """

    word: str
    score: float
    """Its probability in this place."""


class Tokens(NamedTuple):
    """The tokens of a text, and numbers of each.

    Example:
        >>> Tokens(["[CLS]", "a", "[SEP]"], np.zeros((3, 8))).vectors.shape
        (3, 8)
    """

    tokens: list[str]
    """The text at each of the T positions, special tokens among them."""
    vectors: np.ndarray
    """Of an encoder `(T, D)`; of all its layers `(L+1, T, D)`; of attention
    `(L, H, T, T)`."""
