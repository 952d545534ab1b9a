"""Answers in the graph equal those of `keras_ctx.data.decode_answers`."""

import random
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from contracts.random_weights import randomized

from keras_ctx import data, models
from keras_ctx.serving import AnswerWindows
from keras_ctx.serving.signatures.answer import Answer
from keras_ctx.serving.signatures.model_outputs import ModelOutputs
from keras_ctx.text import SPECIAL_TOKENS, BertInputs, ElmoInputs

WORDS = (
    "the good book books 好书 un-affable zz , . a1 cafe\u0301 ( ) 😀".split()
)
PIECES = [
    *SPECIAL_TOKENS,
    *"the good book ##s un ##aff a ##1 好 书 , (".split(),
]


def bert(split: str) -> tuple[keras.Model, BertInputs]:
    inputs = BertInputs(PIECES, 24, split=split)
    encoder = models.bert_encoder(len(PIECES), 1, 2, 8, 16, 24)
    return randomized(models.span_extractor(encoder)), inputs


def elmo(max_length: int | None) -> tuple[keras.Model, ElmoInputs]:
    encoder = models.elmo_encoder([(1, 4), (2, 4)], 16, 4, max_characters=8)
    inputs = ElmoInputs(8, max_length=max_length)
    return randomized(models.span_extractor(encoder)), inputs


CASES = {
    "wordpiece": lambda: bert("wordpiece"),
    "character": lambda: bert("character"),
    "elmo": lambda: elmo(24),
}


def answers_of(
    model: keras.Model, inputs: Any, top_k: int = 5, **settings: int
) -> Any:
    answer = Answer(
        ModelOutputs(model), inputs, top_k, AnswerWindows(**settings)
    )
    return lambda *texts: as_arrays(
        answer(*(tf.constant(text, tf.string) for text in texts))
    )


def as_arrays(tensors: dict[str, tf.Tensor]) -> dict[str, np.ndarray]:
    return {key: value.numpy() for key, value in tensors.items()}


def rows(found: dict[str, np.ndarray], i: int) -> list[tuple[str, int, int]]:
    """Returns the answers of question `i`, without filled-up entries."""
    return [
        (text.decode(), int(start), int(end))
        for text, start, end in zip(
            found["answers"][i],
            found["starts"][i],
            found["ends"][i],
            strict=True,
        )
        if start >= 0
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "case",
    [
        "character",
        pytest.param("wordpiece", marks=pytest.mark.slow),
        pytest.param("elmo", marks=pytest.mark.slow),
    ],
)
def test_as_decode_answers(case: str) -> None:
    model, inputs = CASES[case]()
    generator = random.Random(1)

    def some(most: int) -> str:
        return " ".join(generator.choices(WORDS, k=generator.randrange(most)))

    questions = [
        data.SquadQuestion(str(i), some(12), some(most))
        for i in range(6)
        for most in (1, 6, 30, 60)
    ]
    sizes = {"stride": 7, "max_question": 8, "max_answer": 5}
    made = data.question_windows(questions, inputs, training=False, **sizes)
    assert len(made.windows) > 2 * len(questions)
    dataset = data.squad_dataset(made, inputs, batch_size=8, training=False)
    batches = ((where, model(features)) for features, where in dataset)
    expected = data.decode_answers(made, batches, top_k=5, max_answer=5)

    settings = AnswerWindows(max_windows=40, **sizes)
    texts = [tf.TensorSpec([None], tf.string)] * 2
    served = tf.function(
        Answer(ModelOutputs(model), inputs, 5, settings), input_signature=texts
    )
    found = as_arrays(
        served(
            tf.constant([q.question for q in questions]),
            tf.constant([q.context for q in questions]),
        )
    )
    for i, question in enumerate(expected):
        best = question.candidates
        right = [(c.text, c.start, c.start + len(c.text)) for c in best]
        assert rows(found, i) == right
        np.testing.assert_allclose(
            found["scores"][i][: len(best)],
            [c.probability for c in best],
            atol=1e-5,
        )
        np.testing.assert_array_equal(found["scores"][i][len(best) :], 0)
        if best:
            np.testing.assert_allclose(
                found["null_odds"][i], question.null_odds, rtol=1e-5, atol=1e-5
            )


@pytest.mark.slow
def test_what_is_not_read_is_said() -> None:
    model, inputs = bert("wordpiece")
    sizes = {"stride": 7, "max_question": 4, "max_answer": 5}
    texts = ["good", "good good", "good"], ["book", "book " * 30, "book " * 60]
    for max_windows, expected in (
        (1, [0, 1, 1]),
        (3, [0, 0, 1]),
        (9, [0, 0, 0]),
    ):
        ask = answers_of(model, inputs, max_windows=max_windows, **sizes)
        found = ask(*texts)
        assert found["truncated"].tolist() == expected
        assert found["num_tokens"].tolist() == [5, 35, 64]
    # A question that is cut.
    assert ask(["good " * 5], ["book"])["truncated"].tolist() == [True]
    # There is no answer in the part cut off.
    cut = answers_of(model, inputs, max_windows=1, **sizes)
    assert cut(["good"], ["a " * 40])["ends"].max() <= 2 * 20


@pytest.mark.slow
def test_without_a_longest_row_there_is_one_window() -> None:
    model, inputs = elmo(None)
    found = answers_of(model, inputs, top_k=3)(["good"], ["a b c " * 200])
    assert not found["truncated"][0]
    assert found["num_tokens"].tolist() == [603]
    # Three words have few spans; the three best are distinct.
    assert len(set(found["answers"][0].tolist())) == 3


def test_nothing_to_answer() -> None:
    model, inputs = bert("wordpiece")
    ask = answers_of(model, inputs, stride=7, max_question=4, max_answer=5)
    found = ask(["good", ""], ["", " \n"])
    assert found["answers"].tolist() == [[b""] * 5] * 2
    assert found["starts"].tolist() == found["ends"].tolist() == [[-1] * 5] * 2
    assert found["scores"].tolist() == [[0.0] * 5] * 2
    none = ask([], [])
    assert {
        key: value.shape[0] for key, value in none.items()
    } == dict.fromkeys(none, 0)


def test_of_words() -> None:
    model, inputs = bert("wordpiece")
    settings = AnswerWindows(stride=7, max_question=4, max_answer=5)
    answer = Answer(ModelOutputs(model), inputs, 5, settings)
    words = ["good", "un-affable", "book", "zz"]
    of_words = answer(
        tf.ragged.constant([["good", "book"]]), tf.ragged.constant([words])
    )
    of_text = answer(tf.constant(["good book"]), tf.constant([" ".join(words)]))
    np.testing.assert_allclose(
        of_words["null_odds"], of_text["null_odds"], atol=1e-5
    )
    for text, start, end in rows(as_arrays(of_words), 0):
        assert text == " ".join(words[start:end])


def test_a_question_must_leave_room() -> None:
    model, inputs = bert("wordpiece")
    with pytest.raises(ValueError, match=r"`windows.max_question` must leave"):
        Answer(ModelOutputs(model), inputs, 5, AnswerWindows())
