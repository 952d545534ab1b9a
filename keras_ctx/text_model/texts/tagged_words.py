"""Converts spans in texts to tags of words."""

from numbers import Integral
from typing import Any

import tensorflow as tf

from keras_ctx.evaluation.tag_schemes.spelling import PLAIN, TagScheme
from keras_ctx.evaluation.tagging import TaggingTask
from keras_ctx.predictions.run_task import RunTask
from keras_ctx.text_model.results import Entity
from keras_ctx.text_model.texts.label_names import check_name


def tagged_words(
    task: RunTask, rows: list[Any], labels: list[Any]
) -> tuple[list[Any], list[list[str]]]:
    """Returns words and tags; spans in a text become tags of its words."""
    texts = [row[0] for row in rows if isinstance(row[0], str)]
    found: Any = None
    if texts:
        if task.text_inputs is None:
            raise ValueError(
                "`texts` must be lists of words for an exported version, "
                "which does not say where words end. Received: texts"
            )
        places = task.text_inputs.words(tf.constant(texts, tf.string))
        found = zip(*(x.to_list() for x in places), strict=True)
    words, tags = [], []
    for number, ((given,), label) in enumerate(zip(rows, labels, strict=True)):
        label = label.tolist() if hasattr(label, "tolist") else label
        if isinstance(given, str):
            spelled, starts, ends = next(found)
            given = [word.decode("utf-8") for word in spelled]
            spans = list(zip(starts, ends, strict=True))
            label = _tags_in(label, spans, rows[number][0], number)
            label = _of_model(task).to_model(label)
        elif isinstance(label, list | tuple):
            label = _as_the_model_writes(task, label)
        if not isinstance(label, list | tuple):
            raise ValueError(
                "`labels` must hold the list of the tags of the words. "
                f"Received: {label!r} in row {number}"
            )
        if len(label) != len(given):
            raise ValueError(
                "`labels` must hold a tag for each word. Received: "
                f"{len(given)} words and {len(label)} tags in row {number}"
            )
        for tag in label:
            check_name(task, tag, number)
        words.append((given,))
        tags.append(list(label))
    return words, tags


def _as_the_model_writes(
    task: RunTask, tags: list[Any] | tuple[Any, ...]
) -> list[Any] | tuple[Any, ...]:
    """Converts tags from the scheme of a run's files to its model's."""
    written = task.settings.get("tag_scheme")
    if written is None:
        return tags
    if not all(isinstance(tag, str) for tag in tags):
        return tags
    model, scheme = _of_model(task), TagScheme(**written)
    known = set(tags) <= set(task.labels)
    if known and model.to_model(model.from_model(tags)) == list(tags):
        return tags
    if any(scheme.normal(tag) is None for tag in tags):
        return tags  # the unknown tag is refused later
    made = model.to_model(scheme.to_iob2(tags))
    # A type that the model lacks stays as given, for the error message.
    return [
        new if new in task.labels else given
        for given, new in zip(tags, made, strict=True)
    ]


def _of_model(task: RunTask) -> TaggingTask:
    """Returns the converter between IOB2 and the tags of the model."""
    scheme = task.settings.get("model_scheme", "IOB2")
    tags = TagScheme(name=PLAIN) if scheme == PLAIN else TagScheme()
    return TaggingTask(task.labels, tags, scheme)


def _tags_in(
    label: Any, words: list[tuple[int, int]], text: str, row: int
) -> list[str]:
    """Converts spans in a text to IOB2 tags of its words."""
    if not isinstance(label, list | tuple):
        raise ValueError(
            "`labels` of a text must be the list of its spans, which may be "
            f"empty. Received: {str(label)[:60]!r} in row {row}"
        )
    tags = ["O"] * len(words)
    for span in label:
        first, last, kind = _place(span, text, row)
        inside = [
            i
            for i, (start, end) in enumerate(words)
            if start < last and first < end
        ]
        if not inside:
            raise ValueError(
                "`labels` must have spans that contain a word. Received: "
                f"{(first, last, kind)!r} in row {row}"
            )
        for place, i in enumerate(inside):
            if tags[i] != "O":
                raise ValueError(
                    "`labels` must assign each word to one span. Leave out one "
                    "of two that overlap, or give lists of words, split "
                    f"between the spans. Received: {(first, last, kind)!r} "
                    f"and another on {text[slice(*words[i])]!r} in row {row}"
                )
            tags[i] = f"{'I' if place else 'B'}-{kind}"
    return tags


def _place(span: Any, text: str, row: int) -> tuple[int, int, Any]:
    """Returns the start, the end and the label of a span."""
    if isinstance(span, Entity):
        span = span.start, span.end, span.label
    if not (isinstance(span, tuple | list) and len(span) == 3):
        raise ValueError(
            "`labels` of a text must hold its spans as (start, end, "
            "label), in characters; for a list of words, one tag per word. "
            f"Received: {span!r} in row {row}"
        )
    first, last, kind = span
    if not (
        all(isinstance(place, Integral) for place in (first, last))
        and 0 <= first < last <= len(text)
    ):
        raise ValueError(
            "`labels` must be spans in the text: 0 <= start < end <= "
            f"{len(text)}, counted in characters. Received: {tuple(span)!r} "
            f"in row {row}"
        )
    return int(first), int(last), kind
