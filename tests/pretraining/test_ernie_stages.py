"""Texts trained on one after another: the batches of each stage."""

import functools
import itertools
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from keras_ctx import data, pretraining, text

LINES = "他 在 北京 大学 。\n这 本 书 很 好 。\n\n春天 来 了 。\n花 开 了 。\n"
STEPS = 2


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    found = [tmp_path / f"{name}.txt" for name in ("plain", "words", "names")]
    contents = (LINES.replace(" ", ""), LINES, LINES.replace("京 大", "京大"))
    for path, content in zip(found, contents, strict=True):
        path.write_text(content, encoding="utf-8")
    return found


def options_of(paths: list[Path], **options):
    return pretraining.BertPretrainingOptions(
        output=paths[0].parent / "run",
        corpus=paths[0],
        stages=tuple(paths[1:]),
        steps_per_epoch=STEPS,
        pair_length=24,
        batch_size=2,
        **options,
    )


def dataset_of(options, inputs, path, segmented, **steps):
    return data.bert_pretraining_dataset(
        path,
        pretraining.pair_text_inputs(options, inputs),
        batch_size=options.batch_size,
        **pretraining.bert_text_options(options, inputs, segmented),
        **steps,
    )


def first_of(dataset, number: int) -> list[tuple]:
    return [
        (features["token_ids"].numpy(), features["masked_positions"].numpy())
        for features, _, _ in itertools.islice(dataset, number)
    ]


def same(found: list[tuple], expected: list[tuple]) -> bool:
    return all(
        np.array_equal(*pair)
        for one, other in zip(found, expected, strict=True)
        for pair in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("first_step", [0, 1, 2, 3, 5, 8, 9])
def test_steps_of_each_stage(first_step: int, paths: list[Path]) -> None:
    def steps(path, segmented, seed, first_step, steps_per_epoch):
        assert (seed, steps_per_epoch) == (1, STEPS)
        numbers = tf.data.Dataset.range(first_step, 99)
        return numbers.map(lambda step: (path.stem, segmented, step))

    options = options_of(paths, epochs=4)
    found = pretraining.in_stages(options, steps, first_step)
    # Of four epochs: one, one and two; the last text has no end.
    expected = [
        ("plain", False, 0),
        ("plain", False, 1),
        ("words", True, 2),
        ("words", True, 3),
        *(("names", True, step) for step in range(4, 10)),
    ]
    assert [
        (name.numpy().decode(), bool(segmented), int(step))
        for name, segmented, step in found.take(10 - first_step)
    ] == expected[first_step:]


@pytest.mark.slow
@pytest.mark.parametrize("first_step", [0, 3])
def test_each_stage_has_its_epochs(first_step: int, paths: list[Path]) -> None:
    options = options_of(paths, epochs=4, masking_rule="unit")
    inputs = pretraining.bert_text_inputs(options)
    make = functools.partial(dataset_of, options, inputs)
    found = first_of(
        pretraining.in_stages(options, make, first_step), 10 - first_step
    )
    # Of four epochs: one, one and two; the last text has no end.
    expected: list[tuple] = []
    for path, segmented, begin, end in (
        (paths[0], False, 0, 2),
        (paths[1], True, 2, 4),
        (paths[2], True, 4, 10),
    ):
        begin = max(begin, first_step)
        if begin < end:
            batches = make(
                path,
                segmented,
                seed=options.seed,
                first_step=begin,
                steps_per_epoch=STEPS,
            )
            expected += first_of(batches, end - begin)
    assert same(found, expected)
    if not first_step:
        # Another way to mask: the same pairs would have the same masks.
        plain = first_of(
            make(paths[0], False, seed=1, first_step=2, steps_per_epoch=STEPS),
            2,
        )
        assert not same(found[2:4], plain)


def test_an_ended_stage_is_still_checked(paths: list[Path]) -> None:
    options = options_of(paths, epochs=3)
    inputs = pretraining.bert_text_inputs(options)
    make = functools.partial(dataset_of, options, inputs)
    paths[1].write_text(LINES.replace(" ", ""), encoding="utf-8")
    with pytest.raises(ValueError, match=r"`segmented` needs .*words.txt"):
        pretraining.in_stages(options, make, first_step=5)


@pytest.mark.slow
def test_one_text_is_read_as_before(paths: list[Path]) -> None:
    options = options_of(paths[:1])
    assert options.max_predictions == round(0.15 * 24)
    inputs = text.BertInputs(text.character_vocabulary([LINES]), 24)
    make = functools.partial(dataset_of, options, inputs)
    found = first_of(pretraining.in_stages(options, make, 1), 2)
    alone = make(paths[0], None, seed=1, first_step=1, steps_per_epoch=STEPS)
    assert same(found, first_of(alone, 2))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 2}, "`epochs` must be at least the number of texts.*3 t"),
        ({"epochs": 3, "segmented": True}, "`segmented` and `stages` must not"),
        (
            {"epochs": 3, "lexicon": Path("a")},
            "`lexicon` and `stages` must not be given together",
        ),
    ],
)
def test_refused(options: dict, message: str, paths: list[Path]) -> None:
    with pytest.raises(ValueError, match=message):
        options_of(paths, **options)
