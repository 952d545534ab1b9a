"""CMRC 2018's metrics compared with results by hand.

Each pair was scored by hand with the rules of the official script: remove
punctuation, split, find the longest common run, F1 of its length.
"""

import random

import pytest

from keras_ctx.data import (
    SquadAnswer,
    SquadQuestion,
    answer_metrics,
    cmrc_exact_match,
    cmrc_f1,
    cmrc_segments,
    find_language,
    squad_scores,
)


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("北京，大学。", ["北", "京", "大", "学"]),
        ("  NBA球员 Kobe-Bryant ", ["nba", "球", "员", "kobebryant"]),
        ("1990年", ["1990", "年"]),
        ("2,000.5元", ["2,000.5", "元"]),
        ("a,b", ["a", ",", "b"]),
        ("3%(约)", ["3", "%", "(", "约", ")"]),
        # By the script's list, "……" and ASCII punctuation but these stay.
        ("好…吗?", ["好", "…", "吗", "?"]),
        ("《红楼梦》·「曹」", list("红楼梦曹")),
        ("don't it's U.S.", ["do", "n't", "it", "'s", "u.s", "."]),
        ("ひら漢字", ["ひら", "漢", "字"]),  # kana are no ideographs
        ("㐀一", ["㐀", "一"]),  # U+3400: outside the script's range
        ("㐀㐀一", ["㐀㐀", "一"]),
        ("", []),
        ("。", []),
    ],
)
def test_segments_by_hand(text: str, segments: list[str]) -> None:
    assert cmrc_segments(text) == segments


@pytest.mark.parametrize(
    ("prediction", "answer", "exact", "f1"),
    [
        ("北京", "北京", 1, 1),
        ("北京。", "《北京》", 1, 1),
        ("北京市", "北京", 0, 4 / 5),  # 2/3 and 2/2
        ("北京大学", "北京市的大学", 0, 2 / 5),  # a run of 2: 2/4 and 2/6
        ("大学北京", "北京大学", 0, 1 / 2),  # 2/4 and 2/4: no bag of words
        ("1990年", "1990年5月", 0, 2 * 2 / (2 + 4)),
        ("199年", "1990年", 0, 1 / 2),  # "199" is not in "1990"
        ("NBA", "nba", 1, 1),
        ("the nba", "nba", 0, 2 / 3),  # articles count
        ("上海", "北京", 0, 0),
        ("", "北京", 0, 0),
        ("。", "", 1, 0),  # equal, and no segment
        ("一二一二三", "一二三", 0, 2 * 3 / (5 + 3)),
    ],
)
def test_pairs_by_hand(prediction, answer, exact, f1) -> None:
    assert cmrc_exact_match(prediction, answer) == exact
    assert cmrc_f1(prediction, answer) == pytest.approx(f1)
    assert cmrc_f1(answer, prediction) == pytest.approx(f1)


@pytest.mark.parametrize("seed", range(20))
def test_longest_run_is_that_of_all_runs(seed: int) -> None:
    rng = random.Random(seed)
    first, second = (
        "".join(rng.choices("一二三", k=rng.randint(1, 9))) for _ in range(2)
    )
    runs = [
        first[a:b]
        for a in range(len(first))
        for b in range(a + 1, len(first) + 1)
        if first[a:b] in second
    ]
    longest = max(map(len, runs), default=0)
    expected = 0
    if longest:
        p, r = longest / len(first), longest / len(second)
        expected = 2 * p * r / (p + r)
    assert cmrc_f1(first, second) == pytest.approx(expected)


def asked(name: str, *texts: str) -> SquadQuestion:
    answers = tuple(SquadAnswer(text, 0) for text in texts)
    return SquadQuestion(name, "?", "x", answers, is_impossible=not texts)


def test_a_file_by_hand() -> None:
    questions = [asked("1", "北京市", "北京"), asked("2", "1990年5月")]
    zh = answer_metrics("zh")
    predictions = {"1": "北京", "2": "1990年"}
    scores = squad_scores(questions, predictions, zh.exact, zh.f1)
    assert scores == pytest.approx(
        {"exact": 50, "f1": 100 * (1 + 2 / 3) / 2, "total": 2}
    )
    # By SQuAD's metric, which finds no words in Chinese, only equality counts.
    assert squad_scores(questions, predictions)["f1"] == 50
    # With questions without answers, as in SQuAD 2.0.
    questions.append(asked("3"))
    scores = squad_scores(questions, predictions | {"3": ""}, zh.exact, zh.f1)
    assert scores["f1"] == pytest.approx(100 * (1 + 2 / 3 + 1) / 3)
    assert scores["NoAns_exact"] == 100


@pytest.mark.parametrize(
    ("question", "context", "language"),
    [
        ("首都是哪裡？", "北京是首都。NBA 2018", "zh"),
        ("首都は？", "東京は日本の首都です。", "ja"),
        ("〈の〉是什麼？", "北京是中華人民共和國的首都，人口很多。", "zh"),
        ("어디?", "서울은 대한민국의 수도이다.", "ko"),
        ("Wo?", "In München.", "en"),
        ("Who is 王?", "Mr Wang, 王, is.", "en"),
        ("?", "1 2 3", "en"),
    ],
)
def test_language_of_a_file(question, context, language) -> None:
    assert find_language([SquadQuestion("q", question, context)]) == language


def test_formula_of_a_language() -> None:
    for code in ("zh", "zh-TW", "zh_cn", "ZH"):
        assert answer_metrics(code).formula == "CMRC 2018"
    for code in ("en", "de", "ja", "fil"):
        assert answer_metrics(code).formula == "SQuAD"
    assert "English articles" in answer_metrics("de").note
    for code in ("", "chinese", "z", "中文"):
        with pytest.raises(ValueError, match='`language` must be a code.*"zh"'):
            answer_metrics(code)
