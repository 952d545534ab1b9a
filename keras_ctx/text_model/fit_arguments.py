"""Checks the arguments of `TextModel.fit` before any work."""

from numbers import Real
from typing import Any

import keras

from keras_ctx.checks import check_at_least, check_positive

# Arguments of `keras.Model.fit` for arrays only, and what to do instead.
_NOT_TAKEN = {
    "shuffle": "the texts of each epoch are shuffled by `seed`",
    "validation_split": "give the texts held out as `validation_data`",
    "sample_weight": "build the batches by `keras_ctx.data`, and fit `.model`",
    "class_weight": "build the batches by `keras_ctx.data`, and fit `.model`",
    "validation_steps": "all of `validation_data` is scored",
    "validation_batch_size": "`batch_size` is that of both",
    "x": "these are `texts`",
    "y": "these are `labels`",
}


def check_fit_arguments(
    model: keras.Model,
    optimizer: Any,
    *,
    epochs: Any,
    learning_rate: Any,
    validation_data: Any,
    arguments: dict[str, Any],
) -> None:
    """Refuses, before texts are read, what would fail or have no effect."""
    check_at_least(1, epochs=epochs)
    if not isinstance(learning_rate, Real):
        raise ValueError(
            "`learning_rate` must be a number. To use your own schedule, "
            "compile `.model` before `fit`. Received: "
            f"learning_rate={learning_rate!r}"
        )
    check_positive(learning_rate=learning_rate)
    if validation_data is not None and not (
        isinstance(validation_data, tuple | list) and len(validation_data) == 2
    ):
        raise ValueError(
            "`validation_data` must be a tuple of texts and their labels. "
            f"Received: {str(validation_data)[:60]!r}, a "
            f"{type(validation_data).__name__}"
        )
    for name in sorted(arguments.keys() & _NOT_TAKEN.keys()):
        raise ValueError(
            f"`{name}` is not an argument of this `fit`: {_NOT_TAKEN[name]}. "
            f"Received: {name}={str(arguments[name])[:60]}"
        )
    if optimizer is not None and _has_ended(optimizer):
        raise ValueError(
            "`model` must be compiled with a learning rate above 0: its "
            "schedule has ended, as in a model saved after `fit`, so it "
            "would learn nothing. Compile it again, or "
            "load it with `compile=False`. Received: "
            f"{model.name!r} after {int(optimizer.iterations)} steps"
        )


def _has_ended(optimizer: Any) -> bool:
    """Returns whether a schedule has reached 0; a constant 0 is allowed."""
    is_schedule = isinstance(optimizer.get_config()["learning_rate"], dict)
    return (
        is_schedule
        and int(optimizer.iterations) > 0
        and float(optimizer.learning_rate) == 0
    )
