"""The real files of CMRC 2018 and DRCD, if they are available."""

from pathlib import Path

import pytest

from keras_ctx.data import (
    answer_metrics,
    find_language,
    read_squad,
    split_words,
    squad_scores,
)
from keras_ctx.data.squad.answer_spans import Findings, answer_spans

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
# Numbers of questions and answers, and findings on the answers. In one text of
# CMRC 2018 every offset is one too high.
FILES = {
    "cmrc2018/cmrc2018_trial.json.gz": (
        *(1002, 1002),
        {"mended": 5, "widened": 1},
    ),
    "drcd/DRCD_dev.json.gz": (3524, 7048, {"widened": 6}),
}


@pytest.mark.parametrize("name", FILES)
def test_file_is_read_as_it_is_distributed(name: str) -> None:
    if not (DATA / name).is_file():
        pytest.skip(f"../shared/data/{name} is not here")
    questions = read_squad(DATA / name)
    num_questions, num_answers, expected = FILES[name]
    assert len(questions) == num_questions
    assert sum(len(q.answers) for q in questions) == num_answers
    assert find_language(questions) == "zh"
    gold = {q.id: q.answers[0].text for q in questions}
    zh = answer_metrics("zh")
    scores = squad_scores(questions, gold, zh.exact, zh.f1)
    assert scores == {"exact": 100, "f1": 100, "total": num_questions}
    findings = Findings()
    words = {text: split_words(text) for text in {q.context for q in questions}}
    spans = [
        span
        for question in questions
        for span in answer_spans(question, words[question.context], findings)
    ]
    assert findings.counts == expected, findings.report()
    assert len(spans) == num_answers
