"""Reads, checks and writes vocabularies."""

import codecs
from collections.abc import Sequence
from pathlib import Path

from keras_ctx.files.existing_file import check_file
from keras_ctx.files.whole_file import write_text

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WORD_SPECIAL_TOKENS = ("<S>", "</S>", "<UNK>")
# Those of fastai 2, in the order of their ids.
ULMFIT_SPECIAL_TOKENS = (
    *("xxunk", "xxpad", "xxbos", "xxeos", "xxfld"),
    *("xxrep", "xxwrep", "xxup", "xxmaj"),
)


def load_vocabulary(
    vocabulary: str | Path | Sequence[str],
    required: Sequence[str] = (),
    repeated: bool = False,
) -> list[str]:
    """Reads and checks a vocabulary with one token per line.

    Args:
        vocabulary: Path of a UTF-8 file, or the tokens themselves.
        required: Tokens that must be present.
        repeated: Whether tokens may be repeated and lines blank, as in some
            published checkpoints. No id changes: the last occurrence of a
            token counts, as in google-research/bert. Earlier occurrences
            and blank lines get an unused name, such as `[unused line 7]`.
            Blank lines at the end are left out.

    Returns:
        The list of tokens. The index of a token is its id.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If there are no tokens, a token is empty or repeated, a
            required token is missing, or a line is not UTF-8.

    Example:
        >>> from keras_ctx.text import load_vocabulary
        >>> load_vocabulary(["[UNK]", "a", "b"], required=["[UNK]"])
        ['[UNK]', 'a', 'b']
    """
    if isinstance(vocabulary, (str, Path)):
        tokens, where = _read(Path(vocabulary)), f" in {vocabulary}"
    else:
        tokens, where = list(vocabulary), ""
    if repeated:
        tokens = _with_every_id(tokens)
    if not tokens:
        raise ValueError(
            f"`vocabulary` must hold at least one token. Received: none{where}"
        )
    lines: dict[str, int] = {}
    for line, token in enumerate(tokens, start=1):
        if not isinstance(token, str) or not token:
            raise ValueError(
                "`vocabulary` must hold strings of at least one character. "
                f"Received: {token!r} at line {line}{where}"
            )
        if token in lines:
            raise ValueError(
                "`vocabulary` must hold every token once. "
                f"Received: {token!r} at lines {lines[token]} and "
                f"{line}{where}. Remove one of them; this lowers the ids of "
                "the tokens after it by 1."
            )
        lines[token] = line
    missing = [token for token in required if token not in lines]
    if missing:
        raise ValueError(
            f"`vocabulary` must hold {', '.join(required)}. Received: "
            f"{len(tokens)} tokens{where} without {', '.join(missing)}"
        )
    return tokens


def save_vocabulary(tokens: Sequence[str], path: str | Path) -> None:
    """Writes a vocabulary with one token per line, whole or not at all.

    Args:
        tokens: The tokens in the order of their ids.
        path: The file. An existing file is replaced.

    Raises:
        ValueError: If `load_vocabulary` would refuse a token or read it
            differently (a line feed, or a carriage return at the end).

    Example:
        >>> from keras_ctx.text import load_vocabulary, save_vocabulary
        >>> save_vocabulary(["[UNK]", "a"], "vocabulary.txt")
        >>> load_vocabulary("vocabulary.txt")
        ['[UNK]', 'a']
    """
    for line, token in enumerate(load_vocabulary(tokens), start=1):
        if "\n" in token or token.endswith("\r"):
            raise ValueError(
                "`tokens` must not hold a line break. "
                f"Received: {token!r} at position {line}"
            )
    write_text(Path(path), "".join(f"{token}\n" for token in tokens))


def _with_every_id(tokens: list[str]) -> list[str]:
    """Renames blank lines and repeated tokens, except the last of each."""
    while tokens and not tokens[-1]:
        tokens = tokens[:-1]
    last = {token: place for place, token in enumerate(tokens)}
    return [
        token if token and last[token] == place else f"[unused line {place}]"
        for place, token in enumerate(tokens)
    ]


def _read(path: Path) -> list[str]:
    check_file(path, "vocabulary")
    tokens = []
    # Some editors write a byte order mark, which is not part of a token.
    content = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    # Splits at line feeds only: a token may contain other line breaks.
    for line, raw in enumerate(content.split(b"\n"), start=1):
        try:
            tokens.append(raw.removesuffix(b"\r").decode("utf-8"))
        except UnicodeDecodeError as error:
            raise ValueError(
                "`vocabulary` must be a UTF-8 file. "
                f"Received: {raw!r} at line {line} in {path}"
            ) from error
    return tokens[:-1] if not tokens[-1] else tokens
