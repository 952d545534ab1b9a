"""Vocabulary files: reading, refusals, writing."""

from pathlib import Path

import pytest

from keras_ctx.text import BertInputs, load_vocabulary, save_vocabulary

SHARED = Path(__file__).resolve().parents[3] / "shared"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vocabulary.txt"


@pytest.mark.parametrize(
    "content",
    [b"a\nb\n", b"a\nb", b"a\r\nb\r\n", b"\xef\xbb\xbfa\nb\n"],
    ids=str,
)
def test_lines_are_tokens(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert load_vocabulary(path) == load_vocabulary(str(path)) == ["a", "b"]


def test_only_line_feeds_end_a_token(path: Path) -> None:
    tokens = ["\u2028", "\x85", "\u3000", "书", " "]
    save_vocabulary(tokens, path)
    assert load_vocabulary(path) == tokens


def test_bert_inputs_read_a_file(path: Path) -> None:
    save_vocabulary(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a"], path)
    ids = BertInputs(path, 4)(["a"])["token_ids"]
    assert ids.numpy().tolist() == [[2, 5, 3]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "at least one token. Received: none in .*vocabulary.txt"),
        (b"a\nb\nc\nb\n", "token once. Received: 'b' at lines 2 and 4 in "),
        (b"a\n\nb\n", "at least one character. Received: '' at line 2 in "),
        (b"a\nb\xff\n", "must be a UTF-8 file. Received: .* at line 2 in "),
        (b"a\n[UNK]\n", r"must hold \[UNK\], \[PAD\].*without \[PAD\]"),
    ],
)
def test_wrong_files(path: Path, content: bytes, message: str) -> None:
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        load_vocabulary(path, required=["[UNK]", "[PAD]"])


def test_missing_file(path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match="`vocabulary` must name a file that exists"
    ):
        load_vocabulary(path)


def test_wrong_sequences() -> None:
    with pytest.raises(ValueError, match="'a' at lines 1 and 2. Remove one"):
        load_vocabulary(["a", "a"])
    with pytest.raises(ValueError, match="Received: 3 at line 1"):
        load_vocabulary([3])  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("token", ["a\nb", "a\r"])
def test_a_token_with_a_line_break_is_not_written(
    path: Path, token: str
) -> None:
    with pytest.raises(ValueError, match="must not hold a line break"):
        save_vocabulary([token], path)
    assert not list(path.parent.iterdir())


def test_a_file_is_replaced_whole(path: Path) -> None:
    save_vocabulary(["a", "b"], path)
    with pytest.raises(ValueError, match="once"):
        save_vocabulary(["c", "c"], path)
    assert load_vocabulary(path) == ["a", "b"]
    save_vocabulary(["c"], path)
    assert load_vocabulary(path) == ["c"]
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    target = tmp_path / "vocabulary.txt"
    target.mkdir()
    with pytest.raises(OSError):
        save_vocabulary(["a"], target)
    assert list(tmp_path.iterdir()) == [target]


def test_published_chinese_vocabulary() -> None:
    path = SHARED / "data" / "vocab_bert_zh" / "vocab.txt"
    if not path.is_file():
        pytest.skip(f"the published Chinese vocabulary is not at {path}")
    inputs = BertInputs(path, 16)
    assert inputs.vocabulary_size == 21128
    # bert-base-chinese: [PAD] 0, [UNK] 100, [CLS] 101, [SEP] 102, [MASK] 103.
    assert inputs.special_ids == (0, 100, 101, 102, 103)
