"""Readers of semantic roles: JSON lines, CoNLL-2005 and CoNLL-2012."""

import gzip
import json
from pathlib import Path

import pytest

from keras_ctx.data import read_propositions
from keras_ctx.evaluation import Proposition

FOLDER = Path(__file__).resolve().parents[3] / "shared/data/srl_spans_en_ewt"
WORDS = ("She", "turned", "it", "off", "to", "sleep")
TURNED = Proposition(
    WORDS,
    1,
    ((0, 1, "ARG0"), (2, 3, "ARG1"), (4, 6, "ARGM-PRP")),
    "turn_off.06",
    ((1, 2), (3, 4)),
)
SLEEP = Proposition(WORDS, 5, ((0, 1, "ARG0"),), "sleep.01", ((5, 6),))
SENTENCES = [(WORDS, [TURNED, SLEEP]), (("Thanks", "!"), [])]


def json_line(one: Proposition, **values: object) -> dict:
    return {
        "sent_id": "a",
        "words": one.words,
        "predicate": one.predicate,
        "sense": one.sense,
        "verb": one.verb,
        "arguments": one.arguments,
        **values,
    }


LINES = [
    json_line(TURNED),
    json_line(SLEEP),
    {"sent_id": "b", "words": ["Thanks", "!"]},
]
PROPS = """\
-        (ARG0*)      (ARG0*)
turn_off (V*)         *
-        (ARG1*)      *
-        (C-V*)       *
-        (ARGM-PRP*   *
sleep    *)           (V*)

-
-
"""
CONLL_2012 = """\
#begin document (test); part 000
test 0 0 She    PRP * -        -  - - (X*) (ARG0*)    (ARG0*) -
test 0 1 turned VBD * turn_off 06 1 - *    (V*)       *       -
test 0 2 it     PRP * -        -  - - *    (ARG1*)    *       (1)
test 0 3 off    RP  * -        -  - - *    (C-V*)     *       -
test 0 4 to     TO  * -        -  - - *    (ARGM-PRP* *       -
test 0 5 sleep  VB  * sleep    01 1 - *    *)         (V*)    -

test 0 0 Thanks NNS * thank    -  1 - *    -
test 0 1 !      .   * -        -  - - *    -
#end document
"""
PROPBANK = """\
test 0 0 She    PRP * -        -           (ARG0*)    (ARG0*)
test 0 1 turned VBD * turn_off turn_off.06 (V*)       *
test 0 2 it     PRP * -        -           (ARG1*)    *
test 0 3 off    RP  * -        -           (C-V*)     *
test 0 4 to     TO  * -        -           (ARGM-PRP* *
test 0 5 sleep  VB  * sleep    sleep.01    *ARGM-PRP) (V*)

test 1 0 Thanks NNS * -        -
test 1 1 !      .   * -        -
"""


def json_text(*lines: object) -> str:
    return "".join(json.dumps(line) + "\n" for line in lines)


def single_file(props: str = PROPS) -> str:
    words = iter([*WORDS, "Thanks", "!"])
    return "".join(
        f"{next(words)} NN {line}\n" if line else "\n"
        for line in props.splitlines()
    )


def by_lemma(sentences) -> list:
    return [
        (words, [(x.predicate, x.lemma, x.spans()) for x in found])
        for words, found in sentences
    ]


@pytest.mark.parametrize("text", [json_text(*LINES), CONLL_2012, PROPBANK])
def test_layouts(tmp_path: Path, text: str) -> None:
    path = tmp_path / "roles.gz"
    path.write_bytes(gzip.compress(text.encode()))
    assert read_propositions(path) == SENTENCES


def test_conll_2005_has_lemmas(tmp_path: Path) -> None:
    path, words = tmp_path / "props", tmp_path / "words"
    path.write_text(single_file())
    found = read_propositions(path)
    assert by_lemma(found) == by_lemma(SENTENCES)
    assert found[0][1][0].sense == "turn_off"
    path.write_text(PROPS)
    words.write_text("\n".join(WORDS) + "\n\nThanks NNS\n! .\n")
    assert read_propositions(path, words) == found


def test_optional_keys_of_json(tmp_path: Path) -> None:
    path = tmp_path / "roles.jsonl"
    line = {"sent_id": "1", "words": ["It"], "predicate": 0, "arguments": []}
    path.write_text(json_text(line))
    assert read_propositions(path) == [(("It",), [Proposition(("It",), 0)])]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"predicate": 6}, "position of one of the words.*=6 of 6 words"),
        ({"predicate": -1}, "`predicate` must be at least 0"),
        ({"predicate": 2}, "one of its own pieces.*'it' at position 2"),
        ({"predicate": True}, r"`line 2.predicate` must be an integer"),
        ({"verb": None, "predicate": 1}, "have another predicate than"),
        ({"arguments": [[0, 2, "A"], [1, 3, "B"]]}, "must not overlap"),
        ({"arguments": [[0, 3, "A"], [1, 2, "B"]]}, "must not overlap"),
        ({"arguments": [[1, 2, "A"]]}, r"overlap.*\(1, 2, 'A'\) and \(1"),
        ({"arguments": [[2, 7, "A"]]}, "7, 'A'.*of 6 words"),
        ({"arguments": [[2, 2, "A"]]}, "must be spans of words"),
        ({"arguments": [[-1, 1, "A"]]}, "must be spans of words"),
        ({"arguments": [[0, 1, ""]]}, "must have labels"),
        ({"arguments": [[0, 1, "C-"]]}, "must have labels"),
        ({"arguments": [[0, 1, "V"]]}, "belong in `verb`"),
        ({"arguments": [[0, 1]]}, r"`line 2.arguments\[0\]` must be \[start"),
        ({"arguments": [[0, "1", "A"]]}, "must be an integer"),
        ({"arguments": None}, "must be a list"),
        ({"verb": [[1, 9]]}, "must be spans of words"),
        ({"words": ["She"]}, "words of the line before"),
        ({"sent_id": "b", "words": []}, "one word or more"),
        ({"sent_id": "b", "words": ["a", " "]}, "none of them empty"),
        ({"sent_id": 5}, "`line 2.sent_id` must be a string"),
    ],
)
def test_refused_json(tmp_path: Path, changes: dict, message: str) -> None:
    path = tmp_path / "roles.jsonl"
    first = TURNED if "another" in message else SLEEP
    path.write_text(json_text(json_line(first), json_line(TURNED, **changes)))
    with pytest.raises(ValueError, match=message) as error:
        read_propositions(path)
    assert str(path) in str(error.value) and "line 2" in str(error.value)


@pytest.mark.parametrize("key", ["sent_id", "words", "predicate", "arguments"])
def test_missing_key(tmp_path: Path, key: str) -> None:
    path = tmp_path / "roles.jsonl"
    line = json_line(SLEEP)
    del line[key]
    path.write_text(json_text(json_line(TURNED), line))
    with pytest.raises(ValueError, match=f"`line 2` must have the key '{key}'"):
        read_propositions(path)


def test_other_refused_lines(tmp_path: Path) -> None:
    path = tmp_path / "roles.jsonl"
    for text, message in (
        (json_text(*LINES, LINES[0]), "`line 4` must have another `sent_id`"),
        (json_text(LINES[0], {**LINES[2], "sent_id": "a"}), "`line 2` must"),
        (json_text(LINES[0]) + '{"sent_id": 1', "line 2: .* one JSON object"),
        ("\n", "holds no text"),
    ):
        path.write_text(text)
        with pytest.raises(ValueError, match=message):
            read_propositions(path)
    path.write_text(json_text(*LINES))
    with pytest.raises(ValueError, match="`words` must be left out"):
        read_propositions(path, path)


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("sleep    *) ", "sleep    * ", 5, "must close in its sentence"),
        ("(ARGM-PRP* ", "* ", 6, "must open before it closes"),
        ("(ARGM-PRP* ", "(* ", 5, "must have a label"),
        ("sleep    *) ", "sleep    (A*) ", 6, "ARGM-PRP of line 5 must end"),
        ("sleep    *) ", "sleep    *A0) ", 6, "ARGM-PRP must close first"),
        ("(ARG1*) ", "(A(B*)) ", 3, "must begin with"),
        ("(ARG1*) ", "O ", 3, r"Received: 'O' in column 3"),
        ("sleep", "-", 1, r"2 columns and 1 predicates \(turn_off\)"),
        ("-        (C", "so       (C", 1, "2 columns and 3 predicates"),
        ("(ARG1*)      *", "(ARG1*)", 3, "4 columns.* 1, has 5"),
        ("(C-V*)       *", "(C-V*) * *", 4, "6 columns.* 1, has 5"),
        ("(V*)         *", "*      *", 2, "one of its own pieces"),
    ],
)
def test_refused_columns(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    path = tmp_path / "props"
    assert old in PROPS
    text = single_file(PROPS.replace(old, new, 1))
    # Two good sentences show the columns.
    path.write_text(text + "\n" + single_file())
    with pytest.raises(ValueError, match=message) as error:
        read_propositions(path)
    assert f"{path}, line {line}:" in str(error.value)


def test_columns_that_are_mixed_up(tmp_path: Path) -> None:
    path, words = tmp_path / "props", tmp_path / "words"
    swapped = [
        "\t".join(cells[:3] + cells[4:] + cells[3:4])
        for cells in (line.split() for line in single_file().splitlines())
    ]
    path.write_text("\n".join(swapped))
    with pytest.raises(ValueError, match="line 2: .*'turned' at position 1"):
        read_propositions(path)
    path.write_text(PROPS)
    with pytest.raises(ValueError, match="line 1: the file has no words"):
        read_propositions(path)
    words.write_text("\n".join(WORDS) + "\n\nThanks\n")
    with pytest.raises(ValueError, match="props 2 lines from line 8.* 1 lines"):
        read_propositions(path, words)
    words.write_text("\n".join(WORDS))
    with pytest.raises(ValueError, match="props 2 lines .*words 0 lines"):
        read_propositions(path, words)
    path.write_text("Rome B-LOC\n")
    with pytest.raises(ValueError, match="line 1: The columns must be a word"):
        read_propositions(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("- (X*) (ARG0*) ", "- (X*) ", "line 3: all lines .* 14 columns"),
        ("turn_off 06", "turn_off - ", "2 columns and 1 predicates .sleep.01"),
        ("thank    - ", "thank    01", "line 9: .* 0 columns and 1 predicates"),
        ("* -        -  - - *    -\n#", "* -\n#", "line 10: all lines of a"),
    ],
)
def test_refused_conll_2012(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = tmp_path / "roles_conll"
    assert old in CONLL_2012
    path.write_text(CONLL_2012.replace(old, new, 1))
    with pytest.raises(ValueError, match=message):
        read_propositions(path)


def test_conll_2012_of_few_columns(tmp_path: Path) -> None:
    path = tmp_path / "roles_conll"
    path.write_text("#begin document (a); part 0\na 0 0 It PRP -\n")
    with pytest.raises(ValueError, match="line 2: .*at least 12 columns"):
        read_propositions(path)


@pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no roles at {FOLDER}")
def test_english_web_treebank() -> None:
    found = read_propositions(FOLDER / "dev.jsonl.gz")
    propositions = [one for _, row in found for one in row]
    arguments = [span for one in propositions for span in one.arguments]
    longer = sum(end - start > 1 for start, end, _ in arguments)
    assert len(found) == 1531
    assert (len(propositions), len(arguments), longer) == (4963, 9563, 4760)
    assert all(
        one == one.with_tags(one.tags(verb=True)) for one in propositions
    )
    without = read_propositions(FOLDER / "dev_without_predicate.jsonl.gz")
    assert len(without) == 1968 - 1531 and not any(row for _, row in without)
