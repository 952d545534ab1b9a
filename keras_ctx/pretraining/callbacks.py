"""The callbacks of a pretraining, as its options ask for them."""

from collections.abc import Callable
from typing import Any

import keras

from keras_ctx import data, training
from keras_ctx.pretraining.options.shared import PretrainingOptions


def run_callbacks(
    options: PretrainingOptions, **arguments: Any
) -> list[keras.callbacks.Callback]:
    """Those of `training.run_callbacks`, with the options of the recipe.

    Args:
        options: `output`, `checkpoint_steps`, `loss_spike` and `profile` are
            read.
        **arguments: Others of `training.run_callbacks`.

    Example:
        >>> from pathlib import Path
        >>> options = PretrainingOptions(output=Path("runs/one"), loss_spike=5)
        >>> found = run_callbacks(options, tokens_per_step=64)
        >>> [x.spike for x in found if hasattr(x, "spike")]
        [5]
    """
    return training.run_callbacks(
        options.output,
        checkpoint_steps=options.checkpoint_steps,
        spike=options.loss_spike,
        profile=options.profile,
        **arguments,
    )


def batch_names(options: PretrainingOptions) -> Callable[[int], list[str]]:
    """What a batch is made of, by its step: for a run that has to stop.

    Args:
        options: `records`, `batch_size` and `seed` are read.

    Returns:
        A function from the number of a step, counted from 0, to the names of
        its records; of a corpus, to how the batch is made again.

    Example:
        >>> from pathlib import Path
        >>> batch_names(PretrainingOptions(output=Path("runs/one")))(7)
        ['that of `first_step=7`, `seed=1`']
    """
    folder = options.records
    if folder is None:
        return lambda step: [
            f"that of `first_step={step}`, `seed={options.seed}`"
        ]
    return lambda step: data.record_names(
        folder, step, batch_size=options.batch_size, seed=options.seed
    )
