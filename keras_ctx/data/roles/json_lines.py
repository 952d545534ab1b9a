"""Reads and writes propositions as JSON lines, a predicate a line."""

from collections.abc import Sequence
from pathlib import Path

from keras_ctx.data.readers.json_file import JsonNode, read_json
from keras_ctx.data.readers.lines import is_blank
from keras_ctx.data.roles.sentence import RoleSentence, checked_proposition
from keras_ctx.evaluation.roles.proposition import Proposition
from keras_ctx.files.json_text import json_text

_ADVICE = (
    "A line has `sent_id`, `words`, `predicate` (a position, from 0) and "
    "`arguments` ([start, end, label], `end` exclusive), and may have `sense` "
    "and `verb` ([start, end]); in a sentence without predicates only the "
    "first two."
)
_KEYS = ("predicate", "arguments", "sense", "verb")


def read_json_lines(path: str | Path) -> list[RoleSentence]:
    """Reads the sentences of a file; see `read_propositions`."""
    root = read_json(path, _ADVICE)
    sentences: dict[str, RoleSentence] = {}
    before, raw = "", None
    for line in root.members() if isinstance(root.value, list) else [root]:
        name = line.get("sent_id", str).value
        has_predicate = any(key in line.value for key in _KEYS)
        if name in sentences and (name != before or not has_predicate):
            raise line.error(
                "have another `sent_id` than the lines before, unless it is "
                "the next predicate of the same sentence",
                repr(name),
            )
        if name not in sentences:
            sentences[name] = _words(line), []
            raw = line.value["words"]
        elif line.get("words", list).value != raw:
            raise line.error(
                "have the words of the line before, whose `sent_id` it has",
                repr(line.value["words"])[:60],
            )
        before = name
        words, found = sentences[name]
        if has_predicate:
            one = _proposition(line, words)
            if any(one.predicate == other.predicate for other in found):
                raise line.error(
                    "have another predicate than the lines before",
                    f"predicate {one.predicate} of {name!r} again",
                )
            found.append(one)
    return list(sentences.values())


def json_lines(
    number: int, words: Sequence[str], found: Sequence[Proposition]
) -> list[str]:
    """Returns a line for each predicate, or one for a sentence without.

    Args:
        number: The number of the sentence, its `sent_id`.
        words: Its words.
        found: Its propositions.

    Example:
        >>> json_lines(3, ["Thanks", "!"], [])
        ['{"sent_id": "3", "words": ["Thanks", "!"]}']
    """
    sentence = {"sent_id": str(number), "words": list(words)}
    lines = [
        {
            **sentence,
            "predicate": one.predicate,
            "verb": [list(x) for x in one.verb],
            "arguments": [list(x) for x in one.arguments],
            **({} if one.sense is None else {"sense": one.sense}),
        }
        for one in found
    ]
    return [json_text(line) for line in lines or [sentence]]


def _words(line: JsonNode) -> tuple[str, ...]:
    words = tuple(node.checked(str).value for node in line.items("words"))
    if not words or any(map(is_blank, words)):
        raise line.error(
            "have one word or more, none of them empty", repr(words)[:60]
        )
    return words


def _proposition(line: JsonNode, words: tuple[str, ...]) -> Proposition:
    predicate = line.get("predicate", int).value
    arguments = tuple(
        _span(node, (int, int, str), "[start, end, label]")
        for node in line.items("arguments")
    )
    verb = tuple(
        _span(node, (int, int), "[start, end]")
        for node in line.get("verb", list, []).members()
    )
    return checked_proposition(
        f"{line.path}, {line.place or 'line 1'}",
        words,
        predicate,
        arguments,
        line.get("sense", str, None).value,
        verb,
    )


def _span(node: JsonNode, kinds: tuple[type, ...], form: str) -> tuple:
    parts = node.members()
    if len(parts) != len(kinds):
        raise node.error(f"be {form}", repr(node.value)[:60])
    return tuple(
        part.checked(kind).value
        for part, kind in zip(parts, kinds, strict=True)
    )
