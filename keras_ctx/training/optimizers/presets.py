"""The optimizers of BERT, the Transformer and ELMo."""

from collections.abc import Mapping, Sequence
from typing import Literal

import keras

from keras_ctx.checks import check_at_least, check_positive, check_rate
from keras_ctx.training.optimizers.adagrad import Adagrad
from keras_ctx.training.optimizers.layerwise_adamw import LayerwiseAdamW
from keras_ctx.training.optimizers.schedules import (
    InverseSquareRoot,
    PerUpdate,
    SlantedTriangular,
    WarmupLinearDecay,
)

# Excluded from weight decay: biases, norms, and the weights of a ScalarMix.
NO_WEIGHT_DECAY = r"(^|/)(bias|gamma|beta|weights|scale)(:0)?$"


def bert_optimizer(
    peak_learning_rate: float,
    total_steps: int,
    warmup_ratio: float = 0.1,
    weight_decay: float = 0.01,
    clip_norm: float | None = 1.0,
    beta_2: float = 0.999,
    schedule: Literal["linear", "slanted_triangular"]
    | keras.optimizers.schedules.LearningRateSchedule = "linear",
    layer_rates: Mapping[str, Sequence] | None = None,
    gradient_accumulation_steps: int = 1,
    ema_momentum: float | None = None,
    beta_1: float = 0.9,
) -> LayerwiseAdamW:
    """Creates AdamW with warm-up and decay of the learning rate.

    Norms and biases are excluded from weight decay.

    Args:
        peak_learning_rate: Highest learning rate.
        total_steps: Number of updates of the whole run.
        warmup_ratio: Warm-up ratio: the share of updates in which the
            learning rate rises.
        weight_decay: Weight decay per update, multiplied by the learning
            rate.
        clip_norm: Bound on the global norm of the gradients; `None`: no
            bound.
        beta_2: Decay of the mean of squared gradients; 0.98 (RoBERTa's) suits
            short runs.
        schedule: "linear" for `WarmupLinearDecay`, "slanted_triangular" for
            `SlantedTriangular`, whose `cut_frac` is `warmup_ratio`; or a
            schedule of your own, whose steps are updates, and which replaces
            the first three arguments.
        layer_rates: Lower learning rates, or later first steps, for lower
            layers, as `keras_ctx.training.layer_rates` returns them.
        gradient_accumulation_steps: Number of batches whose gradients are
            averaged into one update, on any number of devices.
        ema_momentum: Momentum of an exponential moving average of the
            weights, such as 0.999; `None`: no average. At its end `fit` gives
            the model the averaged weights; to score them earlier, use
            `keras.callbacks.SwapEMAWeights`.
        beta_1: Decay of the mean of gradients; ULMFiT has 0.7 in the paper
            and 0.8 in its scripts.

    Returns:
        A `LayerwiseAdamW`.

    Raises:
        ValueError: The schedule refuses the numbers or is unknown,
            `gradient_accumulation_steps` is below 1, or another number is out
            of range.

    Example:
        >>> bert_optimizer(1e-4, total_steps=100).weight_decay
        0.01

    Source:
        Devlin et al. 2019, appendix A.2; Loshchilov and Hutter 2019,
        https://arxiv.org/abs/1711.05101; `beta_2=0.98`: Liu et al. 2019,
        https://arxiv.org/abs/1907.11692.

    Differs:
        google-research/bert leaves out Adam's bias correction; AdamW has it.
    """
    check_at_least(1, gradient_accumulation_steps=gradient_accumulation_steps)
    check_rate(beta_1=beta_1, beta_2=beta_2)
    check_positive(clip_norm=clip_norm)
    if not weight_decay >= 0:
        raise ValueError(
            "`weight_decay` must be at least 0. "
            f"Received: weight_decay={weight_decay}"
        )
    if ema_momentum is not None and not 0 <= ema_momentum <= 1:
        raise ValueError(
            "`ema_momentum` must be from 0 to 1. "
            f"Received: ema_momentum={ema_momentum}"
        )
    several = gradient_accumulation_steps > 1
    if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        rate = schedule
    elif schedule == "linear":
        rate = WarmupLinearDecay(
            peak_learning_rate, total_steps, round(warmup_ratio * total_steps)
        )
    elif schedule == "slanted_triangular":
        rate = SlantedTriangular(peak_learning_rate, total_steps, warmup_ratio)
    else:
        raise ValueError(
            '`schedule` must be "linear", "slanted_triangular" or a schedule. '
            f"Received: schedule={schedule!r}"
        )
    return LayerwiseAdamW(
        PerUpdate(rate, gradient_accumulation_steps) if several else rate,
        layer_rates,
        exclude_from_weight_decay=[NO_WEIGHT_DECAY],
        weight_decay=weight_decay,
        beta_1=beta_1,
        beta_2=beta_2,
        epsilon=1e-6,
        global_clipnorm=clip_norm,
        use_ema=ema_momentum is not None,
        ema_momentum=0.99 if ema_momentum is None else ema_momentum,
        gradient_accumulation_steps=(
            gradient_accumulation_steps if several else None
        ),
    )


def transformer_optimizer(
    peak_learning_rate: float,
    warmup_steps: int,
    clip_norm: float | None = None,
) -> LayerwiseAdamW:
    """Creates Adam with warm-up and decay with the root of the step.

    Args:
        peak_learning_rate: Highest learning rate.
        warmup_steps: Number of updates until it is reached.
        clip_norm: Bound on the global norm of the gradients; `None`: no
            bound.

    Returns:
        A `LayerwiseAdamW` without weight decay.

    Raises:
        ValueError: See `InverseSquareRoot`.

    Example:
        >>> float(transformer_optimizer(1e-3, warmup_steps=10).beta_2)
        0.98

    Source:
        Vaswani et al. 2017, section 5.3, https://arxiv.org/abs/1706.03762.
    """
    return LayerwiseAdamW(
        InverseSquareRoot(peak_learning_rate, warmup_steps),
        weight_decay=0.0,
        beta_2=0.98,
        epsilon=1e-9,
        global_clipnorm=clip_norm,
    )


def elmo_optimizer(
    learning_rate: float = 0.2, clip_norm: float | None = 10.0
) -> keras.optimizers.Adagrad:
    """Creates Adagrad with the settings of ELMo.

    bilm-tf takes the gradient of the mean loss *times the steps of a window*:
    give `compile` the loss weights `0.5 * window_size` for each direction.

    Args:
        learning_rate: Constant learning rate; Adagrad's sums have the effect
            of a schedule.
        clip_norm: Bound on the global norm of the gradients; `None`: no
            bound.

    Returns:
        A `keras.optimizers.Adagrad` whose sums start at 1. It takes the sparse
        gradients of `layers.SampledSoftmax(...).sparse_gradient`.

    Raises:
        ValueError: A number is not positive.

    Example:
        >>> elmo_optimizer().initial_accumulator_value
        1.0

    Source:
        Duchi et al. 2011; the settings of allenai/bilm-tf.
    """
    check_positive(learning_rate=learning_rate, clip_norm=clip_norm)
    return Adagrad(
        learning_rate,
        initial_accumulator_value=1.0,
        epsilon=0.0,
        global_clipnorm=clip_norm,
    )


def word_vector_optimizer(
    learning_rate: float, num_steps: int, pairs_per_step: float
) -> keras.optimizers.Adagrad:
    """Creates Adagrad for word vectors, with linear decay.

    word2vec updates a word after each pair by SGD. Here the pairs of a step
    are summed, and plain SGD diverges where a word is in hundreds of them.

    Args:
        learning_rate: Bound on the first change of a number of a vector.
        num_steps: Number of steps in which the rate falls to a 10,000th.
        pairs_per_step: Pairs of a step, whose mean is the loss; see
            `data.expected_pairs`.

    Returns:
        A `keras.optimizers.Adagrad`. It takes the sparse gradients of
        `word_vector_trainer`.

    Raises:
        ValueError: A number is not positive.

    Example:
        >>> optimizer = word_vector_optimizer(0.5, 100, pairs_per_step=10)
        >>> round(optimizer.initial_accumulator_value, 3)
        0.1
    """
    check_positive(
        learning_rate=learning_rate,
        num_steps=num_steps,
        pairs_per_step=pairs_per_step,
    )
    return Adagrad(
        keras.optimizers.schedules.PolynomialDecay(
            learning_rate, num_steps, learning_rate * 1e-4
        ),
        # Found on novels: ten for the sum of the pairs.
        initial_accumulator_value=10 / pairs_per_step**2,
        epsilon=0.0,
    )
