"""Files of word vectors that are damaged, or of another kind."""

import gzip
import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from word_vector_files import (
    GRAMS,
    ROWS,
    SHARED,
    WORDS,
    D,
    binary_of,
    fasttext_of,
    text_of,
    write,
)

from keras_ctx.convert import (
    Subwords,
    WordVectors,
    load_word_vectors,
    save_word_vectors,
)

N = len(WORDS)
TEXT = text_of(header=f"{N} {D}")
LINES = TEXT.split(b"\n")
BINARY, FASTTEXT = binary_of(), fasttext_of()


def with_line(number: int, line: bytes, glove: bool = False) -> bytes:
    lines = [*LINES]
    lines[number - 1] = line
    return b"\n".join(lines[1:] if glove else lines)


def changed(place: int, form: str, value: Any) -> bytes:
    """Returns a fastText file with another number at a place."""
    content = bytearray(FASTTEXT)
    struct.pack_into(form, content, place, value)
    return bytes(content)


NOT_FINITE = ROWS.copy()
NOT_FINITE[4, 1] = np.nan
CASES = {
    "tabs": (TEXT.replace(b" ", b"\t"), "blanks must part .* not tabs"),
    "tabs, no header": (
        text_of().replace(b" ", b"\t"),
        "blanks must part .* not tabs",
    ),
    "UTF-16": (TEXT.decode("utf-8").encode("utf-16"), "text in UTF-16"),
    "an empty line": (
        with_line(3, b""),
        "line 3: .*; only at the end of the file may lines be empty",
    ),
    # Headers that lie.
    "more lines": (
        text_of(header=f"{N - 1} {D}"),
        r"line 1: the header must be.*: 5 in the header, and 6 lines",
    ),
    "fewer lines": (
        text_of(header=f"{N + 1} {D}"),
        "line 1: .*7 in the header, and 6 lines",
    ),
    "many fewer": (
        text_of(header=f"{N * 99} {D}"),
        r"line 1: .*as large as its header.*594 rows of 3",
    ),
    "wider": (
        text_of(header=f"{N} {D + 1}"),
        r"line 2: .*a word and 4 values; 3 follow",
    ),
    "narrower": (
        text_of(header=f"{N} {D - 1}"),
        r"line 2: .*a word and 2 values; 3 follow.*header is wrong",
    ),
    "nothing": (b"0 3\n", "line 1: the header must be.*at least 1"),
    "no width": (b"3 0\na\n", "line 1: the header must be.*at least 1"),
    "binary, more rows": (
        binary_of(header=f"{N - 1} {D}"),
        "must end after the 5 rows of 3 values",
    ),
    "binary, fewer rows": (
        binary_of(header=f"{N + 1} {D}"),
        r"word of row 7 of 7 must end with",
    ),
    "binary, many fewer": (
        binary_of(header=f"{99 * N} {D}"),
        "as large as its header",
    ),
    "binary, wider": (
        binary_of(header=f"{N} {D + 1}"),
        "was cut|header is wrong",
    ),
    "binary, narrower": (binary_of(header=f"{N} {D - 1}"), "header is wrong"),
    # Lines.
    "a value less": (
        with_line(4, b"x 1 2"),
        "line 4: .*a word and 3 values; 2 follow",
    ),
    "a value less, GloVe": (
        with_line(4, b"x 1 2", True),
        "line 3: .*and 3 values; 2 follow",
    ),
    "a value more": (
        with_line(4, b"x 0.5 1 2 3"),
        "line 4: .*and 3 values; 4 follow.*join its parts",
    ),
    "no number": (
        with_line(4, b"x 1 abc 2"),
        "line 4: .*numbers.*value 2 is none.*b'abc'",
    ),
    "Python's numbers": (
        with_line(4, b"x 1 1_0 2"),
        "line 4: .*value 2 is none.*b'1_0'",
    ),
    "no number in the first": (
        with_line(2, b"x 1 abc 2"),
        "line 2: .*value 2 is none",
    ),
    "nan": (
        with_line(5, b"x 1 2 nan"),
        "line 5: .*finite float32.*nan at value 3",
    ),
    "inf": (
        with_line(5, b"x -inf 2 1"),
        "line 5: .*finite float32.*-inf at value 1",
    ),
    "too large": (
        with_line(5, b"x 1e39 2 1"),
        "line 5: .*finite float32.*inf at value 1",
    ),
    "no word": (
        with_line(5, b" 1 2 3"),
        "line 5: a word must have at least one byte",
    ),
    "blank line": (
        with_line(5, b""),
        "line 5: the line must hold a word and 3 values",
    ),
    "endless line": (
        with_line(5, b"y" * 70_000 + b" 1 2 3"),
        "line 5: .*at most 65,656 bytes",
    ),
    "cut in a line": (TEXT[:-30], "line 7: .*a word and 3 values; 2 follow"),
    "cut in a line, GloVe": (text_of()[:-30], "line 6: .*3 values; 2 follow"),
    "binary, nan": (
        binary_of(rows=NOT_FINITE),
        "row 5: .*finite float32.*nan at value 2",
    ),
    "binary, cut": (BINARY[:-5], "not end inside of row 6 of 6.*8 of 12 bytes"),
    "binary, no word": (
        binary_of(["a", "", "b"], ROWS[:3]),
        "row 2: a word must have",
    ),
    # fastText.
    "ftz": (
        fasttext_of(quantized=True),
        r"quantized.*\.ftz.*print-word-vectors",
    ),
    "pruned": (
        fasttext_of(pruned=2),
        "quantized or pruned model .*quantized=False, pruned n-grams=2",
    ),
    "version": (
        changed(4, "<i", 13),
        r"version .* must be one of \(11, 12\).* 13",
    ),
    "dim": (changed(8, "<i", 0), "the arguments must have dim.*dim=0"),
    "minn": (changed(8 + 36, "<i", 9), "minn <= maxn.*minn=9, maxn=4"),
    "dim of the matrix": (
        changed(8, "<i", 4),
        "each of 6 words and 11 n-grams, of 4 values.*17 rows of 3",
    ),
    "bucket": (
        changed(8 + 32, "<i", 12),
        "12 n-grams, of 3 values. Received: 17 rows",
    ),
    "words": (
        changed(68, "<i", 7),
        "the dictionary must have words.*6 entries, 7 words",
    ),
    "no words": (changed(68, "<i", 0), "the dictionary must have words"),
    "labels first": (
        fasttext_of().replace(
            struct.pack("<qb", 7, 0), struct.pack("<qb", 7, 1), 1
        ),
        "entry 1 of 6: .* 6 words .*1 for b'the'",
    ),
    "fastText, nan": (fasttext_of(rows=NOT_FINITE), "row 5: .*finite float32"),
    "n-grams, nan": (
        fasttext_of(grams=np.full((4, D), np.nan, "f4")),
        "vectors of n-grams must be finite",
    ),
    "fastText, cut in words": (
        FASTTEXT[:150],
        "inside of entry 4 of 6.*1 of 9 bytes",
    ),
    "fastText, cut in rows": (
        FASTTEXT[: -N * D * 4 - 40],
        "inside of the rows 1 to 11 of 11 n-grams",
    ),
    "fastText, oldest, cut": (
        fasttext_of(version=None)[:150],
        "inside of entry 5 of 6.*4 of 9 bytes",
    ),
    # Other kinds.
    "pickle": (
        b"\x80\x04\x95\x1a\x00",
        r"a pickle, .*\.model of gensim.*never opened.*save_word2vec_format",
    ),
    "npy": (b"\x93NUMPY\x01\x00", r"a \.npy of NumPy.*never opened"),
    "zip": (b"PK\x03\x04abc", "a zip archive. Unpack"),
    "bz2": (b"BZh91AY", "another kind than gzip"),
    "hdf5": (b"\x89HDF\r\n", "an HDF5 file"),
    "empty": (b"", "must be of word2vec"),
    "prose": (
        b"It was the best of times.\n",
        "must be of word2vec .*It was the",
    ),
    "words only": (b"the\nof\n", "must be of word2vec"),
    "no text": (bytes(range(256)), "must be of word2vec"),
}


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_refused_with_the_place(
    case: str, compressed: bool, tmp_path: Path
) -> None:
    content, said = CASES[case]
    path = write(tmp_path / ("a.gz" if compressed else "a"), content)
    if compressed and "many fewer" in case:
        said = "7 in the header|594 in the header|row 7 of 594"
    with pytest.raises(ValueError, match=said) as caught:
        load_word_vectors(path)
    assert str(path) in str(caught.value)
    assert "Received: " in str(caught.value)


def test_a_damaged_gzip_file(tmp_path: Path) -> None:
    for content in (TEXT * 50, BINARY):
        packed = gzip.compress(content)
        with pytest.raises(ValueError, match="the gzip file must be whole"):
            load_word_vectors(write(tmp_path / "a", packed[:-9]))
        damaged = packed[:-8] + b"\0" * 8
        with pytest.raises(ValueError, match="gzip file must be whole"):
            load_word_vectors(write(tmp_path / "a", damaged))


def test_arrays_that_numpy_would_unpickle(tmp_path: Path) -> None:
    file = io.BytesIO()
    np.save(file, np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(ValueError, match="may be a pickle, which is never"):
        load_word_vectors(write(tmp_path / "a.npy", file.getvalue()))


def test_a_real_quantized_file_is_named(tmp_path: Path) -> None:
    # Behind the flag of a .ftz there are no float32 rows at all.
    whole = fasttext_of(quantized=True)
    cut = whole[: whole.index(struct.pack("<qq", N + len(GRAMS), D))]
    with pytest.raises(ValueError, match="a quantized or pruned model"):
        load_word_vectors(write(tmp_path / "a.ftz", cut))


@pytest.mark.parametrize("kind", ["text", "GloVe", "binary", "fasttext", "gz"])
def test_memory(kind: str, tmp_path: Path) -> None:
    content = {
        "text": TEXT,
        "GloVe": text_of(),
        "binary": BINARY,
        "fasttext": FASTTEXT,
        "gz": gzip.compress(
            text_of(
                [f"w{i}" for i in range(20_000)], np.zeros((20_000, 3), "f4")
            )
        ),
    }[kind]
    path = write(tmp_path / "a", content)
    limit = 4 * D * (N + len(GRAMS)) - 1 if kind == "fasttext" else 4 * D * 4
    if kind == "gz":  # of which the number of rows is not known
        limit = 4 * D * 19_000
    with pytest.raises(
        ValueError,
        match=r"rows.* of 3 float32 need .* MB, more than `memory_limit`",
    ):
        load_word_vectors(path, memory_limit=limit)
    first = "w0" if kind == "gz" else "the"
    pruned = load_word_vectors(path, [first], memory_limit=limit)
    assert pruned.words == (first,)
    pruned = load_word_vectors(path, most_frequent=2, memory_limit=limit)
    assert len(pruned) == 2


def test_a_huge_header_of_a_compressed_file(tmp_path: Path) -> None:
    content = gzip.compress(b"99999999999 300\n" + b"a " + b"0 " * 300 + b"\n")
    with pytest.raises(ValueError, match="need 120,000,000.0 MB"):
        load_word_vectors(write(tmp_path / "a", content))


def test_nothing_is_left(tmp_path: Path) -> None:
    for content in (TEXT, text_of(), BINARY, FASTTEXT):
        path = write(tmp_path / "a", content)
        with pytest.raises(
            ValueError,
            match=r"one of the 2 words of `vocabulary`.*of \['THE', 'q'\]",
        ):
            load_word_vectors(path, ["THE", "q"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"vocabulary": []}, "`vocabulary` must hold at least one word"),
        ({"most_frequent": 0}, "`most_frequent` must be at least 1"),
        ({"vocabulary": ["a"], "most_frequent": 1}, "must not both be given"),
        ({"errors": "ignore"}, "`errors` must be one of 'strict'"),
        ({"memory_limit": -1}, "`memory_limit` must be at least 0"),
    ],
)
def test_arguments(arguments: dict, said: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a", TEXT)
    with pytest.raises(ValueError, match=said):
        load_word_vectors(path, **arguments)
    with pytest.raises(ValueError, match="`path` must name a file .* folder"):
        load_word_vectors(tmp_path)
    with pytest.raises(FileNotFoundError, match="`path` must name a file"):
        load_word_vectors(tmp_path / "none")


@pytest.mark.parametrize("word", ["", "a b", "a\n", "a\tb", " a"])
def test_words_that_cannot_be_written(word: str, tmp_path: Path) -> None:
    vectors = WordVectors(["x", word], ROWS[:2])
    for binary in (False, True):
        with pytest.raises(ValueError, match="without blanks.*, word 2"):
            save_word_vectors(vectors, tmp_path / "a", binary)
    assert not list(tmp_path.iterdir())


def test_values_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must be finite.*for 'a-b'"):
        WordVectors(WORDS, NOT_FINITE)
    rows = np.full((5, D), np.nan, "float32")
    vectors = WordVectors(WORDS, ROWS, Subwords(1, 2, rows))
    with pytest.raises(ValueError, match="must be finite.*for 'the'"):
        save_word_vectors(vectors, tmp_path / "a")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(
    not SHARED.is_dir(), reason="../shared/data/small_vectors is not here"
)
@pytest.mark.parametrize(
    "name",
    ["lee_fasttext_new.bin", "lee_fasttext.bin", "euclidean_vectors.bin"],
)
def test_stored_files_cut_anywhere(name: str, tmp_path: Path) -> None:
    content = (SHARED / name).read_bytes()
    end = len(content)
    if "fasttext" in name:
        end -= 4 * 10 * 1762  # the output rows, which are not read
    for size in np.linspace(9, end - 200, 23).astype(int):
        with pytest.raises(ValueError, match=r"a: |a, line 1: "):
            load_word_vectors(write(tmp_path / "a", content[:size]))
