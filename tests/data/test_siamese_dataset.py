"""Batches of several texts a row, beside the text inputs of each text."""

from typing import Any

import numpy as np
import pytest

from keras_ctx import data, text

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
INPUTS = text.BertInputs([*SPECIAL, *"abcdefgh"], 4)
COLUMNS = [
    ["a", "b c", "a", "d", "e f g"],
    ["b", "c", "A", "e", "e f h"],
    ["c d", "h", "g", "f", "c"],
]


def test_rows_keep_their_texts() -> None:
    dataset = data.siamese_dataset(COLUMNS, INPUTS, batch_size=5, seed=3)
    features, targets = next(iter(dataset))
    ids, number = features["token_ids"].numpy(), targets["embeddings"].numpy()
    assert ids.shape == (5, 3, 4) and number.shape == (5, 3)
    width = features["padding_mask"].numpy()
    read = ["".join(np.array(INPUTS.vocabulary)[x]) for x in ids.reshape(15, 4)]
    read = [x.replace("[PAD]", "") for x in read]
    found = {tuple(read[3 * k : 3 * k + 3]) for k in range(5)}
    # The third word is cut, so that the last row begins with equal texts.
    assert found == {
        ("[CLS]a[SEP]", "[CLS]b[SEP]", "[CLS]cd[SEP]"),
        ("[CLS]bc[SEP]", "[CLS]c[SEP]", "[CLS]h[SEP]"),
        ("[CLS]a[SEP]", "[CLS]a[SEP]", "[CLS]g[SEP]"),
        ("[CLS]d[SEP]", "[CLS]e[SEP]", "[CLS]f[SEP]"),
        ("[CLS]ef[SEP]", "[CLS]ef[SEP]", "[CLS]c[SEP]"),
    }
    assert width.sum() == sum(x.count("[") for x in read) + sum(
        len(x) - len("[CLS][SEP]") for x in read
    )
    # Texts have the same number if and only if the encoder reads the same.
    flat = number.ravel()
    for k in range(15):
        for j in range(15):
            assert (flat[k] == flat[j]) == (read[k] == read[j])


def test_scores_stay_with_their_pairs() -> None:
    scores = [0.0, 1.0, 2.0, 3.0, 4.0]
    dataset = data.siamese_dataset(
        COLUMNS[1:], INPUTS, batch_size=2, scores=scores, bucket_batches=2
    )
    of_third = {7: 0.0, 12: 1.0, 11: 2.0, 10: 3.0}  # c d, h, g, f
    seen = set()
    for features, targets in dataset.take(8):
        ids = features["token_ids"].numpy()[:, 1]
        for row, score in zip(ids, targets["embeddings"].numpy(), strict=True):
            expected = of_third.get(row[1], 4.0)
            if row[1] == 7 and row[2] == 3:  # c alone
                expected = 4.0
            assert score == expected
            seen.add(float(score))
    assert seen == set(scores)


def test_resumes_at_a_step() -> None:
    def numbers(first: int, count: int) -> list:
        dataset = data.siamese_dataset(
            COLUMNS, INPUTS, batch_size=2, seed=5, first_step=first
        )
        return [x["token_ids"].numpy().tolist() for x, _ in dataset.take(count)]

    assert numbers(0, 7)[4:] == numbers(4, 3)


def test_refusals() -> None:
    def dataset(columns, inputs: Any = INPUTS, **more: Any):
        options: dict[str, Any] = {"batch_size": 2, **more}
        return data.siamese_dataset(columns, inputs, **options)

    for columns in (COLUMNS[:1], [["a"], ["b", "c"]], [[], []]):
        with pytest.raises(ValueError, match="`columns` must be two or more"):
            dataset(columns)
    with pytest.raises(ValueError, match="`batch_size` must be at least 2"):
        dataset(COLUMNS, batch_size=1)
    with pytest.raises(ValueError, match="at most the number of texts"):
        dataset(COLUMNS, batch_size=6)
    with pytest.raises(ValueError, match="`scores` must hold a number for"):
        dataset(COLUMNS, scores=[1.0] * 5)
    with pytest.raises(ValueError, match="`scores` must be finite"):
        dataset(COLUMNS[:2], scores=[1.0, 2.0, float("nan"), 0.0, 0.0])
    with pytest.raises(ValueError, match="the words of each row"):
        dataset(COLUMNS, text.ElmoInputs(6, distinct=True))
