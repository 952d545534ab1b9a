"""Word vectors of word2vec, GloVe and fastText, read and written."""

import json
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
    expected_vector,
    fasttext_of,
    hashed,
    ngrams,
    read_binary,
    read_text,
    text_of,
    write,
)

from keras_ctx import convert
from keras_ctx.convert import (
    WordVectors,
    load_word_vectors,
    save_word_vectors,
)

HEADER = f"{len(WORDS)} {D}"
shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="../shared/data/small_vectors is not here"
)
FORMATS = {
    "word2vec text": text_of(header=HEADER),
    "word2vec text of the C tool": text_of(header=HEADER, end=" \n"),
    "with Windows line ends": text_of(header=HEADER, end="\r\n"),
    "with a blank line at the end": text_of(header=HEADER) + b"\n",
    "with a byte order mark": b"\xef\xbb\xbf" + text_of(header=HEADER),
    "GloVe": text_of(),
    "GloVe with a byte order mark": b"\xef\xbb\xbf" + text_of(),
    "word2vec binary": binary_of(),
    "word2vec binary without newlines": binary_of(newline=b""),
    "fastText": fasttext_of(),
    "fastText 11": fasttext_of(version=11),
    "fastText, oldest": fasttext_of(version=None),
    "fastText, supervised": fasttext_of(labels=("__label__a",), model=3),
}
OTHERS = ["the", "</s>", "Überraschung", "unknown", "naïve 日", "", "a"]


# The name does not tell the format.
@pytest.mark.parametrize("name", ["vectors", "vectors.vec", "vectors.bin.gz"])
@pytest.mark.parametrize("kind", FORMATS)
def test_every_format(kind: str, name: str, tmp_path: Path) -> None:
    path = write(tmp_path / name, FORMATS[kind])
    found = load_word_vectors(str(path))
    assert found.words == WORDS
    assert found.vectors.dtype == np.float32
    np.testing.assert_array_equal(found.vectors, ROWS)
    assert (found.subwords is not None) == kind.startswith("fastText")
    few = load_word_vectors(path, ["x", "日本", "not there"])
    assert few.words == ("日本", "x")  # in the order of the file
    np.testing.assert_array_equal(few.vectors, ROWS[[3, 5]])
    first = load_word_vectors(path, most_frequent=2)
    assert first.words == WORDS[:2]
    np.testing.assert_array_equal(first.vectors, ROWS[:2])
    assert len(load_word_vectors(path, most_frequent=99)) == len(WORDS)
    vocabulary = tmp_path / "vocabulary.txt"
    vocabulary.write_text("x\nthe\n")
    assert load_word_vectors(path, vocabulary).words == ("the", "x")


def test_hashes_by_hand() -> None:
    # FNV-1a of "a"; and of 0xC3 with the upper bits of a negative number.
    assert hashed(b"a") == ((2166136261 ^ 97) * 16777619) % 2**32
    signed = (2166136261 ^ 0xFFFFFFC3) * 16777619 % 2**32
    assert hashed(b"\xc3") == signed
    assert ngrams("a", 1, 2) == ["<a", "a", "a>"]
    assert ngrams("a", 1, 2, True) == ["<", "<a", "a", "a>", ">"]
    assert ngrams("</s>", 1, 2) == []


@pytest.mark.parametrize("lengths", [(2, 4), (1, 1), (1, 3), (3, 6)])
@pytest.mark.parametrize("version", [12, 11, None])
def test_vectors_of_fasttext(
    version: int | None, lengths: tuple[int, int], tmp_path: Path
) -> None:
    minn, maxn = lengths
    content = fasttext_of(version=version, minn=minn, maxn=maxn)
    found = load_word_vectors(write(tmp_path / "a.bin", content))
    oldest = version is None
    for word in [*OTHERS, "<", ">", "</s>", "𝔘"]:
        expected = expected_vector(word, minn, maxn, oldest)
        np.testing.assert_allclose(found.vector(word), expected, atol=1e-6)
    table = [expected_vector(word, minn, maxn, oldest) for word in WORDS]
    np.testing.assert_allclose(found.table, table, atol=1e-6)
    assert found.subwords is not None
    rows = [
        hashed(x.encode()) % len(GRAMS)
        for x in ngrams("ab", minn, maxn, oldest)
    ]
    assert found.subwords.rows(["ab"])[0].tolist() == rows


def test_fasttext_without_ngrams(tmp_path: Path) -> None:
    none = np.zeros((0, D), "float32")
    for content in (
        fasttext_of(maxn=0, minn=0),
        fasttext_of(maxn=0, minn=0, grams=none),
        fasttext_of(version=11, model=3),  # such a model reads no n-grams
        fasttext_of(pruned=0),
    ):
        found = load_word_vectors(write(tmp_path / "a.bin", content))
        assert found.subwords is None
        np.testing.assert_array_equal(found.vectors, ROWS)


@shared
@pytest.mark.parametrize("name", ["lee_fasttext_new", "crime-and-punishment"])
def test_vectors_of_the_fasttext_package(name: str) -> None:
    found = load_word_vectors(SHARED / f"{name}.bin")
    stored = json.loads((SHARED / "expected_fasttext.json").read_text("utf-8"))
    stored = stored["files"][f"{name}.bin"]
    assert len(found) == stored["words"]
    assert found.subwords is not None
    assert len(stored["vectors"]) == 20
    for each in stored["vectors"]:
        word = each["word"]
        assert (word in found) == each["known"]
        rows = found.subwords.rows([word])[0] + len(found)
        own = [found.index[word]] if each["known"] else []
        assert [*own, *rows.tolist()] == each["rows"]
        np.testing.assert_allclose(
            found.vector(word), each["vector"], rtol=0, atol=1e-6
        )


@shared
@pytest.mark.parametrize("name", ["lee_fasttext", "crime-and-punishment"])
def test_a_bin_and_its_vec(name: str) -> None:
    whole = load_word_vectors(SHARED / f"{name}.bin")
    rounded = load_word_vectors(SHARED / f"{name}.vec")
    assert whole.words == rounded.words and rounded.subwords is None
    # The .vec has five significant digits; the largest value is 9.9.
    np.testing.assert_allclose(whole.table, rounded.table, rtol=0, atol=6e-5)


@shared
def test_stored_glove_and_word2vec() -> None:
    glove = load_word_vectors(SHARED / "test_glove.txt")
    lines = (SHARED / "test_glove.txt").read_bytes().splitlines()
    assert glove.vectors.shape == (len(lines), 50)
    for word, row, line in zip(glove.words, glove.vectors, lines, strict=True):
        name, *values = line.split(b" ")
        assert word == name.decode()
        np.testing.assert_array_equal(row, np.array(values, "f4"))
    binary = load_word_vectors(SHARED / "euclidean_vectors.bin")
    assert binary.vectors.shape == (2747, 10)
    data = (SHARED / "euclidean_vectors.bin").read_bytes()
    for row in (0, 1234, 2746):
        stored = (
            binary.words[row].encode() + b" " + binary.vectors[row].tobytes()
        )
        assert stored in data


def test_words_with_blanks(tmp_path: Path) -> None:
    words = ["the", ". . .", "at name@x.com", "b", "non\u00a0breaking"]
    rows = np.arange(15, dtype="float32").reshape(5, 3)
    for header in (None, "5 3"):
        path = write(tmp_path / "a.txt", text_of(words, rows, header))
        found = load_word_vectors(path)
        assert found.words == tuple(words)
        np.testing.assert_array_equal(found.vectors, rows)
        few = load_word_vectors(path, [". . .", "b"])
        assert few.words == (". . .", "b")


def test_many_rows(tmp_path: Path) -> None:
    # More than a block of any of the readers.
    rows = np.random.default_rng(0).normal(size=(5000, 2)).astype("float32")
    words = [f"w{i}" for i in range(len(rows))]
    for content in (text_of(words, rows), binary_of(words, rows)):
        found = load_word_vectors(write(tmp_path / "a", content))
        assert found.words == tuple(words)
        np.testing.assert_array_equal(found.vectors, rows)


@pytest.mark.parametrize("name", ["a.txt", "a.bin", "a.txt.gz", "a.bin.gz"])
def test_written_files(name: str, tmp_path: Path) -> None:
    binary = ".bin" in name
    path = tmp_path / name
    # All exponents, and numbers with nine digits.
    bits = np.random.default_rng(1).integers(0, 2**32, 3000, np.uint32)
    rows = bits.view("float32")
    rows = rows[np.isfinite(rows)][:2000].reshape(-1, 4)
    words = [f"w{i}é" for i in range(len(rows))]
    save_word_vectors(WordVectors(words, rows), path, binary)
    found = load_word_vectors(path)
    assert found.words == tuple(words)
    np.testing.assert_array_equal(found.vectors, rows)
    if not name.endswith(".gz"):
        read = read_binary if binary else read_text
        theirs, again = read(path)
        assert theirs == [word.encode() for word in words]
        np.testing.assert_array_equal(again, rows)


def test_what_is_written_of_fasttext(tmp_path: Path) -> None:
    found = load_word_vectors(write(tmp_path / "a.bin", fasttext_of()))
    save_word_vectors(found, tmp_path / "a.vec")
    again = load_word_vectors(tmp_path / "a.vec")
    np.testing.assert_array_equal(again.vectors, found.table)


BAD_WORDS = (
    b"ok",
    b"\xe9t\xe9",
    b"\xe8t\xe9",
    b"\x82\x82\x82\x82\x82",
    b"x\xff",
)


@pytest.mark.parametrize("kind", ["text", "binary", "fasttext"])
def test_words_that_are_no_utf8(kind: str, tmp_path: Path) -> None:
    rows = np.arange(15, dtype="float32").reshape(5, 3)
    if kind == "text":
        lines = [
            b"%s %d %d %d\n" % (w, *r)
            for w, r in zip(BAD_WORDS, rows.astype(int), strict=True)
        ]
        content = b"5 3\n" + b"".join(lines)
    elif kind == "binary":
        content = binary_of(BAD_WORDS, rows)
    else:
        content = fasttext_of(BAD_WORDS, rows)
    path = write(tmp_path / "a", content)
    where = "line 3" if kind == "text" else "row 2"
    with pytest.raises(
        ValueError, match=rf"{where}: .*UTF-8.*surrogateesc.*xe9t"
    ):
        load_word_vectors(path)
    found = load_word_vectors(path, errors="surrogateescape")
    assert len(set(found.words)) == 5
    np.testing.assert_array_equal(found.vectors, rows)
    few = load_word_vectors(path, ["ok"])  # such rows are not asked for
    assert few.words == ("ok",)
    save_word_vectors(found, tmp_path / "again.txt")
    words, _ = read_text(tmp_path / "again.txt")
    assert words == list(BAD_WORDS)
    if found.subwords is not None:
        # By bytes: 10xxxxxx belongs to the character before it.
        marked = b"<" + BAD_WORDS[3] + b">"
        grams = [marked[:6], marked]
        rows_of = [hashed(x) % len(GRAMS) for x in grams]
        found_rows = found.subwords.rows([found.words[3]])[0].tolist()
        assert found_rows == rows_of[1:]
        grams = [
            b"<\xe9",
            b"<\xe9t",
            b"<\xe9t\xe9",
            b"\xe9t",
            b"\xe9t\xe9",
            b"\xe9t\xe9>",
            b"t\xe9",
            b"t\xe9>",
            b"\xe9>",
        ]
        found_rows = found.subwords.rows([found.words[1]])[0].tolist()
        assert found_rows == [hashed(x) % len(GRAMS) for x in grams]


def test_repeated_words(tmp_path: Path) -> None:
    words = ["a", "b", "a", "b", "c"]
    rows = np.arange(5, dtype="float32").reshape(5, 1)
    for content, unit, numbers in (
        (text_of(words, rows, "5 1"), "lines", "2 and 4"),
        (text_of(words, rows), "lines", "1 and 3"),
        (binary_of(words, rows), "rows", "1 and 3"),
        (fasttext_of(words, rows, GRAMS[:, :1]), "rows", "1 and 3"),
    ):
        path = write(tmp_path / "a", content)
        said = f"2 words are repeated; .* 'a', at {unit} {numbers}"
        with pytest.warns(UserWarning, match=said):
            found = load_word_vectors(path)
        assert found.words == ("a", "b", "c")
        assert found.vectors.tolist() == [[0], [1], [4]]
        assert load_word_vectors(path, ["c"]).words == ("c",)


def test_a_last_line_without_an_end(tmp_path: Path) -> None:
    path = write(tmp_path / "a", text_of(header=HEADER)[:-1])
    with pytest.warns(UserWarning, match="line 7: the last line has no line"):
        assert len(load_word_vectors(path)) == 6
    assert len(load_word_vectors(path, most_frequent=2)) == 2


def test_objects_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="`words` must hold each.*'a' twice"):
        WordVectors(["a", "b", "a"], ROWS[:3])
    for rows in (ROWS[:2], ROWS[0], ROWS[:0]):
        with pytest.raises(ValueError, match=r"`vectors` must have the shape"):
            WordVectors(["a"], rows)
    found = WordVectors(["a"], ROWS[:1])
    assert "a" in found and "b" not in found and found.hidden_dim == D
    assert repr(found) == "<WordVectors: 1 words, 3 wide>"
    with pytest.raises(ValueError, match="`word` must be one of the 1 words"):
        found.vector("b")
    with pytest.raises(ValueError, match="Received: 'A'; 'a' is one"):
        found.vector("A")
    with pytest.raises(ValueError, match="`word` must be one word.* a list"):
        found.vector(["a", "b"])  # pyright: ignore
    with pytest.raises(ValueError, match="`words` must be a seq.*string 'ab'"):
        WordVectors("ab", ROWS[:2])
    for wrong in (np.nan, np.inf):
        with pytest.raises(ValueError, match="`vectors` must be finite.*'b'"):
            WordVectors(["a", "b"], np.array([[0.0], [wrong]]))


def test_a_path_is_no_word_vectors() -> None:
    path: Any = "glove.txt"
    for function in (
        convert.word_vector_encoder_from,
        convert.mt_lstm_encoder_from,
        lambda path: save_word_vectors(path, "other.txt"),
    ):
        with pytest.raises(ValueError, match="`vectors` must be a `WordV.*txt"):
            function(path)
