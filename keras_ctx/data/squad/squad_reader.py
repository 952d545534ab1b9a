"""Readers of files of questions about texts, in the usual layouts."""

from collections.abc import Iterator
from pathlib import Path

from keras_ctx.data.readers.json_file import JsonNode, read_json
from keras_ctx.data.squad.reader import UNKNOWN
from keras_ctx.evaluation.questions import SquadAnswer, SquadQuestion

_ADVICE = (
    "The format is that of SQuAD: data > paragraphs > context and qas > id, "
    "question and answers > text and answer_start. Also supported are rows of "
    "id, context, question and answers, and CMRC 2018's first layout: "
    "context_text and qas > query_id, query_text and answers."
)


def read_squad(path: str | Path) -> list[SquadQuestion]:
    """Reads a file of SQuAD 1.1 or 2.0, or of a data set in a similar layout.

    The supported layouts, recognized by their keys, are:

    * SQuAD's own layout, which DRCD, CMRC 2018 and many others use: articles,
      their paragraphs, and the questions of each.
    * One row per question, with `id`, `context`, `question` and `answers`
      (`text` and `answer_start`, each a list), as Hugging Face's `datasets`
      writes SQuAD: JSON lines, a list, or a list under `data`.
    * CMRC 2018's first layout: a list of texts, `context_text`, with their
      questions, `query_text`, whose answers are strings without a position.

    Args:
        path: A file of JSON in UTF-8, plain or compressed.

    Returns:
        The questions in the order of the file. Answers are unchanged:
        `question_windows` checks whether a text is at its offset. In a file
        for prediction, no question has the key `answers`.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: The file is not JSON, has no question, lacks a key, has a
            value of another type, the same id twice, or an answer to an
            impossible question. The message names the path and the position
            in the file, such as `data[0].paragraphs[2].qas`.

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
    https://arxiv.org/abs/1806.03822; Cui et al. 2019,
    https://arxiv.org/abs/1810.07366.
    """
    questions: list[SquadQuestion] = []
    seen: set[str] = set()
    labelled: bool | None = None
    for node, question in _questions(read_json(path, _ADVICE)):
        has = node.has("answers") or question.is_impossible
        labelled = has if labelled is None else labelled
        if labelled and not has:
            raise node.error("have the key 'answers'", node.keys())
        if has and not labelled:
            raise node.error(
                "have no 'answers' if the questions before it have none",
                node.keys(),
            )
        if question.id in seen:
            raise ValueError(
                f"{path}: every question must have its own id, which "
                f"identifies its answer. Received: {question.id!r} twice, the "
                f"second time at `{node.place}`"
            )
        seen.add(question.id)
        questions.append(question)
    if not questions:
        raise ValueError(
            f"{path}: the file must hold at least one question. Received: "
            "no question in `data`"
        )
    return questions


def _questions(file: JsonNode) -> Iterator[tuple[JsonNode, SquadQuestion]]:
    """Yields the questions, each with its node."""
    if isinstance(file.value, list) and file.value:
        articles = file.members()
    elif file.has("question") and file.has("context"):  # one line of rows
        articles = [file]
    else:
        articles = file.items("data")
    for number, article in enumerate(articles):
        if article.has("context_text"):
            yield from _of_cmrc(article, number)
        elif article.has("question") and article.has("context"):
            yield article, _of_row(article)
        else:
            yield from _of_article(article, number)


def _of_article(article: JsonNode, number: int):
    title = article.get("title", str, f"article {number}").value
    for paragraph in article.items("paragraphs"):
        context = paragraph.get("context", str).value
        for qa in paragraph.items("qas"):
            answers: tuple[SquadAnswer, ...] = ()
            if qa.has("answers"):
                answers = tuple(
                    SquadAnswer(
                        answer.get("text", str).value,
                        answer.get("answer_start", int).value,
                    )
                    for answer in qa.items("answers")
                )
            yield qa, _question(qa, context, answers, title)


def _of_row(row: JsonNode) -> SquadQuestion:
    answers: tuple[SquadAnswer, ...] = ()
    if row.has("answers"):
        node = row._replace(
            value=row.value["answers"], place=f"{row.place}.answers"
        )
        texts, starts = node.items("text"), node.items("answer_start")
        if len(texts) != len(starts):
            raise node.error(
                "have as many starts as texts", f"{len(starts)}, {len(texts)}"
            )
        answers = tuple(
            SquadAnswer(text.checked(str).value, start.checked(int).value)
            for text, start in zip(texts, starts, strict=True)
        )
    context = row.get("context", str).value
    return _question(row, context, answers, row.get("title", str, "").value)


def _of_cmrc(article: JsonNode, number: int):
    title = article.get("title", str, f"article {number}").value
    context = article.get("context_text", str).value
    for qa in article.items("qas"):
        answers: tuple[SquadAnswer, ...] = ()
        if qa.has("answers"):
            answers = tuple(
                SquadAnswer(answer.checked(str).value, UNKNOWN)
                for answer in qa.items("answers")
            )
        yield qa, _question(qa, context, answers, title, "query_", "text")


def _question(
    qa: JsonNode,
    context: str,
    answers: tuple[SquadAnswer, ...],
    title: str,
    prefix: str = "",
    text: str = "question",
) -> SquadQuestion:
    impossible = qa.get("is_impossible", bool, False).value
    if impossible and answers:
        raise qa.get("answers", list).error(
            "be empty if `is_impossible` is true", f"{len(answers)} answers"
        )
    key = f"{prefix}id"
    # Some data sets number their questions.
    kind = int if qa.has(key) and type(qa.value[key]) is int else str
    return SquadQuestion(
        str(qa.get(key, kind).value),
        qa.get(f"{prefix}{text}", str).value,
        context,
        answers,
        impossible,
        title,
    )
