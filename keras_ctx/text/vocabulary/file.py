"""Vocabularies: read, checked and written."""

import codecs
from collections.abc import Sequence
from pathlib import Path

from keras_ctx.files.whole_file import write_text

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WORD_SPECIAL_TOKENS = ("<S>", "</S>", "<UNK>")


def load_vocabulary(
    vocabulary: str | Path | Sequence[str],
    required: Sequence[str] = (),
    repeated: bool = False,
) -> list[str]:
    """Reads a vocabulary, one token a line, and checks it.

    Args:
        vocabulary: path of a UTF-8 file, or the tokens themselves.
        required: tokens that have to be present.
        repeated: whether a token may be there twice, or a line be blank, as
            in some published checkpoints. Every id stays as it is: the last
            place of a token counts, as in google-research/bert, and the
            others hold a name that no text has, such as `[unused line 7]`.
            Blank lines at the end are left out.

    Returns:
        The tokens; the place of a token is its id.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if there are no tokens, a token is empty or there twice,
            a required one is missing, or a line is not UTF-8.

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
                f"{line}{where}. Remove one; ids after it move up."
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
    """Writes a vocabulary, one token a line, at once or not at all.

    Args:
        tokens: the tokens in the order of their ids.
        path: the file; one that exists is replaced.

    Raises:
        ValueError: for tokens that `load_vocabulary` would refuse or read
            differently (a line feed, a carriage return at the end).

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
                f"Received: {token!r} at place {line}"
            )
    write_text(Path(path), "".join(f"{token}\n" for token in tokens))


def _with_every_id(tokens: list[str]) -> list[str]:
    """Names of their own for blank lines and for all but the last of equals."""
    while tokens and not tokens[-1]:
        tokens = tokens[:-1]
    last = {token: place for place, token in enumerate(tokens)}
    return [
        token if token and last[token] == place else f"[unused line {place}]"
        for place, token in enumerate(tokens)
    ]


def _read(path: Path) -> list[str]:
    if not path.is_file():
        raise FileNotFoundError(
            f"`vocabulary` must be a file with one token a line. There is "
            f"none at: {path}"
        )
    tokens = []
    # A byte order mark, which some editors write, is no part of a token.
    content = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    # Bytes are split at line feeds only: a token may hold other line breaks.
    for line, raw in enumerate(content.split(b"\n"), start=1):
        try:
            tokens.append(raw.removesuffix(b"\r").decode("utf-8"))
        except UnicodeDecodeError as error:
            raise ValueError(
                "`vocabulary` must be a UTF-8 file. "
                f"Received: {raw!r} at line {line} in {path}"
            ) from error
    return tokens[:-1] if not tokens[-1] else tokens
