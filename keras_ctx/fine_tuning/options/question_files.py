"""Reads questions for training, development and testing."""

from pathlib import Path
from typing import Literal

from keras_ctx import data


def read_question_files(
    train: Path,
    dev: Path | None = None,
    test: Path | None = None,
    *,
    empty_answers: Literal["impossible", "skip"] | None = None,
    test_articles: float = 0.2,
    dev_articles: float = 0.1,
    seed: int = 0,
) -> dict[str, list[data.SquadQuestion]]:
    """Reads the files; holds out articles of `train` for missing ones.

    Args:
        train: Questions to learn from.
        dev: Questions to choose the best epoch, and the threshold above which
            no answer is given. If `None` and some question has no answer,
            articles of `train` are held out to choose the threshold.
        test: Questions to score on, possibly without answers. If `None`,
            articles of `train` are held out.
        empty_answers: What an empty list of answers means if the file does not
            say; see `data.check_answers`.
        test_articles: Share of the articles of `train` held out for `test`.
        dev_articles: Share of the remaining articles held out for `dev`.
        seed: Seed for choosing these articles.

    Returns:
        The questions by name: "train", "test" and, if there are any, "dev".

    Raises:
        FileNotFoundError: A file does not exist.
        ValueError: A file cannot be read, `train` or `dev` has no answer, or
            there are too few articles to hold some out.

    Example:
        >>> import json
        >>> answer = {"text": "two", "answer_start": 4}
        >>> rows = [{"title": title, "paragraphs": [{"context": "one two",
        ...          "qas": [{"id": title, "question": "How?",
        ...                   "answers": [answer]}]}]} for title in "abcd"]
        >>> _ = Path("train.json").write_text(json.dumps({"data": rows}))
        >>> found = read_question_files(Path("train.json"), test_articles=0.25)
        >>> {name: len(questions) for name, questions in found.items()}
        {'train': 3, 'test': 1}
    """

    def read(path: Path, required: bool) -> list[data.SquadQuestion]:
        questions = data.read_squad(path)
        return data.check_answers(questions, path, empty_answers, required)

    learned = read(train, required=True)
    if test is not None:
        tested = read(test, required=False)
    else:
        learned, tested = data.split_articles(learned, test_articles, seed)
    chosen: list[data.SquadQuestion] = []
    if dev is not None:
        chosen = read(dev, required=True)
    elif any(question.is_impossible for question in learned + tested):
        learned, chosen = data.split_articles(learned, dev_articles, seed)
    found = {"train": learned, "test": tested}
    return {**found, "dev": chosen} if chosen else found
