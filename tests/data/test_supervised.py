"""Labelled datasets, with real text inputs."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_ctx.data import (
    classification_dataset,
    length_order,
    tagging_dataset,
)
from keras_ctx.text import BertInputs, ElmoInputs

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
BERT = BertInputs(
    [*SPECIAL, *"abcdefghij", *"0123456789"], 16, split="character"
)
PIECES = BertInputs([*SPECIAL, "ab", "##c", "d"], 16)
ELMO = ElmoInputs(max_characters=6)
# Text number n is n's digits, and its label is n.
TEXTS = [str(n) * (1 + n % 3) for n in range(23)]
LABELS = list(range(23))


def labels_of(dataset: tf.data.Dataset, steps: int) -> list[list[int]]:
    return [y["logits"].numpy().tolist() for _, y in dataset.take(steps)]


def classified(**options) -> tf.data.Dataset:
    settings = {"batch_size": 5, "training": True, "seed": 3, **options}
    return classification_dataset(TEXTS, LABELS, BERT, **settings)


def test_evaluation_keeps_the_order_and_the_last_texts() -> None:
    dataset = classified(training=False)
    assert dataset.cardinality() == 5
    assert sum(labels_of(dataset, -1), []) == LABELS
    for features, targets in dataset:
        expected = BERT([TEXTS[n] for n in targets["logits"].numpy()])
        for key, value in features.items():
            assert (value.numpy() == expected[key].numpy()).all()


@pytest.mark.quick("3")
@pytest.mark.parametrize("bucket_batches", [1, 3, 100])
def test_training_epochs_are_permutations(bucket_batches) -> None:
    options = {"bucket_batches": bucket_batches}
    whole = labels_of(classified(**options), 12)
    assert all(len(batch) == 5 for batch in whole)
    for epoch in range(3):
        seen = sum(whole[4 * epoch : 4 * epoch + 4], [])
        assert len(set(seen)) == 20  # 4 full batches; 3 texts are left out
        resumed = labels_of(classified(first_step=4 * epoch, **options), 4)
        assert resumed == whole[4 * epoch : 4 * epoch + 4]
        within = labels_of(classified(first_step=4 * epoch + 3, **options), 1)
        assert within == whole[4 * epoch + 3 : 4 * epoch + 4]
    assert whole[:4] != whole[4:8]
    assert whole != labels_of(classified(seed=4, **options), 12)
    # The examples left out vary, and are not always the longest.
    assert set(sum(whole, [])) == set(LABELS)


def test_texts_and_labels_stay_together_in_training() -> None:
    for features, targets in classified(bucket_batches=2).take(8):
        expected = BERT([TEXTS[n] for n in targets["logits"].numpy()])
        assert (features["token_ids"] == expected["token_ids"]).numpy().all()


def test_sorted_evaluation_can_be_put_back() -> None:
    order = length_order(TEXTS)
    dataset = classification_dataset(
        [TEXTS[i] for i in order],
        [LABELS[i] for i in order],
        ELMO,
        batch_size=4,
        training=False,
    )
    outputs = np.array(sum(labels_of(dataset, -1), []))
    restored = np.empty_like(outputs)
    restored[order] = outputs
    assert restored.tolist() == LABELS


def test_tags_stand_on_first_pieces() -> None:
    # By hand: [CLS] ab ##c d [SEP], and [CLS] d [SEP].
    dataset = tagging_dataset(
        [["abc", "d"], ["d"]],
        [[2, 1], [0]],
        PIECES,
        batch_size=2,
        training=False,
    )
    features, targets, weights = next(iter(dataset))
    assert features["token_ids"].numpy().tolist() == [
        [2, 5, 6, 7, 3],
        [2, 7, 3, 0, 0],
    ]
    assert targets["logits"].numpy().tolist() == [
        [0, 2, 0, 1, 0],
        [0, 0, 0, 0, 0],
    ]
    third = np.float32(1 / 3)
    assert weights["logits"].numpy().tolist() == [
        [0, third, 0, third, 0],
        [0, third, 0, 0, 0],
    ]


@pytest.mark.quick("inputs1")
@pytest.mark.parametrize("inputs", [BERT, ELMO])
def test_tagging_epochs(inputs) -> None:
    sentences = [[str(n % 10)] * (1 + n % 4) for n in range(11)]
    tags = [[n] * (1 + n % 4) for n in range(11)]

    def rows(dataset, steps):
        found = []
        for features, targets, weights in dataset.take(steps):
            real = weights["logits"].numpy() > 0
            assert weights["logits"].numpy().sum() == pytest.approx(1, abs=1e-6)
            first = tf.nest.flatten(features)[0]
            assert real.shape == first.shape[:2]
            for row, mask in zip(targets["logits"].numpy(), real, strict=True):
                values = row[mask].tolist()
                assert values == [values[0]] * (1 + values[0] % 4)
                assert (row[~mask] == 0).all()
                found.append(values[0])
        return found

    def made(**options):
        return tagging_dataset(sentences, tags, inputs, batch_size=3, **options)

    assert rows(made(training=False), -1) == list(range(11))
    whole = rows(made(training=True, seed=1), 6)
    assert len(set(whole[:9])) == len(set(whole[9:])) == 9
    assert rows(made(training=True, seed=1, first_step=3), 3) == whole[9:]
    assert rows(made(training=True, seed=1, first_step=4), 2) == whole[12:]


@pytest.mark.slow
def test_labels_keep_their_kind() -> None:
    def found(labels) -> np.ndarray:
        dataset = classification_dataset(
            TEXTS[:3], labels, BERT, batch_size=3, training=False
        )
        return next(iter(dataset))[1]["logits"].numpy()

    # The first number has no decimals; the others keep theirs.
    for labels in ([1, 0.5, 2], np.array([1, 0.5, 2], np.float32)):
        assert found(labels).dtype == np.float32
        assert found(labels).tolist() == [1, 0.5, 2]
    assert found(np.arange(3)).dtype == np.int32
    sets = [[0, 1, 1], [0, 0, 0], [1, 0, 1]]
    for labels in (sets, np.array(sets), np.array(sets, bool)):
        assert found(labels).dtype == np.float32
        assert found(labels).tolist() == sets


@pytest.mark.parametrize(
    ("texts", "labels", "options", "message"),
    [
        ([], [], {}, "`labels` must hold one entry .* 0 texts"),
        (["a"], [0, 1], {}, "`labels` must hold one entry .* 1 texts and 2"),
        (["a"], [0], {}, "`batch_size` must be at most the number"),
        (["a"], [0], {"batch_size": 0}, "`batch_size` must be at least 1"),
        (["a"], [0], {"seed": -1}, "`seed` must be at least 0"),
        (["a", "b"], [[0, 1], [2, 0]], {}, "must be zeros and ones.*: 2"),
        (
            ["a", "b"],
            [[0, 1], [1, 0]],
            {"class_weights": [1, 1]},
            "`class_weights` needs one class",
        ),
    ],
)
def test_refused(texts, labels, options, message) -> None:
    options = {"batch_size": 2, "training": True, **options}
    with pytest.raises(ValueError, match=message):
        classification_dataset(texts, labels, BERT, **options)


def test_wrong_number_of_tags_is_refused_with_the_sentence() -> None:
    with pytest.raises(ValueError, match="sentence 1 with 2 words and 1 tags"):
        tagging_dataset(
            [["a"], ["b", "c"]], [[0], [0]], BERT, batch_size=1, training=False
        )


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([0, -1], "-1 in row 1"),
        ([0.5, "1"], "'1' in row 1"),
        (["0", "1"], "'0' in row 0"),
        ([0.5, float("nan")], "nan in row 1"),
        ([0.5, float("inf")], "inf in row 1"),
        ([None, 1], "None in row 0"),
    ],
)
def test_error_of_a_label(labels: list, said: str) -> None:
    with pytest.raises(ValueError, match=f"`labels` must .*Received: {said}"):
        classification_dataset(
            ["a", "b"], labels, BERT, batch_size=2, training=False
        )


def test_labels_may_be_of_numpy() -> None:
    for dtype, wanted in (("float32", "float32"), ("int64", "int32")):
        labels = list(np.array([1, 0], dtype))
        dataset = classification_dataset(
            ["a", "b"], labels, BERT, batch_size=2, training=False
        )
        [(_, targets)] = dataset
        assert targets["logits"].dtype == wanted
        assert targets["logits"].numpy().tolist() == [1, 0]


def test_error_of_a_tag_that_is_a_name() -> None:
    message = "`tags` must hold integers.*'O' at word 1 of sentence 0"
    tags: list[Any] = [[0, "O"]]
    with pytest.raises(ValueError, match=message):
        tagging_dataset([["a", "b"]], tags, BERT, batch_size=1, training=False)


def test_word_of_unknown_tag_has_no_weight() -> None:
    [(_, targets, weights)] = tagging_dataset(
        [["a", "b"]], [[-1, 2]], BERT, batch_size=1, training=False
    )
    assert targets["logits"].numpy().tolist() == [[0, 0, 2, 0]]
    assert weights["logits"].numpy().tolist() == [[0, 0, 1, 0]]
