"""Answers as spans of words in their contexts."""

from collections import Counter
from collections.abc import Sequence

from keras_ctx.data.squad.answer_places import answer_places
from keras_ctx.data.squad.word_offsets import WordSpan, words_of_span
from keras_ctx.evaluation.questions import SquadQuestion


class Findings:
    """Counts of problems in a file, and the first cases of each kind.

    Args:
        num_shown: Number of cases to keep per kind.

    Example:
        >>> findings = Findings()
        >>> findings.add("misplaced", "'Rome' at 7")
        >>> print(findings.report())
        misplaced 1
          misplaced: 'Rome' at 7
    """

    def __init__(self, num_shown: int = 3):
        self.num_shown = num_shown
        self.counts: Counter[str] = Counter()
        self.shown: dict[str, list[str]] = {}

    def add(self, kind: str, case: str) -> None:
        """Counts a case, and keeps its text if it is one of the first."""
        self.counts[kind] += 1
        cases = self.shown.setdefault(kind, [])
        if len(cases) < self.num_shown:
            cases.append(case)

    def report(self) -> str:
        """Returns the counts and the first cases as text."""
        numbers = (f"{kind} {n:,}" for kind, n in self.counts.items())
        cases = (
            f"\n  {kind}: {case}"
            for kind, cases in self.shown.items()
            for case in cases
        )
        return ", ".join(numbers) + "".join(cases)


def answer_spans(
    question: SquadQuestion,
    words: Sequence[tuple[str, int]],
    findings: Findings,
) -> list[WordSpan]:
    """Returns the span of words of each answer.

    Args:
        question: The question with its answers.
        words: The words of its context, from `split_words`.
        findings: Gets the counts of answers. `misplaced` answers (not in the
            context, or several times but not at the file's position) and
            `empty` ones (they touch no word) are left out. `mended`, `found`
            and `guessed` are explained at `AnswerPlace`. `widened` answers
            begin or end inside a word, all of which is used.

    Returns:
        The spans, in the order of the answers.

    Example:
        >>> from keras_ctx.data import SquadAnswer, split_words
        >>> answers = SquadAnswer("3", 8), SquadAnswer("three", 8)
        >>> question = SquadQuestion("q", "How?", "one two three", answers)
        >>> findings = Findings()
        >>> answer_spans(question, split_words(question.context), findings)
        [WordSpan(first=2, limit=3, widened=False)]
        >>> findings.counts["misplaced"]
        1
    """
    spans = []
    context = question.context
    places = answer_places(context, question.answers)
    for (text, start), place in zip(question.answers, places, strict=True):
        case = f"question {question.id}: {_short(text)} at {start}"
        if place is None:
            there = context[max(start, 0) : max(start + len(text), 0)]
            case = f"{case}, where the context has {_short(there)}"
            findings.add("misplaced", case)
            continue
        if place.kind != "right":
            findings.add(place.kind, f"{case}, taken at {place.start}")
            text = text.strip()
        span = words_of_span(words, place.start, place.start + len(text))
        if span is None:
            findings.add("empty", case)
            continue
        if span.widened:
            first, last = words[span.first], words[span.limit - 1]
            whole = context[first[1] : last[1] + len(last[0])]
            findings.add("widened", f"{case}, taken as {_short(whole)}")
        spans.append(span)
    return spans


def _short(text: str, most: int = 60) -> str:
    return repr(text if len(text) <= most else f"{text[:most]}...")
