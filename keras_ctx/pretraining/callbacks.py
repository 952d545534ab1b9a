"""The callbacks of a pretraining, from its options."""

from collections.abc import Callable
from typing import Any

import keras

from keras_ctx import data, training
from keras_ctx.pretraining.options.shared import PretrainingOptions


def run_callbacks(
    options: PretrainingOptions, **arguments: Any
) -> list[keras.callbacks.Callback]:
    """Returns `training.run_callbacks` with the options of the recipe.

    Args:
        options: Uses `output`, `checkpoint_steps`, `loss_spike` and `profile`.
        **arguments: Other arguments of `training.run_callbacks`.

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
    """Returns a function that names a batch, for the message of a stop.

    Args:
        options: Uses `records`, `batch_size` and `seed`.

    Returns:
        A function that maps a step, counted from 0, to the names of its
        records; for a corpus, to the settings that reproduce the batch.

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
