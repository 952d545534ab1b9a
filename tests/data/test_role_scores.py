"""Scores of semantic roles beside the official script's, and by hand."""

import json
import random
from pathlib import Path

import pytest

from keras_ctx.data import read_propositions
from keras_ctx.evaluation import Proposition, role_label_scores, role_scores

CASES = (
    Path(__file__).resolve().parents[3] / "shared/fixtures/srl_eval/cases.json"
)
WORDS = ("Prices", ",", "he", "said", ",", "may", "rise")
SAID = Proposition(
    WORDS,
    3,
    ((0, 1, "ARG1"), (2, 3, "ARG0"), (5, 7, "C-ARG1")),
    "say.01",
    ((3, 4),),
)


def of(
    *arguments: tuple[int, int, str], sense: str | None = "say", verb=()
) -> Proposition:
    return Proposition(WORDS, 3, arguments, sense, verb)


def counts(true, predicted) -> tuple[float, ...]:
    scores = role_scores(true, predicted)
    return tuple(scores[x] for x in ("correct", "excess", "missed", "perfect"))


@pytest.mark.parametrize(
    ("predicted", "expected"),
    [
        (SAID, (2, 0, 0, 1)),
        # Another sense of the same lemma; an unknown lemma.
        (of(*SAID.arguments, sense="say.09"), (2, 0, 0, 1)),
        (of(*SAID.arguments, sense=None), (2, 0, 0, 1)),
        # The predicate's own words do not count.
        (of(*SAID.arguments, verb=((3, 5),)), (2, 0, 0, 1)),
        # The second piece alone is an ARG1; the order is that of the words.
        (of((5, 7, "C-ARG1"), (2, 3, "ARG0")), (1, 1, 1, 0)),
        (of((5, 7, "C-ARG1"), (0, 1, "ARG1"), (2, 3, "ARG0")), (2, 0, 0, 1)),
        # Two ARG1 in place of one with two pieces.
        (of((0, 1, "ARG1"), (2, 3, "ARG0"), (5, 7, "ARG1")), (1, 2, 1, 0)),
        (of((0, 1, "ARG1"), (2, 3, "R-ARG0"), (5, 7, "C-ARG1")), (1, 1, 1, 0)),
        (of((0, 1, "ARG1"), (2, 3, "ARG0"), (5, 6, "C-ARG1")), (1, 1, 1, 0)),
        (of(), (0, 0, 2, 0)),
        (of(*SAID.arguments, sense="tell.01"), (0, 0, 2, 0)),
        # Another predicate, which is left out.
        (Proposition(WORDS, 6, SAID.arguments[:1]), (0, 0, 2, 0)),
    ],
)
def test_counts_by_hand(predicted: Proposition, expected) -> None:
    assert counts([[SAID], []], [[predicted], []]) == expected


def test_shares_by_hand() -> None:
    wrong = of((0, 1, "ARG1"), (2, 3, "ARG0"), (5, 7, "ARG1"))
    true, predicted = [[SAID], [SAID]], [[wrong], [SAID]]
    scores = role_scores(true, predicted)  # 3 right of 5 and of 4
    assert scores["precision"] == pytest.approx(3 / 5)
    assert scores["recall"] == pytest.approx(3 / 4)
    assert scores["f1"] == pytest.approx(2 * 3 / 9)
    assert (scores["perfect"], scores["propositions"]) == (1 / 2, 2)
    labels = role_label_scores(true, predicted)
    assert list(labels) == ["ARG0", "ARG1", "V"]
    assert labels["ARG1"] == {
        "precision": pytest.approx(1 / 3),
        "recall": pytest.approx(1 / 2),
        "f1": pytest.approx(2 / 5),
        "support": 2,
        "correct": 1,
        "excess": 2,
        "missed": 1,
    }
    # The predicate of `wrong` is unknown.
    assert [labels["V"][x] for x in ("correct", "missed")] == [1, 1]


def test_nothing_to_score_is_zero() -> None:
    assert set(role_scores([[]], [[SAID]]).values()) == {0}
    assert role_label_scores([[]], [[SAID]]) == {}
    # No mistake, but no argument either.
    empty = role_scores([[of()]], [[of()]])
    assert (empty["f1"], empty["perfect"]) == (0, 1)


def random_proposition(draw: random.Random) -> Proposition:
    spans, place = [], 0
    while place < len(WORDS):
        end = place + draw.randint(1, 2)
        if end <= len(WORDS) and draw.random() < 0.7:
            kind = draw.choice(["", "C-", "C-", "R-", "C-R-"])
            spans.append((place, end, f"{kind}A{draw.randint(0, 1)}"))
        place = end
    return Proposition(WORDS, 3, spans)


def by_search(proposition: Proposition) -> set:
    """Returns each argument as its label and the set of its words' pieces.

    A piece belongs to the last piece before it that begins an argument of its
    label.
    """
    spans = proposition.arguments

    def label(span) -> str:
        return span[2][2:] if span[2][:2] == "C-" else span[2]

    def begins(span) -> bool:
        return span[2][:2] != "C-" or not any(
            label(other) == label(span) and other < span for other in spans
        )

    def head(span):
        return max(
            other
            for other in spans
            if other <= span and label(other) == label(span) and begins(other)
        )

    return {
        (label(one), frozenset(x[:2] for x in spans if head(x) == one))
        for one in spans
        if begins(one)
    }


def test_counts_of_random_propositions_by_search() -> None:
    draw = random.Random(0)
    several = 0
    for _ in range(300):
        true, best = random_proposition(draw), random_proposition(draw)
        if draw.random() < 0.3:
            best = true
        wanted, found = by_search(true), by_search(best)
        several += any(len(pieces) > 2 for _, pieces in wanted)
        assert counts([[true]], [[best]]) == (
            len(wanted & found),
            len(found - wanted),
            len(wanted - found),
            wanted == found,
        )
    assert several > 20


@pytest.mark.parametrize(
    ("true", "predicted", "message"),
    [
        ([[SAID]], [], "0 and 1 sentences"),
        ([[SAID]], [[SAID, SAID]], r"`predicted` .* positions \[3, 3\] in"),
        ([[SAID, SAID]], [[]], "`true` must have each predicate once"),
        (
            [[SAID]],
            [[Proposition(WORDS[:5], 3)]],
            "sentence 0 with 5 and 7 words",
        ),
    ],
)
def test_refusals(true, predicted, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        role_scores(true, predicted)


def test_tags_and_back() -> None:
    tags = ["B-ARG1", "O", "B-ARG0", "O", "O", "B-C-ARG1", "I-C-ARG1"]
    assert SAID.tags() == tags
    assert SAID.with_tags(tags) == SAID
    tags[3] = "B-V"
    assert SAID.tags(verb=True) == tags
    assert SAID.with_tags(tags) == SAID
    # Tags that break the rules; the last word is missing.
    found = SAID.with_tags(["I-ARG1", "I-ARG0", "I-ARG0", "I-ARG0", "O", "O"])
    assert found.arguments == ((0, 1, "ARG1"), (1, 4, "ARG0"))
    assert found.verb == ()
    off = Proposition(("turn", "it", "off"), 0, verb=((0, 1), (2, 3)))
    assert off.tags(verb=True) == ["B-V", "O", "B-C-V"]
    for tags, message in (
        (["O"] * 8, "8 tags of 7 words"),
        (["B"], "must have labels"),
        (["X-ARG0"], "position 0"),
    ):
        with pytest.raises(ValueError, match=message):
            SAID.with_tags(tags)


def read(tmp_path: Path, case: dict, side: str):
    words = "".join("\n".join(x["words"]) + "\n\n" for x in case["sentences"])
    (tmp_path / "words").write_text(words)
    (tmp_path / "props").write_text(case[f"{side}_text"])
    found = read_propositions(tmp_path / "props", tmp_path / "words")
    for (_, propositions), stored in zip(found, case["sentences"], strict=True):
        for one, other in zip(propositions, stored[side], strict=True):
            spans = [list(span) for span in one.spans()]
            assert spans == other["arguments"]
            assert one.lemma == other["verb"]
    return [propositions for _, propositions in found]


def rounded(scores: dict[str, float]) -> dict[str, float]:
    names = ("precision", "recall", "f1")
    shown = {name: round(100 * scores[name], 2) for name in names}
    return shown | {x: scores[x] for x in ("correct", "excess", "missed")}


@pytest.mark.skipif(
    not CASES.is_file(), reason=f"the script's outputs are not at {CASES}"
)
def test_numbers_of_the_official_script(tmp_path: Path) -> None:
    cases = json.loads(CASES.read_text())["cases"]
    assert len(cases) == 12
    for case in cases:
        true, best = (read(tmp_path, case, x) for x in ("gold", "predicted"))
        expected = case["expected"]
        scores = role_scores(true, best)
        assert rounded(scores) == expected["overall"], case["name"]
        assert scores["propositions"] == expected["propositions"]
        perfect = round(100 * scores["perfect"], 2)
        assert perfect == expected["perfect_percent"], case["name"]
        assert len(true) == expected["sentences"]
        labels = role_label_scores(true, best).items()
        assert {name: rounded(found) for name, found in labels} == (
            expected["labels"] | expected["excluded"]
        ), case["name"]
