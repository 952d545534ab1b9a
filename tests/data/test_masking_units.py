"""Units masked whole, compared with loops, and found in texts by hand."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_ctx.data import bert_pretraining_dataset, masked_lm_examples
from keras_ctx.data.masked_lm.unit_draw import draw_units
from keras_ctx.data.masked_lm.units import pair_unit_ids, text_units
from keras_ctx.text import BertInputs, character_vocabulary

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
MASK, VOCABULARY = 4, 40
RULES = pytest.mark.parametrize("rule", ["token", "unit"])

CORPUS = """\
他 在 北京大学 。
她 喜欢 北京 。

大学生 在 河岸 上 。
树 很 高 。
北京大学 很 好 。
"""
CHINESE = BertInputs(character_vocabulary([CORPUS]), 48, split="character")


def by_loops(eligible, unit_ids, choice, action, rate, limit, rule):
    """Returns the drawn tokens of a row and the draw of their action."""
    places = itertools.groupby(range(len(unit_ids)), lambda i: unit_ids[i])
    units = [list(unit) for _, unit in places]
    chosen = [unit for unit in units if choice[unit[0]] < rate]
    found: dict[int, float] = {}
    for unit in sorted(chosen, key=lambda unit: action[unit[0]]):
        tokens = [place for place in unit if eligible[place]]
        if len(found) + len(tokens) > limit:
            continue
        for place in tokens:
            reused = rule == "unit" or place == unit[0]
            found[place] = choice[unit[0]] / rate if reused else action[place]
    return found


@RULES
def test_equals_loops_over_the_units(rule: Any) -> None:
    rng = np.random.default_rng(4)
    shape = (300, 24)
    # Few ids, so that units have several tokens; numbers may return.
    unit_ids = rng.integers(0, 3, shape)
    unit_ids.sort(axis=1)
    unit_ids[:, 12:] = rng.integers(-1, 2, (300, 12))
    eligible = rng.random(shape) < 0.8
    choice, action = rng.random((2, *shape), "float32")
    cut = 0
    for rate, limit in ((0.15, 24), (0.5, 6)):
        drawn, draws = draw_units(
            tf.constant(eligible),
            tf.constant(unit_ids, tf.int32),
            (tf.constant(choice), tf.constant(action)),
            masking_rate=rate,
            max_predictions=limit,
            masking_rule=rule,
        )
        for row in range(len(unit_ids)):
            arrays = (eligible, unit_ids, choice, action)
            parts: list[Any] = [part[row] for part in arrays]
            expected = by_loops(*parts, rate=rate, limit=limit, rule=rule)
            places = np.flatnonzero(drawn[row])
            assert places.tolist() == sorted(expected)
            np.testing.assert_allclose(
                draws.numpy()[row][places],
                [expected[int(place)] for place in places],
                rtol=1e-6,
            )
            cut += expected != by_loops(*parts, rate=rate, limit=24, rule=rule)
    assert cut > 100  # the limit matters


def masked(rows: int, rule: Any, max_predictions: int = 40):
    """Masks rows of 20 units of two tokens."""
    ids = np.random.default_rng(5).integers(5, VOCABULARY, (rows, 42))
    ids[:, 0], ids[:, -1] = 2, 3
    out, _, weights = masked_lm_examples(
        {
            "token_ids": tf.constant(ids, tf.int32),
            "padding_mask": tf.ones(ids.shape, tf.bool),
        },
        (3, 5),
        mask_id=MASK,
        special_ids=range(5),
        vocabulary_size=VOCABULARY,
        max_predictions=max_predictions,
        unit_ids=tf.constant([[0, *np.repeat(range(1, 21), 2), 0]] * rows),
        masking_rule=rule,
    )
    used = weights.numpy() > 0
    row, slot = np.nonzero(used)
    places = out["masked_positions"].numpy()[row, slot].reshape(-1, 2)
    row = row.reshape(-1, 2)
    assert (places[:, 0] % 2 == 1).all()  # both tokens of a unit, or neither
    assert (places[:, 1] == places[:, 0] + 1).all()
    new, true = out["token_ids"].numpy()[row, places], ids[row, places]
    kinds = np.where(new == MASK, 0, np.where(new == true, 1, 2))
    return used.sum(1), places[:, 0], kinds


@RULES
def test_shares_of_units_and_of_actions(rule: Any) -> None:
    _, places, kinds = masked(4000, rule)
    # Five standard deviations, here and below.
    assert abs(len(places) - 12_000) < 5 * (80_000 * 0.15 * 0.85) ** 0.5
    each = np.bincount(places, minlength=42)[1:41:2]
    assert (abs(each - 600) < 5 * (4000 * 0.15 * 0.85) ** 0.5).all()
    same = 1 / 35  # a random replacement that is the token itself
    if rule == "token":
        share = np.array([0.8, 0.1 + 0.1 * same, 0.1 * (1 - same)])
        expected = np.outer(share, share)  # independent of each other
    else:
        replaced = np.array([0, same, 1 - same])
        expected = np.diag([0.8, 0.1, 0]) + 0.1 * np.outer(replaced, replaced)
    counts = np.zeros((3, 3))
    np.add.at(counts, (kinds[:, 0], kinds[:, 1]), 1)
    expected *= len(places)
    assert (abs(counts - expected) <= 5 * np.sqrt(expected)).all()


def test_a_limit_leaves_out_whole_units_at_random() -> None:
    counts, places, _ = masked(4000, "token", max_predictions=3)
    assert set(counts) == {0, 2}
    each = np.bincount(places, minlength=42)[1:41:2]
    mean = each.mean()
    assert (abs(each - mean) < 5 * mean**0.5).all()


def units_of(inputs, first: str, second: str, **options) -> list[list[str]]:
    """Returns the tokens of each unit of a pair."""
    texts = tf.constant([first]), tf.constant([second])
    units = text_units(
        inputs, **{"segmented": False, "lexicon": None} | options
    )
    assert units is not None
    ids = pair_unit_ids(inputs, units, texts, inputs(*texts)).numpy()[0]
    tokens = inputs.tokens(*texts).numpy()[0]
    groups = itertools.groupby(zip(ids, tokens, strict=True), lambda x: x[0])
    found = [[token.decode() for _, token in group] for _, group in groups]
    return [unit for unit in found if unit[0] not in SPECIAL]


def test_longest_match_in_chinese() -> None:
    lexicon = ["北京", "北京大学", "大学生", "岸上", "高"]
    found = units_of(
        CHINESE, "在北京大学生河岸上", "北京。北 京", lexicon=lexicon
    )
    assert ["".join(unit) for unit in found] == (
        ["在", "北京大学", "生", "河", "岸上", "北京", "。", "北京"]
    )


def test_longest_match_in_english() -> None:
    pieces = ["new", "york", "city", "art", "##ist", "un", "##able", ","]
    inputs = BertInputs([*SPECIAL, *pieces], 12)
    lexicon = ["New York", "new york city", "art", "artist unable"]
    found = units_of(
        inputs, "New  York, unable city", "artist NEW york", lexicon=lexicon
    )
    # The first text is cut to five tokens; the second begins a new unit.
    assert found == [
        ["new", "york"],
        [","],
        ["un", "able"],
        ["art", "ist"],
        ["new", "york"],
    ]
    cased = BertInputs([*SPECIAL, *pieces], 12, lower_case=False)
    found = units_of(cased, "new york", "new york city", lexicon=lexicon)
    assert found == [["new"], ["york"], ["new", "york", "city"]]


def test_units_of_a_segmented_text() -> None:
    found = units_of(
        CHINESE, "他 在 北京大学 。", "大学生　很高", segmented=True
    )
    assert ["".join(unit) for unit in found] == (
        ["他", "在", "北京大学", "。", "大学生", "很高"]
    )


def dataset(folder: Path, text: str = CORPUS, **options) -> tf.data.Dataset:
    path = folder / "corpus.txt"
    path.write_text(text, encoding="utf-8")
    return bert_pretraining_dataset(
        path,
        CHINESE,
        **{
            "batch_size": 4,
            "steps_per_epoch": 3,
            "seed": 2,
            "max_predictions": 40,
            "masking_rate": 0.4,
        }
        | options,
    )


@pytest.mark.quick("lexicon")
@pytest.mark.parametrize(
    "options",
    [{"segmented": True}, {"lexicon": ["北京大学"]}],
    ids=["segmented", "lexicon"],
)
def test_units_of_a_corpus_wherever_a_run_begins(
    options: dict[str, Any], tmp_path: Path
) -> None:
    options = {**options, "masking_rule": "unit"}
    whole = list(dataset(tmp_path, **options).take(7))
    resumed = list(dataset(tmp_path, **options, first_step=4).take(3))
    for one, two in zip(whole[4:], resumed, strict=True):
        for a, b in zip(
            tf.nest.flatten(one), tf.nest.flatten(two), strict=True
        ):
            np.testing.assert_array_equal(a, b)
    unit = [CHINESE.vocabulary.index(character) for character in "北京大学"]
    seen = 0
    for features, targets, weights in whole:
        ids = features["token_ids"].numpy()
        true = ids.copy()
        row, slot = np.nonzero(weights["masked_lm"].numpy())
        place = features["masked_positions"].numpy()[row, slot]
        true[row, place] = targets["masked_lm"].numpy()[row, slot]
        chosen = np.zeros(ids.shape, bool)
        chosen[row, place] = True
        for b, t in itertools.product(range(4), range(ids.shape[1] - 3)):
            if true[b, t : t + 4].tolist() == unit:
                assert chosen[b, t : t + 4].all() == chosen[b, t]
                hidden = ids[b, t : t + 4] == MASK
                assert hidden.all() == hidden.any()
                seen += hidden.all()
    assert seen > 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lexicon": []}, "`lexicon` must have a unit .* Received: 0 units"),
        ({"lexicon": ["高", " "]}, "at least two tokens. Received: 2 units"),
        ({"lexicon": ["南京"]}, "`lexicon` must .* occurs in the text"),
        ({"segmented": True, "lexicon": ["北京"]}, "`segmented` and `lexicon`"),
        (
            {"whole_word_masking": True, "lexicon": ["北京"]},
            "`whole_word_masking` and `lexicon` must not",
        ),
        ({"segmented": True, "separator": ""}, "`separator` must be white"),
        (
            {"segmented": True, "text": CORPUS.replace(" ", "")},
            "`segmented` needs .* white space.*corpus.txt",
        ),
        ({"masking_rule": "unit"}, '`masking_rule="unit"` needs units'),
        (
            {"masking_rule": "word", "segmented": True},
            '`masking_rule` must be "token" or "unit"',
        ),
    ],
)
def test_errors(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        dataset(tmp_path, **options)


def test_two_kinds_of_units_are_refused() -> None:
    ids = tf.constant([[2, 7, 8, 3]])
    with pytest.raises(ValueError, match="`suffix_ids` and `unit_ids`"):
        masked_lm_examples(
            {"token_ids": ids, "padding_mask": ids > 0},
            (0, 0),
            mask_id=MASK,
            special_ids=range(5),
            vocabulary_size=VOCABULARY,
            max_predictions=2,
            suffix_ids=[8],
            unit_ids=ids,
        )
