"""Detection of the tag scheme of files."""

import random

import pytest

from keras_ctx.data import TagScheme, recognize_tags
from keras_ctx.evaluation.tag_schemes.schemes import SCHEMES, span_tags

SPANS = [
    [(0, 1, "PER"), (2, 5, "LOC.NAM"), (5, 7, "LOC.NAM")],
    [(1, 2, "geo-pol"), (2, 3, "geo-pol")],
    [],
]
IOB2 = [
    *(["B-PER", "O", "B-LOC.NAM", "I-LOC.NAM", "I-LOC.NAM"],),
    *(["O", "B-geo-pol", "B-geo-pol"], ["O"]),
]
IOB2[0] += ["B-LOC.NAM", "I-LOC.NAM"]


def written(scheme: str) -> list[list[str]]:
    return [
        span_tags(spans, len(tags), scheme)
        for spans, tags in zip(SPANS, IOB2, strict=True)
    ]


def recognized(sentences, **options) -> TagScheme:
    return recognize_tags({"a": sentences[:1], "b": sentences[1:]}, **options)[
        0
    ]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("separator", ["-", "_", "\u2013"])
@pytest.mark.parametrize("suffix", [False, True])
@pytest.mark.parametrize("lower_case", [False, True])
def test_every_spelling_is_recognized_and_written_again(
    scheme, separator, suffix, lower_case
) -> None:
    def spelled(tag: str) -> str:
        if tag == "O":
            return "o" if lower_case else "O"
        letter = tag[0].lower() if lower_case else tag[0]
        parts = [tag[2:], letter] if suffix else [letter, tag[2:]]
        return separator.join(parts)

    files = [[spelled(tag) for tag in tags] for tags in written(scheme)]
    found = recognized(files)
    assert found == TagScheme(
        *(scheme, separator, suffix, "o" if lower_case else "O", lower_case)
    )
    assert [found.to_iob2(tags) for tags in files] == IOB2
    assert [found.from_iob2(tags) for tags in IOB2] == files
    assert TagScheme(**found.get_config()) == found


@pytest.mark.parametrize(
    "sentences, name",
    [
        ([["B", "I", "O"], ["B"]], "IOB2"),  # letters without types
        ([["I", "I", "O"], ["I", "B"]], "IOB1"),
        ([["B", "E", "S", "B", "M", "E"]], "BMES"),  # words of Chinese text
        ([["b", "e", "s", "b", "m", "e"]], "BMES"),
        ([["S-X", "O"]], "BIOES"),
        ([["U-X", "O", "B-Y", "L-Y"]], "BILOU"),
        ([["S-X", "O", "B-Y", "I-Y"]], "BIOS"),  # CLUENER
        ([["B-X", "O", "B-Y", "I-Y", "E-Y"]], "BIOE"),
        ([["I-X", "I-X", "O"]], "IOB1"),  # no two side by side
        ([["O", "O"]], "IOB2"),
        ([["B-X", "0", "0"]], "IOB2"),
        ([["B-X", "_", "_"]], "IOB2"),
        ([["NN", "VB", "."]], "plain"),
        ([["n", "v", "m", "b", "u", "w"]], "plain"),  # People's Daily
        ([["B", "M", "I", "S"]], "plain"),  # no single scheme
        ([["-LRB-", "NN", "-RRB-"]], "plain"),
        ([["n-s---fn-", "v3sria---", "u--------", "m--------"]], "plain"),
        ([["JJ-TL", "NN-HL", "NN-S"]], "plain"),
        ([["NOUN", "X", "_"]], "plain"),
        ([["S-", "Nb", "V-", "C-"]], "plain"),  # PROIEL
        ([["positive", "O", "negative"]], "plain"),
    ],
)
def test_names(sentences, name) -> None:
    found, notes = recognize_tags({"a": sentences})
    assert found.name == name and notes == []
    back = [found.from_iob2(found.to_iob2(tags)) for tags in sentences]
    assert back == sentences


def test_outside_tag_is_kept() -> None:
    found = recognized([["B-X", "_"], ["I-X", "_"]], scheme="IOB2")
    assert found.to_iob2(["B-X", "_"]) == ["B-X", "O"]
    assert found.from_iob2(["B-X", "O"]) == ["B-X", "_"]
    found, notes = recognize_tags({"a": [["B-X", "O", "O", "0"]]})
    assert found.outside == "O" and "read as 'O'" in notes[0]


def test_few_broken_rules_are_counted_and_read_as_conlleval_does() -> None:
    right = [["B-X", "I-X", "O"]] * 30
    found, notes = recognize_tags({"a": right, "b": [["O", "I-X", "I-Y"]]})
    assert found.name == "IOB2"
    assert len(notes) == 1
    assert notes[0].startswith("b: 2 of 2 spans break the rules of IOB2")
    assert found.to_iob2(["O", "I-X", "I-Y"]) == ["O", "B-X", "B-Y"]
    # The other way round: IOB1 with a mistake.
    found, notes = recognize_tags({"a": [["I-X", "O"]] * 30 + [["B-X"]]})
    assert found.name == "IOB1" and "a: 1 of 31" in notes[0]


def test_files_in_iob1_and_in_iob2_have_the_same_spans() -> None:
    found, notes = recognize_tags(
        {"a": [["B-X", "I-X"]] * 3, "b": [["I-X", "I-X"]]}
    )
    assert found.name == "IOB2" and "b: 1 of 1" in notes[0]
    assert found.to_iob2(["I-X", "I-X"]) == ["B-X", "I-X"]


@pytest.mark.parametrize(
    "sentences",
    [
        [["B-X", "O", "I-X"]],  # half IOB1, half IOB2
        [["B-X", "O", "E-X", "S-X"], ["B-X", "I-X"]],  # BIOES, unended
    ],
)
def test_broken_rules_are_asked_about(sentences) -> None:
    with pytest.raises(ValueError, match="`scheme` must be given .*a, of"):
        recognize_tags({"a": sentences})
    name = "IOB2" if "I-X" in sentences[0] else "BIOES"
    assert recognize_tags({"a": sentences}, name)[0].name == name


def test_files_of_two_schemes_are_refused() -> None:
    bioes, iob2 = written("BIOES"), written("IOB2")
    with pytest.raises(ValueError, match="test, of .* break .*BIOES"):
        recognize_tags({"train": bioes * 2, "test": iob2 * 2})


@pytest.mark.parametrize(
    "tags, message",
    [
        (["B-X", "I-X", "X"], "Received: 'X'$"),
        (["B-X", "I-X", "B-"], "Received: 'B-'$"),
        (["B-X", "I-X", "B"], "Received: 'B'$"),  # where is its type?
        (["B-X", "I-X", "B_X"], "Received: 'B_X'$"),
        (["B-X", "M-X", "L-X"], "one scheme.*'B-X', 'L-X', 'M-X'"),
    ],
)
def test_tags_of_no_scheme_are_named(tags, message) -> None:
    with pytest.raises(ValueError, match=message):
        recognize_tags({"a": [tags, ["O"]]})
    assert recognize_tags({"a": [tags]}, "plain")[0].name == "plain"


def test_scheme_that_is_said() -> None:
    with pytest.raises(ValueError, match="`name` must be IOB2, "):
        recognize_tags({"a": [["O"]]}, "BIO")
    with pytest.raises(ValueError, match="must be of a scheme, or none"):
        recognize_tags({"a": [["NN", "VB"]]}, "IOB2")
    found, _ = recognize_tags({"a": [["B-X", "E-X", "S-Y"]]}, "BMES")
    assert found.from_iob2(["B-X", "I-X", "I-X"]) == ["B-X", "M-X", "E-X"]


def test_predictions_that_break_iob2_stay_in_iob2_files_only() -> None:
    tags = ["I-X", "O", "B-Y"]
    assert TagScheme("IOB2").from_iob2(tags) == tags
    assert TagScheme("IOB1").from_iob2(tags) == ["O", "O", "I-Y"]


def test_random_files_of_each_scheme() -> None:
    rng = random.Random(4)
    for scheme in SCHEMES:
        for _ in range(20):
            spans, place = [], 0
            while place < 30:
                end = place + rng.randint(1, 5)
                if rng.random() < 0.7:
                    spans.append((place, end, rng.choice("AB")))
                place = end
            tags = span_tags(spans, place, scheme)
            found = recognized([tags])
            assert found.to_iob2(tags) == span_tags(spans, place)
            assert found.from_iob2(found.to_iob2(tags)) == tags


@pytest.mark.parametrize(
    "tags",
    [
        ["B-", "I-", "O"],
        ["B-X", "I-", "O"],
        ["B_", "O"],
        ["-B", "-I", "O"],
        ["B-\u200b", "O"],
    ],
)
def test_letters_without_their_type_are_refused(tags) -> None:
    for scheme in (None, "IOB2"):
        with pytest.raises(ValueError, match="must have a type after"):
            recognize_tags({"a": [tags]}, scheme)
    assert recognize_tags({"a": [tags]}, "plain")[0].name == "plain"


@pytest.mark.parametrize(
    "tags",
    [
        ["B-LOC", "I-Loc", "O"],
        ["B-LOC", "B-loc"],
        ["LOC-B", "Loc-B"],
        ["B_LOC", "b_Loc", "O"],
        ["B-LOC", "I-LOC\u00a0"],  # a space that does not separate columns
        ["B-LOC", "I-\u200bLOC"],
        ["B-LOC", "B-\uff2c\uff2f\uff23"],  # of full width
        ["NN", "nn", "VB"],
    ],
)
def test_types_that_look_alike_are_asked_about(tags) -> None:
    files = {"train": [tags[:1]], "test": [tags[1:]]}
    with pytest.raises(ValueError, match="differ only in case.*give `scheme`"):
        recognize_tags(files)
    scheme = "plain" if "NN" in tags else "IOB2"
    assert recognize_tags(files, scheme)[0].name == scheme


def test_letters_and_outside_tags_may_differ_in_case() -> None:
    found, _ = recognize_tags({"a": [["B-X", "b-X", "O", "o", "none", "None"]]})
    assert found.name == "IOB2"
