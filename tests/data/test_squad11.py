"""The real development set of SQuAD 1.1, if it is available."""

from pathlib import Path

import numpy as np
import pytest

from keras_ctx.data import (
    best_threshold,
    decode_answers,
    question_windows,
    read_squad,
    split_articles,
    squad_dataset,
    squad_scores,
)
from keras_ctx.text import ElmoInputs

PATH = Path(__file__).resolve().parents[3] / "shared" / "data" / "squad11"
FILE = PATH / "dev-v1.1.json.gz"

pytestmark = pytest.mark.skipif(
    not FILE.is_file(), reason="../shared/data/squad11 is not here"
)
INPUTS = ElmoInputs(max_length=150)


@pytest.fixture(scope="module")
def questions():
    return read_squad(FILE)


def test_all_questions_are_read_and_split(questions) -> None:
    assert len(questions) == 10_570
    kept, held_out = split_articles(questions, 0.2)
    assert len({q.article for q in kept}) == 38
    assert len({q.article for q in held_out}) == 10
    assert len(kept) + len(held_out) == 10_570


def test_first_answers_score_100(questions) -> None:
    texts = {q.id: q.answers[0].text for q in questions}
    assert squad_scores(questions, texts) == {
        "exact": 100,
        "f1": 100,
        "total": 10_570,
    }
    odds = dict.fromkeys(texts, 0.0)
    # Above all odds.
    assert best_threshold(questions, texts, odds) == (100, 1)


@pytest.mark.quick("60")
@pytest.mark.parametrize("stride", [16, 60, 1000])
def test_every_answer_is_in_a_window(stride: int, questions) -> None:
    made = question_windows(questions, INPUTS, training=True, stride=stride)
    counts = made.findings.counts
    assert counts["questions"] == 10_570 and counts["answers"] == 34_726
    assert counts.pop("longer than max_answer") == 5  # of more than 30 words
    kinds = set(counts) - {"questions", "windows", "answers", "widened"}
    assert not kinds, made.findings.report()
    # Few are widened: 91 of 34,726 answers begin or end inside a word.
    assert counts["widened"] == 91
    whole = set()
    for window in made.windows:
        question = made.questions[window.question]
        words = made.context_words[window.question]
        begin = words[window.first][1]
        last, offset = words[window.limit - 1]
        for text, start in question.answers:
            if begin <= start and start + len(text) <= offset + len(last):
                whole.add((question.id, text, start))
    assert whole == {(q.id, *answer) for q in questions for answer in q.answers}


def test_gold_positions_score_100(questions) -> None:
    chosen = questions[:600]
    made = question_windows(chosen, INPUTS, training=False, max_answer=60)
    dataset = squad_dataset(made, INPUTS, batch_size=64, training=False)

    def batches():
        for _, where in dataset:
            index = where["word_index"].numpy()
            start, end = np.zeros((2, *index.shape), "float32")
            for row, number in enumerate(where["window"].numpy()):
                answer = made.windows[number].answer
                if answer is not None:
                    start[row, np.flatnonzero(index[row] == answer[0])] = 9
                    end[row, np.flatnonzero(index[row] == answer[1])] = 9
            yield where, {"start_logits": start, "end_logits": end}

    answers = decode_answers(made, batches(), top_k=1, max_answer=60)
    scores = squad_scores(chosen, {row.id: row.text() for row in answers})
    assert scores["f1"] == scores["exact"] == 100
