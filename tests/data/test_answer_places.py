"""Answers at other offsets than their file says."""

import pytest

from keras_ctx.data import SquadAnswer, SquadQuestion, split_words
from keras_ctx.data.squad.answer_places import answer_places
from keras_ctx.data.squad.answer_spans import Findings, answer_spans

CONTEXT = "The caf\u00e9 in Rome; \U0001f642 a bar in Rome, too"
ROME, OTHER_ROME = 12, 29


def places(context: str, *answers: tuple[str, int]):
    found = answer_places(context, [SquadAnswer(*row) for row in answers])
    return [tuple(place) if place else None for place in found]


def test_numbers_of_this_file() -> None:
    assert CONTEXT[ROME:].startswith("Rome;")
    assert CONTEXT[OTHER_ROME:].startswith("Rome, too")


@pytest.mark.parametrize(
    ("text", "start", "expected"),
    [
        ("Rome", ROME, (ROME, "right")),
        ("Rome", OTHER_ROME, (OTHER_ROME, "right")),
        # It occurs once: any offset in the file is corrected.
        ("bar", 0, (22, "mended")),
        ("bar", 999, (22, "mended")),
        # It occurs twice. In UTF-8 the accent takes one byte more, the face
        # three; in UTF-16 the face takes one unit more.
        ("Rome", ROME + 1, (ROME, "mended")),
        ("Rome", OTHER_ROME + 1 + 3, (OTHER_ROME, "mended")),
        ("Rome", OTHER_ROME + 1, (OTHER_ROME, "mended")),
        ("Rome", OTHER_ROME - 1, (OTHER_ROME, "mended")),
        ("Rome", ROME - 2, None),
        ("Rome", OTHER_ROME + 2, None),
        # Without an offset.
        ("bar", -1, (22, "found")),
        ("Rome", -1, (ROME, "guessed")),
        # Spaces around it, and an answer that does not occur.
        (" Rome ", ROME, (ROME, "mended")),
        ("Paris", ROME, None),
        ("Paris", -1, None),
        ("rome", ROME, None),
        ("", -1, None),
        ("  ", 3, None),
    ],
)
def test_places_by_hand(text, start, expected) -> None:
    assert places(CONTEXT, (text, start)) == [expected]


def test_the_same_answer_with_a_place_tells_where() -> None:
    # As in CMRC 2018: one of two annotations has no offset.
    assert places(CONTEXT, ("Rome", -1), ("Rome", OTHER_ROME)) == [
        (OTHER_ROME, "found"),
        (OTHER_ROME, "right"),
    ]


def test_every_answer_of_bytes_is_found_where_it_stands() -> None:
    context = "\u6b66\u6c49\u7684\u4e1c\u6e56\u5728\u6b66\u6c49"
    for start in (0, 6):
        in_bytes = len(context[:start].encode())
        text = context[start : start + 2]
        kind = "right" if in_bytes == start else "mended"
        assert places(context, (text, in_bytes)) == [(start, kind)]


def test_what_was_done_is_counted_and_shown() -> None:
    answers = tuple(
        SquadAnswer(text, start)
        for text, start in (
            *(("Rome", -1), ("bar", 3), ("Paris", -1), (" bar", -1)),
        )
    )
    question = SquadQuestion("q7", "?", CONTEXT, answers)
    findings = Findings()
    words = split_words(CONTEXT)
    spans = answer_spans(question, words, findings)
    assert [words[span.first] for span in spans] == [
        *(("Rome", ROME), ("bar", 22), ("bar", 22)),
    ]
    assert not any(span.widened for span in spans)
    assert findings.counts == {
        "guessed": 1,
        "mended": 1,
        "misplaced": 1,
        "found": 1,
    }
    report = findings.report()
    assert f"guessed: question q7: 'Rome' at -1, taken at {ROME}" in report
    assert "misplaced: question q7: 'Paris' at -1" in report
