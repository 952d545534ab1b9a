"""Texts from fastai's tokens."""

from typing import Any

import pytest
import tensorflow as tf

from keras_ctx.text import ULMFiTInputs, ulmfit_vocabulary
from keras_ctx.text.tokenize.fastai_undone import undone_rules

ROWS = [
    ("xxmaj the law", "The law"),
    ("xxup usa , xxmaj émile", "USA , Émile"),
    ("good xxrep 3 ! xxmaj so", "good !!! So"),
    ("xxwrep 4 so good", "so so so so good"),
    ("xxmaj", "xxmaj"),
    ("a xxrep 3", "a xxrep 3"),
    ("xxrep x y", "xxrep x y"),
    ("xxrep 999 y", "xxrep 999 y"),
    ("xxrep", "xxrep"),
    ("3 a", "3 a"),
    ("", ""),
]


def test_rules_are_undone_row_by_row() -> None:
    rows = tf.ragged.constant(
        [x.split() for x, _ in ROWS], dtype=tf.string, ragged_rank=1
    )
    found = [x.decode() for x in undone_rules(rows).numpy()]
    assert found == [x for _, x in ROWS]
    for row, (_, expected) in zip(rows, ROWS, strict=True):
        ragged: Any = tf.RaggedTensor
        alone = ragged.from_row_lengths(row, [len(row)])
        assert undone_rules(alone).numpy()[0].decode() == expected


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("split", ["words", "character"])
def test_a_text_comes_back(split: str, backward: bool) -> None:
    texts = ["It was SO good ! ! ! Yes", "so so so so, no"]
    if split == "character":
        texts = ["这本书很好。", "好好好好"]
    tokens = ulmfit_vocabulary(texts, min_count=1, split=split)
    inputs = ULMFiTInputs(tokens, split, backward=backward)
    features = inputs(texts)
    found = inputs.decode(features["token_ids"], features["padding_mask"])
    expected = [x.replace(",", " ,") for x in texts]
    assert [x.decode() for x in found.numpy()] == expected
