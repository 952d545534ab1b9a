"""Trains on several texts one after another, as ERNIE's stages."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf

from keras_ctx.pretraining.options.bert import BertPretrainingOptions


def in_stages(
    options: BertPretrainingOptions,
    make_dataset: Callable[..., tf.data.Dataset],
    first_step: int = 0,
) -> tf.data.Dataset:
    """Returns the batches of `corpus`, and then those of each of `stages`.

    Each text has the same number of epochs; where they do not divide, the
    later ones have one more.

    Args:
        options: Uses `corpus`, `stages`, `epochs`, `steps_per_epoch`, `seed`.
        make_dataset: Returns the endless batches of a text, see
            `data.bert_pretraining_dataset`; gets its path, and `segmented`,
            `seed`, `first_step` and `steps_per_epoch`.
        first_step: Number of the first batch.

    Example:
        >>> options = BertPretrainingOptions(
        ...     output=Path("runs/one"), corpus=Path("a"), epochs=3,
        ...     stages=(Path("b"),), steps_per_epoch=2)
        >>> def make_dataset(path, segmented, first_step, **others):
        ...     steps = tf.data.Dataset.range(first_step, 99)
        ...     return steps.map(lambda step: (str(path), segmented, step))
        >>> dataset = in_stages(options, make_dataset, first_step=1)
        >>> for path, segmented, step in dataset.take(3):
        ...     print(path.numpy(), bool(segmented), int(step))
        b'a' False 1
        b'b' True 2
        b'b' True 3
    """
    paths = [options.corpus_path, *options.stages]
    steps = options.steps_per_epoch
    dataset: Any = None
    for number, path in enumerate(paths):
        begin, end = (
            steps * ((number + k) * options.epochs // len(paths))
            for k in (0, 1)
        )
        is_last = number == len(options.stages)
        begin = max(begin, first_step)
        if not is_last:  # one that has ended is made to find errors in it
            begin = min(begin, end)
        part = make_dataset(
            path,
            segmented=options.segmented or number > 0,
            seed=options.seed,
            first_step=begin,
            steps_per_epoch=steps,
        )
        if not is_last:
            part = part.take(end - begin)
        dataset = part if dataset is None else dataset.concatenate(part)
    return dataset


def stage_names(options: BertPretrainingOptions) -> dict[str, Path]:
    """Returns the texts of the stages after the first, by name.

    Example:
        >>> options = BertPretrainingOptions(
        ...     output=Path("runs/one"), stages=(Path("b"),), epochs=2)
        >>> stage_names(options)
        {'stage_2': PosixPath('b')}
    """
    return {
        f"stage_{number}": path
        for number, path in enumerate(options.stages, start=2)
    }
