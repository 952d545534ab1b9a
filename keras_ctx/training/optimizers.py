"""The optimizers that BERT and ELMo are trained with."""

import keras

from keras_ctx.training.schedules import WarmupLinearDecay

# Biases, norms, and the few numbers of a ScalarMix: nothing to decay. Keras
# asks with its own name of a variable or with TensorFlow's, which is a path.
NOT_DECAYED = r"(^|/)(bias|gamma|beta|weights|scale)(:0)?$"


def bert_optimizer(
    peak_learning_rate: float,
    total_steps: int,
    warmup_share: float = 0.1,
    weight_decay: float = 0.01,
    clip_norm: float | None = 1.0,
    beta_2: float = 0.999,
) -> keras.optimizers.AdamW:
    """AdamW without decay on norms and biases, warm-up and linear decay.

    Args:
        peak_learning_rate: Highest learning rate.
        total_steps: Updates of the whole run.
        warmup_share: Share of them in which the rate rises.
        weight_decay: Share of a weight taken off a step, times the rate.
        clip_norm: Bound on the norm of all gradients together; `None` for
            none.
        beta_2: Decay of the mean of squared gradients; 0.98 (RoBERTa's) suits
            short runs.

    Returns:
        A `keras.optimizers.AdamW`.

    Raises:
        ValueError: numbers that `WarmupLinearDecay` refuses.

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
    optimizer = keras.optimizers.AdamW(
        WarmupLinearDecay(
            peak_learning_rate, total_steps, round(warmup_share * total_steps)
        ),
        weight_decay=weight_decay,
        beta_2=beta_2,
        epsilon=1e-6,
        global_clipnorm=clip_norm,
    )
    optimizer.exclude_from_weight_decay(var_names=[NOT_DECAYED])
    return optimizer


def elmo_optimizer(
    learning_rate: float = 0.2, clip_norm: float | None = 10.0
) -> keras.optimizers.Adagrad:
    """Adagrad as ELMo was trained with it.

    bilm-tf takes the gradient of the mean loss *times the steps of a window*:
    give `compile` the loss weights `0.5 * window_size` for each direction.

    Args:
        learning_rate: Never falls; Adagrad's sums do the work of a schedule.
        clip_norm: Bound on the norm of all gradients together; `None` for
            none.

    Returns:
        A `keras.optimizers.Adagrad`, its sums starting at 1.

    Example:
        >>> elmo_optimizer().initial_accumulator_value
        1.0

    Source:
        Duchi et al. 2011; the settings of allenai/bilm-tf.
    """
    return keras.optimizers.Adagrad(
        learning_rate,
        initial_accumulator_value=1.0,
        epsilon=0.0,
        global_clipnorm=clip_norm,
    )
