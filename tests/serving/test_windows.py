"""Long texts in windows: the graph gives the same results as a loop."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from contracts.random_weights import randomized
from keras_answers import KERAS_ANSWERS
from served_models import Case

from keras_ctx import models
from keras_ctx.serving import TextWindows
from keras_ctx.serving.export.checks import check_windows
from keras_ctx.serving.signatures.build import signatures
from keras_ctx.text import (
    SPECIAL_TOKENS,
    BertInputs,
    ContextInputs,
    ElmoInputs,
    WordVectorInputs,
)

PIECES = [*SPECIAL_TOKENS, *"good book ##s 书 好 这 a b , .".split()]
TEXTS = [
    "Good books, 好书.",
    "",
    # More positions than characters, in words of several characters.
    "a b books, goodsss b " * 9,
    # A word longer than a window, at the start, inside and at the end.
    f"{'goodss' * 9} a b {'books' * 8} 好 {'goods' * 9}",
    "这书好" * 30,
    "a \u200b b \x01 . " * 8,
]
TAGS = ["O", "B-书", "I-书"]
WINDOWS = {
    "few share": TextWindows(overlap=1, max_windows=50),
    "half": TextWindows(overlap=5, max_windows=50),
    "all but one": TextWindows(overlap=9, max_windows=200),
    "cut": TextWindows(overlap=3, max_windows=2),
}


def bert(split: str) -> tuple[Any, BertInputs]:
    inputs = BertInputs(PIECES, 12, split=split)
    return randomized(models.bert_encoder(len(PIECES), 1, 2, 8, 16, 12)), inputs


def elmo(_: str) -> tuple[Any, ElmoInputs]:
    encoder = models.elmo_encoder([(1, 4), (2, 4)], 16, 4, max_characters=8)
    return randomized(encoder), ElmoInputs(8, max_length=10)


ENCODERS = {"wordpiece": bert, "character": bert, "elmo": elmo}


def ask(case: Case, name: str, *tensors: Any) -> dict[str, np.ndarray]:
    """Runs op by op; `test_cpp.py` tests the graph."""
    made = signatures(
        case.model,
        case.text_inputs,
        case.labels,
        pair=False,
        top_k=1,
        windows=case.arguments["windows"],
    )
    found = made[name].function(*tensors)
    return {key: value.numpy() for key, value in found.items()}


@pytest.mark.quick("tag-character-half")
@pytest.mark.parametrize(
    "windows",
    [
        "half",
        "cut",
        pytest.param("few share", marks=pytest.mark.slow),
        pytest.param("all but one", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize(
    "encoder",
    [
        "character",
        pytest.param("wordpiece", marks=pytest.mark.slow),
        pytest.param("elmo", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize(
    "task",
    ["classify", pytest.param("regress", marks=pytest.mark.slow), "tag"],
)
def test_as_a_loop(task: str, encoder: str, windows: str) -> None:
    inside, inputs = ENCODERS[encoder](encoder)
    labels = None if task == "regress" else TAGS
    if task == "tag":
        model = models.tagger(inside, 3, crf=encoder == "elmo")
    else:
        model = models.classifier(inside, 1 if task == "regress" else 3)
    case = Case(
        randomized(model),
        inputs,
        task,
        labels,
        {"windows": WINDOWS[windows]},
    )
    texts = np.array([text.encode() for text in TEXTS], object)
    words = inputs.words(tf.constant(texts)).words.to_tensor("").numpy()
    truncated = np.zeros(len(texts), bool)
    for name, key, rows in ((task, "text", texts), ("tokens", "tokens", words)):
        found = ask(case, name, tf.constant(rows))
        expected = KERAS_ANSWERS[name](case, {key: rows})
        assert found.keys() == expected.keys()
        for output, right in expected.items():
            if right.dtype.kind == "f":
                np.testing.assert_allclose(
                    found[output], right, rtol=1e-5, atol=1e-5
                )
            else:
                np.testing.assert_array_equal(found[output], right, output)
        truncated |= found["truncated"]
    assert truncated.any() == (windows == "cut")


def test_a_text_that_fits_is_not_changed() -> None:
    inside, inputs = bert("wordpiece")
    for task, model in (
        ("classify", models.classifier(inside, 3)),
        ("tag", models.tagger(inside, 3)),
    ):
        answers = []
        for windows in (WINDOWS["half"], None):
            case = Case(
                randomized(model), inputs, task, TAGS, {"windows": windows}
            )
            answers.append(ask(case, task, tf.constant(TEXTS[:2])))
        assert answers[0].keys() == answers[1].keys()
        for key, value in answers[0].items():
            if value.dtype.kind == "f":
                np.testing.assert_allclose(value, answers[1][key], atol=1e-6)
            else:
                np.testing.assert_array_equal(value, answers[1][key])


def test_no_rows() -> None:
    inside, inputs = bert("wordpiece")
    for task, model in (
        ("classify", models.classifier(inside, 3)),
        ("tag", models.tagger(inside, 3)),
    ):
        case = Case(model, inputs, task, TAGS, {"windows": WINDOWS["half"]})
        for value in ask(case, task, tf.constant([], tf.string)).values():
            assert len(value) == 0


def test_windows_of_another_task() -> None:
    windows = TextWindows()
    inputs = BertInputs(PIECES, 128)
    for task, pair in (("classify", False), ("regress", False), ("tag", False)):
        check_windows(task, inputs, pair, windows)
    for task, pair in (("answer", False), ("embed", False), ("classify", True)):
        with pytest.raises(ValueError, match=f"`windows` must be.*'{task}'"):
            check_windows(task, inputs, pair, windows)
    with pytest.raises(ValueError, match="text_inputs.max_length=None"):
        check_windows("tag", ElmoInputs(8), False, windows)
    words = WordVectorInputs(["a"], max_length=100)
    check_windows("tag", ContextInputs(words, ElmoInputs(8)), False, windows)
    with pytest.raises(ValueError, match="for text inputs with one limit"):
        check_windows("tag", ContextInputs(words, inputs), False, windows)
    with pytest.raises(ValueError, match="leaves to a text, 10.*overlap=64"):
        check_windows("tag", BertInputs(PIECES, 12), False, windows)
    with pytest.raises(ValueError, match="`overlap` must be at least 1"):
        TextWindows(overlap=0)
