"""Converts the outputs of a signature to results for each row."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_ctx.evaluation.tag_schemes.schemes import tag_spans
from keras_ctx.evaluation.tag_schemes.spelling import PLAIN, TagScheme
from keras_ctx.predictions.run_task import RunTask
from keras_ctx.text_model.results import (
    Answer,
    Entity,
    Filled,
    Label,
    LabelSet,
    Tokens,
)
from keras_ctx.text_model.texts.rows import Row

Outputs = Mapping[str, np.ndarray]
Decode = Callable[[Outputs, Sequence[Row]], Any]  # one result per row


def decoder(task: RunTask) -> Decode:
    """Returns a function from outputs and rows to results."""
    made: dict[str, Decode] = {
        "classification": _labels,
        "multi_label": _label_sets,
        "regression": lambda outputs, _: outputs["score"].tolist(),
        "tagging": _Entities(task),
        "question_answering": _answers,
        "embedding": lambda outputs, _: outputs["embedding"],
        "encoder": lambda outputs, _: tokens_of(outputs, "sequence", 0),
        "fill_mask": _filled,
    }
    return made[task.kind]


def tokens_of(outputs: Outputs, key: str, *axes: int) -> list[Tokens]:
    """Returns the tokens of each row, without padding.

    `axes` are the position axes of `outputs[key]`, not counting the rows.
    """
    found = []
    for tokens, vectors, number in zip(
        outputs["tokens"], outputs[key], outputs["num_tokens"], strict=True
    ):
        length = min(int(number), len(tokens))
        for axis in axes:
            # A copy: a view would keep the whole batch.
            vectors = np.take(vectors, range(length), axis)
        found.append(Tokens([text(x) for x in tokens[:length]], vectors))
    return found


def text(value: Any) -> str:
    """Decodes a string of TensorFlow."""
    return value.decode("utf-8", "replace")


def _scores(outputs: Outputs) -> list[dict[str, float]]:
    return [
        dict(zip(map(text, labels), scores.tolist(), strict=True))
        for labels, scores in zip(
            outputs["labels"], outputs["scores"], strict=True
        )
    ]


def _labels(outputs: Outputs, rows: Sequence[Row]) -> list[Label]:
    found = []
    for scores in _scores(outputs):
        best, score = next(iter(scores.items()))
        found.append(Label(best, score, scores))
    return found


def _label_sets(outputs: Outputs, rows: Sequence[Row]) -> list[LabelSet]:
    return [
        LabelSet(tuple(x for x, score in scores.items() if score > 0.5), scores)
        for scores in _scores(outputs)
    ]


def _answers(outputs: Outputs, rows: Sequence[Row]) -> list[Answer]:
    names = ("answers", "starts", "ends", "scores")
    return [
        Answer(text(best), int(start), int(end), float(score), float(odds))
        for best, start, end, score, odds in zip(
            *(outputs[name][:, 0] for name in names),
            outputs["null_odds"],
            strict=True,
        )
    ]


def _filled(outputs: Outputs, rows: Sequence[Row]) -> list[list[list[Filled]]]:
    return [
        [
            [
                Filled(text(word), float(score))
                for word, score in zip(*place, strict=True)
            ]
            for place in zip(words[:number], scores[:number], strict=True)
        ]
        for words, scores, number in zip(
            outputs["words"],
            outputs["scores"],
            outputs["num_masks"],
            strict=True,
        )
    ]


def tag_scheme(task: RunTask) -> TagScheme:
    """Returns the scheme of a tagger's labels: spans, or plain tags.

    Labels of a run are in IOB2, whatever the scheme of its files; labels of a
    published model are as it was trained.
    """
    if task.settings.get("tag_scheme", {}).get("name") == PLAIN:
        return TagScheme(PLAIN)
    iob2 = TagScheme()
    if all(iob2.normal(label) is not None for label in task.labels):
        return iob2
    return TagScheme(PLAIN)


class _Entities:
    """Converter of the tags of words to spans, like conlleval."""

    def __init__(self, task: RunTask) -> None:
        self._scheme = tag_scheme(task)

    def __call__(
        self, outputs: Outputs, rows: Sequence[Row]
    ) -> list[list[Entity]]:
        found = []
        for place, row in enumerate(rows):
            tags = tags_of(outputs, place)
            scores = outputs["scores"][place][: len(tags)].tolist()
            if "starts" in outputs:
                places = zip(
                    outputs["starts"][place].tolist(),
                    outputs["ends"][place].tolist(),
                    strict=True,
                )
                found.append(self._in(row[0], tags, scores, list(places)))
            else:
                words = [(i, i + 1) for i in range(len(tags))]
                found.append(self._in(row[0], tags, scores, words))
        return found

    def _in(
        self,
        source: str | list[str],
        tags: list[str],
        scores: list[float],
        places: list[tuple[int, int]],
    ) -> list[Entity]:
        if self._scheme.name == PLAIN:
            spans = [(i, i + 1, tag) for i, tag in enumerate(tags)]
        else:
            spans = tag_spans(self._scheme.normals(tags))
        entities = []
        for first, limit, kind in spans:
            start, end = places[first][0], places[limit - 1][1]
            inside = source[start:end]
            entities.append(
                Entity(
                    kind,
                    inside if isinstance(inside, str) else " ".join(inside),
                    start,
                    end,
                    sum(scores[first:limit]) / (limit - first),
                )
            )
        return entities


def tags_of(outputs: Outputs, place: int) -> list[str]:
    """Returns the tags of the words of a row that the encoder has read."""
    tags = [text(tag) for tag in outputs["tags"][place]]
    return tags[: tags.index("")] if "" in tags else tags
