"""Where a file's answers stand in the words of their contexts."""

from collections import Counter
from collections.abc import Sequence

from keras_ctx.data.squad.answer_places import answer_places
from keras_ctx.data.squad.word_offsets import WordSpan, words_of_span
from keras_ctx.evaluation.questions import SquadQuestion


class Findings:
    """Counts of what was met in a file, and the first cases of each kind.

    Args:
        num_shown: How many cases of a kind to keep.

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
        """Count a case, and keep it in words if it is one of the first."""
        self.counts[kind] += 1
        cases = self.shown.setdefault(kind, [])
        if len(cases) < self.num_shown:
            cases.append(case)

    def report(self) -> str:
        """The counts and the first cases, to print."""
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
    """The words of each answer.

    Args:
        question: Whose answers to find.
        words: What `split_words` made of its context.
        findings: Counts the answers that are `misplaced` (they are not in the
            context, or in several places and none where the file says) or
            `empty` (they touch no word), which are left out; those that stand
            elsewhere than the file says (`mended`), or are `found` or
            `guessed` where it does not say, as `answer_places` tells; and
            those that are `widened` (they begin or end inside a word, which
            is taken whole).

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
