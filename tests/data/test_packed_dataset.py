"""Datasets of packed rows, with real text inputs."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_ctx import data, models, training
from keras_ctx.data import packed_dataset, packed_rows
from keras_ctx.text import BertInputs, ElmoInputs

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
BERT = BertInputs([*SPECIAL, *"abcdefghij"], 12, split="character")
ELMO = ElmoInputs(max_characters=6)
LETTERS = np.random.default_rng(0)
# From empty texts to texts that are cut to 12 tokens.
TEXTS = [
    "".join(LETTERS.choice(list("abcdefghij"), n))
    for n in LETTERS.integers(0, 13, 41)
]
LENGTHS = data.token_counts(BERT, TEXTS)
LABELS = [len(text) % 5 for text in TEXTS]


def classified(labels: Any = LABELS, **options) -> tf.data.Dataset:
    settings = {"batch_size": 7, "training": False, **options}
    return data.classification_dataset(TEXTS, labels, BERT, **settings)


SIZES: dict[str, Any] = {"length": 16, "batch_size": 3, "max_texts": 4}


def packed(dataset: tf.data.Dataset, **options) -> list:
    settings = {**SIZES, **options}
    return list(packed_dataset(dataset, **settings).as_numpy_iterator())


def test_each_text_is_there_once_and_whole() -> None:
    alone = {key: x.numpy() for key, x in BERT(TEXTS).items()}
    seen = []
    for numbers, (features, targets, weights) in packed(
        classified(), numbered=True
    ):
        assert set(features) == {"token_ids", "segment_ids", "text_ids"}
        assert all(x.shape == (3, 16) for x in features.values())
        assert targets["logits"].shape == weights["logits"].shape == (3, 4)
        assert targets["logits"].dtype == "int32"
        held = numbers >= 0
        np.testing.assert_array_equal(weights["logits"] > 0, held)
        np.testing.assert_allclose(weights["logits"].sum(), 1, rtol=1e-6)
        assert len(set(weights["logits"][held])) == 1
        for row, n in np.argwhere(held):
            number = numbers[row, n]
            there = features["text_ids"][row] == n + 1
            assert (
                there.sum()
                == LENGTHS[number]
                == alone["padding_mask"][number].sum()
            )
            for key in ("token_ids", "segment_ids"):
                np.testing.assert_array_equal(
                    features[key][row, there],
                    alone[key][number, : LENGTHS[number]],
                )
            assert targets["logits"][row, n] == LABELS[number]
            seen.append(number)
        # Each text in one piece, one after the other.
        for row in features["text_ids"]:
            assert (np.diff(row[row > 0]) >= 0).all()
    assert sorted(seen) == list(range(len(TEXTS)))


def test_rows_are_those_of_packed_rows_and_the_last_batch_is_filled() -> None:
    batches = packed(classified(), numbered=True, window=9)
    found = [row[row >= 0].tolist() for b, _ in batches for row in b]
    expected = list(packed_rows(LENGTHS, 16, max_texts=4, window=9))
    assert len(found) == -(-len(expected) // 3) * 3
    assert found[: len(expected)] == expected
    assert not any(found[len(expected) :])
    # Batches of the texts beforehand change nothing.
    other = packed(classified(batch_size=41), numbered=True, window=9)
    for one, two in zip(batches, other, strict=True):
        for x, y in zip(*map(tf.nest.flatten, (one, two)), strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-6)


@pytest.mark.quick("16-4")
@pytest.mark.parametrize(("room", "texts"), [(16, 4), (20, 2), (12, 12)])
def test_first_fit(room: int, texts: int) -> None:
    window = 9
    rows = list(packed_rows(LENGTHS, room, max_texts=texts, window=window))
    waiting = list(range(len(LENGTHS)))
    for row in rows:
        expected: list[int] = []
        for number in waiting[:window]:
            used = sum(LENGTHS[n] for n in expected)
            if len(expected) < texts and used + LENGTHS[number] <= room:
                expected.append(number)
        assert row == expected
        assert row[0] == waiting[0]  # none waits for ever
        waiting = [n for n in waiting if n not in row]
    assert not waiting


def test_features_alone_for_a_corpus() -> None:
    dataset = tf.data.Dataset.from_tensor_slices(TEXTS).batch(8).map(BERT)
    numbers, features = packed(dataset, numbered=True)[0]
    assert numbers[0, 0] == 0 and set(features) > {"text_ids"}
    (plain, *_) = packed(dataset)
    np.testing.assert_array_equal(plain["token_ids"], features["token_ids"])


def test_tags_and_their_weights_follow_their_words() -> None:
    words = [list(text)[:9] or ["j"] for text in TEXTS]
    tags = [[ord(x) - 97 for x in row] for row in words]  # a is 0, b 1 ...
    tags[3][0] = -1  # not known
    dataset = data.tagging_dataset(
        words, tags, BERT, batch_size=7, training=False
    )
    total = 0
    for features, targets, weights in packed(dataset, per_token=["logits"]):
        ids, at = features["token_ids"], weights["logits"] > 0
        assert targets["logits"].shape == at.shape == (3, 16)
        np.testing.assert_array_equal(targets["logits"][at], ids[at] - 5)
        np.testing.assert_allclose(weights["logits"][at], 1 / at.sum(), 1e-6)
        total += at.sum()
    assert total == sum(map(len, tags)) - 1


def test_masked_positions_count_from_the_start_of_the_row() -> None:
    plain = BERT(TEXTS)

    def examples(seed: int) -> tuple:
        features, ids, weights = data.masked_lm_examples(
            dict(plain),
            (seed, 0),
            mask_id=4,
            special_ids=range(5),
            vocabulary_size=15,
            max_predictions=3,
            masking_rate=0.4,
        )
        weights = data.normalize_weights(weights)
        is_next = tf.range(41) % 2
        return (
            features,
            {"masked_lm": ids, "next_sentence": is_next},
            {
                "masked_lm": weights,
                "next_sentence": data.normalize_weights(tf.ones(41)),
            },
        )

    masked = examples(3)
    dataset = tf.data.Dataset.from_tensors(masked)
    originals = plain["token_ids"].numpy()
    count = 0
    for numbers, (features, targets, weights) in packed(
        dataset, numbered=True, max_predictions=5
    ):
        positions, used = features["masked_positions"], weights["masked_lm"] > 0
        assert positions.shape == used.shape == (3, 5)
        np.testing.assert_allclose(
            weights["masked_lm"][used], 1 / used.sum(), rtol=1e-6
        )
        for row in range(3):
            for m in np.flatnonzero(used[row]):
                at = positions[row, m]
                n = features["text_ids"][row, at]
                place = at - np.argmax(features["text_ids"][row] == n)
                number = numbers[row, n - 1]
                assert targets["masked_lm"][row, m] == originals[number, place]
                count += 1
            held = numbers[row] >= 0
            np.testing.assert_array_equal(
                targets["next_sentence"][row, held], numbers[row, held] % 2
            )
    assert count == np.count_nonzero(masked[2]["masked_lm"])


def test_padding_may_be_in_front() -> None:
    features = {
        "token_ids": [[0, 0, 2, 7, 3]],
        "segment_ids": [[0, 0, 0, 0, 1]],
        "padding_mask": [[False, False, True, True, True]],
        "masked_positions": [[3]],
    }
    target = {"masked_lm": [[9]]}, {"masked_lm": [[1.0]]}
    dataset = tf.data.Dataset.from_tensors((features, *target))
    ((found, _, _),) = packed(dataset.repeat(2), max_predictions=4)
    assert found["token_ids"][0, :7].tolist() == [2, 7, 3, 2, 7, 3, 0]
    assert found["segment_ids"][0, :7].tolist() == [0, 0, 1, 0, 0, 1, 0]
    assert found["masked_positions"][0].tolist() == [1, 4, 0, 0]


def test_several_labels_numbers_and_class_weights() -> None:
    hot = np.eye(5, dtype="int32")[LABELS]
    _, targets, weights = packed(classified(hot))[0]
    assert targets["logits"].shape == (3, 4, 5)
    assert weights["logits"].shape == (3, 4)
    _, targets, _ = packed(classified([k / 2 for k in LABELS]))[0]
    assert targets["logits"].shape == (3, 4, 1)  # as the logits
    heavy = classified(class_weights=[1, 2, 3, 4, 5], batch_size=41)
    _, targets, weights = packed(heavy)[0]
    used = weights["logits"] > 0
    ratio = weights["logits"][used] / (targets["logits"][used] + 1)
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-5)


def test_an_endless_dataset_is_the_same_each_time() -> None:
    def batches() -> list:
        dataset = classified(training=True, seed=5)
        rows = packed_dataset(dataset, length=24, batch_size=2, max_texts=6)
        return tf.nest.flatten(list(rows.take(30).as_numpy_iterator()))

    for x, y in zip(batches(), batches(), strict=True):
        np.testing.assert_array_equal(x, y)


def of_parts(*parts: Any) -> tf.data.Dataset:
    (first, *others) = parts
    return tf.data.Dataset.from_tensors(parts if others else first)


IDS = {
    key: tf.ones((2, 3), tf.int32)
    for key in ("token_ids", "segment_ids", "padding_mask")
}
MASKED = IDS | {"masked_positions": tf.zeros((2, 1), tf.int32)}
REFUSED: dict[str, tuple[Any, dict, str]] = {
    "an ELMo": (
        ELMO(["a"]),
        {},
        "features of a BERT(.|\n)*ELMo cannot be packed(.|\n)*by length",
    ),
    "tensors": ((IDS, tf.ones(2)), {}, "`dataset` must have dicts"),
    "characters": (
        IDS | {"char_ids": tf.ones((2, 3, 4))},
        {},
        "`char_ids` of shape",
    ),
    "tags not named": (
        (IDS, {"logits": tf.ones((2, 3), tf.int32)}),
        {},
        r"Name those(.|\n)*`per_token`(.|\n)*`logits` of shape",
    ),
    "a name of no target": (
        (IDS, {"logits": tf.ones(2)}),
        {"per_token": ["tags"]},
        r"per_token=\['tags'\], targets \['logits'\]",
    ),
    "a string": (
        (IDS, {"logits": tf.ones((2, 3))}),
        {"per_token": "logits"},
        "`per_token` must be a list",
    ),
    "a target of texts named": (
        (IDS, {"logits": tf.ones(2)}),
        {"per_token": ["logits"]},
        r"entry for each token must have the shape \(B, T\)",
    ),
    "weights of tokens": (
        (IDS, {"logits": tf.ones(2)}, {"logits": tf.ones((2, 3))}),
        {},
        "one number for each text, 1 axes",
    ),
    "masked without weights": (
        (MASKED, {"masked_lm": tf.ones((2, 1), tf.int32)}),
        {},
        "must have weights of `masked_lm`",
    ),
    "masked without room": (
        (
            MASKED,
            {"masked_lm": tf.ones((2, 1), tf.int32)},
            {"masked_lm": tf.ones((2, 1))},
        ),
        {},
        "`max_predictions` is required",
    ),
    "no room": (IDS, {"max_texts": 0}, "`max_texts` must be at least 1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_packed_is_refused_before_it_is_read(case: str) -> None:
    parts, options, rule = REFUSED[case]
    dataset = of_parts(*parts) if isinstance(parts, tuple) else of_parts(parts)
    with pytest.raises(ValueError, match=rule):
        packed(dataset, **options)


def test_a_text_that_does_not_fit_is_refused() -> None:
    error = ValueError
    rule = r"A packed text must fit into a row; nothing is cut here(.|\n)*rows"
    with pytest.raises(error, match=rule):
        packed(classified(), length=11)
    with pytest.raises(ValueError, match=f"{rule} of 11"):
        list(packed_rows(LENGTHS, 11, max_texts=4))
    nothing = IDS | {"padding_mask": tf.constant([[1, 1, 1], [0, 0, 0]])}
    with pytest.raises(error, match="text 1 with 0 tokens"):
        packed(of_parts(nothing))
    with pytest.raises(ValueError, match="must have a token"):
        list(packed_rows([1, 0], 3, max_texts=4))
    many = MASKED | {"masked_positions": tf.constant([[0, 1], [0, 1]])}
    ones = tf.ones((2, 2))
    parts = many, {"masked_lm": tf.cast(ones, tf.int32)}, {"masked_lm": ones}
    with pytest.raises(error, match="`max_predictions` must be at least"):
        packed(of_parts(*parts), max_predictions=1)
    endless, sizes = classified().repeat(), {**SIZES, "length": 11}
    with pytest.raises(tf.errors.InvalidArgumentError, match=rule):
        next(iter(packed_dataset(endless, **sizes)))


def test_the_length_is_known_or_endless() -> None:
    """Of an unknown length, Keras would count the end as a batch."""
    plain = classified()
    rows = packed_dataset(plain, **SIZES)
    assert len(rows) == len(list(rows)) > 1
    assert packed_dataset(plain.take(0), **SIZES).cardinality() == 0
    unknown = plain.filter(lambda *_: True)
    ends = packed_dataset(unknown, **SIZES)
    assert ends.cardinality() == tf.data.INFINITE_CARDINALITY
    with pytest.raises(tf.errors.FailedPreconditionError, match="infinite"):
        list(ends)


def test_loss_of_evaluate_is_that_of_its_batches() -> None:
    encoder = models.bert_encoder(
        BERT.vocabulary_size, 1, 2, 8, 16, 64, dropout=0.0
    )
    model = models.classifier(models.packed(encoder, 4), 5, dropout=0.0)
    model.compile("sgd", **training.task_loss("classification", packed=True))
    rows = packed_dataset(classified(), **SIZES)
    losses = []
    for batch in rows:
        model.reset_metrics()
        losses.append(model.test_on_batch(*batch)[0])
    found = model.evaluate(rows, verbose=0)[0]
    np.testing.assert_allclose(found, np.mean(losses), rtol=1e-5)
    history = model.fit(rows, epochs=2, verbose=0, shuffle=False)
    assert model.optimizer.iterations == 2 * len(rows)
    assert len(history.history["loss"]) == 2
