"""How a table of texts is written down: separators, quotes, encoding."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from keras_ctx.data.readers.compressed import plain_name
from keras_ctx.data.readers.lines import codec_name

Layout = Literal["table", "json", "trec", "fasttext"]
SEPARATORS = {"tab": "\t", "comma": ",", "semicolon": ";", "bar": "|"}


@dataclass(frozen=True)
class TableFormat:
    r"""How a table is written down; what is left out is found in the file.

    A name that ends in `.csv` has commas, or the one of comma, semicolon, tab
    and bar that its first lines fit; one in `.jsonl` or `.json` holds JSON
    objects; any other has tabs. Quotes enclose columns, except between tabs,
    where they are ordinary characters: most public files with tabs hold
    quotes that nothing closes.

    Raises:
        ValueError: an unknown encoding or separator, or quotes that are to be
            both things.

    Example:
        >>> TableFormat(separator="semicolon").separator_character
        ';'
    """

    separator: str | None = None
    """What separates columns: a word (tab, comma, semicolon, bar), or the
    character or characters; left out: by the file's name and first lines."""
    quoting: bool = False
    """Whether quotes enclose columns, also between tabs."""
    literal_quotes: bool = False
    """Whether quotes are ordinary characters, also between commas."""
    header: bool | None = None
    """Whether the first row holds names; left out: where `columns` are
    names."""
    encoding: str = "utf-8"
    """Of the files, such as latin-1 or gb18030."""
    layout: Layout | None = None
    """json: an object a line, columns by key; trec: `COARSE:fine text`, columns
    text, coarse, fine; fasttext: `__label__a text`, columns text, label; left
    out: json by the name, else a table."""
    ragged_rows: Literal["refuse", "read", "drop"] = "refuse"
    """Rows with another number of columns than the first one: an error, read
    where all of `columns` are there, or dropped."""

    def __post_init__(self):
        codec_name(self.encoding)
        if self.quoting and self.literal_quotes:
            raise ValueError("Give `quoting` or `literal_quotes`, not both.")
        separator = self.separator_character
        if separator is not None and (
            not separator or set(separator) & set('\n\r"')
        ):
            raise ValueError(
                "`separator` must be tab, comma, semicolon, bar, or other "
                "characters without a line break or a double quote. "
                f"Received: separator={self.separator!r}"
            )
        if self.quoting and len(separator or ",") > 1:
            raise ValueError(
                "`quoting` needs a `separator` of one character. "
                f"Received: separator={self.separator!r}"
            )

    @property
    def separator_character(self) -> str | None:
        named = {**SEPARATORS, "\\t": "\t", "space": " "}
        if self.separator is None:
            return None
        return named.get(self.separator, self.separator)

    def layout_of(self, path: str | Path) -> Layout:
        """The layout, by the file's name where it is left out."""
        if self.layout is not None:
            return self.layout
        json = has_ending(path, ".jsonl", ".json", ".ndjson")
        return "json" if json else "table"

    def quotes_enclose(self, separator: str) -> bool:
        """Whether quotes enclose columns between these separators."""
        if self.quoting or self.literal_quotes:
            return self.quoting
        return separator != "\t" and len(separator) == 1


def has_ending(path: str | Path, *endings: str) -> bool:
    """Whether a name ends so, before the ending of a compressed file."""
    return Path(plain_name(path)).suffix.lower() in endings


def separator_name(separator: str) -> str:
    """As an error names it: "commas", or the characters themselves."""
    names = {value: f"{name}s" for name, value in SEPARATORS.items()}
    return names.get(separator, repr(separator))
