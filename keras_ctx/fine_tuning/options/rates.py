"""The options of learning rates and their stages, and what they mean."""

from dataclasses import dataclass
from typing import Any, Literal

import keras

from keras_ctx import training
from keras_ctx.checks import check_at_least, check_positive, check_rate


@dataclass(frozen=True, kw_only=True)
class RateOptions:
    """Options of the optimizer and of gradual unfreezing.

    Raises:
        ValueError: A number is out of range, or an option needs another one;
            from `check_rates`.

    Example:
        >>> RateOptions(unfreezing_stages=3).check_rates()
        Traceback (most recent call last):
        ValueError: `unfreezing_stages` needs `gradual_unfreezing`.
    """

    schedule: Literal[
        "linear", "slanted_triangular", "slanted_triangular_stages"
    ] = "linear"
    """How the learning rate rises and falls: once in the run, or with
    slanted_triangular_stages once in each stage of gradual unfreezing."""
    warmup_ratio: float = 0.1
    """Share of the updates in which the learning rate rises. Not used with
    slanted_triangular_stages, where it rises for a third of each stage, and for
    an eighth of the last."""
    gradual_unfreezing: bool = False
    """Whether to unfreeze one more layer each epoch, from the top. A layer
    whose turn is after the last epoch is never trained."""
    unfreezing_stages: int | None = None
    """Number of stages of gradual unfreezing. Each takes one epoch, and the
    last, which unfreezes all layers that are left, the rest of the run; 3 in
    ULMFiT's scripts. If not given: one for each layer."""
    beta_1: float = 0.9
    """Adam's decay of the mean gradient."""
    beta_2: float = 0.999
    """Adam's decay of the mean squared gradient."""
    weight_decay: float = 0.01
    """Weight decay, multiplied by the learning rate."""
    clip_norm: float = 1.0
    """Bound on the global norm of the gradients."""

    def check_rates(self) -> None:
        """Refuses numbers out of range, and options that need another."""
        if not self.gradual_unfreezing:
            if self.unfreezing_stages is not None:
                raise ValueError(
                    "`unfreezing_stages` needs `gradual_unfreezing`."
                )
            if self.schedule == "slanted_triangular_stages":
                raise ValueError(
                    '`schedule="slanted_triangular_stages"` needs '
                    "`gradual_unfreezing`, which has stages."
                )
        if self.unfreezing_stages is not None:
            check_at_least(1, unfreezing_stages=self.unfreezing_stages)
        check_rate(
            warmup_ratio=self.warmup_ratio,
            beta_1=self.beta_1,
            beta_2=self.beta_2,
        )
        check_positive(clip_norm=self.clip_norm)
        if not self.weight_decay >= 0:
            raise ValueError(
                "`weight_decay` must be at least 0. "
                f"Received: {self.weight_decay}"
            )


def rate_arguments(
    options: Any, model: keras.Model, epochs: int, updates: int
) -> dict[str, Any]:
    """Returns the arguments of `training.bert_optimizer` for the options.

    Args:
        options: `RateOptions` with `layer_decay` and `learning_rate`.
        model: The model to train.
        epochs: Number of epochs of the run.
        updates: Number of updates of an epoch.

    Raises:
        ValueError: The run is shorter than its stages.

    Example:
        >>> from keras_ctx import fine_tuning, models
        >>> from pathlib import Path
        >>> options = fine_tuning.LabelledDataOptions(
        ...     output=Path("runs/one"), gradual_unfreezing=True,
        ...     unfreezing_stages=2)
        >>> model = models.classifier(models.bert_tiny(100), 2)
        >>> found = rate_arguments(options, model, epochs=3, updates=10)
        >>> {first for _, first in found["layer_rates"].values()}
        {0, 10}
    """
    found: dict[str, Any] = {
        "warmup_ratio": options.warmup_ratio,
        "schedule": options.schedule,
        "beta_1": options.beta_1,
        "beta_2": options.beta_2,
        "weight_decay": options.weight_decay,
        "clip_norm": options.clip_norm,
    }
    unfreezes = options.gradual_unfreezing
    if options.layer_decay != 1 or unfreezes:
        found["layer_rates"] = training.layer_rates(
            model,
            options.layer_decay,
            unfreeze_every=updates if unfreezes else None,
            stages=options.unfreezing_stages,
        )
    if options.schedule == "slanted_triangular_stages":
        starts = {first for _, first in found["layer_rates"].values()}
        earlier = len(starts) - 1
        if epochs <= earlier:
            raise ValueError(
                f"`epochs` must be at least {earlier + 1} for this encoder and "
                '`schedule="slanted_triangular_stages"`, an epoch for each '
                f"stage. Received: epochs={epochs}"
            )
        steps = [updates] * earlier + [updates * (epochs - earlier)]
        found["schedule"] = training.ulmfit_stages(options.learning_rate, steps)
    return found
