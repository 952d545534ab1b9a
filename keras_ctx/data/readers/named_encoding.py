"""A check for UTF-8 text that is read as another encoding."""

# Two and three bytes in UTF-8.
_LETTERS = "\u00e9\u3042".encode()


class NamedEncoding:
    r"""A check of a file's lines that detects UTF-8 read as another encoding.

    An encoding of one byte per letter, such as latin-1, reads every file
    without an error, but a UTF-8 file with wrong letters. If each line that is
    not plain ASCII is valid UTF-8, the file is UTF-8: a line in such an
    encoding is valid UTF-8 only by a rare chance.

    Args:
        codec: Python's name of the encoding.

    Example:
        >>> watch = NamedEncoding("latin-1")
        >>> watch.look(b"plain")
        >>> watch.look("caf\u00e9".encode())
        >>> ascii(watch.fault()[14:])
        '"\'caf\\xe9\' would be read as \'caf\\xc3\\xa9\'."'
        >>> watch.look("caf\u00e9".encode("latin-1"))
        >>> watch.fault()
        ''
    """

    def __init__(self, codec: str):
        self._codec = codec
        width = len(_LETTERS.decode(codec, "replace"))
        self._watching = codec != "utf-8" and width == len(_LETTERS)
        self._first = b""

    def look(self, line: bytes) -> None:
        """Checks a line."""
        if not self._watching or line.isascii():
            return
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            self._watching, self._first = False, b""
        else:
            self._first = self._first or line.strip()

    def fault(self) -> str:
        """Returns a sentence if all lines not in ASCII were UTF-8, else ""."""
        if not self._first:
            return ""
        right = self._first.decode("utf-8")
        wrong = self._first.decode(self._codec, "replace")
        at = next(i for i, x in enumerate(right) if not x.isascii())
        start = max(0, at - 20)
        return (
            f" It is UTF-8: {right[start : at + 20]!r} would be read as "
            f"{wrong[start : at + 20]!r}."
        )
