"""Properties of masked examples, on many rows of tokens."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_ctx.data import masked_lm_examples

SPECIAL = (0, 1, 2, 3, 4)
MASK, VOCABULARY = 4, 50


def rows(lengths: list[int], width: int) -> dict[str, tf.Tensor]:
    """Returns [CLS] words [SEP] padding, with ids from a fixed seed."""
    rng = np.random.default_rng(7)
    token_ids = np.zeros((len(lengths), width), np.int32)
    for row, length in zip(token_ids, lengths, strict=True):
        row[:length] = rng.integers(5, VOCABULARY, length)
        row[0], row[length - 1] = 2, 3
    mask = np.arange(width) < np.array(lengths)[:, None]
    return {
        "token_ids": tf.constant(token_ids),
        "segment_ids": tf.zeros_like(token_ids),
        "padding_mask": tf.constant(mask),
    }


def masked(features, seed=(3, 5), max_predictions=20, **options):
    return masked_lm_examples(
        features,
        seed,
        mask_id=MASK,
        special_ids=SPECIAL,
        vocabulary_size=VOCABULARY,
        max_predictions=max_predictions,
        **options,
    )


def test_number_of_masked_words_is_exact() -> None:
    # Length, ordinary words, and round(0.15 * words) from 1 to 8.
    cases = [(2, 0), (3, 1), (5, 1), (12, 2), (22, 3), (42, 6), (102, 8)]
    features = rows([length for length, _ in cases], 110)
    _, _, weights = masked(features, max_predictions=8)
    assert weights.numpy().sum(1).tolist() == [count for _, count in cases]


def test_what_is_chosen_and_what_is_left() -> None:
    features = rows([60, 40, 3, 2] * 50, 60)
    before = features["token_ids"].numpy()
    out, ids, weights = masked(features)
    after = out["token_ids"].numpy()
    ids = ids.numpy()
    positions = out["masked_positions"].numpy()
    used = weights.numpy() == 1
    assert set(np.unique(weights)) == {0, 1}

    chosen = np.zeros(before.shape, bool)
    for row in range(len(before)):
        places = positions[row][used[row]]
        assert (np.diff(places) > 0).all()  # drawn without replacement
        chosen[row, places] = True
        assert (ids[row][used[row]] == before[row, places]).all()
    assert not chosen[np.isin(before, SPECIAL)].any()
    assert (before[~chosen] == after[~chosen]).all()
    assert (ids[~used] == 0).all() and (positions[~used] == 0).all()
    changed = after[chosen & (after != before)]
    assert not np.isin(changed, [0, 1, 2, 3]).any()
    assert out["segment_ids"] is features["segment_ids"]
    assert out["padding_mask"] is features["padding_mask"]


def test_shares_are_80_10_10_and_replacements_are_uniform() -> None:
    features = rows([82] * 2000, 82)
    before = features["token_ids"].numpy()
    out, _, weights = masked(features)
    positions = out["masked_positions"].numpy()[:, :12]
    assert (weights.numpy()[:, :12] == 1).all()
    true = np.take_along_axis(before, positions, 1).ravel()
    new = np.take_along_axis(out["token_ids"].numpy(), positions, 1).ravel()
    size = len(true)  # 24,000; bounds are 5 standard deviations
    hidden = (new == MASK).mean()
    assert abs(hidden - 0.8) < 5 * np.sqrt(0.8 * 0.2 / size)
    # One random replacement in 45 is the word itself.
    replaced = ((new != MASK) & (new != true)).mean()
    share = 0.1 * 44 / 45
    assert abs(replaced - share) < 5 * np.sqrt(share * (1 - share) / size)
    counts = np.bincount(new[(new != MASK) & (new != true)], minlength=50)
    assert (counts[:5] == 0).all()
    mean = counts[5:].mean()
    assert (abs(counts[5:] - mean) < 5 * np.sqrt(mean)).all()
    # Every position is equally likely.
    places = np.bincount(positions.ravel(), minlength=82)[1:-1]
    mean = size / 80
    assert (abs(places - mean) < 5 * np.sqrt(mean)).all()


def test_a_draw_is_a_function_of_the_seed() -> None:
    features = rows([60] * 4, 60)
    one, same, other = (
        masked(features, seed)[0]["masked_positions"].numpy()
        for seed in ((1, 2), tf.constant([1, 2]), (1, 3))
    )
    assert (one == same).all() and (one != other).any()


def test_in_tf_data_with_any_length() -> None:
    spec = {
        "token_ids": tf.TensorSpec((None, None), tf.int32),
        "padding_mask": tf.TensorSpec((None, None), tf.bool),
    }

    def batches():
        for width in (4, 30):
            batch = rows([4, 3], width)
            yield {key: batch[key] for key in spec}

    data = tf.data.Dataset.from_generator(batches, output_signature=spec)
    data = data.map(lambda batch: masked(batch, max_predictions=7))
    spec_out: Any = data.element_spec
    assert spec_out[0]["masked_positions"].shape == (None, 7)
    for (out, ids, weights), batch in zip(data, batches(), strict=True):
        assert ids.shape == weights.shape == (2, 7)
        eager, eager_ids, _ = masked(batch, max_predictions=7)
        assert (out["token_ids"] == eager["token_ids"]).numpy().all()
        assert (ids == eager_ids).numpy().all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"masking_rate": 0.0},
            "`masking_rate` must be a share .* masking_rate=0.0",
        ),
        (
            {"masking_rate": 1.0},
            "`masking_rate` must be a share .* masking_rate=1.0",
        ),
        ({"max_predictions": 0}, "`max_predictions` must be at least 1"),
        ({"vocabulary_size": 5}, "`vocabulary_size` must leave ids"),
    ],
)
def test_refused(change, message) -> None:
    options = {
        "mask_id": MASK,
        "special_ids": SPECIAL,
        "vocabulary_size": VOCABULARY,
        "max_predictions": 5,
    }
    with pytest.raises(ValueError, match=message):
        masked_lm_examples(rows([4], 4), (0, 0), **{**options, **change})
