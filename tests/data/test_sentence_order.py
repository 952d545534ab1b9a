"""Pairs for sentence-order prediction: correct, balanced, without cues."""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_ctx.data import bert_pretraining_dataset, sentence_pairs
from keras_ctx.text import BertInputs

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def documents(seed: int = 0, number: int = 300) -> list[list[str]]:
    """Returns named sentences of very different lengths."""
    rng = random.Random(f"documents {seed}")
    return [
        [
            f"{document}.{place}:" + "x" * int(rng.lognormvariate(2.5, 0.9))
            for place in range(rng.randrange(1, 40))
        ]
        for document in range(number)
    ]


def place(sentence: str) -> tuple[int, int]:
    document, _, number = sentence.partition(":")[0].partition(".")
    return int(document), int(number)


Part = list[str]


def pairs(
    seed: int = 0, objective: Any = "sentence_order", **options
) -> Iterator[tuple[Part, Part, int]]:
    settings = {"target_length": 90, "shuffle_buffer": 20, **options}
    for first, second, is_next in sentence_pairs(
        documents(seed),
        seed=seed,
        separator="\n",
        objective=objective,
        **settings,
    ):
        yield first.split("\n"), second.split("\n"), is_next


def test_pairs_of_a_document_by_hand() -> None:
    # 15 characters in runs of 8: two, of two and of three sentences.
    corpus = [["aaa", "bbb", "ccc", "ddd", "eee"]]
    found = Counter()
    for seed in range(200):
        made = sentence_pairs(
            corpus,
            target_length=8,
            seed=seed,
            short_seq_prob=0.0,
            shuffle_buffer=1,
            objective="sentence_order",
        )
        found.update(made)
    assert set(found) == {
        ("aaa", "bbb", 1),
        ("bbb", "aaa", 0),
        ("ccc", "ddd eee", 1),
        ("ddd eee", "ccc", 0),
        ("ccc ddd", "eee", 1),
        ("eee", "ccc ddd", 0),
    }
    assert sum(found.values()) == 400
    # 5 standard deviations of a half and of a quarter of 200.
    for (first, *_), count in found.items():
        share = 0.5 if first in ("aaa", "bbb") else 0.25
        assert abs(count - 200 * share) < 5 * (200 * share * (1 - share)) ** 0.5


def test_parts_are_neighbours_and_cover_each_document_once() -> None:
    used = Counter()
    for first, second, is_next in pairs():
        before, after = (first, second) if is_next else (second, first)
        places = [place(sentence) for sentence in before + after]
        document, start = places[0]
        assert places == [(document, start + i) for i in range(len(places))]
        used.update(before + after)
    everything = [d for d in documents() if len(d) > 1]
    assert used == Counter(sentence for d in everything for sentence in d)


def test_runs_are_as_long_as_asked() -> None:
    sizes = [
        sum(map(len, first + second))
        for seed in range(3)
        for first, second, _ in pairs(seed, short_seq_prob=0.0)
    ]
    # The last document of a corpus may be short; few runs are shorter than the
    # target.
    assert 0.75 * 90 < np.mean(sizes) < 90


def features(first: Part, second: Part) -> dict[str, float]:
    """Returns features that could reveal the order without reading."""
    sizes = [len(sentence) for sentence in first + second]
    longest = int(np.argmax(sizes))
    return {
        "first part is longer": len("".join(first)) > len("".join(second)),
        "first part has more sentences": len(first) > len(second),
        "longest is in the first part": longest < len(first),
        "longest opens or ends the pair": longest in (0, len(sizes) - 1),
        "longest is at the seam": longest in (len(first) - 1, len(first)),
        "first sentence": sizes[0],
        "last sentence": sizes[-1],
        "sentences beside the seam": sizes[len(first) - 1] - sizes[len(first)],
        "whole length": sum(sizes),
    }


def deviations(made: list[tuple[Part, Part, int]]) -> dict[str, float]:
    """Returns the difference of the labels' means, in its deviations."""
    rows = [
        (is_next, features(first, second)) for first, second, is_next in made
    ]
    found = {}
    for name in rows[0][1]:
        groups = [
            np.array([float(row[name]) for label, row in rows if label == side])
            for side in (0, 1)
        ]
        spread = sum(group.var() / len(group) for group in groups) ** 0.5
        found[name] = abs(groups[0].mean() - groups[1].mean()) / spread
    return found


def test_labels_are_balanced_and_nothing_but_order_tells_them() -> None:
    # The sentences of these documents are in random order, so order is no cue
    # either; and each seed has its own documents.
    made = [pair for seed in range(8) for pair in pairs(seed)]
    assert len(made) > 14_000
    true = sum(is_next for *_, is_next in made)
    assert abs(true - len(made) / 2) < 5 * (len(made) / 4) ** 0.5
    found = deviations(made)
    assert max(found.values()) < 5, found
    # The check can fail: packed as for next-sentence prediction, the last
    # sentence is long, which reveals the half of the pairs that is swapped.
    rng = random.Random(2)
    packed = [
        (first, second, 1) if rng.random() < 0.5 else (second, first, 0)
        for seed in range(8)
        for first, second, is_next in pairs(seed, "next_sentence")
        if is_next
    ]
    found = deviations(packed)
    assert found["first part is longer"] > 5, found
    assert found["last sentence"] > 5, found


@pytest.mark.slow
def test_batches_hold_the_order_and_no_other_cue(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("\n\n".join("\n".join(d) for d in documents(number=1000)))
    inputs = BertInputs([*SPECIAL, *"0123456789.:x"], 64, split="character")
    dataset = bert_pretraining_dataset(
        corpus,
        inputs,
        batch_size=50,
        steps_per_epoch=40,
        seed=1,
        separator="",
        objective="sentence_order",
        masking_rate=1e-6,
        max_predictions=1,
    )
    rows = []
    for batch, targets, _ in dataset.take(40):
        # The one masked token is restored.
        token_ids = tf.tensor_scatter_nd_update(
            batch["token_ids"],
            tf.stack([tf.range(50), batch["masked_positions"][:, 0]], 1),
            targets["masked_lm"][:, 0],
        ).numpy()
        for row in range(50):
            real = batch["padding_mask"][row].numpy()
            part = batch["segment_ids"][row].numpy()[real]
            tokens = [inputs.vocabulary[i] for i in token_ids[row][real]]
            second = tokens[list(part).index(1) : -1]
            names = [
                place("".join(side))
                for side in (tokens[1 : list(part).index(1) - 1], second)
            ]
            label = int(targets["next_sentence"][row])
            assert names[0][0] == names[1][0]
            assert (names[0][1] < names[1][1]) == label
            rows.append((label, sum(part == 0) > sum(part == 1), len(tokens)))
    labels, longer, sizes = map(np.array, zip(*rows, strict=True))
    assert abs(labels.mean() - 0.5) < 5 * 0.5 / len(labels) ** 0.5
    for cue in (longer, sizes):  # after the cut, too
        difference = cue[labels == 1].mean() - cue[labels == 0].mean()
        assert abs(difference) < 5 * 2 * cue.std() / len(labels) ** 0.5


def test_pure_function_of_the_seed() -> None:
    assert list(pairs(5)) == list(pairs(5))
    assert list(pairs(5)) != list(pairs(6))


@pytest.mark.parametrize(
    ("corpus", "options", "message"),
    [
        ([["a"], []], {}, "a document of at least two sentences"),
        (
            [["a", "b"]],
            {"shuffle_buffer": 0},
            "`shuffle_buffer` must be at least 1 document",
        ),
        ([["a", "b"]], {"objective": "order"}, "`objective` must be .*'order'"),
    ],
)
def test_refused(corpus, options, message) -> None:
    options = {"objective": "sentence_order", **options}
    with pytest.raises(ValueError, match=message):
        list(sentence_pairs(corpus, target_length=9, seed=0, **options))
