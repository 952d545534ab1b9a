"""SQuAD's metrics compared with results by hand."""

import itertools

import numpy as np
import pytest

from keras_ctx.data import (
    SquadAnswer,
    SquadQuestion,
    best_threshold,
    exact_match,
    normalize_answer,
    squad_scores,
    word_f1,
)


def asked(name: str, *texts: str) -> SquadQuestion:
    answers = tuple(SquadAnswer(text, 0) for text in texts)
    return SquadQuestion(name, "?", "x", answers, is_impossible=not texts)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The  Cat", "cat"),
        ("a\tb\u00a0c", "b c"),
        ("an AN the-a", "thea"),  # punctuation goes before articles
        ("theatre, a man.", "theatre man"),
        ('"1,000" U.S.', "1000 us"),
        ("$5 + €5", "5 €5"),
        ("24–10 “x”", "24–10 “x”"),  # ASCII punctuation only
        ("É the É", "é é"),
        ("the", ""),
        ("", ""),
    ],
)
def test_normalized_by_hand(text: str, expected: str) -> None:
    assert normalize_answer(text) == expected


@pytest.mark.parametrize(
    ("prediction", "answer", "exact", "f1"),
    [
        ("the Broncos!", "Broncos", 1, 1),
        ("Denver Broncos", "Broncos", 0, 2 / 3),  # precision 1/2, recall 1
        ("Broncos", "the Denver Broncos", 0, 2 / 3),
        ("in May 1871", "on 24 May 1871", 0, 4 / 7),  # 2/3 and 2/4
        ("to be to be", "to be or not to be", 0, 4 / 5),  # 4/4 and 4/6
        ("to to to", "to be", 0, 2 / 5),  # one shared: 1/3 and 1/2
        ("red", "blue", 0, 0),
        ("", "blue", 0, 0),
        ("the", "a", 1, 0),  # equal, and without a word
        ("北京", "北京市", 0, 0),  # no space: one word
    ],
)
def test_pairs_by_hand(prediction, answer, exact, f1) -> None:
    assert exact_match(prediction, answer) == exact
    assert word_f1(prediction, answer) == pytest.approx(f1)
    assert word_f1(answer, prediction) == pytest.approx(f1)


def test_best_of_several_answers_counts() -> None:
    questions = [
        asked("1", "Denver Broncos", "the Broncos", "Broncos of Denver"),
        asked("2", "24 May 1871", "May 1871"),
        asked("3", "Rome"),
    ]
    scores = squad_scores(
        questions, {"1": "Broncos.", "2": "in May 1871", "3": "Paris"}
    )
    # Exact 1, 0, 0; F1 1, 4/5 (2/3 and 1 beside "May 1871"), 0.
    assert scores == pytest.approx(
        {"exact": 100 / 3, "f1": 100 * 1.8 / 3, "total": 3}
    )


def test_version_2_by_hand() -> None:
    questions = [
        asked("1", "Rome"),
        asked("2", "the", "a city"),  # "the" is no answer by 2.0's rules
        asked("3"),
        asked("4"),
        asked("5", "the"),  # empty: no answer
    ]
    predictions = {"1": "in Rome", "2": "", "3": "", "4": "Paris", "5": "a"}
    scores = squad_scores(questions, predictions)
    assert scores == pytest.approx(
        {
            # Exact 0, 0, 1, 0, 1; F1 2/3, 0, 1, 0, 1.
            "exact": 40,
            "f1": 100 * (2 / 3 + 2) / 5,
            "total": 5,
            "HasAns_exact": 100 / 3,
            "HasAns_f1": 100 * (2 / 3 + 1) / 3,
            "HasAns_total": 3,
            "NoAns_exact": 50,
            "NoAns_f1": 50,
            "NoAns_total": 2,
        }
    )


def test_version_1_counts_an_answer_of_articles() -> None:
    scores = squad_scores([asked("1", "the", "Rome")], {"1": "a"})
    assert scores == {"exact": 100, "f1": 0, "total": 1}


def test_only_impossible_questions() -> None:
    scores = squad_scores([asked("1"), asked("2")], {"1": "", "2": "x"})
    assert scores["exact"] == scores["NoAns_f1"] == 50
    assert "HasAns_f1" not in scores


def test_threshold_by_hand() -> None:
    questions = [asked("1", "a b"), asked("2"), asked("3", "c"), asked("4")]
    texts = {"1": "b d", "2": "x", "3": "c", "4": "y"}
    odds = {"1": -5.0, "2": -3.0, "3": -1.0, "4": 2.0}
    # "a b" normalizes to "b": F1 of "b d" is 2/3. With none answered 2 are
    # right; up to -5: 2 2/3; up to -3: 1 2/3; up to -1: 2 2/3; all: 1 2/3.
    best = best_threshold(questions, texts, odds)
    assert best.score == pytest.approx(100 * (8 / 3) / 4)
    # Of equally good ones the lowest, between -5 and -3.
    assert best.threshold == -4.0
    best = best_threshold(questions, texts, odds, exact_match)
    assert best == (50.0, -6.0), "no answer is never worse here"


@pytest.mark.parametrize("seed", range(10))
def test_threshold_is_the_best_of_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    questions, texts, odds = [], {}, {}
    for n in range(30):
        name = str(n)
        questions.append(asked(name, *(["b c"] if rng.random() < 0.6 else [])))
        texts[name] = str(rng.choice(["b", "b c", "d", "b d"]))
        odds[name] = float(rng.integers(-9, 9))  # with equal ones
    best = best_threshold(questions, texts, odds)
    scores = {}
    for threshold in [*odds.values(), -100.0, best.threshold]:
        given = {
            name: "" if odds[name] > threshold else text
            for name, text in texts.items()
        }
        scores[threshold] = squad_scores(questions, given)["f1"]
    assert best.score == pytest.approx(max(scores.values()))
    assert scores[best.threshold] == pytest.approx(best.score)
    # Another batch size rounds the odds otherwise, and changes no answer.
    assert min(abs(x - best.threshold) for x in odds.values()) >= 0.5


def test_one_missing_prediction_is_named() -> None:
    questions = [asked("1", "x"), asked("2", "y")]
    with pytest.raises(ValueError, match=r"`predictions` .*1 of .*\['2'\]"):
        squad_scores(questions, {"1": "x"})
    with pytest.raises(ValueError, match="`predictions` .* 0 questions"):
        squad_scores([], {})
    with pytest.raises(ValueError, match=r"`null_odds` .*\['1', '2'\]"):
        best_threshold(questions, {"1": "x", "2": "y"}, {})


def test_question_without_answers_cannot_be_scored() -> None:
    questions = [SquadQuestion("7", "?", "x")]
    with pytest.raises(ValueError, match="impossible.*Received: '7' without"):
        squad_scores(questions, {"7": "x"})


def test_score_of_a_whole_file_is_the_mean() -> None:
    words = ["a", "b", "c", "d"]
    pairs = list(itertools.product(words[1:], repeat=2))
    questions = [asked(str(n), true) for n, (true, _) in enumerate(pairs)]
    predictions = {str(n): said for n, (_, said) in enumerate(pairs)}
    scores = squad_scores(questions, predictions)
    assert scores["exact"] == scores["f1"] == pytest.approx(100 * 3 / 9)
