"""Files of answers for the official scripts of SQuAD."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from keras_ctx.data.squad.answers import QuestionAnswers
from keras_ctx.files.whole_file import write_text


def best_texts(
    answers: Iterable[QuestionAnswers], threshold: float | None = None
) -> dict[str, str]:
    """Returns the best answer of each question, by its id.

    Args:
        answers: The answers from `decode_answers`.
        threshold: Null odds above which the answer is "". `None` always gives
            an answer.

    Example:
        >>> best_texts([QuestionAnswers("q1", [], null_score=1.5)])
        {'q1': ''}
    """
    return {row.id: row.text(threshold) for row in answers}


def null_odds(answers: Iterable[QuestionAnswers]) -> dict[str, float]:
    """Returns the odds of "no answer", by the id of the question.

    Example:
        >>> null_odds([QuestionAnswers("q1", [], null_score=1.5)])
        {'q1': 1000000001.5}
    """
    return {row.id: row.null_odds for row in answers}


def save_answers(
    answers: list[QuestionAnswers],
    folder: str | Path,
    threshold: float | None = None,
) -> None:
    """Writes the official files.

    Args:
        answers: The answers from `decode_answers`.
        folder: The folder to write to. It is created if it does not exist.
            `predictions.json` holds the best answer of each question by its
            id, `nbest_predictions.json` all candidates. With a threshold,
            `null_odds.json` holds the odds of "no answer".
        threshold: See `best_texts`.

    Example:
        >>> save_answers([QuestionAnswers("q1", [], 1.5)], "answers")
        >>> print(Path("answers/predictions.json").read_text().strip())
        {
          "q1": ""
        }
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _save(best_texts(answers, threshold), folder / "predictions.json")
    candidates = {
        row.id: [candidate._asdict() for candidate in row.candidates]
        for row in answers
    }
    _save(candidates, folder / "nbest_predictions.json")
    if threshold is not None:
        _save(null_odds(answers), folder / "null_odds.json")


def _save(content: dict[str, Any], path: Path) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False)
    write_text(path, text + "\n")
