"""Batches of propositions: flags, tags and weights by hand."""

from typing import Any

import numpy as np
import pytest

from keras_ctx import data, text
from keras_ctx.evaluation import Proposition

PIECES = [*text.SPECIAL_TOKENS, *"the cat ##s saw it .".split()]
LABELS = ["O", "B-ARG0", "I-ARG0", "B-ARG1"]
SAW = Proposition(
    ("the", "cats", "saw", "it"), 2, [(0, 2, "ARG0"), (3, 4, "ARG1")]
)
CATS = Proposition(("cats", "."), 0)


def batch(inputs: Any, *rows: Proposition, **options: Any):
    tags = [data.label_ids(one.tags(), LABELS) for one in rows]
    dataset = data.roles_dataset(
        rows, tags, inputs, batch_size=4, training=False, **options
    )
    (found,) = [
        tuple({k: x.numpy() for k, x in part.items()} for part in each)
        for each in dataset
    ]
    return found


def test_flag_of_a_word_with_two_pieces() -> None:
    features, targets, weights = batch(text.BertInputs(PIECES, 12), SAW, CATS)
    # [CLS] the cat ##s saw it [SEP]
    assert features["predicate"].tolist() == [
        [0, 0, 0, 0, 1, 0, 0],
        [0, 1, 1, 0, 0, 0, 0],
    ]
    assert targets["logits"].tolist() == [
        [0, 1, 2, 0, 0, 3, 0],
        [0, 0, 0, 0, 0, 0, 0],
    ]
    assert (weights["logits"] > 0).tolist() == [
        [False, True, True, False, True, True, False],
        [False, True, False, True, False, False, False],
    ]
    assert weights["logits"].sum() == pytest.approx(1)


def test_predicate_as_the_second_segment() -> None:
    inputs = text.BertInputs(PIECES, 12)
    found, targets, weights = batch(
        inputs, SAW, CATS, predicate="second_segment"
    )
    words = [" ".join(one.words) for one in (SAW, CATS)]
    pairs = inputs(words, ["saw", "cats"])
    for name, x in pairs.items():
        np.testing.assert_array_equal(found[name], x)
    # [CLS] the cat ##s saw it [SEP] saw [SEP]
    assert found["predicate"][0].tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0]
    assert found["predicate"][1].tolist() == [0, 1, 1, 0, 0, 0, 0, 0, 0]
    assert targets["logits"][0].tolist() == [0, 1, 2, 0, 0, 3, 0, 0, 0]
    assert (weights["logits"][1] > 0).tolist() == [
        *(False, True, False, True),
        *[False] * 5,
    ]


@pytest.mark.quick("5-flag", "7-second_segment")
@pytest.mark.parametrize("predicate", ["flag", "second_segment"])
@pytest.mark.parametrize("max_length", [4, 5, 6, 7, 8, 9, 20])
def test_rows_that_are_cut(max_length: int, predicate: Any) -> None:
    inputs = text.BertInputs(PIECES, max_length)
    if predicate == "flag":  # [CLS] the cat ##s saw it [SEP]
        left = [*"the cat ##s saw it".split()][: max_length - 2]
    else:
        ids = inputs(["the cats saw it"], ["saw"])
        left = inputs.tokens(["the cats saw it"], ["saw"])[0].numpy().tolist()
        first = (ids["segment_ids"][0] == 0).numpy()
        shown = [
            x.decode() for x, here in zip(left, first, strict=True) if here
        ]
        left = shown[1 : shown.index("[SEP]")]
    features, _, weights = batch(inputs, SAW, predicate=predicate)
    has_room = "saw" in left
    assert features["predicate"].sum() == has_room
    words = set(left) & {"the", "cat", "saw", "it"}
    assert (weights["logits"] > 0).sum() == (len(words) if has_room else 0)
    rows = {"test": [(SAW.words, [SAW, SAW])], "none": [(SAW.words, [])]}
    notes = data.cut_roles_notes(rows, inputs, predicate)
    cut = 4 - len(words)
    if not has_room:
        (note,) = notes
        assert note.startswith("test: 2 of 2 predicates are cut off, behind")
    elif cut:
        (note,) = notes
        expected = f"test: {2 * cut} words of the sentences of 2 other predi"
        assert note.startswith(expected)
    else:
        assert not notes


def test_refused() -> None:
    inputs = text.BertInputs(PIECES, 12)
    options: dict[str, Any] = {"batch_size": 1, "training": False}
    with pytest.raises(ValueError, match="`tags` must hold a tag for each"):
        data.roles_dataset([SAW], [[0]], inputs, **options)
    with pytest.raises(ValueError, match="`predicate` must be one of"):
        options["predicate"] = "x"
        data.roles_dataset([CATS], [[0, 0]], inputs, **options)
    del options["predicate"]
    words = text.WordVectorInputs(["cats"])
    with pytest.raises(ValueError, match="needs text inputs with segments"):
        next(
            iter(
                data.roles_dataset(
                    *([CATS], [[0, 0]], words),
                    predicate="second_segment",
                    **options,
                )
            )
        )
