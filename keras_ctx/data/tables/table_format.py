"""The format of a table of texts: separators, quotes, encoding."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from keras_ctx.data.readers.compressed import plain_name
from keras_ctx.data.readers.lines import codec_name

Layout = Literal["table", "json", "trec", "fasttext"]
SEPARATORS = {"tab": "\t", "comma": ",", "semicolon": ";", "bar": "|"}


@dataclass(frozen=True)
class TableFormat:
    r"""The format of a table. Settings left out are found from the file.

    A `.csv` file is separated by commas, or by whichever of comma, semicolon,
    tab and bar its first lines fit. A `.jsonl` or `.json` file holds JSON
    objects. Any other file is separated by tabs. Quotes enclose columns,
    except between tabs, where they are ordinary characters: most public files
    with tabs hold quotes that are never closed.

    Raises:
        ValueError: The encoding or separator is unknown, or both `quoting` and
            `literal_quotes` are set.

    Example:
        >>> TableFormat(separator="semicolon").separator_character
        ';'
    """

    separator: str | None = None
    """The separator of columns: a word (tab, comma, semicolon, bar), or one or
    more characters. Default: found from the file's name and first lines."""
    quoting: bool = False
    """Whether quotes enclose columns, also between tabs."""
    literal_quotes: bool = False
    """Whether quotes are ordinary characters, also between commas."""
    header: bool | None = None
    """Whether the first row holds column names. Default: if `columns` are
    names."""
    encoding: str = "utf-8"
    """The encoding of the files, such as latin-1 or gb18030."""
    layout: Layout | None = None
    """json: an object per line, columns by key; trec: `COARSE:fine text`,
    columns text, coarse, fine; fasttext: `__label__a text`, columns text,
    label. Default: json by the file's name, else a table."""
    ragged_rows: Literal["refuse", "read", "drop"] = "refuse"
    """What to do with rows whose number of columns differs from the first row:
    refuse them with an error, read them if they have all of `columns`, or drop
    them."""

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
        """Returns the layout; if it is left out, by the file's name."""
        if self.layout is not None:
            return self.layout
        json = has_ending(path, ".jsonl", ".json", ".ndjson")
        return "json" if json else "table"

    def quotes_enclose(self, separator: str) -> bool:
        """Returns whether quotes enclose columns with this separator."""
        if self.quoting or self.literal_quotes:
            return self.quoting
        return separator != "\t" and len(separator) == 1


def has_ending(path: str | Path, *endings: str) -> bool:
    """Returns whether a name has an ending, ignoring that of compression."""
    return Path(plain_name(path)).suffix.lower() in endings


def separator_name(separator: str) -> str:
    """Returns its name for error messages: "commas", or the characters."""
    names = {value: f"{name}s" for name, value in SEPARATORS.items()}
    return names.get(separator, repr(separator))
