"""How the lines of CoNLL files are to be read."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

# A word, and its place in a longer one.
POSITION = re.compile(r"(.+?)(\d+)", re.DOTALL)


@dataclass(frozen=True)
class ConllLayout:
    """How the lines of CoNLL files are to be read.

    Args:
        width: Columns of a line.
        word: The column of the words, counted from 0.
        tag: The column of the tags, counted from 0.
        tabs: Whether single tabs part the columns, or any blanks.
        tag_key: Key of the tag, where its column holds `KEY=VALUE` parted by
            "|", as MISC of CoNLL-U does; "": the column is the tag.
        brackets: Whether tags are brackets around names, `(PER*` and `*)`, as
            in CoNLL-2012.
        numbered: Whether the first column counts the words.
        prefix: What stands before each word ("en:").
        positions: Whether a digit stands behind each word, which counts the
            characters of a longer word.
        encoding: Of the files.

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
        """The arguments, ready for JSON."""
        return asdict(self)

    def word_of(self, cells: Sequence[str]) -> str:
        """The word of a line."""
        word = cells[self.word].removeprefix(self.prefix)
        if self.positions and (found := POSITION.fullmatch(word)):
            return found[1]
        return word

    def tags_of(self, rows: Iterable[Sequence[str]]) -> list[str]:
        """The tags of the lines of a sentence."""
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
        """The tag of a line; "O" where a key is not there."""
        if not self.tag_key:
            return cells[self.tag]
        for part in cells[self.tag].split("|"):
            key, _, value = part.partition("=")
            if key == self.tag_key:
                return value
        return "O"

    def is_word(self, cells: Sequence[str]) -> bool:
        """Whether a line is a word: a range or an empty node is none."""
        return not self.numbered or cells[0].isdecimal()
