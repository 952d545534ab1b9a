"""The same type of exception for the same mistake, in every package."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from keras_ctx import layers, serving, text, training
from keras_ctx.checks import check_at_least, check_positive
from keras_ctx.data.batching.schedule import word_batches
from keras_ctx.training.run.numbers import check_run_numbers

COUNTS: dict[str, Callable[[Any], Any]] = {
    "num_layers": lambda x: layers.ScalarMix(x),
    "max_words": lambda x: list(word_batches(["a"], x)),
    "vocabulary_size": lambda x: text.word_vocabulary(["a"], vocabulary_size=x),
    "min_count": lambda x: text.word_vocabulary(["a"], min_count=x),
    "every_steps": lambda x: training.BackupAndRestore("none", x),
    "keep": lambda x: training.BackupAndRestore("none", keep=x),
    "patience": lambda x: training.DevelopmentScore(
        lambda: 0.0, "f1", "none", patience=x
    ),
    "steps": lambda x: training.ResetState(layers.BiLM(1, 1), x),
    "gradient_accumulation_steps": lambda x: training.bert_optimizer(
        0.1, 10, gradient_accumulation_steps=x
    ),
    "max_windows": lambda x: serving.AnswerWindows(max_windows=x),
    "epochs": lambda x: check_run_numbers(type("Config", (), {"epochs": x})),
}


@pytest.mark.parametrize("wrong", [0, -1, 2.5, "3", [3]], ids=repr)
@pytest.mark.parametrize("name", COUNTS)
def test_a_wrong_count_is_a_value_error(name: str, wrong: Any) -> None:
    with pytest.raises(ValueError, match=f"`{name}` must be "):
        COUNTS[name](wrong)


@pytest.mark.parametrize("wrong", [1.5, True, "3", None], ids=repr)
def test_what_is_no_integer(wrong: Any) -> None:
    message = "`size` must be an integer of at least 3. .* size="
    with pytest.raises(ValueError, match=message):
        check_at_least(3, size=wrong)


def test_integers_of_numpy_count() -> None:
    check_at_least(2, size=np.int64(2))
    with pytest.raises(ValueError, match="`size` must be at least 2"):
        check_at_least(2, size=np.int64(1))


@pytest.mark.parametrize("wrong", [0, "1", [1], float("nan"), float("inf")])
def test_what_is_no_positive_number(wrong: Any) -> None:
    with pytest.raises(ValueError, match="`rate` must be a number above 0"):
        check_positive(rate=wrong)


def test_numbers_of_numpy_are_numbers() -> None:
    check_positive(rate=np.float32(0.5), size=np.int32(3), nothing=None)
