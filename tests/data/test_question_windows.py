"""Windows: every answer is found for any stride, and all others are counted."""

from pathlib import Path

import numpy as np
import pytest
from squad_files import ARTICLES, NUM_ANSWERS, WIDENED, write_squad

from keras_ctx.data import (
    SquadAnswer,
    SquadQuestion,
    check_window_sizes,
    question_windows,
    read_squad,
    split_words,
)
from keras_ctx.data.squad.window_bounds import window_bounds
from keras_ctx.text import BertInputs, ElmoInputs

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
# Every word of the long context is several tokens: "w", and digits.
PIECES = BertInputs(
    [*SPECIAL, *"abcdefghijklmnopqrstuvwxyz0123456789"]
    + [f"##{c}" for c in "abcdefghijklmnopqrstuvwxyz0123456789"],
    60,
)
CHARACTERS = BertInputs([*SPECIAL, *"abcw0123456789"], 60, split="character")
ELMO = ElmoInputs(max_characters=8, max_length=45)
INPUTS = {"pieces": PIECES, "characters": CHARACTERS, "elmo": ELMO}


@pytest.fixture
def questions(tmp_path: Path) -> list[SquadQuestion]:
    return read_squad(write_squad(tmp_path / "small.json"))


def answers_found(made) -> set[tuple[str, str, int]]:
    """Returns the answers that are completely inside a window of their
    question."""
    found = set()
    for window in made.windows:
        question = made.questions[window.question]
        words = split_words(question.context)[window.first : window.limit]
        begin = words[0][1]
        end = words[-1][1] + len(words[-1][0])
        for text, start in question.answers:
            if begin <= start and start + len(text) <= end:
                found.add((question.id, text, start))
    return found


@pytest.mark.quick("*-1-*", "*-5-*", "*-34-*", "*-1000-*")
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("stride", [1, 2, 3, 5, 8, 13, 21, 34, 1000])
@pytest.mark.parametrize("name", INPUTS)
def test_every_answer_of_the_file_is_found(
    name: str, stride: int, training: bool, questions
) -> None:
    made = question_windows(
        questions,
        INPUTS[name],
        training=training,
        stride=stride,
        max_question=30,
        max_answer=18,  # "1,000 cups a day" has 13 characters without spaces
    )
    everything = {
        (question, text, context.index(text))
        for rows in ARTICLES.values()
        for context, asked in rows
        for question, _, answers in asked
        for text in answers
    }
    assert len(everything) == NUM_ANSWERS
    assert answers_found(made) == everything
    counts = made.findings.counts
    assert counts["answers"] == NUM_ANSWERS
    assert counts["widened"] == len(WIDENED)
    assert not {"cut", "too long", "misplaced", "empty"} & set(counts)
    assert counts["windows"] == len(made.windows)
    # Several windows are needed, more for shorter strides.
    assert len(made.windows) > len(questions)
    assert max(window.length for window in made.windows) <= (
        INPUTS[name].max_length
    )


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] * (name != "elmo"))
        for name in INPUTS
    ],
)
def test_length_is_that_of_the_row(name: str, questions) -> None:
    made = question_windows(
        questions, INPUTS[name], training=False, stride=9, max_question=30
    )
    for window in made.windows:
        context = made.questions[window.question].context
        words = split_words(context)[window.first : window.limit]
        tokens = INPUTS[name].tokens(
            [made.question_words[window.question]],
            [[word for word, _ in words]],
        )
        assert (tokens.numpy() != b"").sum() == window.length


def test_bounds_by_hand() -> None:
    # Words of 1, 2, 1, 3 and 1 positions.
    places = np.array([0, 1, 3, 4, 7, 8])
    assert window_bounds(places, 8, 3) == [(0, 5)]
    assert window_bounds(places, 4, 4) == [(0, 3), (3, 5)]
    assert window_bounds(places, 4, 2) == [(0, 3), (1, 3), (2, 4), (3, 5)]
    assert window_bounds(places, 4, 1) == [(0, 3), (1, 3), (2, 4), (3, 5)]
    # With a limit of two, the word of three gets its own window.
    assert window_bounds(places, 2, 2) == [
        (0, 1),
        (1, 2),
        (2, 3),
        (3, 4),
        (4, 5),
    ]
    assert window_bounds(np.array([0]), 5, 2) == [(0, 0)]


@pytest.mark.parametrize("seed", range(20))
def test_bounds_hold_every_run_that_they_promise(seed: int) -> None:
    rng = np.random.default_rng(seed)
    places = np.cumsum([0, *rng.integers(1, 5, 40)])
    budget = int(rng.integers(4, 30))
    stride = int(rng.integers(1, budget + 1))
    bounds = window_bounds(places, budget, stride)
    assert bounds[0][0] == 0 and bounds[-1][1] == 40
    for (first, limit), (behind, _) in zip(bounds, bounds[1:], strict=False):
        assert places[limit] - places[first] <= budget
        assert places[limit + 1] - places[first] > budget, "room for another"
        assert first < behind <= limit
        assert places[behind] - places[first] <= max(
            stride, places[first + 1] - places[first]
        )
    for first in range(40):
        for limit in range(first + 1, 41):
            if places[limit] - places[first] <= budget - stride:
                assert any(a <= first and limit <= b for a, b in bounds)


def made_of(context: str, *answers: tuple[str, int], **options):
    question = SquadQuestion(
        "q", "who", context, tuple(SquadAnswer(*row) for row in answers)
    )
    settings = {"training": True, "max_question": 5, **options}
    return question_windows([question], ELMO, **settings)


def test_what_cannot_be_learned_is_counted_and_shown() -> None:
    context = "one two  three " + "x " * 50
    made = made_of(
        context,
        ("two", 4),
        ("two", 5),
        ("TWO", 4),
        ("one", -3),
        ("  ", 7),
        ("", 0),
        ("hre", 10),
        ("x " * 43, 15),
        ("beyond", 999),
    )
    counts = dict(made.findings.counts)
    assert counts == {
        "questions": 1,
        "windows": counts["windows"],
        "answers": 9,
        "mended": 1,
        "misplaced": 2,
        "found": 1,
        "empty": 2,
        "widened": 1,
        "longer than max_answer": 1,
        "too long": 1,
    }
    report = made.findings.report()
    assert "misplaced 2, found 1, empty 2, widened 1, " in report
    assert "longer than max_answer 1, too long 1" in report
    assert "mended: question q: 'two' at 5, taken at 4" in report
    assert "found: question q: 'one' at -3, taken at 0" in report
    assert "misplaced: question q: 'TWO' at 4, where the context has" in report
    assert "'hre' at 10, taken as 'three'" in report
    assert "too long: question q: 43 positions, and a window has 42" in report
    assert made.windows[0].answer == (1, 1)


@pytest.mark.parametrize("training", [True, False])
def test_answers_that_are_never_given_are_counted(training: bool) -> None:
    answers = ("one", 0), ("one two", 0), ("one two three", 0)
    made = made_of("one two three", *answers, training=training, max_answer=1)
    assert made.findings.counts["longer than max_answer"] == 2
    report = made.findings.report()
    assert "longer than max_answer: question q: 2 positions" in report
    # They are still used for training.
    assert made.windows[0].answer == (0, 0)
    made = made_of("one two three", answers[2], training=True, max_answer=2)
    assert made.windows[0].answer == (0, 2)


def test_question_without_a_usable_answer_is_not_learned_from() -> None:
    made = made_of("one two", ("three", 3))
    assert made.windows == [] and made.findings.counts["skipped questions"] == 1
    # For prediction, its answers are still searched.
    assert len(made_of("one two", ("three", 3), training=False).windows) == 1
    impossible = SquadQuestion("q", "who", "one two", (), is_impossible=True)
    made = question_windows([impossible], ELMO, training=True, max_question=5)
    assert [window.answer for window in made.windows] == [None]


def test_answer_is_the_first_that_the_window_holds() -> None:
    context = " ".join(f"i{n}" for n in range(10))
    answers = SquadAnswer("i9", 27), SquadAnswer("i0 i1", 0)
    question = SquadQuestion("q", "who", context, answers)
    made = question_windows(
        [question],
        ElmoInputs(max_length=9),
        training=True,
        stride=4,
        max_question=3,
    )
    # Six words per window: the first has the second answer, the last the first.
    assert [w[1:3] for w in made.windows] == [(0, 6), (4, 10)]
    assert [w.answer for w in made.windows] == [(0, 1), (5, 5)]


def test_widened_answer_is_the_last_choice() -> None:
    # As in SQuAD, where offsets of short answers were found automatically.
    made = made_of("in 1978 of 7 men", ("7", 5), ("7", 11))
    assert [window.answer for window in made.windows] == [(3, 3)]
    context = "in 1978 of " + "many " * 40 + "7 men"
    made = made_of(context, ("7", 5), ("7", context.index("7 men")))
    answers = [window.answer for window in made.windows]
    first = made.windows[1].first
    assert answers == [None, (43 - first, 43 - first)]
    assert [w.answer for w in made_of("in 1978", ("7", 5)).windows] == [(1, 1)]


def test_answers_cut_by_every_window_are_counted_in_prediction() -> None:
    context = " ".join(f"i{n}" for n in range(100))
    long_answer = " ".join(f"i{n}" for n in range(20, 50))
    answer = (long_answer, context.index(long_answer))
    options = {"stride": 30, "max_answer": 5}
    made = made_of(context, answer, training=False, **options)
    assert made.findings.counts["cut"] == 1
    assert "cut: question q: words 20 to 49" in made.findings.report()
    made = made_of(context, answer, training=True, **options)
    assert made.findings.counts["cut"] == 0
    assert sum(window.answer is not None for window in made.windows) == 1


def test_long_questions_are_cut() -> None:
    question = SquadQuestion("q", "who is it that it is", "It is I.")
    made = question_windows([question], ELMO, training=False, max_question=4)
    assert made.question_words == [["who", "is", "it", "that"]]
    assert made.findings.counts["cut questions"] == 1
    whole = question_windows([question], ELMO, training=False, max_question=6)
    assert "cut questions" not in whole.findings.counts


def test_context_without_words_has_one_window() -> None:
    question = SquadQuestion("q", "who", " ")
    made = question_windows([question], ELMO, training=False, max_question=5)
    assert [window[:4] for window in made.windows] == [(0, 0, 0, 3)]


@pytest.mark.parametrize(
    ("inputs", "options", "message"),
    [
        (ElmoInputs(), {}, "`text_inputs` must have a `max_length`"),
        (
            ELMO,
            {"max_question": 43},
            "`max_question` must leave room .* the 2 ",
        ),
        (PIECES, {"max_question": 57}, "`max_question` must leave room .* 3 "),
        (PIECES, {}, "Received: max_question=64, text_inputs.max_length=60"),
        (BertInputs([*SPECIAL, "a"], 4), {"max_question": 1}, "`max_question`"),
        (ELMO, {"stride": 0}, "`stride` must be at least 1"),
        (ELMO, {"max_question": 0}, "`max_question` must be at least 1"),
        (ELMO, {"max_answer": 0}, "`max_answer` must be at least 1"),
    ],
)
def test_refused(inputs, options, message) -> None:
    question = SquadQuestion("q", "who", "I.")
    with pytest.raises(ValueError, match=message):
        question_windows([question], inputs, training=False, **options)


def test_longest_question_and_answer_fit_one_row() -> None:
    # 45 positions, two of them markers: 43 for both.
    check_window_sizes(ELMO, max_question=40, max_answer=3)
    with pytest.raises(
        ValueError, match="2 special .*max_answer=4.*max_length=45"
    ):
        check_window_sizes(ELMO, max_question=40, max_answer=4)
    with pytest.raises(ValueError, match="`max_answer` must be at least 1"):
        check_window_sizes(ELMO, max_question=40, max_answer=0)
