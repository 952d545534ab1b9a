"""Reads files of words, and writes the tags of a model for each line."""

import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keras_ctx.data import ConllLayout, TableFormat
from keras_ctx.data.readers.lines import is_blank, numbered_lines
from keras_ctx.data.tables.table_records import is_json_list, json_records
from keras_ctx.data.tags.conll import read_numbered_words
from keras_ctx.data.tags.conll_lines import is_boundary
from keras_ctx.data.tags.json_tags import JsonTagLayout, check_words, is_json
from keras_ctx.evaluation.tag_schemes.recognized import PLAIN, TagScheme
from keras_ctx.evaluation.tagging import TaggingTask
from keras_ctx.predictions.model_rows import ModelRows
from keras_ctx.predictions.run_task import RunTask


class _Tagger:
    """Converter of ids to tags, in the scheme of the training files."""

    def __init__(self, task: RunTask) -> None:
        # Older runs did not record a scheme: their ids are the tags of the
        # files.
        self._scheme = TagScheme(
            **task.settings.get("tag_scheme", {"name": PLAIN})
        )
        self._labels = task.labels
        self._task = TaggingTask(
            task.labels,
            self._scheme,
            task.settings.get("model_scheme", "IOB2"),
        )
        self.num_cut = 0

    @property
    def outside(self) -> str:
        if self._scheme.name != PLAIN:
            return self._scheme.outside
        return "O" if "O" in self._labels else "_"

    def __call__(self, words: list[str], ids: Any) -> list[str]:
        found = self._task.from_model([self._labels[i] for i in ids])
        tags = self._scheme.from_iob2(found)
        cut = len(words) - len(tags)
        self.num_cut += cut
        return [*tags, *[self.outside] * cut]


def tagged_lines(
    task: RunTask, rows: ModelRows, path: str | Path
) -> Iterator[str]:
    """Yields a line for each line of a file: the word and its tag.

    Args:
        task: Task of a tagger.
        rows: Its model.
        path: One word per line, alone or in the columns of the training files,
            with a blank line between sentences; or JSON lines with a list of
            words each.

    Returns:
        A generator of lines. Tags are in the scheme of the training files.
        Blank lines and comments stay unchanged; a line that is not a word, such
        as a range in CoNLL-U, gets the tag "_". Words that the encoder cuts off
        get the tag outside of spans; their number is printed on standard error
        at the end.

    Raises:
        FileNotFoundError, ValueError: See `read_words`.
    """
    tagger = _Tagger(task)
    keys, sentences = words_of(task, path)
    if keys is None:
        encoding = task.settings.get("layout", {}).get("encoding")
        lines = numbered_lines(path, encoding)
        yield from _word_lines(tagger, rows, lines, sentences)
    else:
        yield from _json_lines(tagger, rows, keys, sentences)
    if tagger.num_cut:
        print(
            f"{tagger.num_cut} words exceed the length that the encoder reads "
            f"and have the tag {tagger.outside}. Split their sentences.",
            file=sys.stderr,
        )


def words_of(
    task: RunTask, path: str | Path
) -> tuple[JsonTagLayout | None, Iterator[Any]]:
    """Returns the JSON keys or `None`, and the numbered words of sentences.

    A word has the number of its line; in JSON its index, and a blank line
    gives `None`.
    """
    settings = task.settings.get("layout", {})
    if is_json(path):
        keys = settings if "words" in settings else {}
        layout = JsonTagLayout(**keys)
        return layout, _json_words(path, layout.words)
    columns = ConllLayout() if "words" in settings else ConllLayout(**settings)
    return None, read_numbered_words(path, columns)


def _word_lines(
    tagger: _Tagger,
    rows: ModelRows,
    lines: Iterator[tuple[int, str]],
    sentences: Iterator[list[tuple[int, str]]],
) -> Iterator[str]:
    shown, asked = itertools.tee(sentences)
    outputs = rows([word for _, word in sentence] for sentence in asked)
    for sentence, output in zip(shown, outputs, strict=True):
        words = [word for _, word in sentence]
        found = tagger(words, output["tags"]) if output else []
        tags = dict(zip((n for n, _ in sentence), found, strict=True))
        # If words contain spaces, a tab precedes the tag.
        mark = "\t" if any(" " in word for word in words) else " "
        named = dict(sentence)
        for number, line in lines:
            if number in named:
                yield f"{named[number]}{mark}{tags[number]}"
            else:
                yield _other(line)
            if number == sentence[-1][0]:
                break
    yield from (_other(line) for _, line in lines)


def _other(line: str) -> str:
    """Returns the output for a line that is not a word."""
    if is_blank(line):
        return ""
    if is_boundary(line):
        return line.strip()
    return line if line.startswith("#") else f"{line.split()[0]} _"


def _json_lines(
    tagger: _Tagger,
    rows: ModelRows,
    layout: JsonTagLayout,
    sentences: Iterator[list[tuple[int, str]] | None],
) -> Iterator[str]:
    shown, asked = itertools.tee(
        None if sentence is None else [word for _, word in sentence]
        for sentence in sentences
    )
    outputs = rows(words or None for words in asked)
    for words, output in zip(shown, outputs, strict=True):
        if words is None:
            yield ""
            continue
        tags = tagger(words, output["tags"]) if output is not None else []
        found = {layout.words: words, layout.tags: tags}
        yield json.dumps(found, ensure_ascii=False)


def _json_words(
    path: str | Path, key: str
) -> Iterator[list[tuple[int, str]] | None]:
    path, table = Path(path), TableFormat()
    is_list = is_json_list(path, table)
    before = 0
    for line, record in json_records(path, table):
        if not is_list:
            yield from itertools.repeat(None, line - before - 1)
            before = line
        words = record.get(key)
        if not isinstance(words, list):
            raise ValueError(
                f"{path}, line {line}: {key!r} must be a list of words. "
                f"Received: {str(record)[:60]}"
            )
        check_words(words, f"{path}, line {line}")
        yield list(enumerate(words))
    if not is_list:
        behind = itertools.islice(numbered_lines(path), before, None)
        yield from (None for _ in behind)
