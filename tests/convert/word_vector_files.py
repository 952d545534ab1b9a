"""Small files of word vectors, written and read by hand."""

import gzip
import struct
from pathlib import Path

import numpy as np

SHARED = Path(__file__).resolve().parents[3] / "shared/data/small_vectors"
WORDS = ("the", "</s>", "Überraschung", "日本", "a-b", "x")
D, BUCKET = 3, 11
ROWS = np.random.default_rng(3).normal(size=(len(WORDS), D)).astype("float32")
GRAMS = np.random.default_rng(4).normal(size=(BUCKET, D)).astype("float32")


def text_of(
    words=WORDS, rows=ROWS, header: str | None = None, end: str = "\n"
) -> bytes:
    """Returns word2vec text; without `header` that of GloVe."""
    lines = [] if header is None else [header]
    for word, row in zip(words, rows, strict=True):
        lines.append(" ".join([word, *map(repr, row.tolist())]))
    return "".join(line + end for line in lines).encode()


def binary_of(
    words=WORDS, rows=ROWS, header: str | None = None, newline: bytes = b"\n"
) -> bytes:
    """Returns word2vec binary."""
    header = header or f"{len(rows)} {rows.shape[1]}"
    body = b""
    for word, row in zip(words, rows, strict=True):
        word = word if isinstance(word, bytes) else word.encode()
        body += word + b" " + row.astype("<f4").tobytes() + newline
    return header.encode() + b"\n" + body


def fasttext_of(
    words=WORDS,
    rows=ROWS,
    grams=GRAMS,
    labels: tuple[str, ...] = (),
    version: int | None = 12,
    model: int = 2,
    minn: int = 2,
    maxn: int = 4,
    quantized: bool = False,
    pruned: int = -1,
) -> bytes:
    """Returns a fastText .bin; without a version one of the oldest."""
    dim = rows.shape[1]
    out = b"" if version is None else struct.pack("<ii", 793712314, version)
    out += struct.pack(
        "<12id", dim, 5, 5, 1, 5, 1, 2, model, len(grams), minn, maxn, 100, 1e-4
    )
    size = len(words) + len(labels)
    out += struct.pack("<3iq", size, len(words), len(labels), 99)
    if version is not None:
        out += struct.pack("<q", pruned)
    for kind, names in enumerate((words, labels)):
        for name in names:
            name = name if isinstance(name, bytes) else name.encode()
            out += name + b"\0" + struct.pack("<qb", 7, kind)
    out += bytes(8) * max(pruned, 0)
    if version is not None:
        out += struct.pack("<?", quantized)
    matrix = np.concatenate([rows, grams])
    out += struct.pack("<qq", *matrix.shape) + matrix.astype("<f4").tobytes()
    if version is not None:
        out += struct.pack("<?", quantized)
    return out + struct.pack("<qq", *rows.shape) + rows.tobytes()


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(
        gzip.compress(content) if path.suffix == ".gz" else content
    )
    return path


def hashed(ngram: bytes) -> int:
    """Returns fastText's hash, by unsigned numbers of 32 bits."""
    value = np.uint32(2166136261)
    with np.errstate(over="ignore"):
        for byte in np.frombuffer(ngram, np.int8):
            value = (value ^ np.uint32(int(byte) & 0xFFFFFFFF)) * np.uint32(
                16777619
            )
    return int(value)


def ngrams(word: str, minn: int, maxn: int, first_rules: bool = False) -> list:
    """Returns the n-grams of a word in fastText's order."""
    if word == "</s>" and not first_rules:
        return []
    marked = f"<{word}>"
    return [
        marked[i : i + n]
        for i in range(len(marked))
        for n in range(minn, maxn + 1)
        if i + n <= len(marked)
        and (
            first_rules
            or marked[i : i + n] not in ("<", ">")
            or 0 < i < len(marked) - 1
        )
    ]


def expected_vector(
    word: str,
    minn: int = 2,
    maxn: int = 4,
    first_rules: bool = False,
    words=WORDS,
    rows=ROWS,
    grams=GRAMS,
) -> np.ndarray:
    """Returns the vector of a word as fastText computes it, in float64."""
    found = [rows[words.index(word)]] if word in words else []
    for ngram in ngrams(word, minn, maxn, first_rules):
        found.append(grams[hashed(ngram.encode()) % len(grams)])
    if not found:
        return np.zeros(rows.shape[1])
    return np.mean(np.array(found, "float64"), axis=0)


def read_text(path: Path) -> tuple[list[bytes], np.ndarray]:
    """Reads word2vec text."""
    header, *lines = path.read_bytes().split(b"\n")
    assert lines.pop() == b""
    fields = [line.split(b" ") for line in lines]
    rows = np.array([x[1:] for x in fields]).astype("float64")
    assert header.split() == [b"%d" % n for n in rows.shape]
    return [x[0] for x in fields], rows.astype("float32")


def read_binary(path: Path) -> tuple[list[bytes], np.ndarray]:
    """Reads word2vec binary, with a newline after each row."""
    data = path.read_bytes()
    header, _, data = data.partition(b"\n")
    count, width = map(int, header.split())
    words, rows = [], []
    for _ in range(count):
        word, _, data = data.partition(b" ")
        words.append(word)
        rows.append(np.frombuffer(data[: 4 * width], "<f4"))
        assert data[4 * width : 4 * width + 1] == b"\n"
        data = data[4 * width + 1 :]
    assert data == b""
    return words, np.array(rows)
