"""Tag schemes compared with seqeval, and by hand."""

import random

import pytest
from seqeval import scheme as seqeval
from seqeval.metrics.sequence_labeling import get_entities

from keras_ctx.evaluation.tag_schemes.schemes import (
    SCHEMES,
    broken_spans,
    exact_spans,
    scheme_letters,
    span_tags,
    tag_spans,
)

SEQEVAL = {
    "IOB1": seqeval.IOB1,
    "IOB2": seqeval.IOB2,
    "IOE2": seqeval.IOE2,
    "BIOES": seqeval.IOBES,
    "BILOU": seqeval.BILOU,
}


def random_spans(rng: random.Random, num_words: int) -> list:
    spans, place = [], 0
    while place < num_words:
        end = min(num_words, place + rng.choice([1, 1, 2, 3, 4]))
        if rng.random() < 0.6:
            spans.append((place, end, rng.choice(["A", "B-c", "D"])))
        place = end
    return spans


def strict(tags: list[str], scheme) -> set:
    found = seqeval.Tokens(tags, scheme).entities
    return {(x.start, x.end, x.tag) for x in found}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_spans_come_back_from_the_tags_of_every_scheme(scheme) -> None:
    rng = random.Random(1)
    for _ in range(300):
        num_words = rng.randrange(12)
        spans = random_spans(rng, num_words)
        tags = span_tags(spans, num_words, scheme)
        assert len(tags) == num_words
        assert {tag[0] for tag in tags} <= scheme_letters(scheme) | {"O"}
        assert tag_spans(tags) == spans
        assert not broken_spans(tags, spans, scheme)
        if scheme in SEQEVAL:
            assert strict(tags, SEQEVAL[scheme]) == set(spans)


def test_untyped_tags() -> None:
    assert span_tags([(0, 2, ""), (2, 3, "")], 4) == ["B", "I", "B", "O"]
    assert tag_spans(["B", "I", "B", "O"]) == [(0, 2, ""), (2, 3, "")]


def test_any_tags_are_read_as_seqeval_reads_them() -> None:
    rng = random.Random(2)
    tags = ["O", *[f"{x}-{t}" for x in "BIES" for t in ("X", "Y")]]
    for _ in range(3000):
        row = [rng.choice(tags) for _ in range(rng.randrange(1, 9))]
        assert tag_spans(row) == [
            (start, end + 1, kind) for kind, start, end in get_entities(row)
        ]
        for old, new in ("IM", "EL", "SU"):  # other letters, the same roles
            renamed = [new + tag[1:] if tag[0] == old else tag for tag in row]
            assert tag_spans(renamed) == tag_spans(row)


def test_exact_spans_are_those_of_strict_iob2() -> None:
    rng = random.Random(3)
    tags = ["O", "B-X", "I-X", "B-Y", "I-Y"]
    for _ in range(3000):
        row = [rng.choice(tags) for _ in range(rng.randrange(1, 9))]
        assert set(exact_spans(row)) == strict(row, seqeval.IOB2)


def test_spans_that_break_a_rule_are_named() -> None:
    def broken(tags: list[str], scheme: str) -> list:
        return broken_spans(tags, tag_spans(tags), scheme)

    # By hand: an entity that begins with I, one that never ends.
    assert broken(["I-X", "O", "B-X", "I-X"], "IOB2") == [(0, 1, "X")]
    assert broken(["B-X", "I-X", "O", "S-X"], "BIOES") == [(0, 2, "X")]
    assert broken(["B-X", "O", "I-X", "B-X"], "IOB1") == [(0, 1, "X")]


@pytest.mark.parametrize("tag", ["NN", "B_X", "", "BX"])
def test_tags_of_another_form_are_refused(tag) -> None:
    with pytest.raises(ValueError, match="`tags` must be .* at position 1"):
        tag_spans(["O", tag])
