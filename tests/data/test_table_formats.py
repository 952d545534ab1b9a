"""Tables in common formats: read unchanged, or refused with advice."""

import csv
import gzip
import io
import json
from pathlib import Path

import pytest

from keras_ctx.data import TableFormat, read_table
from keras_ctx.data.tables.labelled_texts import read_labelled_texts


@pytest.fixture
def write(tmp_path):
    def write_file(content: str | bytes, name: str = "rows.tsv") -> Path:
        path = tmp_path / name
        raw = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
        return path

    return write_file


def rows(path: Path, columns, **table) -> list[tuple[str, ...]]:
    return [
        row.columns for row in read_table(path, columns, TableFormat(**table))
    ]


def test_lines_are_those_that_rows_begin_on(write) -> None:
    path = write('a,b\n\n"x\n\ny",1\nz,2', "rows.csv.gz")
    found = list(read_table(path, ["a", "b"]))
    assert found == [(3, ("x\n\ny", "1")), (6, ("z", "2"))]
    found = list(read_table(write("\n\na\t1\n \nb\t2"), [0, 1]))
    assert found == [(3, ("a", "1")), (5, ("b", "2"))]


def test_rows_of_empty_columns_are_no_blank_lines(write) -> None:
    assert rows(write("a\t1\n\t\nb\t2\n"), [0, 1])[1] == ("", "")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("columns", [["text", "label"], [0, 1]])
def test_csv_of_any_separator(separator, columns, write) -> None:
    # Decimal commas: split at commas, each row would also have two columns.
    texts = [("good; really", "1,5"), ("a | b", "2,5"), ("so, so", "3,5")]
    texts.append(("b", "4,5"))
    content = io.StringIO()
    # Between tabs quotes are ordinary characters.
    quoting = csv.QUOTE_NONE if separator == "\t" else csv.QUOTE_MINIMAL
    writer = csv.writer(content, delimiter=separator, quoting=quoting)
    writer.writerows([("text", "label"), *texts])
    path = write(content.getvalue(), "rows.csv")
    assert rows(path, columns, header=True) == texts


def test_csv_that_fits_two_separators_is_asked_about(write) -> None:
    path = write("good;1,5\nbad;2,5\n", "rows.csv")
    with pytest.raises(ValueError, match="commas or by semicolons. Set"):
        rows(path, [0, 1])
    assert rows(path, [0, 1], separator=";") == [
        ("good", "1,5"),
        ("bad", "2,5"),
    ]
    assert rows(path, [0, 1], separator="comma")[0] == ("good;1", "5")


def test_a_quoted_row_longer_than_what_is_looked_at(write) -> None:
    text = "line\n" * 300
    path = write(f'text;label\nx;1\n"{text}";2\n', "rows.csv")
    assert rows(path, ["text", "label"]) == [("x", "1"), (text, "2")]


@pytest.mark.parametrize(
    ("content", "separator", "options"),
    [
        ("a||b\n", "||", {}),
        ("a::b\n", "::", {}),
        ("a b\n", "space", {}),
        ("a\tb\n", "\\t", {}),
        ('a\t"b\tc"\n', "tab", {"quoting": True}),
        ('"a,"b\n', "comma", {"literal_quotes": True}),
    ],
)
def test_separators_by_name(content, separator, options, write) -> None:
    found = rows(
        write(content, "x.txt"), [0, 1], separator=separator, **options
    )
    assert found[0][1] in ("b", "b\tc", '"b')


def test_quotes_between_tabs(write) -> None:
    # As written by pandas, and in SNLI.
    path = write('text\tlabel\n"He said ""yes""."\t1\nno\t0\n')
    with pytest.raises(ValueError, match="line 2: the quotes seem .*`quoting`"):
        rows(path, ["text", "label"])
    assert rows(path, ["text", "label"], quoting=True) == [
        ('He said "yes".', "1"),
        ("no", "0"),
    ]
    assert rows(path, ["text", "label"], literal_quotes=True)[0] == (
        '"He said ""yes""."',
        "1",
    )
    # As in MRPC: unclosed quotes.
    path = write('1\t"so it is\n0\t"" is so\n1\t"" and "so"\n')
    assert rows(path, [1]) == [('"so it is',), ('"" is so',), ('"" and "so"',)]
    path = write('"text"\t"label"\n"x"\t"1"\n')
    with pytest.raises(ValueError, match="`quoting` removes quotes"):
        rows(path, ["text", "label"])


def test_names_of_columns(write) -> None:
    path = write("\ufeffQuality\t #1 String \tx\tx\n1\ta\tb\tc\n")
    assert rows(path, ["#1 String", "Quality"]) == [("a", "1")]
    assert rows(path, [3, 0], header=True) == [("c", "1")]
    with pytest.raises(ValueError, match="has 2 columns named 'x'"):
        rows(path, ["x"])
    with pytest.raises(ValueError, match="`header` must not be False"):
        rows(path, ["Quality"], header=False)


def test_ragged_rows(write) -> None:
    # As in the STS benchmark: tabs in a .csv, and additional columns.
    path = write('m\t5.0\tA.\tB, b.\nm\t1.6\t"C.\tD.\tx\ty\n', "sts.csv")
    with pytest.raises(ValueError, match="line 2: .* 4 .* 6 .*`ragged_rows`"):
        rows(path, [2, 3, 1])
    found = rows(path, [2, 3, 1], ragged_rows="read")
    assert found == [("A.", "B, b.", "5.0"), ('"C.', "D.", "1.6")]
    dropped: list[int] = []
    table = TableFormat(ragged_rows="drop")
    path = write("a\tb\n1\n2\t3\n4\t5\t6\n")
    found = list(read_table(path, ["b"], table, dropped))
    assert found == [(3, ("3",))] and dropped == [2, 4]
    with pytest.raises(ValueError, match="line 2: .* 2 columns .* 1 columns"):
        rows(path, ["b"], ragged_rows="read")


def test_json_lines(write) -> None:
    records = [
        {"text": 'a "b"\n\u2028c', "label": 1, "x": None},
        {"label": None, "text": "", "more": {}},
        {"text": "一", "label": 4.5},
        {"text": "z", "label": ["a", "b, c"]},
        {"text": "y", "label": True},
    ]
    lines = [json.dumps(x, ensure_ascii=False) for x in records]
    expected = [
        (1, ('a "b"\n\u2028c', "1")),
        (2, ("", "")),
        (3, ("一", "4.5")),
        (4, ("z", '["a", "b, c"]')),
        (5, ("y", "true")),
    ]
    for name in ("x.jsonl", "x.json", "x.JSONL", "x.jsonl.gz"):
        path = write("\ufeff" + "\r\n".join(lines), name)
        assert list(read_table(path, ["text", "label"])) == expected
    path = write(json.dumps(records, indent=1), "x.json")
    assert list(read_table(path, ["text", "label"])) == expected
    path = write("\n".join(lines), "x.txt")
    table = TableFormat(layout="json")
    assert list(read_table(path, ["text", "label"], table)) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"text": "a"}\n{"txt": "b"}\n', r"line 2: .*'text'.*\['txt'\]"),
        ('{"text": "a"}\n{"text": \n', "line 2: .* complete JSON object"),
        ('{"text": "a"}\n"b"\n', "line 2: a row must be a JSON object"),
        ('{"text": {"a": 1}}\n', "line 1: 'text' must be a text, a number"),
        ('[{"text": "a"}, 7]', "row 2: a row must be a JSON object"),
        ('[{"text": "a"}', "line 1: the list is not complete JSON"),
        (
            '{"text": "a"}\n{"text": "b", "text": "c"}',
            "line 2: .*'text' .*twice",
        ),
        ('\n[{"text": "b"},\n{"text": "b", "text": "c"}]', "line 3: .* twice"),
        (
            '{"text": "a"}\n{"text": "\\ud800"}',
            "line 2: .* half of a surrogate",
        ),
        ('{"text": "a"}\n' + "[" * 100_000, "line 2: .* nested too deeply"),
    ],
)
def test_json_that_is_refused(content, message, write) -> None:
    with pytest.raises(ValueError, match=message):
        rows(write(content, "x.jsonl"), ["text"])


def test_trec_and_fasttext(write) -> None:
    path = write("DESC:manner How do caf\xe9s float ?\n".encode("latin-1"))
    with pytest.raises(ValueError, match="line 1: byte 22 is not UTF-8"):
        rows(path, [0, 1])
    with pytest.raises(ValueError, match="`layout` trec reads"):
        rows(path, [0, 1], encoding="latin-1")
    options = {"encoding": "latin-1", "layout": "trec"}
    assert rows(path, ["text", "fine"], **options) == [
        ("How do cafés float ?", "DESC:manner")
    ]
    assert rows(path, [0, 1], **options)[0][1] == "DESC"
    path = write("__label__a __label__b so it is\n__label__c no\n")
    with pytest.raises(ValueError, match="`layout` fasttext reads"):
        rows(path, [0, 1])
    assert rows(path, ["text", "label"], layout="fasttext") == [
        ("so it is", "a b"),
        ("no", "c"),
    ]
    for layout, line in (("trec", "A:b c"), ("fasttext", "__label__a b")):
        path = write(f"{line}\nd\n")
        with pytest.raises(ValueError, match="line 2: a line must be"):
            rows(path, [0], layout=layout)


@pytest.mark.parametrize(
    "encoding", ["latin-1", "cp1252", "gb18030", "utf-16", "utf-8-sig"]
)
def test_encodings(encoding, write) -> None:
    text = "名" if encoding in ("gb18030", "utf-16") else "é"
    path = write(f"{text}\t1\r\nb\u00a0c\t2".encode(encoding))
    found = rows(path, [0, 1], encoding=encoding)
    assert found == [(text, "1"), ("b\xa0c", "2")]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "cp1251", "koi8-r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_utf8_by_the_name_of_another_encoding(encoding, mark, write) -> None:
    # Any file can be read in a one-byte encoding: UTF-8 gives wrong letters.
    text = mark + "".join(f"plain\t{n}\n" for n in range(200))
    path = write("")
    path.write_bytes((text + "un café\t1\n").encode())
    with pytest.raises(ValueError, match="UTF-8: .* would be read as"):
        rows(path, [0, 1], encoding=encoding)
    assert rows(path, [0, 1])[-1] == ("un café", "1")


def test_what_is_utf8_in_one_line_only(write) -> None:
    # "Ã©" occurs in latin-1 texts about such faults.
    path = write("")
    path.write_bytes(b"\xc3\xa9\t1\ncaf\xe9\t2\n")
    found = rows(path, [0, 1], encoding="latin-1")
    assert found == [("\xc3\xa9", "1"), ("café", "2")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a\t1\n".encode("utf-16"), "not UTF-8 .* It looks like UTF-16"),
        ("a\t1\n".encode("utf-16-le"), "It looks like UTF-16: set `encoding`"),
        (gzip.compress(b"a\t1\n", mtime=0), "It looks like a gzip stream"),
        (b"PK\x03\x04\x14\xff", "It looks like a zip archive or an Excel"),
        (b"a\t1\rb\t2\r", "end in only a carriage return"),
        (b"", "holds no text"),
    ],
)
def test_what_is_no_table_is_refused(content, message, write) -> None:
    path = write("")
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        rows(path, [0, 1])


def test_folder_of_folders_is_told_what_reads_it(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match="text_dataset_from_directory"):
        rows(tmp_path, [0, 1])


def test_commas_as_news_are_distributed(write) -> None:
    # AG News: the label first, doubled quotes, literal backslashes.
    path = write(
        '"3","Wall St.","Say ""no"" \\band, so\\$5"\n"4","B, c","d"\n', "n.csv"
    )
    assert rows(path, [1, 2, 0]) == [
        ("Wall St.", 'Say "no" \\band, so\\$5', "3"),
        ("B, c", "d", "4"),
    ]


@pytest.mark.parametrize("name", ["x.tsv", "x.csv"])
def test_odd_characters_and_long_columns(name, write) -> None:
    # csv's own limit is 131,072 characters.
    separator = "\t" if name == "x.tsv" else ","
    long = "word " * 60_000
    texts = ["a\u2028b", "a\0b", "a\x85b\x0bc", long]
    path = write("".join(f"{x}{separator}1\n" for x in texts), name)
    assert [x for x, _ in rows(path, [0, 1])] == texts


def test_wrong_separator_is_told(write) -> None:
    path = write("text;label\na;1\n", "x.txt")
    with pytest.raises(ValueError, match="fit with `separator` semicolon"):
        rows(path, ["text", "label"])
    path = write('{"text": "a", "label": 1}\n', "x.txt")
    with pytest.raises(ValueError, match="`layout` json reads"):
        rows(path, ["text", "label"])
    path = write('a,"b\nc,d\n', "x.csv")
    with pytest.raises(ValueError, match="line 1: .*`literal_quotes`"):
        rows(path, [0, 1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoding": "utf-9"}, "`encoding` must be one that Python knows"),
        ({"separator": ""}, "`separator` must be"),
        ({"separator": "\n"}, "`separator` must be"),
        ({"separator": "||", "quoting": True}, "of one character"),
        ({"quoting": True, "literal_quotes": True}, "not both"),
    ],
)
def test_formats_that_cannot_be(options, message) -> None:
    with pytest.raises(ValueError, match=message):
        TableFormat(**options)


def test_reading_is_lazy(write) -> None:
    path = write(b"a\t1\n" * 300 + b"\xff\t2\n")
    found = read_table(path, [0, 1])
    assert [next(found).line for _ in range(300)] == list(range(1, 301))
    with pytest.raises(ValueError, match="line 301"):
        next(found)


def test_names_in_the_midst_of_a_table_are_refused(write) -> None:
    """As written by `cat a.csv b.csv`."""
    path = write("text,label\ngood,1\ntext,label\nbad,0\n", "both.csv")
    with pytest.raises(
        ValueError, match="line 3: the row repeats the column names"
    ):
        rows(path, ["text", "label"])
    with pytest.raises(
        ValueError, match="line 3: the row repeats the column names"
    ):
        rows(path, [0, 1], header=True)
    assert len(rows(path, [0, 1])) == 4  # no names: texts may repeat


@pytest.mark.parametrize("columns", [["text", "label"], [0, 1]])
def test_word_to_excel_is_told(columns, write) -> None:
    path = write("\ufeffsep=;\r\ntext;label\r\ngood;1\r\n", "excel.csv")
    with pytest.raises(ValueError, match="line 1: 'sep=;' is an instruction"):
        rows(path, columns)


def test_nan_in_json_is_nothing(write) -> None:
    path = write('{"text": NaN, "label": 0.5}\n', "rows.jsonl")
    assert rows(path, ["text", "label"]) == [("", "0.5")]


def test_lists_are_no_texts_in_json(write) -> None:
    path = write(
        '{"text": "a", "y": ["b"]}\n{"text": ["a"], "y": []}', "x.jsonl"
    )
    with pytest.raises(ValueError, match="line 2: 'text' must be a text. Join"):
        read_labelled_texts(path, ["text", "y"])
    labels = list(read_table(path, ["y"], texts=["text"]))
    assert labels == [(1, ('["b"]',)), (2, ("[]",))]


@pytest.mark.parametrize(
    "blank",
    [" ", "\u3000", "\u00a0", "\u200b", " \u200b\ufeff ", "\x0b", "\x85"],
)
def test_lines_that_show_nothing_are_skipped(blank, write) -> None:
    path = write(f"a\tb\n{blank}\nc\u2028\x1c\x85d\te\n")
    assert list(read_table(path, [0, 1])) == [
        *((1, ("a", "b")), (3, ("c\u2028\x1c\x85d", "e"))),
    ]
    path = write(f'{{"a": "b"}}\n{blank}\n{{"a": "c"}}', "x.jsonl")
    assert list(read_table(path, ["a"])) == [(1, ("b",)), (3, ("c",))]
    path = write(f"a,b\n{blank}\nc,d\n", "x.csv")
    assert [row.line for row in read_table(path, [0, 1])] == [1, 3]
