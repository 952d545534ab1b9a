"""The layout of CoNLL files."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

# A word, and its position in a longer word.
POSITION = re.compile(r"(.+?)(\d+)", re.DOTALL)


@dataclass(frozen=True)
class ConllLayout:
    """The layout of CoNLL files.

    Args:
        width: Number of columns of a line.
        word: The column of the words, counted from 0.
        tag: The column of the tags, counted from 0.
        tabs: Whether single tabs separate the columns, and not any blanks.
        tag_key: Key of the tag, if its column holds `KEY=VALUE` separated by
            "|", like MISC of CoNLL-U. "" means that the column is the tag.
        brackets: Whether tags are brackets around names, `(PER*` and `*)`, as
            in CoNLL-2012.
        numbered: Whether the first column counts the words.
        prefix: A prefix of each word ("en:").
        positions: Whether a digit follows each word, which counts the
            characters of a longer word.
        encoding: The encoding of the files.

    Example:
        >>> ConllLayout(width=4, word=1, tag=2).columns
        (1, 2)
    """

    width: int = 2
    word: int = 0
    tag: int = 1
    tabs: bool = False
    tag_key: str = ""
    brackets: bool = False
    numbered: bool = False
    prefix: str = ""
    positions: bool = False
    encoding: str = "utf-8"

    @property
    def columns(self) -> tuple[int, int]:
        """The columns of the word and of the tag."""
        return self.word, self.tag

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments, ready for JSON."""
        return asdict(self)

    def word_of(self, cells: Sequence[str]) -> str:
        """Returns the word of a line."""
        word = cells[self.word].removeprefix(self.prefix)
        if self.positions and (found := POSITION.fullmatch(word)):
            return found[1]
        return word

    def tags_of(self, rows: Iterable[Sequence[str]]) -> list[str]:
        """Returns the tags of the lines of a sentence."""
        tags = [self._tag_of(cells) for cells in rows]
        if not self.brackets:
            return tags
        inside, found = "", []
        for tag in tags:
            begins = tag.startswith("(")
            if begins:
                inside = tag.strip("(*)")
            letter = "B" if begins else "I"
            found.append(f"{letter}-{inside}" if inside else "O")
            if tag.endswith(")"):
                inside = ""
        return found

    def _tag_of(self, cells: Sequence[str]) -> str:
        """Returns the tag of a line, or "O" if the key is missing."""
        if not self.tag_key:
            return cells[self.tag]
        for part in cells[self.tag].split("|"):
            key, _, value = part.partition("=")
            if key == self.tag_key:
                return value
        return "O"

    def is_word(self, cells: Sequence[str]) -> bool:
        """Returns whether a line is a word, not a range or an empty node."""
        return not self.numbered or cells[0].isdecimal()
