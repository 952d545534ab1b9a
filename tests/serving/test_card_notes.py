"""Notes on batching servers in the README.md of each kind of model."""

import pytest

from keras_ctx.serving.card.notes import batching_notes

ROW, ROWS = {"shape": [None]}, {"shape": [None, None]}
TAG = {
    "inputs": {"text": ROW},
    "outputs": {"words": ROWS, "tags": ROWS, "num_tokens": ROW},
}
CLASSIFY = {
    "inputs": {"text": ROW},
    "outputs": {"labels": {"shape": [None, 3]}, "num_tokens": ROW},
}
WORDS = {"tokens": ROWS}
IDS = {
    "inputs": {"token_ids": ROWS, "segment_ids": ROWS},
    "outputs": {"logits": {"shape": [None, None, 3]}},
}
DISTINCT = {
    "inputs": {"distinct_char_ids": {"shape": [None, 50]}, "word_ids": ROWS},
    "outputs": {"logits": {"shape": [None, 3]}},
}
PADDED = {"inputs": {"token_ids": {"shape": [None, 128]}}, "outputs": {}}


@pytest.mark.parametrize(
    ("signatures", "said", "unsaid"),
    [
        (
            {"tag": TAG, "tokens": {**TAG, "inputs": WORDS}, "features": IDS},
            ["`tokens` takes rows of one width", "(`tag`, `tokens`)"],
            ["distinct_char_ids"],
        ),
        ({"tag": TAG, "features": IDS}, ["`features` also takes ids"], []),
        (
            {"classify": CLASSIFY, "features": DISTINCT},
            ["`features` cannot be asked", "no warm-up requests"],
            ["ids of one width", "longest row"],
        ),
        (
            {"classify": CLASSIFY, "features": PADDED},
            ["Never send a request without rows"],
            ["ids of one width", "longest row", "`tokens` takes"],
        ),
    ],
)
def test_notes(signatures: dict, said: list, unsaid: list) -> None:
    notes = "\n".join(batching_notes({"signatures": signatures}))
    assert all(part in notes for part in said)
    assert not any(part in notes for part in unsaid)
