"""Whole-word masking compared with the greedy draw of google-research/bert."""

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from keras_ctx.data import bert_pretraining_dataset, masked_lm_examples
from keras_ctx.data.masked_lm.masking import _whole_words
from keras_ctx.text import BertInputs

# [PAD] [UNK] [CLS] [SEP] [MASK], 15 tokens that begin a word, 20 suffixes.
SPECIAL = (0, 1, 2, 3, 4)
MASK, FIRST_SUFFIX, VOCABULARY = 4, 20, 40
SUFFIXES = range(FIRST_SUFFIX, VOCABULARY)


def rows_of_words(sizes: list[list[int]]) -> dict[str, tf.Tensor]:
    """Returns [CLS] words [SEP] and padding; sizes are pieces per word."""
    rng = random.Random(3)
    rows = []
    for words in sizes:
        row = [2]
        for size in words:
            row.append(rng.randrange(5, FIRST_SUFFIX))
            row += [rng.choice(SUFFIXES) for _ in range(size - 1)]
        rows.append([*row, 3])
    width = max(map(len, rows)) + 2
    token_ids = np.array([row + [0] * (width - len(row)) for row in rows])
    mask = np.array([[i < len(row) for i in range(width)] for row in rows])
    return {
        "token_ids": tf.constant(token_ids, tf.int32),
        "padding_mask": tf.constant(mask),
    }


def masked(features, seed=(3, 5), max_predictions=100, **options):
    return masked_lm_examples(
        features,
        seed,
        mask_id=MASK,
        special_ids=SPECIAL,
        vocabulary_size=VOCABULARY,
        max_predictions=max_predictions,
        suffix_ids=SUFFIXES,
        **options,
    )


def chosen_places(out, weights) -> list[set[int]]:
    positions = out["masked_positions"].numpy()
    used = weights.numpy() == 1
    return [
        set(row[mask].tolist())
        for row, mask in zip(positions, used, strict=True)
    ]


def words_at(token_ids: np.ndarray) -> list[list[int]]:
    """Returns the positions of the pieces of each word of a row."""
    words: list[list[int]] = []
    before = None
    for place, token in enumerate(token_ids):
        if token in SPECIAL:
            before = None
            continue
        if token >= FIRST_SUFFIX and before is not None:
            words[-1].append(place)
        else:
            words.append([place])
        before = place
    return words


def greedy(words, scores, wanted: int) -> set[int]:
    """Runs the loop of create_masked_lm_predictions over ordered words."""
    order = sorted(range(len(words)), key=lambda number: scores[number])
    found: set[int] = set()
    for number in order:
        if len(found) >= wanted:
            break
        if len(found) + len(words[number]) > wanted:
            continue
        found |= set(words[number])
    return found


def test_a_draw_by_hand() -> None:
    # Places       0  1  2  3  4  5  6  7  8
    # Words       [ ] aa aa aa b  [ ] cc cc d   of 3, 1, 2 and 1 pieces
    is_suffix = [[0, 0, 1, 1, 0, 0, 1, 1, 0]]
    eligible = [[0, 1, 1, 1, 1, 0, 1, 1, 1]]
    # In the order c, a, b, d. A suffix behind a special token (6) begins c.
    score = [[0.3, 0.5, 0.1, 0.7, 0.0, 0.0, 0.0, 0.0, 0.0]]
    for wanted, places in {
        0: [],
        1: [4],  # c and a are too long
        2: [6, 7],
        3: [4, 6, 7],  # a is skipped, b fits
        4: [4, 6, 7, 8],
        5: [1, 2, 3, 6, 7],
        6: [1, 2, 3, 4, 6, 7],
        9: [1, 2, 3, 4, 6, 7, 8],
    }.items():
        chosen = _whole_words(
            tf.cast(eligible, tf.bool),
            tf.cast(is_suffix, tf.bool),
            tf.constant(score),
            tf.constant([wanted]),
        )
        assert np.flatnonzero(chosen[0]).tolist() == places, wanted


def test_equals_the_loop_of_the_original() -> None:
    rng = np.random.default_rng(1)
    sizes = [
        rng.integers(1, 6, rng.integers(0, 40)).tolist() for _ in range(60)
    ]
    features = rows_of_words(sizes)
    token_ids = features["token_ids"].numpy()
    score = rng.random(token_ids.shape, "float32")
    wanted = rng.integers(0, 25, len(sizes))
    chosen = _whole_words(
        tf.constant(~np.isin(token_ids, SPECIAL)),
        tf.constant(token_ids >= FIRST_SUFFIX),
        tf.constant(score),
        tf.constant(wanted, tf.int32),
    ).numpy()
    for row in range(len(sizes)):
        words = words_at(token_ids[row])
        assert list(map(len, words)) == sizes[row]
        expected = greedy(words, score[row], wanted[row])
        assert set(np.flatnonzero(chosen[row])) == expected


def test_words_are_whole_and_the_budget_holds() -> None:
    rng = np.random.default_rng(2)
    sizes = [rng.integers(1, 5, 30).tolist() for _ in range(200)]
    features = rows_of_words(sizes)
    token_ids = features["token_ids"].numpy()
    for max_predictions in (3, 100):
        out, ids, weights = masked(features, max_predictions=max_predictions)
        total = wanted = 0
        for row, places in enumerate(chosen_places(out, weights)):
            for word in words_at(token_ids[row]):
                assert places.issuperset(word) or places.isdisjoint(word)
            most = min(round(0.15 * sum(sizes[row])), max_predictions)
            assert len(places) <= most
            total, wanted = total + len(places), wanted + most
            left = np.setdiff1d(np.arange(token_ids.shape[1]), list(places))
            after = out["token_ids"].numpy()[row]
            assert (after[left] == token_ids[row][left]).all()
            true = token_ids[row][sorted(places)].tolist()
            assert ids.numpy()[row][: len(true)].tolist() == true
        # Little of the budget stays unused.
        assert total > 0.98 * wanted


def test_a_row_of_words_that_are_too_long_has_none() -> None:
    out, ids, weights = masked(rows_of_words([[3, 3], [3, 1], []]))
    assert weights.numpy().sum(1).tolist() == [0, 1, 0]
    assert chosen_places(out, weights)[1] == {4}
    assert ids.numpy()[0].tolist() == [0] * 100


def test_words_of_one_length_are_equally_likely() -> None:
    features = rows_of_words([[2] * 20] * 4000)
    out, _, weights = masked(features)
    counts = Counter(
        place for places in chosen_places(out, weights) for place in places
    )
    # round(0.15 * 40) = 6 pieces, 3 of 20 words; 5 standard deviations.
    assert set(counts) == set(range(1, 41))
    bound = 5 * (4000 * 0.15 * 0.85) ** 0.5
    assert all(abs(count - 600) < bound for count in counts.values())


def test_each_piece_has_its_own_80_10_10() -> None:
    features = rows_of_words([[2] * 20] * 4000)
    before = features["token_ids"].numpy()
    out, _, weights = masked(features)
    positions = out["masked_positions"].numpy()[:, :6].reshape(-1, 2)
    assert (weights.numpy()[:, :6] == 1).all()
    assert (positions[:, 1] == positions[:, 0] + 1).all()
    row = np.repeat(np.arange(4000), 3)[:, None]
    new, true = out["token_ids"].numpy()[row, positions], before[row, positions]
    kinds = np.where(new == MASK, 0, np.where(new == true, 1, 2))
    # One random replacement in 35 is the piece itself.
    share = np.array([0.8, 0.1 + 0.1 / 35, 0.1 * 34 / 35])
    counts = np.zeros((3, 3))
    np.add.at(counts, (kinds[:, 0], kinds[:, 1]), 1)
    expected = 12000 * np.outer(share, share)  # independent of each other
    assert (abs(counts - expected) < 5 * np.sqrt(expected)).all()


def test_in_tf_data_with_any_length() -> None:
    batches = [rows_of_words([[1, 4], [2]]), rows_of_words([[3] * 9, [1] * 30])]
    spec = {
        "token_ids": tf.TensorSpec((None, None), tf.int32),
        "padding_mask": tf.TensorSpec((None, None), tf.bool),
    }
    dataset = tf.data.Dataset.from_generator(
        lambda: iter(batches), output_signature=spec
    )
    made = list(dataset.map(lambda batch: masked(batch, max_predictions=7)))
    for (out, ids, _), batch in zip(made, batches, strict=True):
        eager, eager_ids, _ = masked(batch, max_predictions=7)
        assert (out["token_ids"] == eager["token_ids"]).numpy().all()
        assert (ids == eager_ids).numpy().all()


PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "un", "##a", "##ff"]
PIECES += ["##able", "the", "cat", "##s", "河", "岸", "##岸"]


def dataset(folder: Path, vocabulary: list[str], split: str, **options):
    path = folder / "corpus.txt"
    path.write_text("unaffable cats 河岸\nthe cat\n\nthe cats\nunaffable\n")
    return bert_pretraining_dataset(
        path,
        BertInputs(vocabulary, 24, split=split),
        batch_size=4,
        steps_per_epoch=50,
        seed=1,
        length=lambda line: 4 * len(line.split()),
        **options,
    )


def test_words_of_a_corpus_are_masked_whole(tmp_path: Path) -> None:
    made = dataset(
        tmp_path, PIECES, "wordpiece", whole_word_masking=True, masking_rate=0.5
    )
    seen, characters = Counter(), Counter()
    for features, targets, weights in made.take(50):
        used = weights["masked_lm"].numpy() > 0
        masked_ids = targets["masked_lm"].numpy()
        places = features["masked_positions"].numpy()
        for row in range(4):
            hidden = dict(
                zip(
                    places[row][used[row]].tolist(),
                    (PIECES[i] for i in masked_ids[row][used[row]]),
                    strict=True,
                )
            )
            for place, piece in hidden.items():
                if piece == "un":
                    word = [hidden.get(place + i) for i in range(4)]
                    assert word == ["un", "##a", "##ff", "##able"]
                assert (piece == "##a") <= (hidden.get(place - 1) == "un")
                seen[piece] += 1
            if "河" in hidden.values() or "岸" in hidden.values():
                characters[
                    "河" in hidden.values(), "岸" in hidden.values()
                ] += 1
    assert seen["un"] == seen["##able"] > 20
    # Without ## two characters are two words: often only one is masked.
    assert characters[True, False] > 5 and characters[False, True] > 5


def test_whole_words_need_pieces_of_words(tmp_path: Path) -> None:
    vocabulary = [piece for piece in PIECES if not piece.startswith("##")]
    with pytest.raises(
        ValueError, match="`whole_word_masking` needs .* 10 tokens"
    ):
        dataset(tmp_path, vocabulary, "character", whole_word_masking=True)


@pytest.mark.parametrize("suffix", [-1, VOCABULARY])
def test_suffix_outside_the_vocabulary_is_refused(suffix: int) -> None:
    with pytest.raises(ValueError, match=f"`suffix_ids` .* {suffix} with"):
        masked_lm_examples(
            rows_of_words([[1]]),
            (0, 0),
            mask_id=MASK,
            special_ids=SPECIAL,
            vocabulary_size=VOCABULARY,
            max_predictions=2,
            suffix_ids=[20, suffix],
        )
