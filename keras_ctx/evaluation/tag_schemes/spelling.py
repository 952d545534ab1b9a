"""How files spell tags: the letter, the type, and the separator."""

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
# What files write for a word outside all spans.
OUTSIDE = ("O", "o", "0", "_", "-", "-X-", "NONE", "None", "none")
OUTSIDE += ("OTHER", "Other", "other")


@dataclass(frozen=True)
class TagScheme:
    """The scheme and spelling of the tags of a file.

    Args:
        name: A name of `SCHEMES`, or "plain" for tags that are no spans, such
            as parts of speech.
        separator: Separator between the letter and the type.
        suffix: Whether the letter comes after the type ("PER-B").
        outside: The tag of a word outside all spans.
        lower_case: Whether the letters are lower case ("b-PER").

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
        """Returns a tag in the form of `tag_spans`; `None` if it is no tag."""
        found = parsed_tag(tag, self.separator, self.suffix)
        if found is not None:
            return found
        return "O" if tag in (*OUTSIDE, self.outside) else None

    def to_iob2(self, tags: Sequence[str]) -> list[str]:
        """Converts the tags of a sentence to IOB2; leaves plain tags unchanged.

        Raises:
            ValueError: A tag is not of this scheme.
        """
        if self.name == PLAIN:
            return list(tags)
        return span_tags(tag_spans(self.normals(tags)), len(tags))

    def from_iob2(self, tags: Sequence[str]) -> list[str]:
        """Converts tags in IOB2 to the scheme and spelling of the file.

        A predicted span may break the rules of IOB2. It is kept if the file
        is in IOB2, and dropped otherwise, because it is never an exact match.
        """
        if self.name == PLAIN:
            return list(tags)
        if self.name != "IOB2":
            tags = span_tags(exact_spans(tags), len(tags), self.name)
        return [self._spelled(tag) for tag in tags]

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments, as values of JSON."""
        return asdict(self)

    def normals(self, tags: Sequence[str]) -> list[str]:
        """Returns tags in the form of `tag_spans`."""
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
    """Returns a tag as `tag_spans` reads it: a letter, or letter and type."""
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
