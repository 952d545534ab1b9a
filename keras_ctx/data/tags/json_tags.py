"""Tagged sentences in JSON, each with lists of words and of tags."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from keras_ctx.data.readers.compressed import plain_name
from keras_ctx.data.readers.lines import empty_file, is_text
from keras_ctx.data.tables.table_format import TableFormat
from keras_ctx.data.tables.table_records import json_records
from keras_ctx.data.tags.conll import TaggedSentence

_WORDS = ("tokens", "words", "text", "sentence")


@dataclass(frozen=True)
class JsonTagLayout:
    """The keys of the words and of the tags.

    Example:
        >>> JsonTagLayout("tokens", "ner_tags").columns
        ('tokens', 'ner_tags')
    """

    words: str = "tokens"
    tags: str = "tags"

    @property
    def columns(self) -> tuple[str, str]:
        """The keys of the words and of the tags."""
        return self.words, self.tags

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments, ready for JSON."""
        return asdict(self)


def is_json(path: str | Path) -> bool:
    """Returns whether a file is JSON by its name."""
    name = plain_name(path).lower()
    return name.endswith((".jsonl", ".json", ".ndjson"))


def read_json_tags(
    paths: Sequence[str | Path],
    columns: Sequence[str] | None = None,
    tag_names: Sequence[str] | None = None,
) -> tuple[dict[str, list[TaggedSentence]], JsonTagLayout]:
    r"""Reads sentences from JSON objects, one per line or all in one list.

    Args:
        paths: The files.
        columns: The keys of the words and of the tags. `None` means "tokens"
            or "words", and the only other list of the same length.
        tag_names: The names of tags that are numbers, in order.

    Returns:
        The sentences by path, and the keys.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: A record has no such lists, they differ in length, a tag
            is a number without a name, or the keys cannot be recognized.

    Example:
        >>> _ = Path("a.jsonl").write_text(
        ...     '{"tokens": ["In", "Rome"], "ner_tags": [0, 3]}\n')
        >>> files, layout = read_json_tags(
        ...     ["a.jsonl"], tag_names=["O", "B-PER", "I-PER", "B-LOC"])
        >>> files["a.jsonl"][0].tags, layout.tags
        (['O', 'B-LOC'], 'ner_tags')
    """
    files: dict[str, list[TaggedSentence]] = {}
    layout = None if columns is None else JsonTagLayout(*columns)
    for path in paths:
        files[str(path)] = []
        for line, record in json_records(Path(path), TableFormat()):
            where = f"{path}, line {line}"
            layout = layout or _find_layout(record, where)
            sentence = _sentence(record, layout, tag_names, line, where)
            if sentence.words:
                files[str(path)].append(sentence)
        if not files[str(path)]:
            raise empty_file(path)
    return files, layout or JsonTagLayout()


def _lists(record: Mapping[str, Any]) -> dict[str, list]:
    return {
        key: value
        for key, value in record.items()
        if isinstance(value, list)
        and all(isinstance(x, str | int) for x in value)
    }


def _find_layout(record: Mapping[str, Any], where: str) -> JsonTagLayout:
    lists = _lists(record)
    words = next((key for key in _WORDS if key in lists), None)
    tags = [
        key
        for key, value in lists.items()
        if words is not None
        and key != words
        and len(value) == len(lists[words])
    ]
    if words is None or len(tags) != 1:
        example = f"{words or 'tokens'} {tags[0] if tags else 'tags'}"
        raise ValueError(
            f"{where}: a record must have a list of words and a list of one "
            "tag per word. Set `columns` to their keys, such as `--columns "
            f"{example}`. Received: lists {sorted(lists)} among the keys "
            f"{sorted(record)}"
        )
    return JsonTagLayout(words, tags[0])


def _sentence(
    record: Mapping[str, Any],
    layout: JsonTagLayout,
    tag_names: Sequence[str] | None,
    line: int,
    where: str,
) -> TaggedSentence:
    for key in layout.columns:
        if not isinstance(record.get(key), list):
            raise ValueError(
                f"{where}: a record must have a list at {key!r}. Received: "
                f"the keys {sorted(record)}"
            )
    words, tags = record[layout.words], record[layout.tags]
    if len(words) != len(tags):
        raise ValueError(
            f"{where}: there must be one tag per word. Received: {len(words)} "
            f"words and {len(tags)} tags"
        )
    check_words(words, where)
    return TaggedSentence(
        list(words),
        [_name(tag, tag_names, where) for tag in tags],
        [line] * len(words),
    )


def check_words(words: Sequence[Any], where: str) -> None:
    """Refuses words that are empty or not strings."""
    for word in words:
        if not isinstance(word, str) or not word or not is_text(word):
            raise ValueError(
                f"{where}: a word must be a string that is not empty. "
                f"Received: {word!r}"
            )


def _name(tag: Any, names: Sequence[str] | None, where: str) -> str:
    if isinstance(tag, str) and tag.strip():
        return tag
    if isinstance(tag, int) and names and 0 <= tag < len(names):
        return names[tag]
    raise ValueError(
        f"{where}: a tag must be a string, or the number of one of the "
        "`tag_names`, counted from 0 (`--tag-names O B-PER I-PER ...`). "
        f"Received: {tag!r}" + (f", and {len(names)} names" if names else "")
    )
