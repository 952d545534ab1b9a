"""Compiles a task model: LoRA, devices, optimizer, loss."""

from collections.abc import Mapping
from typing import Any

import keras

from keras_ctx import models, training
from keras_ctx.fine_tuning.options.rates import rate_arguments
from keras_ctx.fine_tuning.options.roles import RoleOptions
from keras_ctx.fine_tuning.options.shared import (
    FineTuningOptions,
    LabelledDataOptions,
)


def compile_model(
    options: FineTuningOptions,
    model: keras.Model,
    steps_per_epoch: int,
    loss: Mapping[str, Any],
) -> keras.Model:
    """Compiles the model, with LoRA updates if the options say so.

    Args:
        options: Options of the recipe.
        model: An encoder with a head; modified in place.
        steps_per_epoch: Batches per epoch.
        loss: Loss and metrics, from `training.task_loss`.

    Returns:
        The model to call `fit` on. It trains on the devices of the strategy in
        whose scope this function is called.

    Raises:
        ValueError: A number is out of range, the schedule is longer than the
            run, or the encoder has no BERT blocks for LoRA.

    Example:
        >>> import pathlib
        >>> options = FineTuningOptions(
        ...     output=pathlib.Path("runs/one"), epochs=2, lora_rank=4)
        >>> model = models.classifier(models.bert_tiny(100), 2)
        >>> model = compile_model(
        ...     options, model, 10, training.task_loss("classification"))
        >>> any("lora" in x.path for x in model.trainable_weights)
        True
        >>> model.optimizer.get_config()["learning_rate"]["config"][
        ...     "total_steps"]
        20
    """
    if options.lora_rank is not None:
        models.enable_lora(model, options.lora_rank)
    model = training.distributed(model)
    optimizer = _optimizer(options, model, steps_per_epoch)
    model.compile(optimizer, **loss, jit_compile=False)
    return model


def _optimizer(
    options: FineTuningOptions, model: keras.Model, steps_per_epoch: int
) -> keras.optimizers.Optimizer:
    """Returns BERT's optimizer for the run, with a rate for each layer.

    With `optimizer="adadelta"` it is that of He et al. 2017, section 2.5.
    """
    if isinstance(options, RoleOptions) and options.optimizer == "adadelta":
        return keras.optimizers.Adadelta(
            options.learning_rate,
            rho=0.95,
            epsilon=1e-6,
            global_clipnorm=options.clip_norm,
        )
    more: dict[str, Any] = {}
    updates = steps_per_epoch
    if isinstance(options, LabelledDataOptions):
        updates //= options.gradient_accumulation_steps
        more = rate_arguments(options, model, options.epochs, updates)
        more["gradient_accumulation_steps"] = (
            options.gradient_accumulation_steps
        )
    elif options.layer_decay != 1:
        more["layer_rates"] = training.layer_rates(model, options.layer_decay)
    return training.bert_optimizer(
        options.learning_rate, options.epochs * updates, **more
    )
