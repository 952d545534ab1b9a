"""Answers from logits, compared with a plain search of all spans."""

from pathlib import Path
from unicodedata import category, normalize

import numpy as np
import pytest
from squad_files import write_squad

from keras_ctx.data import (
    QuestionAnswers,
    SquadQuestion,
    decode_answers,
    question_windows,
    read_squad,
    split_words,
    squad_dataset,
    squad_scores,
)
from keras_ctx.text import BertInputs, ElmoInputs

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
PIECES = BertInputs([*SPECIAL, *LETTERS, *(f"##{c}" for c in LETTERS)], 60)
ELMO = ElmoInputs(max_characters=8, max_length=45)
OPTIONS = {"training": False, "stride": 11, "max_question": 30}


@pytest.fixture
def questions(tmp_path: Path) -> list[SquadQuestion]:
    return read_squad(write_squad(tmp_path / "small.json", version_2=True))


def batches_of(made, inputs, logits):
    """Yields batches with logits `logits(window number, word index)`."""
    dataset = squad_dataset(made, inputs, batch_size=3, training=False)
    for _, where in dataset:
        rows = [
            logits(int(number), index)
            for number, index in zip(
                where["window"], where["word_index"].numpy(), strict=True
            )
        ]
        start, end = np.stack(rows, axis=1)
        yield where, {"start_logits": start, "end_logits": end}


def random_logits(number: int, index: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(number)
    logits = rng.normal(size=(2, 60)).astype("float32")
    return np.where(index < -1, -1e9, logits[:, : len(index)])


def positions(word: str) -> int:
    """Returns a position per letter; one in total with other characters."""
    plain = [c for c in normalize("NFD", word.lower()) if category(c) != "Mn"]
    return len(plain) if set(plain) <= set(LETTERS) else 1


@pytest.mark.quick("4-inputs0")
@pytest.mark.parametrize("inputs", [PIECES, ELMO])
@pytest.mark.parametrize("max_answer", [1, 4, 30])
def test_best_answers_are_those_of_all_spans(
    inputs, max_answer: int, questions
) -> None:
    made = question_windows(questions, inputs, **OPTIONS)
    assert len(made.windows) > len(questions)
    answers = decode_answers(
        made,
        batches_of(made, inputs, random_logits),
        top_k=6,
        max_answer=max_answer,
        null_answer=True,
    )
    best: dict[str, dict[str, float]] = {q.id: {} for q in questions}
    nulls: dict[str, float] = {}
    for number, window in enumerate(made.windows):
        question = made.questions[window.question]
        words = split_words(question.context)[window.first : window.limit]
        lengths = [
            positions(word) if inputs is PIECES else 1 for word, _ in words
        ]
        behind = 1 if inputs is PIECES else 0  # [SEP]
        begins = np.cumsum(
            [window.length - behind - sum(lengths), *lengths], dtype=int
        )
        start, end = random_logits(number, np.zeros(window.length))
        null = float(start[0] + end[0])
        nulls[question.id] = min(null, nulls.get(question.id, np.inf))
        spans = []
        for first in range(len(words)):
            for last in range(first, len(words)):
                if begins[last + 1] - begins[first] > max_answer:
                    break
                (_, offset), (word, place) = words[first], words[last]
                text = question.context[offset : place + len(word)]
                score = start[begins[first]] + end[begins[last + 1] - 1]
                spans.append((float(score), text))
        known = best[question.id]
        for score, text in sorted(spans, reverse=True)[:6]:
            known[text] = max(score, known.get(text, -np.inf))
    assert [row.id for row in answers] == [q.id for q in questions]
    for row in answers:
        assert row.null_score == pytest.approx(nulls[row.id], abs=1e-6)
        expected = sorted(
            [*best[row.id].items(), ("", nulls[row.id])],
            key=lambda pair: -pair[1],
        )[:6]
        assert [c.text for c in row.candidates] == [
            text for text, _ in expected
        ]
        scores = np.array([score for _, score in expected])
        np.testing.assert_allclose(
            [c.score for c in row.candidates], scores, atol=1e-6
        )
        np.testing.assert_allclose(
            [c.probability for c in row.candidates],
            np.exp(scores) / np.exp(scores).sum(),
            rtol=1e-5,
        )
        context = next(q.context for q in questions if q.id == row.id)
        for candidate in row.candidates:
            if candidate.text:
                assert context[candidate.start :].startswith(candidate.text)
        top = max(best[row.id].items(), key=lambda pair: pair[1])
        assert row.null_odds == pytest.approx(nulls[row.id] - top[1], abs=1e-5)
        if top[0] in (text for text, _ in expected):
            assert row.text() == row.text(row.null_odds) == top[0]
        assert row.text(row.null_odds - 1e-3) == ""


@pytest.mark.quick("7-inputs1")
@pytest.mark.parametrize("inputs", [PIECES, ELMO])
@pytest.mark.parametrize(
    "stride",
    [
        pytest.param(1, marks=pytest.mark.slow),
        7,
        pytest.param(100, marks=pytest.mark.slow),
    ],
)
def test_gold_positions_score_100(inputs, stride: int, questions) -> None:
    options = {"stride": stride, "max_question": 30}
    made = question_windows(questions, inputs, training=False, **options)

    def gold(number: int, index: np.ndarray) -> np.ndarray:
        answer = made.windows[number].answer
        logits = np.zeros((2, len(index)), "float32")
        if answer is None:
            logits[:, 0] = 4.0
        else:
            logits[0, np.flatnonzero(index == answer[0])[0]] = 9.0
            logits[1, np.flatnonzero(index == answer[1])[-1]] = 9.0
        return logits

    answers = decode_answers(
        made, batches_of(made, inputs, gold), null_answer=True
    )
    texts = {row.id: row.text(threshold=0.0) for row in answers}
    assert texts["wrote"] == "Aida"
    assert texts["what"] == "The cafe\u0301"
    assert texts["people"] == "2100萬"
    assert texts["never"] == texts["nothing"] == ""
    scores = squad_scores(questions, texts)
    assert scores["exact"] == scores["f1"] == 100
    assert scores["NoAns_total"] == 2


def test_text_is_that_of_the_context() -> None:
    context = 'It is  "so\nvery"\tgood.'
    question = SquadQuestion("q", "how", context)
    made = question_windows([question], ELMO, training=False, max_question=5)

    def logits(number, index):  # words 2 to 5: " so very "
        return np.stack([index == 2, index == 5]).astype("float32")

    answers = decode_answers(made, batches_of(made, ELMO, logits), top_k=1)
    assert answers[0].text() == '"so\nvery"'
    assert answers[0].candidates[0].start == 7


@pytest.mark.slow
def test_end_never_comes_before_the_start() -> None:
    question = SquadQuestion("q", "how", "a b c")
    made = question_windows([question], ELMO, training=False, max_question=5)

    def logits(number, index):
        return np.stack([index == 2, index == 0]).astype("float32")

    answers = decode_answers(made, batches_of(made, ELMO, logits))
    texts = {row.text: row.score for row in answers[0].candidates}
    assert texts == {
        **{"c": 1.0, "a": 1.0},
        **{"b": 0.0, "a b": 0.0, "b c": 0.0, "a b c": 0.0},
    }


def test_context_without_words_has_no_answer() -> None:
    made = question_windows(
        [SquadQuestion("q", "how", "\n")], ELMO, training=False, max_question=5
    )
    row = decode_answers(made, batches_of(made, ELMO, random_logits))[0]
    assert row.candidates == [] and row.text() == row.text(0.0) == ""
    assert row.null_odds > 1e8


def test_odds_without_a_candidate_are_a_number() -> None:
    row = QuestionAnswers("q", [], null_score=-2.0)
    assert np.isfinite(row.null_odds)


@pytest.mark.slow
def test_a_missing_batch_is_noticed(questions) -> None:
    made = question_windows(questions, ELMO, **OPTIONS)
    batches = list(batches_of(made, ELMO, random_logits))
    with pytest.raises(ValueError, match=r"every window .* 3 windows never, 0"):
        decode_answers(made, batches[1:])
    with pytest.raises(ValueError, match=r"0 windows never, 3 repeatedly"):
        decode_answers(made, [*batches, batches[0]])


@pytest.mark.parametrize("options", [{"top_k": 0}, {"max_answer": 0}])
def test_refused(options, questions) -> None:
    made = question_windows(questions[:1], ELMO, **OPTIONS)
    with pytest.raises(ValueError, match=f"`{[*options][0]}` must be at least"):
        decode_answers(made, [], **options)
