"""CoNLL files in the layouts of published datasets."""

import gzip
from pathlib import Path

import pytest

from keras_ctx.data import ConllLayout, read_conll, read_words
from keras_ctx.data.tags.conll import read_conll_files


@pytest.fixture
def write(tmp_path: Path):
    def write_text(content: str | bytes, name: str = "a.conll") -> Path:
        path = tmp_path / name
        path.write_bytes(
            content.encode() if isinstance(content, str) else content
        )
        return path

    return write_text


def test_first_and_last_column(write) -> None:
    path = write(
        "-DOCSTART- -X- O O\n\nIn IN O O\nRome NNP\tB-NP  B-LOC \n\n\n"
        "\u3000 X O O\n"
    )
    assert list(read_conll(path)) == [
        (["In", "Rome"], ["O", "B-LOC"]),
        (["\u3000"], ["O"]),
    ]


IN_ROME = [(["In", "Rome"], ["O", "B-LOC"]), (["Yes"], ["O"])]


@pytest.mark.parametrize(
    "content",
    [
        "In O\nRome B-LOC\n\nYes O\n",
        "\ufeffIn O\r\nRome B-LOC\r\n\r\nYes O\r\n",  # Windows
        "In\tO\nRome\tB-LOC\n \t\nYes\tO",  # a blank line that is not empty
        "In\tO\nRome\tB-LOC\n\u3000\n\ufeff\nYes\tO\n\u200b\n",
        "In\tO\t\nRome\tB-LOC\t\n\nYes\tO\n",  # trailing tabs
        " In O\n Rome  B-LOC\n\nYes O\n",
        "-DOCSTART-\n\nIn O\nRome B-LOC\n-DOCSTART- (2) O\nYes O\n",
        "###MEDLINE:95343554\n\nIn O\nRome B-LOC\n\nYes O\n",  # JNLPBA
        "# sent_id = 1\n# text = In Rome\nIn O\nRome B-LOC\n\n# 2\nYes O\n",
        "# 12\nIn O\nRome B-LOC\n\n# a b\nYes O\n",  # comments of two columns
        "#begin document (a); part 000\nIn O\nRome B-LOC\n\nYes O\n\n"
        "#end document\n",
        "1 In O\n2 Rome B-LOC\n\n1 Yes O\n",  # CoNLL-X
        "0\tIn\tO\n1\tRome\tB-LOC\n\n0\tYes\tO\n",
        "1\tIn\tIN\tO\tO\n2\tRome\tNP\tB-NP\tB-LOC\n\n1\tYes\tUH\tO\tO\n",
        "en:In\tO\nen:Rome\tB-LOC\n\nen:Yes\tO\n",  # WikiANN
        "word\ttag\nIn\tO\nRome\tB-LOC\n\nYes\tO\n",  # a line of headings
        "Token POS NER_Tag\nIn X O\nRome X B-LOC\n\nYes X O\n",
    ],
)
def test_layouts(content, write) -> None:
    assert list(read_conll(write(content))) == IN_ROME
    zipped = write(gzip.compress(content.encode()), "a.conll.gz")
    assert list(read_conll(zipped)) == IN_ROME


CONLLU = (
    "# sent_id = 1\n"
    "1-2\tIm\t_\t_\t_\t_\t_\t_\t_\t_\n"
    "1\tIn\tin\tADP\tIN\t_\t2\tx\t_\t{}O\n"
    "1.1\tx\tx\tX\tX\t_\t_\t_\t_\t_\n"
    "2\tRome\tRome\tPROPN\tNNP\t_\t0\troot\t_\tSpaceAfter=No|{}B-LOC\n\n"
    "# sent_id = 2\n1\tYes\tyes\tINTJ\tUH\t_\t0\troot\t_\t_\n"
)


def test_names_of_conllu(write) -> None:
    files, layout, notes = read_conll_files(
        [write(CONLLU.format(*2 * ["NER="]))]
    )
    (sentences,) = files.values()
    assert [s[:2] for s in sentences] == IN_ROME
    assert [s.lines for s in sentences] == [[3, 5], [8]]
    assert layout.tag_key == "NER" and "NER=... of column 9" in notes[-1]


def test_parts_of_speech_of_conllu(write) -> None:
    path = write(CONLLU.format("Gloss=", "Gloss="))
    files, _, notes = read_conll_files([path])
    assert [s.tags for s in files[str(path)]] == [["ADP", "PROPN"], ["INTJ"]]
    assert "parts of speech of column 3" in notes[-1]
    found = list(read_conll(path, (1, 4)))
    assert found == [(["In", "Rome"], ["IN", "NNP"]), (["Yes"], ["UH"])]


def test_commas_are_told(write) -> None:
    path = write("Sentence #,Word,Tag\n1,In,O\n", "a.csv")  # Kaggle
    with pytest.raises(
        ValueError, match="line 2: .* Commas do not separate columns"
    ):
        list(read_conll(path))


def test_a_few_characters_without_digits(write) -> None:
    path = write("去0\tO\n山1\tO\n" * 60 + " 0\tO\n好0\tB-X\n")
    words, _ = next(read_conll(path))
    assert words[-3:] == ["山", "0", "好"]


def test_digits_behind_characters(write) -> None:
    # As in Weibo NER: the index of the character in its word.
    path = write("去0\tO\n山0\tB-LOC.NAM\n城1\tI-LOC.NAM\n50\tO\n\n好0\tO\n")
    files, layout, notes = read_conll_files([path])
    assert [s.words for s in files[str(path)]] == [[*"去山城5"], ["好"]]
    assert layout.positions and "'去0' is read as '去'" in notes[0]
    # Not indices: words that end in digits stay.
    path = write("A1\tO\nB2\tB-X\n")
    assert list(read_conll(path)) == [(["A1", "B2"], ["O", "B-X"])]
    path = write("A0\tO\nB0\tB-X\n")
    assert next(read_conll(path))[0] == ["A0", "B0"]


def test_words_with_blanks_between_tabs(write) -> None:
    path = write("New York\tB-LOC\nis\tO\n \tO\nbig \tO\n")
    assert list(read_conll(path)) == [
        (["New York", "is", " ", "big"], ["B-LOC", "O", "O", "O"])
    ]


def test_hash_that_is_a_word(write) -> None:
    path = write("# O\n1 O\n\n#foo B-X\nis O\n#bar B-X\n# O\n\n# O\n")
    assert [words for words, _ in read_conll(path)] == [
        *(["#", "1"], ["#foo", "is", "#bar", "#"], ["#"]),
    ]
    # The pound sign of the Penn Treebank, and a sentence of hashtags only.
    assert next(read_conll(write("# #\n5 CD\n")))[1] == ["#", "CD"]
    path = write("#a O\n#b B-X\n\nc O\nd B-X\n")
    assert next(read_conll(path))[0] == ["#a", "#b"]


def test_comment_that_could_be_a_word_is_named(write) -> None:
    path = write("# 12\nIn O\n\n")
    _, _, notes = read_conll_files([path])
    assert notes == [f"{path}, line 1: '# 12' is read as a comment."]


def test_names_in_brackets(write) -> None:
    # CoNLL-2012; the last column is coreference.
    path = write(
        "#begin document (a); part 000\n"
        "a 0 0 Ann NNP (PER* (1)\na 0 1 Lee NNP *) -\na 0 2 saw VB * -\n"
        "a 0 3 Rome NNP (LOC) -\n\na 0 0 Yes UH * -\n"
    )
    with pytest.raises(ValueError, match="line 2: column 2 counts .*columns`"):
        list(read_conll(path))
    assert list(read_conll(path, (3, 5))) == [
        (["Ann", "Lee", "saw", "Rome"], ["B-PER", "I-PER", "O", "B-LOC"]),
        (["Yes"], ["O"]),
    ]


def test_chosen_columns(write) -> None:
    # GermEval: outer and inner names.
    path = write(
        "#\thttps://example.org [2009]\n1\tIn\tO\tO\n2\tRome\tB-LOC\tO\n\n"
        "#\tb\n1\tYes\tO\tB-LOC\n"
    )
    with pytest.raises(ValueError, match=r"line 2: columns 2 and 3 both hold"):
        list(read_conll(path))
    assert list(read_conll(path, (1, 2))) == IN_ROME
    assert list(read_conll(path, (1, -2))) == IN_ROME
    assert list(read_conll(path, (1, -1)))[1] == (["Yes"], ["B-LOC"])
    with pytest.raises(ValueError, match="`columns` must be .* 4 columns"):
        list(read_conll(path, (1, 4)))
    with pytest.raises(ValueError, match="`columns` must be"):
        list(read_conll(path, (1, 1)))


@pytest.mark.parametrize(
    "content, message",
    [
        ("1 O\n2 B-X\n\n1 O\n", "line 1: column 0 counts the words"),
        ("7 In O\n9 Ann B-X\n", "line 1: column 0 holds only numbers"),
        ("1\tIn\tO\tO\n2\tRome\tB-X\tO\n", "column 2 holds tags of spans"),
        ("a O O\nb B-X B-X\n", "columns 1 and 2 both hold"),
        ("B-X good\nO the\n", "column 0 holds tags of spans.*--columns 1 0"),
        ("a B-X NN\nb O VB\n", "column 1 holds tags of spans"),
        ("1 a b c d N\n2 a b c d V\n", "unclear which of 6 columns holds"),
        (
            "1\ta\ta\tN\tN\t_\t2\tx\t_\t_\n2\tb\tb\tV\tV\t_\t0\ty\t_\t_\n",
            "it is unclear which of ten columns holds the tags",
        ),
    ],
)
def test_columns_are_asked_about(content, message, write) -> None:
    with pytest.raises(ValueError, match=f"a.conll, {message}|{message}"):
        list(read_conll(write(content)))


@pytest.mark.parametrize(
    "content, message",
    [
        ("word\n", "line 1: .* at least 2 .* 1 columns"),
        ("a O\n\nb X O\n", "line 3: .*; the lines before have 2"),
        ("a\tO\nb\t\nc\tO\n", "line 2: .* 1 columns.*its tag is missing"),
        ("a\tO\n\tB-X\n", "line 2: the word is empty"),
        ("a\tN\tO\nb\tN\t \nc\tN\tO\n", "line 2: .* 2 columns"),
        ("a O\n# a b c\nb O\n", "line 2: .* 4 columns"),
        ("a O\rb O\r", "end in only a carriage return"),
        ("# a\n# b\n", "line 1|no text"),
        ("word tag\n", "line 1: the file holds no text"),
    ],
)
def test_lines_that_are_no_words_are_refused(content, message, write) -> None:
    with pytest.raises(ValueError, match=message):
        list(read_conll(write(content)))


def test_files_are_read_by_one_layout(write) -> None:
    # A dev file whose first column happens to count up.
    train = write("7 O\nRome B-LOC\n", "train")
    dev = write("1 O\n2 O\n\n1 O\n", "dev")
    files, _, _ = read_conll_files([train, dev])
    assert files[str(dev)][0].words == ["1", "2"]
    with pytest.raises(ValueError, match="dev, line 1: .* the lines before"):
        read_conll_files([train, write("a b O\n", "dev")])


def test_first_sentences_of_a_file(write) -> None:
    path = write("a O\n\nb O\n\nc bad line O\n")
    files, _, _ = read_conll_files([path], first={str(path): 2})
    assert [s.words for s in files[str(path)]] == [["a"], ["b"]]


@pytest.mark.parametrize(
    "content",
    [
        "In\nRome\n\nYes\n",
        "# sent_id = 1\nIn\nRome\n\n# text = b c\nYes\n",
        "In\tO\nRome\tB-LOC\n\nYes\tO\n",
    ],
)
def test_words_without_tags(content, write) -> None:
    layout = ConllLayout(2, tabs=True)
    assert list(read_words(write(content), layout)) == [["In", "Rome"], ["Yes"]]


def test_words_without_tags_in_other_layouts(write) -> None:
    layout = ConllLayout(4, 1, 3, numbered=True)
    path = write("# a b\n1 In X O\n1-2 a b c\n2 Rome X O\n\n1 Yes X O\n")
    assert list(read_words(path, layout)) == [["In", "Rome"], ["Yes"]]
    path = write("1 In X\n2 Rome X\n\n1 Yes X\n")  # the last column left out
    assert list(read_words(path, layout)) == [["In", "Rome"], ["Yes"]]
    path = write("en:a\nen:b\n")
    assert list(read_words(path, ConllLayout(prefix="en:"))) == [["a", "b"]]
    path = write("a0\nb1\n")
    assert list(read_words(path, ConllLayout(positions=True))) == [["a", "b"]]
    with pytest.raises(ValueError, match="line 2: .* Received: 2 columns"):
        list(read_words(write("In\nNew York\n"), ConllLayout()))
    with pytest.raises(ValueError, match="line 1: .* Received: 3 columns"):
        list(read_words(write("a b c\n"), ConllLayout()))


def test_columns_of_three_are_said_or_asked_about(write) -> None:
    # The last column has spans, or the others have more distinct values.
    for content in (
        "In IN O\nRome NNP B-LOC\n",
        "In B-PP O\nRome B-NP B-LOC\n",
        "In in IN\nRome rome NNP\nat at IN\n",
        "In _ IN\nRome _ NNP\n",
        "In IN O\nit PRP O\n",
    ):
        files, layout, notes = read_conll_files([write(content)])
        assert layout.columns == (0, 2)
        assert notes == [
            "of 3 columns, column 0 holds the words and column 2, the last, "
            "the tags. `--columns WORD TAG` chooses others."
        ]
    # Two columns need no note.
    assert read_conll_files([write("In O\nRome B-LOC\n")])[2] == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        # TreeTagger: word, tag, lemma.
        ("In IN in\nAt IN at\nRome NP Rome\n", "--columns 0 1` or .* 0 2"),
        # Universal and language-specific parts of speech.
        ("a DET DT\nb V VB\nc V VBD\n", "column 2.* holds 3 .* column 1 2"),
        # The tag first.
        (
            "".join(f"{'NV'[n % 2]} word{n}\n" for n in range(20)),
            "column 0, the first, 2, as if it held the tags.*--columns 1 0",
        ),
    ],
)
def test_columns_that_look_more_like_tags(content, message, write) -> None:
    path = write(content)
    with pytest.raises(ValueError, match=f"a.conll, line 1: .*{message}"):
        list(read_conll(path))
    assert next(read_conll(path, (0, 1)))[1]


def test_words_in_odd_characters_stay_on_their_lines(write) -> None:
    # `str.splitlines` and `str.split` would split these.
    words = [
        "a\x0bb",
        "a\x0cb",
        "a\x1cb\x1dc\x1e",
        "a\x85b",
        "a\u2028b",
        "\u00adc",
    ]
    path = write("".join(f"{word} O\n" for word in words) + "d B-X")
    assert next(read_conll(path))[0] == [*words, "d"]
    blanks = [
        " \t ",
        "\u3000",
        "\u00a0",
        "\u200b",
        " \u200b \ufeff",
        "\x0b",
        "\x85",
    ]
    for blank in blanks:
        path = write(f"a O\n{blank}\nb B-X\n")
        assert [words for words, _ in read_conll(path)] == [["a"], ["b"]]
