"""SQuAD's metrics, exact match and F1, equal to the official scripts."""

import re
import string
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from keras_ctx.evaluation.questions import SquadQuestion

_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")


class BestThreshold(NamedTuple):
    """The best score that a threshold can reach, and that threshold.

    Example:
        >>> BestThreshold(score=71.5, threshold=-2.0).threshold
        -2.0
    """

    score: float
    threshold: float


def normalize_answer(text: str) -> str:
    """Normalizes an answer: drops case, ASCII punctuation and articles.

    Args:
        text: Any string.

    Returns:
        The words, separated by single blanks.

    Example:
        >>> normalize_answer("The  U.S. (an ally)")
        'us ally'

    Source:
        The official evaluation of Rajpurkar et al. 2016, section 6.1.
    """
    text = text.lower().translate(_NO_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", text).split())


def exact_match(prediction: str, answer: str) -> float:
    """Returns 1.0 if two answers are equal when normalized, else 0.0.

    Example:
        >>> exact_match("the 1,000 men", "1000 men.")
        1.0
    """
    return float(normalize_answer(prediction) == normalize_answer(answer))


def word_f1(prediction: str, answer: str) -> float:
    """Computes F1 over the normalized words of two answers, with repetitions.

    Args:
        prediction: The answer to score.
        answer: The right answer.

    Returns:
        A score from 0.0, no word in common, to 1.0.

    Example:
        >>> word_f1("the Denver Broncos team", "Broncos")
        0.5
    """
    found = normalize_answer(prediction).split()
    true = normalize_answer(answer).split()
    shared = sum((Counter(found) & Counter(true)).values())
    if not shared:
        return 0.0
    precision, recall = shared / len(found), shared / len(true)
    return 2 * precision * recall / (precision + recall)


def squad_scores(
    questions: Sequence[SquadQuestion],
    predictions: Mapping[str, str],
    exact: Callable[[str, str], float] = exact_match,
    f1: Callable[[str, str], float] = word_f1,
) -> dict[str, float]:
    """Computes exact match and F1, in percent, against the best of the answers.

    If any question is impossible, the rules of SQuAD 2.0 apply: an answer
    that normalizes to "" counts as no answer, and for a question without an
    answer only "" is right.

    Args:
        questions: The questions that `read_squad` returned. Only the texts of
            the answers count, not their offsets.
        predictions: One text for the id of each question; "" for no answer.
        exact: Exact match of a prediction and an answer; for Chinese
            `cmrc_exact_match`, as `answer_metrics` chooses.
        f1: F1 of a prediction and an answer; for Chinese `cmrc_f1`.

    Returns:
        `exact`, `f1` and `total`, the number of questions. Under the rules of
        2.0 also each of them with the prefix `HasAns_` and `NoAns_`, for the
        questions with and without an answer, if there are any.

    Raises:
        ValueError: A question has no prediction; or has no answer and is not
            impossible; or there are no questions.

    Example:
        >>> from keras_ctx.data import SquadAnswer
        >>> questions = [
        ...     SquadQuestion("1", "", "", (SquadAnswer("in Rome", 0),)),
        ...     SquadQuestion("2", "", "", is_impossible=True),
        ... ]
        >>> scores = squad_scores(questions, {"1": "Rome", "2": ""})
        >>> scores["exact"], round(scores["f1"], 1), scores["NoAns_f1"]
        (50.0, 83.3, 100.0)

    Source:
        The evaluation scripts of SQuAD 1.1 and 2.0,
        https://rajpurkar.github.io/SQuAD-explorer/.

    Differs:
        A missing prediction is an error; 1.1 counts it as wrong, 2.0 leaves
        its question out.
    """
    by_metric = {
        "exact": _scores(questions, predictions, exact),
        "f1": _scores(questions, predictions, f1),
    }
    groups = {"": [True] * len(questions)}
    if _is_version_2(questions):
        groups["NoAns_"] = [row.is_impossible for row in questions]
        groups["HasAns_"] = [not row.is_impossible for row in questions]
    scores: dict[str, float] = {}
    for prefix, members in groups.items():
        total = sum(members)
        if not total:
            continue
        for name, values in by_metric.items():
            chosen = (v for v, m in zip(values, members, strict=True) if m)
            scores[prefix + name] = 100 * sum(chosen) / total
        scores[f"{prefix}total"] = total
    return scores


def best_threshold(
    questions: Sequence[SquadQuestion],
    predictions: Mapping[str, str],
    null_odds: Mapping[str, float],
    metric: Callable[[str, str], float] = word_f1,
) -> BestThreshold:
    """Finds the threshold of odds above which to predict "no answer".

    Tune it on development data, and keep it for other data.

    Args:
        questions: The questions that `read_squad` returned.
        predictions: The best text for the id of each question, whatever its
            odds.
        null_odds: For each id a number that is the higher, the more likely
            the question has no answer, such as `QuestionAnswers.null_odds`.
        metric: `word_f1` or another metric of `answer_metrics`.

    Returns:
        The best score in percent, and the threshold: the prediction is "" if
        the odds are above it. Of equally good thresholds it is the lowest.

    Raises:
        ValueError: As for `squad_scores`; or a question has no odds.

    Example:
        >>> from keras_ctx.data import SquadAnswer
        >>> questions = [
        ...     SquadQuestion("1", "", "", (SquadAnswer("Rome", 0),)),
        ...     SquadQuestion("2", "", "", is_impossible=True),
        ... ]
        >>> best_threshold(
        ...     questions, {"1": "Rome", "2": "Paris"}, {"1": -3.0, "2": 1.5})
        BestThreshold(score=100.0, threshold=-0.75)

    Source:
        The search of SQuAD 2.0's evaluation script.

    Differs:
        Questions with equal odds fall on the same side, as with any
        threshold; and if no answer at all is best, the threshold is below all
        odds, not 0, which only suits probabilities. It lies between two odds,
        not on one of them, which another batch size may round to the other
        side.
    """
    _check_ids(questions, "null_odds", null_odds)
    answered = _scores(questions, predictions, metric)
    silent = _scores(questions, dict.fromkeys(predictions, ""), metric)
    gains: defaultdict[float, float] = defaultdict(float)
    for question, with_text, without in zip(
        questions, answered, silent, strict=True
    ):
        gains[null_odds[question.id]] += with_text - without
    score = best = sum(silent)
    ordered = sorted(gains)
    threshold = ordered[0] - 1.0
    for odds, above in zip(
        ordered, [*ordered[1:], ordered[-1] + 2.0], strict=True
    ):
        score += gains[odds]
        if score > best:
            best, threshold = score, (odds + above) / 2
    return BestThreshold(100 * best / len(questions), threshold)


def _scores(
    questions: Sequence[SquadQuestion],
    predictions: Mapping[str, str],
    metric: Callable[[str, str], float],
) -> list[float]:
    """Returns the score of each question, from 0 to 1."""
    _check_ids(questions, "predictions", predictions)
    version_2 = _is_version_2(questions)
    scores = []
    for question in questions:
        if not question.answers and not question.is_impossible:
            raise ValueError(
                "`questions` must have an answer or be impossible, to be "
                f"scored. Received: {question.id!r} without either"
            )
        answers = [answer.text for answer in question.answers]
        if version_2:
            answers = [text for text in answers if normalize_answer(text)]
        predicted = predictions[question.id]
        if answers:
            scores.append(max(metric(predicted, text) for text in answers))
        else:
            scores.append(float(not normalize_answer(predicted)))
    return scores


def _is_version_2(questions: Sequence[SquadQuestion]) -> bool:
    return any(question.is_impossible for question in questions)


def _check_ids(
    questions: Sequence[SquadQuestion], name: str, given: Mapping
) -> None:
    missing = [row.id for row in questions if row.id not in given]
    if missing or not questions:
        raise ValueError(
            f"`{name}` must have an entry for each question, and there must "
            f"be at least one. Received: {len(questions)} questions, "
            f"{len(missing)} of them without an entry, such as {missing[:3]}"
        )
