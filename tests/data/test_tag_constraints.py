"""Allowed tag transitions, compared with tables by hand and seqeval."""

import itertools
import warnings

import pytest
from seqeval import scheme as seqeval_scheme

from keras_ctx.data import allowed_transitions

# By hand: for each tag, START first, the allowed next tags, END last.
TABLES = {
    "IOB1": {
        "START": "O I-A I-B",
        "O": "O I-A I-B END",
        "B-A": "O B-A I-A I-B END",
        "I-A": "O B-A I-A I-B END",
        "I-B": "O I-A I-B END",
    },
    "IOB2": {
        "START": "O B-A B-B",
        "O": "O B-A B-B END",
        "B-A": "O B-A I-A B-B END",
        "I-A": "O B-A I-A B-B END",
        "B-B": "O B-A B-B END",
    },
    "BIOES": {
        "START": "O B-A S-A B-B",
        "O": "O B-A S-A B-B END",
        "B-A": "I-A E-A",
        "I-A": "I-A E-A",
        "E-A": "O B-A S-A B-B END",
        "S-A": "O B-A S-A B-B END",
        "B-B": "E-B",
        "E-B": "O B-A S-A B-B END",
    },
    "BILOU": {
        "START": "O B-A U-A",
        "O": "O B-A U-A END",
        "B-A": "I-A L-A",
        "I-A": "I-A L-A",
        "L-A": "O B-A U-A END",
        "U-A": "O B-A U-A END",
    },
    "BMES": {
        "START": "B S",
        "B": "M E",
        "M": "M E",
        "E": "B S END",
        "S": "B S END",
    },
}


def named(tags: list[str], scheme: str) -> set[tuple[str, str]]:
    names = dict(enumerate([*tags, "START", "END"]))
    pairs = allowed_transitions(tags, scheme)
    assert len(pairs) == len(set(pairs))
    return {(names[i], names[j]) for i, j in pairs}


@pytest.mark.parametrize("scheme", TABLES)
def test_tables_by_hand(scheme: str) -> None:
    table = TABLES[scheme]
    tags = [tag for tag in table if tag != "START"]
    expected = {
        (before, after)
        for before, line in table.items()
        for after in line.split()
    }
    assert named(tags, scheme) == expected


def parse(tags: tuple[str, ...], scheme: type) -> set[tuple]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = seqeval_scheme.Tokens(list(tags), scheme).entities
    return {(x.tag, x.start, x.end) for x in found}


def written(entities: set[tuple], length: int, single: str, last: str):
    """Returns tags of entities in a scheme with letters for both ends."""
    tags = ["O"] * length
    for kind, start, end in entities:
        tags[start:end] = [f"I-{kind}"] * (end - start)
        tags[start] = f"B-{kind}"
        if last:
            tags[end - 1] = f"{last}-{kind}"
            if end - start == 1:
                tags[start] = f"{single}-{kind}"
    return tuple(tags)


@pytest.mark.parametrize(
    ("scheme", "parser", "single", "last"),
    [
        ("IOB2", seqeval_scheme.IOB2, "", ""),
        ("BIOES", seqeval_scheme.IOBES, "S", "E"),
        ("BILOU", seqeval_scheme.BILOU, "U", "L"),
    ],
)
def test_allowed_are_rows_that_seqeval_reads_whole(
    scheme: str, parser: type, single: str, last: str
) -> None:
    # A valid row is unchanged by seqeval's strict reading, which drops invalid
    # tags.
    letters = ["B", "I", *filter(None, [single, last])]
    tags = ["O", *(f"{x}-{kind}" for x in letters for kind in "AB")]
    allowed = named(tags, scheme)
    seen = {True: 0, False: 0}
    for length in (1, 2, 3):
        for row in itertools.product(tags, repeat=length):
            steps = itertools.pairwise(("START", *row, "END"))
            ours = all(step in allowed for step in steps)
            again = written(parse(row, parser), length, single, last)
            assert ours == (again == row), row
            seen[ours] += 1
    assert min(seen.values()) > 20


def test_type_may_have_a_hyphen() -> None:
    pairs = named(["O", "B-geo-loc", "I-geo-loc", "I-geo"], "IOB2")
    assert ("B-geo-loc", "I-geo-loc") in pairs
    assert ("B-geo-loc", "I-geo") not in pairs


def test_error_of_the_scheme() -> None:
    with pytest.raises(ValueError, match="`scheme` must be .*scheme='IOB'"):
        allowed_transitions(["O"], "IOB")


@pytest.mark.parametrize(
    ("tag", "scheme"),
    [
        ("E-A", "IOB2"),
        ("U-A", "BIOES"),
        ("I-A", "BMES"),
        ("NN", "IOB2"),
        ("B-", "IOB2"),
        ("", "IOB2"),
        ("O-A", "IOB2"),
    ],
)
def test_error_of_a_tag(tag: str, scheme: str) -> None:
    message = f"`tags` must be .*{scheme}.*Received: '{tag}'"
    with pytest.raises(ValueError, match=message):
        allowed_transitions(["O", tag], scheme)


def test_error_of_a_tag_twice() -> None:
    with pytest.raises(ValueError, match="`tags` must hold each name once"):
        allowed_transitions(["O", "B-A", "O"])
