"""Files in SQuAD's format: questions about texts, and their answers."""

import gzip
import json
import random
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from keras_ctx.data.batches import check_at_least, mixed_seed


class SquadAnswer(NamedTuple):
    """One person's answer, and the place where it begins in the context.

    Example:
        >>> SquadAnswer("Rome", start=3).text
        'Rome'
    """

    text: str
    start: int


@dataclass(frozen=True)
class SquadQuestion:
    """A question, the text that holds its answer, and the answers.

    Example:
        >>> SquadQuestion("q1", "Where?", "In Rome.").is_impossible
        False
    """

    id: str
    question: str
    context: str
    answers: tuple[SquadAnswer, ...] = ()
    is_impossible: bool = False
    """Whether the file says that the context does not answer it."""
    article: str = ""
    """Title of the article that the context is a paragraph of."""


def read_squad(path: str | Path) -> list[SquadQuestion]:
    """Read a file of SQuAD 1.1 or 2.0, or of a set in the same format.

    Args:
        path: JSON in UTF-8; a name ending in `.gz` is decompressed.

    Returns:
        The questions in the order of the file. Answers are as the file has
        them: whether a text stands at its offset is looked at by
        `question_windows`, which counts those that do not.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is no JSON, has no question, lacks a key, has a
            value of another type, the same id twice, or an answer to a
            question that it calls impossible. The text names the path and
            the place in the file, such as `data[0].paragraphs[2].qas`.

    Example:
        >>> import json, pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "small.json")
        >>> answer = {"text": "Rome", "answer_start": 3}
        >>> qa = {"id": "q1", "question": "Where?", "answers": [answer]}
        >>> paragraph = {"context": "In Rome.", "qas": [qa]}
        >>> article = {"title": "Italy", "paragraphs": [paragraph]}
        >>> _ = path.write_text(json.dumps({"data": [article]}))
        >>> read_squad(path)[0].answers
        (SquadAnswer(text='Rome', start=3),)

    Source: Rajpurkar et al. 2016, https://arxiv.org/abs/1606.05250; with
    questions that have no answer: Rajpurkar et al. 2018,
    https://arxiv.org/abs/1806.03822.
    """
    path = Path(path)
    questions = list(_questions(_Node(_load(path), str(path), "")))
    if not questions:
        raise ValueError(
            f"{path}: the file must hold at least one question. Received: "
            "no question in `data`"
        )
    seen: set[str] = set()
    for question in questions:
        if question.id in seen:
            raise ValueError(
                f"{path}: every question must have an id of its own, by which "
                f"its answer is scored. Received: {question.id!r} twice"
            )
        seen.add(question.id)
    return questions


def split_articles(
    questions: Sequence[SquadQuestion], share: float, seed: int = 0
) -> tuple[list[SquadQuestion], list[SquadQuestion]]:
    """Hold out the questions of some articles, all of them or none.

    Questions of one article share their paragraphs, so a split by question
    would test on texts that were learned.

    Args:
        questions: What `read_squad` gave.
        share: Of the articles to hold out, above 0 and below 1; rounded, and
            at least one.
        seed: Of the choice, which depends on it and the titles alone.

    Returns:
        The questions that stay and those held out, in their order.

    Raises:
        ValueError: `share` is out of range, or there are fewer than two
            articles.

    Example:
        >>> rows = [
        ...     SquadQuestion(str(n), "", "", article="abcde"[n // 2])
        ...     for n in range(10)
        ... ]
        >>> kept, held_out = split_articles(rows, 0.2)
        >>> len(kept), [row.article for row in held_out]
        (8, ['d', 'd'])
    """
    check_at_least(0, seed=seed)
    if not 0 < share < 1:
        raise ValueError(
            f"`share` must be above 0 and below 1. Received: share={share}"
        )
    articles = sorted({question.article for question in questions})
    if len(articles) < 2:
        raise ValueError(
            "`questions` must come from at least two articles, to hold one "
            f"out. Received: {len(questions)} questions of {len(articles)}"
        )
    random.Random(mixed_seed(seed, "articles")).shuffle(articles)
    number = min(max(1, round(share * len(articles))), len(articles) - 1)
    chosen = set(articles[:number])
    return (
        [row for row in questions if row.article not in chosen],
        [row for row in questions if row.article in chosen],
    )


def _load(path: Path) -> Any:
    if not path.is_file():
        raise FileNotFoundError(
            "`path` must name a file that exists. Check the spelling and the "
            f"working directory. Received: path={str(path)!r}"
        )
    try:
        raw = path.read_bytes()
        if path.suffix == ".gz":
            raw = gzip.decompress(raw)
        return json.loads(raw.decode("utf-8-sig"))
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"{path}: the name ends in .gz, and the content is no complete "
            f"gzip stream ({error})."
        ) from error
    except ValueError as error:  # of UTF-8 or of JSON, with the place
        raise ValueError(
            f"{path}: the file must be whole, and JSON in UTF-8. "
            f"Received: {error}"
        ) from error


class _Node(NamedTuple):
    """A value of the file, and where in it: errors name the place."""

    value: Any
    path: str
    place: str

    def get(self, key: str, kind: type, *default: Any) -> "_Node":
        place = f"{self.place}.{key}".removeprefix(".")
        if not isinstance(self.value, dict):
            raise self._error("be an object", type(self.value).__name__)
        if key not in self.value and not default:
            there = ", ".join(map(repr, self.value)) or "none"
            raise self._error(f"have the key {key!r}", f"the keys {there}")
        node = _Node(self.value.get(key, *default), self.path, place)
        # By type, not isinstance: JSON's true is an int in Python.
        if type(node.value) is not kind:
            names = {str: "a string", list: "a list", int: "an integer"}
            wanted = names.get(kind, "true or false")
            raise node._error(f"be {wanted}", repr(node.value)[:60])
        return node

    def items(self, key: str) -> list["_Node"]:
        node = self.get(key, list)
        return [
            _Node(value, self.path, f"{node.place}[{number}]")
            for number, value in enumerate(node.value)
        ]

    def _error(self, rule: str, received: str) -> ValueError:
        what = f"`{self.place}`" if self.place else "the file"
        return ValueError(
            f"{self.path}: {what} must {rule}. Received: {received}. The "
            "format is that of SQuAD: data > paragraphs > context and qas > "
            "id, question and answers > text and answer_start."
        )


def _questions(file: _Node):
    for number, article in enumerate(file.items("data")):
        title = article.get("title", str, f"article {number}").value
        for paragraph in article.items("paragraphs"):
            context = paragraph.get("context", str).value
            for qa in paragraph.items("qas"):
                impossible = qa.get("is_impossible", bool, False).value
                answers = tuple(
                    SquadAnswer(
                        answer.get("text", str).value,
                        answer.get("answer_start", int).value,
                    )
                    for answer in qa.items("answers")
                )
                if impossible and answers:
                    raise qa.get("answers", list)._error(
                        "be empty where `is_impossible` is true",
                        f"{len(answers)} answers",
                    )
                yield SquadQuestion(
                    qa.get("id", str).value,
                    qa.get("question", str).value,
                    context,
                    answers,
                    impossible,
                    title,
                )
