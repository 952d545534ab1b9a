"""A text in UTF-8 that is read by the name of another encoding."""

# In UTF-8 two bytes and three.
_LETTERS = "\u00e9\u3042".encode()


class NamedEncoding:
    r"""Watches the lines of a file that is said not to be in UTF-8.

    An encoding of one byte a letter, such as latin-1, reads every file without
    an error: one in UTF-8 with wrong letters. Each line of such a file that is
    not plain ASCII is right as UTF-8, which no line of a real one is but by a
    rare chance; so the file is known once all of it was read.

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
        """Take a line into account."""
        if not self._watching or line.isascii():
            return
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            self._watching, self._first = False, b""
        else:
            self._first = self._first or line.strip()

    def fault(self) -> str:
        """A sentence where all lines that tell were UTF-8, else nothing."""
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
