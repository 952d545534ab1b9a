"""Reading and checking the files of a tagger together."""

import collections
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from keras_ctx.data.tags.conll import TaggedSentence, read_conll_files
from keras_ctx.data.tags.conll_layout import ConllLayout
from keras_ctx.data.tags.json_tags import JsonTagLayout, is_json, read_json_tags
from keras_ctx.evaluation.tag_schemes.recognized import recognize_tags
from keras_ctx.evaluation.tag_schemes.schemes import tag_spans
from keras_ctx.evaluation.tag_schemes.spelling import PLAIN, TagScheme
from keras_ctx.evaluation.tagging import TaggingTask

Sentence = tuple[list[str], list[str]]
"""Words and their tags."""


class TaggedFiles(NamedTuple):
    """Sentences by the name of their file, with their scheme and layout.

    Example:
        >>> _ = Path("a.conll").write_text("In O\\nRome S-LOC\\n")
        >>> files = read_tagged_files({"train": "a.conll"})
        >>> files.sentences["train"], files.scheme.name
        ([(['In', 'Rome'], ['O', 'B-LOC'])], 'BIOES')
    """

    sentences: dict[str, list[Sentence]]
    """Words and their tags, in IOB2 or plain."""
    scheme: TagScheme
    """The tag scheme of the files."""
    layout: ConllLayout | JsonTagLayout
    """The columns or keys of words and tags."""
    notes: list[str]
    """What was recognized, for the user."""
    model_scheme: str = "IOB2"
    """The scheme of the tags inside a model, if they are not plain."""

    def sample(self, number: int | None, seed: int = 0) -> "TaggedFiles":
        """Returns random sentences of "train", in the order of the file.

        Args:
            number: Number of sentences; `None` means all.
            seed: The seed of the choice.
        """
        rows = self.sentences["train"]
        if number is None or number >= len(rows):
            return self
        places = random.Random(seed).sample(range(len(rows)), number)
        chosen = {"train": [rows[place] for place in sorted(places)]}
        return self._replace(sentences={**self.sentences, **chosen})

    def task(
        self, sentences_per_update: int = 1
    ) -> tuple[TaggingTask, list[str]]:
        """Returns the tags that a model can learn, and refuses too few.

        Args:
            sentences_per_update: As for `training_labels`.

        Returns:
            The task; and the notes of `training_labels`.

        Raises:
            ValueError: See `training_labels`; or tags are plain, and
                `model_scheme` is another than the default.
        """
        if self.scheme.name == PLAIN and self.model_scheme != "IOB2":
            raise ValueError(
                "`model_scheme` is for tags of spans, and these are plain. "
                f"Leave it out. Received: model_scheme={self.model_scheme!r}"
            )
        task = TaggingTask([], self.scheme, self.model_scheme)
        labels, notes = training_labels(
            {
                name: [(words, task.to_model(tags)) for words, tags in rows]
                for name, rows in self.sentences.items()
            },
            sentences_per_update,
        )
        return replace(task, labels=labels), notes

    def get_config(self) -> dict[str, Any]:
        """Returns the settings to read and write such files, as JSON.

        `model_scheme` is the scheme of a model's tags and of its exports.
        """
        plain = self.scheme.name == PLAIN
        return {
            "scheme": self.scheme.name,
            "columns": list(self.layout.columns),
            "model_scheme": PLAIN if plain else self.model_scheme,
            "tag_scheme": self.scheme.get_config(),
            "layout": self.layout.get_config(),
        }


def read_tagged_files(
    paths: Mapping[str, str | Path | None],
    columns: Sequence[str | int] | None = None,
    scheme: str | None = None,
    tag_names: Sequence[str] | None = None,
    first: Mapping[str, int] | None = None,
    encoding: str | None = None,
) -> TaggedFiles:
    """Reads the files of a tagger, which have the same layout and scheme.

    Args:
        paths: The paths by name. `None` means that there is no file.
        columns: The columns of the word and of the tag, counted from 0, or
            from the end with -1; in JSON their keys. `None` recognizes them.
        scheme: A name of `SCHEMES`, or "plain" for tags that are not spans,
            such as parts of speech. `None` recognizes it.
        tag_names: The names of tags that are numbers, in order.
        first: The number of sentences to read, by name. Other files are read
            completely.
        encoding: The encoding of all files, such as "latin-1". `None` means
            UTF-8.

    Returns:
        The sentences, with their scheme and layout.

    Raises:
        FileNotFoundError: A file does not exist.
        ValueError: A file cannot be read, or its tags do not fit one scheme,
            or fit several. The message has the path and the line.

    Example:
        >>> _ = Path("a.conll").write_text("In O\\nNew I-LOC\\nYork I-LOC\\n")
        >>> print(*read_tagged_files({"test": "a.conll"}).notes)
        a.conll: 1 sentences, 3 words, 1 spans. The tags are IOB1, as in ...
    """
    there = {name: str(path) for name, path in paths.items() if path}
    unique = list(dict.fromkeys(there.values()))
    found, layout, notes = _read(
        unique,
        columns,
        tag_names,
        {there[name]: number for name, number in (first or {}).items()},
        encoding,
    )

    def describe(tag: str) -> str:
        return f"{tag!r} ({_place_of(tag, found)})"

    tags = {path: [s.tags for s in rows] for path, rows in found.items()}
    form, broken = recognize_tags(tags, scheme, describe)
    files = {
        path: [(s.words, form.to_iob2(s.tags)) for s in rows]
        for path, rows in found.items()
    }
    sizes = [_size(path, rows, form) for path, rows in files.items()]
    sizes[-1] += f" The tags are {form}."
    return TaggedFiles(
        {name: files[path] for name, path in there.items()},
        form,
        layout,
        [f"Read as recognized: {note}" for note in notes] + broken + sizes,
    )


def training_labels(
    sentences: Mapping[str, Sequence[Sentence]], sentences_per_update: int = 1
) -> tuple[list[str], list[str]]:
    """Returns the tags that a model can learn, and refuses too few.

    Args:
        sentences: Sentences by name, in IOB2 or plain. One name is "train".
        sentences_per_update: Sentences per step, times the steps of an update.

    Returns:
        The tags of "train", sorted; and notes for the user about words of
        other files whose tags are not in "train". No model can find them, and
        they count as missed.

    Raises:
        ValueError: "train" has only one tag, or fewer sentences than one
            update needs.

    Example:
        >>> train = [(["In", "Rome"], ["O", "B-LOC"])]
        >>> test = [(["Ann"], ["B-PER"])]
        >>> labels, notes = training_labels({"train": train, "test": test})
        >>> labels
        ['B-LOC', 'O']
        >>> print(*notes)
        test: 1 words have tags that no training sentence has (B-PER 1)...
    """
    train = sentences["train"]
    labels = sorted({tag for _, tags in train for tag in tags})
    if len(labels) < 2:
        raise ValueError(
            "`train` must have at least two tags to learn from. Received: "
            f"{len(train)} sentences with {labels}. Use more sentences, or "
            "choose another column of tags (`--columns WORD TAG`)."
        )
    if len(train) < sentences_per_update:
        raise ValueError(
            f"`train` must have at least the {sentences_per_update} sentences "
            "of one update. Lower `batch_size` or "
            "`gradient_accumulation_steps`; a blank line separates sentences. "
            f"Received: {len(train)} sentences"
        )
    notes = []
    for name, rows in sentences.items():
        unknown = collections.Counter(
            tag for _, tags in rows for tag in tags if tag not in labels
        )
        if unknown:
            shown = ", ".join(
                f"{tag} {count}" for tag, count in unknown.most_common(10)
            )
            notes.append(
                f"{name}: {unknown.total()} words have tags that no training "
                f"sentence has ({shown}): no model can find them, and they "
                "count as missed."
            )
    return labels, notes


def _read(
    paths: Sequence[str],
    columns: Sequence[str | int] | None,
    tag_names: Sequence[str] | None,
    first: Mapping[str, int],
    encoding: str | None,
) -> tuple[
    dict[str, list[TaggedSentence]], ConllLayout | JsonTagLayout, list[str]
]:
    json = [path for path in paths if is_json(path)]
    if json and len(json) < len(paths):
        raise ValueError(
            "All files must have the same layout. Received: JSON and columns, "
            f"{paths}"
        )
    if json and encoding is not None:
        raise ValueError(
            "`encoding` is only for columns: JSON is UTF-8. Convert the files. "
            f"Received: encoding={encoding!r}, {paths}"
        )
    if json:
        keys = None if columns is None else [str(c) for c in columns]
        files, layout = read_json_tags(paths, keys, tag_names)
        files = {path: rows[: first.get(path)] for path, rows in files.items()}
        return files, layout, []
    numbers = None
    if columns is not None:
        try:
            numbers = [int(column) for column in columns]
        except ValueError:
            raise ValueError(
                "`columns` must be numbers, counted from 0, except for JSON. "
                f"Received: columns={tuple(columns)}"
            ) from None
    files, layout, notes = read_conll_files(
        paths, numbers, first, encoding or "utf-8"
    )
    if tag_names is not None:
        files = {
            path: [_named(path, s, tag_names) for s in rows]
            for path, rows in files.items()
        }
    return files, layout, notes


def _named(
    path: str, sentence: TaggedSentence, names: Sequence[str]
) -> TaggedSentence:
    for tag, line in zip(sentence.tags, sentence.lines, strict=True):
        if not tag.isdecimal() or int(tag) >= len(names):
            raise ValueError(
                f"{path}, line {line}: with `tag_names` a tag must be a "
                f"number below {len(names)}. Received: {tag!r}"
            )
    return sentence._replace(tags=[names[int(tag)] for tag in sentence.tags])


def _place_of(tag: str, files: Mapping[str, list[TaggedSentence]]) -> str:
    for path, rows in files.items():
        for sentence in rows:
            if tag in sentence.tags:
                line = sentence.lines[sentence.tags.index(tag)]
                return f"{path}, line {line}"
    return "in no file"


def _size(path: str, rows: Sequence[Sentence], scheme: TagScheme) -> str:
    words = sum(len(words) for words, _ in rows)
    found = f"{path}: {len(rows):,} sentences, {words:,} words"
    if scheme.name == PLAIN:
        return f"{found}."
    spans = sum(len(tag_spans(tags)) for _, tags in rows)
    if not spans:
        return f"{found}, and NO spans: its F1 is 0 for any prediction."
    return f"{found}, {spans:,} spans."
