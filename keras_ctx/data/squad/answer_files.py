"""Answers in the files that the official scripts of SQuAD read."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from keras_ctx.data.squad.answers import QuestionAnswers
from keras_ctx.files.whole_file import write_text


def best_texts(
    answers: Iterable[QuestionAnswers], threshold: float | None = None
) -> dict[str, str]:
    """The best answer of each question, by its id.

    Args:
        answers: What `decode_answers` gave.
        threshold: Odds above which there is no answer, ""; `None`: there
            always is one.

    Example:
        >>> best_texts([QuestionAnswers("q1", [], null_score=1.5)])
        {'q1': ''}
    """
    return {row.id: row.text(threshold) for row in answers}


def null_odds(answers: Iterable[QuestionAnswers]) -> dict[str, float]:
    """How likely it is that there is no answer, by the id of the question.

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
    """Write the official files.

    Args:
        answers: What `decode_answers` gave.
        folder: Made where there is none. `predictions.json` holds the best
            answer of each question by its id, `nbest_predictions.json` all
            candidates; with a threshold, `null_odds.json` the odds of none.
        threshold: As of `best_texts`.

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
