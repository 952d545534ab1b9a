"""A predicate and its arguments, and the tags that models predict for them."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from keras_ctx.checks import check_at_least
from keras_ctx.evaluation.tag_schemes.schemes import Span, span_tags, tag_spans

VERB = ("V", "C-V")
"""The labels of the first and of further pieces of a predicate."""
_NO_LABELS = ("", "C-", "R-")


@dataclass(frozen=True)
class Proposition:
    """A predicate of a sentence, and its arguments, as in PropBank.

    A label is kept as the file has it: "C-ARG1" is a further piece of the last
    "ARG1", "R-ARG0" a word that refers to "ARG0".

    Raises:
        ValueError: The predicate or a span is outside the sentence, spans
            overlap, or a label is empty or that of a predicate.

    Example:
        >>> words = ("She", "turned", "the", "lamp", "off")
        >>> turned = Proposition(
        ...     words,
        ...     predicate=1,
        ...     arguments=((0, 1, "ARG0"), (2, 4, "ARG1")),
        ...     sense="turn_off.06",
        ...     verb=((1, 2), (4, 5)),
        ... )
        >>> turned.lemma, turned.tags()
        ('turn_off', ['B-ARG0', 'O', 'B-ARG1', 'I-ARG1', 'O'])

    Source:
        Palmer et al. 2005, "The Proposition Bank",
        https://aclanthology.org/J05-1004.
    """

    words: Sequence[str]
    """The words of the sentence."""
    predicate: int
    """Position of the predicate's word, counted from 0."""
    arguments: Sequence[Span] = ()
    """First word, the word after the last one, and the label of each."""
    sense: str | None = None
    """Lemma of the predicate and number of its sense ("give.01"), or only the
    lemma; `None` if unknown."""
    verb: Sequence[tuple[int, int]] = ()
    """The pieces of the predicate itself, such as a verb and its particle;
    none if unknown."""

    def __post_init__(self) -> None:
        check_at_least(0, predicate=self.predicate)
        num_words = len(self.words)
        if self.predicate >= num_words:
            raise ValueError(
                "`predicate` must be the position of one of the words, counted "
                f"from 0. Received: predicate={self.predicate} of {num_words} "
                "words"
            )
        for start, end, label in self.arguments:
            if label.strip() in _NO_LABELS or label in VERB:
                raise ValueError(
                    "`arguments` must have labels such as ARG0 or C-ARG0; "
                    "those of the predicate itself, V and C-V, belong in "
                    f"`verb`. Received: {label!r} of the words {start} to {end}"
                )
        spans = self.spans()
        for start, end, label in spans:
            if not 0 <= start < end <= num_words:
                raise ValueError(
                    "`arguments` and `verb` must be spans of words: the first, "
                    "counted from 0, and the one after the last. Received: "
                    f"{(start, end, label)} of {num_words} words"
                )
        for one, other in itertools.pairwise(spans):
            if other[0] < one[1]:
                raise ValueError(
                    "`arguments` and `verb` must not overlap: a word has one "
                    f"label at most. Received: {one} and {other}"
                )

    @property
    def lemma(self) -> str | None:
        """The lemma of the predicate, without the number of its sense."""
        if self.sense is None:
            return None
        return self.sense.rpartition(".")[0] or self.sense

    def spans(self, verb: bool = True) -> list[Span]:
        """Returns the arguments in the order of their words.

        Args:
            verb: Whether to add the pieces of the predicate: the first with
                the label "V", the others with "C-V".
        """
        pieces: list[Span] = [
            (start, end, VERB[number > 0])
            for number, (start, end) in enumerate(sorted(self.verb))
        ]
        return sorted([*self.arguments, *(pieces if verb else [])])

    def tags(self, verb: bool = False) -> list[str]:
        """Returns a tag for each word in IOB2, also called BIO.

        Args:
            verb: Whether the predicate has tags as well, "B-V" and "I-V", as
                in He et al. 2017. Otherwise they are "O": a model that is
                given the predicate need not learn to find it.

        Example:
            >>> fell = Proposition(["It", "fell"], 1, [(0, 1, "ARG1")], "fall")
            >>> fell.tags(), fell.with_tags(["O", "O"]).arguments
            (['B-ARG1', 'O'], ())

        Source:
            He et al. 2017, https://aclanthology.org/P17-1044.
        """
        return span_tags(self.spans(verb), len(self.words))

    def with_tags(self, tags: Sequence[str]) -> "Proposition":
        """Returns the same predicate with the arguments of predicted tags.

        Args:
            tags: One tag for each word, with or without "V". Tags may break
                the rules of IOB2: an "I" after another label begins a span.
                Missing tags at the end, of words that were cut off, are "O".

        Returns:
            A proposition. Where no tag is "V", the predicate is the one word
            at its position, unless an argument has that word.

        Raises:
            ValueError: There are more tags than words, a tag has another
                form, or a tag has no label.
        """
        if len(tags) > len(self.words):
            raise ValueError(
                "`tags` must be at most one for each word. Received: "
                f"{len(tags)} tags of {len(self.words)} words"
            )
        spans = tag_spans(tags)
        arguments = [span for span in spans if span[2] not in VERB]
        verb = [span[:2] for span in spans if span[2] in VERB]
        place = self.predicate
        if not verb and not any(x <= place < y for x, y, _ in arguments):
            verb = [(place, place + 1)]
        return replace(self, arguments=tuple(arguments), verb=tuple(verb))
