"""The results of a text model, as plain Python values."""

from typing import NamedTuple

import numpy as np


class Label(NamedTuple):
    """The most probable class of a text.

    Example:
        >>> Label("good", 0.9, {"good": 0.9, "bad": 0.1}).label
        'good'
    """

    label: str
    score: float
    """Its probability."""
    scores: dict[str, float]
    """The probabilities of all classes, highest first; their sum is 1."""


class LabelSet(NamedTuple):
    """All labels of a text with a probability above one half.

    Example:
        >>> LabelSet(("rain",), {"rain": 0.8, "wind": 0.3}).labels
        ('rain',)
    """

    labels: tuple[str, ...]
    """The labels, most probable first; may be empty."""
    scores: dict[str, float]
    """The independent probability of each label, highest first."""


class Entity(NamedTuple):
    """A named span in a text, or a word with a plain tag.

    Example:
        >>> Entity("LOC", "Rome", 3, 7, 0.9).text
        'Rome'
    """

    label: str
    """Its type, such as "PER"; or the plain tag."""
    text: str
    """Its text; for words as input, joined by spaces."""
    start: int
    """Its first character in the text, or for words as input its first word,
    counted from 0."""
    end: int
    """The end, one after its last character or word."""
    score: float
    """The mean probability of the tags of its words."""


class Answer(NamedTuple):
    """The best answer to a question.

    Example:
        >>> Answer("Rome", 3, 7, 0.9, -5.0).text
        'Rome'
    """

    text: str
    """Its text in the context; "" for no answer."""
    start: int
    """Its first character in the context, counted from 0; -1 for none."""
    end: int
    """The end, one after its last character."""
    score: float
    """Its probability among the best answers."""
    null_odds: float
    """The lead of "no answer" over the best answer, in logits."""


class Filled(NamedTuple):
    """A word for a [MASK].

    Example:
        >>> Filled("Rome", 0.6).word
        'Rome'
    """

    word: str
    score: float
    """Its probability."""


class Tokens(NamedTuple):
    """The tokens of a text, with vectors or scores.

    Example:
        >>> Tokens(["[CLS]", "a", "[SEP]"], np.zeros((3, 8))).vectors.shape
        (3, 8)
    """

    tokens: list[str]
    """The token at each of the T positions, including special tokens."""
    vectors: np.ndarray
    """`(T, D)` for an encoder; `(L+1, T, D)` for all its layers; `(L, H, T, T)`
    for attention."""
