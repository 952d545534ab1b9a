"""How files spell tags: the letter, the type, and what stands between."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from keras_ctx.evaluation.tag_schemes.schemes import (
    LETTERS,
    SCHEMES,
    exact_spans,
    span_tags,
    tag_spans,
)

PLAIN = "plain"
SchemeName = (
    Literal["IOB1", "IOB2", "IOE1", "IOE2"]
    | Literal["BIOES", "BIOS", "BIOE", "BILOU", "BMES", "BMEWO", "plain"]
)
# What files write for a word of no name.
OUTSIDE = ("O", "o", "0", "_", "-", "-X-", "NONE", "None", "none")
OUTSIDE += ("OTHER", "Other", "other")


@dataclass(frozen=True)
class TagScheme:
    """How the tags of a file are written.

    Args:
        name: A name of `SCHEMES`, or "plain" for tags that are no spans, such
            as parts of speech.
        separator: Between the letter and the type.
        suffix: Whether the letter stands behind the type ("PER-B").
        outside: The tag of a word of no span.
        lower_case: Whether the letters are small ones ("b-PER").

    Example:
        >>> bmes = TagScheme("BMES", separator="_")
        >>> bmes.to_iob2(["B_PER", "E_PER", "O", "S_LOC"])
        ['B-PER', 'I-PER', 'O', 'B-LOC']
        >>> bmes.from_iob2(["B-PER", "I-PER", "O", "B-LOC"])
        ['B_PER', 'E_PER', 'O', 'S_LOC']
    """

    name: str = "IOB2"
    separator: str = "-"
    suffix: bool = False
    outside: str = "O"
    lower_case: bool = False

    def __post_init__(self) -> None:
        if self.name not in (*SCHEMES, PLAIN):
            raise ValueError(
                f"`name` must be {', '.join(SCHEMES)} or {PLAIN}. Received: "
                f"name={self.name!r}"
            )

    def __str__(self) -> str:
        if self.name == PLAIN:
            return "plain tags, no spans"
        begins = SCHEMES[self.name].first
        return f"{self.name}, as in {self._spelled(f'{begins}-TYPE')!r}"

    def normal(self, tag: str) -> str | None:
        """The tag as `tag_spans` reads it, `None` if it is of no scheme."""
        found = parsed_tag(tag, self.separator, self.suffix)
        if found is not None:
            return found
        return "O" if tag in (*OUTSIDE, self.outside) else None

    def to_iob2(self, tags: Sequence[str]) -> list[str]:
        """Returns the tags of a sentence in IOB2; plain tags as they are.

        Raises:
            ValueError: A tag is of no scheme.
        """
        if self.name == PLAIN:
            return list(tags)
        return span_tags(tag_spans(self.normals(tags)), len(tags))

    def from_iob2(self, tags: Sequence[str]) -> list[str]:
        """Tags in IOB2 as the file would write them.

        A span that breaks the rules of IOB2, as a model may predict it, is
        kept as it is if the file is in IOB2, and else left out, because no
        exact match can count it.
        """
        if self.name == PLAIN:
            return list(tags)
        if self.name != "IOB2":
            tags = span_tags(exact_spans(tags), len(tags), self.name)
        return [self._spelled(tag) for tag in tags]

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments, ready for JSON."""
        return asdict(self)

    def normals(self, tags: Sequence[str]) -> list[str]:
        """Returns the tags as `tag_spans` reads them."""
        known = {tag: self.normal(tag) for tag in set(tags)}
        normal = [known[tag] for tag in tags]
        if None in normal:
            raise ValueError(
                f"`tags` must be of the scheme {self}. Received: "
                f"{tags[normal.index(None)]!r}"
            )
        return [tag for tag in normal if tag is not None]

    def _spelled(self, tag: str) -> str:
        if tag == "O":
            return self.outside
        letter, kind = tag[0], tag[2:]
        if self.lower_case:
            letter = letter.lower()
        parts = [kind, letter] if self.suffix else [letter, kind]
        return self.separator.join(parts) if kind else letter


def parsed_tag(tag: str, separator: str, suffix: bool) -> str | None:
    """Returns a letter, or a letter and a type, as `tag_spans` reads it."""
    letter, kind = tag, ""
    if len(tag) > 2 and separator:
        letter, mark, kind = tag[0], tag[1], tag[2:]
        if suffix:
            letter, mark, kind = tag[-1], tag[-2], tag[:-2]
        if mark != separator or not any(map(str.isalnum, kind)):
            return None
    if letter.upper() not in LETTERS:
        return None
    return f"{letter.upper()}-{kind}" if kind else letter.upper()


def is_outside(tag: str) -> bool:
    return tag in OUTSIDE
