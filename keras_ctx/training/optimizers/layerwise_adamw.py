"""AdamW with a separate learning rate for every variable."""

import re
from collections.abc import Mapping, Sequence

import keras
from keras import ops

from keras_ctx.checks import check_at_least
from keras_ctx.files.earlier_names import with_names_of_today
from keras_ctx.training.optimizers.accumulation import AccumulatedGradients
from keras_ctx.training.optimizers.adam_kernel import apply_adam, has_kernel


@keras.saving.register_keras_serializable(package="keras_ctx")
class LayerwiseAdamW(AccumulatedGradients, keras.optimizers.AdamW):
    """AdamW with a factor of the learning rate and a first step per variable.

    The factor scales the whole update of a variable, weight decay included.
    Before its first step a variable is frozen: it and its moments do not
    change, and its gradient does not count for the clipped norm. Its bias
    correction starts at its first step. Without `layer_rates` this equals
    `keras.optimizers.AdamW`, to 1e-5 of a step, except that a saved model
    contains the variables that are excluded from weight decay, and that
    several devices sum their gradients before the norm is clipped. On
    TensorFlow a step takes a third of the time: one kernel does it.

    Args:
        learning_rate: A number or a schedule.
        layer_rates: A dict from the path of each variable to a pair: its
            factor, at least 0, and its first step, counted in updates from 0,
            as `keras_ctx.training.layer_rates` returns them. `None`: 1 and 0.
        exclude_from_weight_decay: Patterns (`re.search`) of the paths of
            variables that have no weight decay.
        **kwargs: As for `keras.optimizers.AdamW`.

    Raises:
        ValueError: A factor or a step is negative, or
            `gradient_accumulation_steps` is below 2; or, when the optimizer is
            built, `layer_rates` lacks a variable, or one has half precision.

    Example:
        >>> kernel = keras.Variable([1.0], name="kernel")
        >>> rates = {kernel.path: (0.5, 1)}
        >>> optimizer = LayerwiseAdamW(0.1, rates, weight_decay=0.0)
        >>> for _ in range(2):
        ...     optimizer.apply([ops.ones(1)], [kernel])
        ...     print(kernel.numpy().round(3))
        [1.]
        [0.95]

    Source:
        Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101; rates
        for layers: Howard and Ruder 2018, sections 3.2 and 3.3,
        https://arxiv.org/abs/1801.06146.
    """

    def __init__(
        self,
        learning_rate=0.001,
        layer_rates: Mapping[str, Sequence] | None = None,
        exclude_from_weight_decay: Sequence[str] = (),
        **kwargs,
    ):
        steps = kwargs.get("gradient_accumulation_steps")
        if steps is not None:
            check_at_least(2, gradient_accumulation_steps=steps)
        super().__init__(learning_rate, **kwargs)
        for path, (factor, first_step) in (layer_rates or {}).items():
            if not (factor >= 0 and first_step >= 0):
                raise ValueError(
                    "`layer_rates` must hold factors and first steps of at "
                    f"least 0. Received: {path}: ({factor}, {first_step})"
                )
        self.layer_rates = layer_rates and {
            path: tuple(rate) for path, rate in layer_rates.items()
        }
        # Not under its own name, which is that of a method of Keras's.
        self._no_decay = tuple(exclude_from_weight_decay)
        # Exclude everything from Keras's weight decay, which has one rate for
        # all variables; here `update_step` applies it with separate rates.
        super().exclude_from_weight_decay(var_names=[""])

    def exclude_from_weight_decay(self, var_list=None, var_names=None):
        if self.built:
            raise ValueError(
                "`exclude_from_weight_decay` must be called before the "
                "optimizer is built. Received: a built optimizer"
            )
        exact = [f"^{re.escape(_path(x))}$" for x in var_list or ()]
        self._no_decay = (*(var_names or ()), *exact)

    def build(self, variables):
        if self.built:
            return
        _check_precision(variables)
        paths = [_path(variable) for variable in variables]
        rates = self.layer_rates or dict.fromkeys(paths, (1.0, 0))
        unknown = [path for path in paths if path not in rates]
        if unknown:
            raise ValueError(
                "`layer_rates` must name every trainable variable; compute it "
                "from the model that is compiled. Received: none for "
                + ", ".join(unknown)
            )
        self._rates = tuple(rates[path] for path in paths)
        self._decays = tuple(
            bool(self.weight_decay)
            and not any(re.search(x, path) for x in self._no_decay)
            for path in paths
        )
        super().build(variables)

    def apply(self, grads, trainable_variables=None):
        # Before gradients are clipped and accumulated. Moments start at 0, and
        # stay 0 with a gradient of 0.
        if trainable_variables is not None:
            trainable_variables = list(trainable_variables)
            known = self.layer_rates or {}
            rates = [known.get(_path(x), (1, 0)) for x in trainable_variables]
        else:  # Keras refuses an optimizer that has no variables yet
            rates = self._rates if self.built else [(1, 0)] * len(grads)
        grads = [
            self._unless_it_rests(gradient, first_step)
            for gradient, (_, first_step) in zip(grads, rates, strict=True)
        ]
        super().apply(grads, trainable_variables)

    def _unless_it_rests(self, gradient, first_step):
        if gradient is None or not first_step:
            return gradient
        awake = self.iterations >= first_step
        return ops.multiply(gradient, ops.cast(awake, gradient.dtype))

    def update_step(self, gradient, variable, learning_rate):
        self.if_it_updates(
            lambda: self._step(gradient, variable, learning_rate)
        )

    def _step(self, gradient, variable, learning_rate):
        index = self.index_of(variable)
        factor, first_step = self._rates[index]
        rate = ops.cast(learning_rate, variable.dtype)
        if factor != 1:
            rate = rate * factor
        correction = 1.0
        if first_step:
            step = ops.cast(self.iterations + 1, variable.dtype)
            own_step = step - first_step
            rate = rate * ops.cast(own_step > 0, variable.dtype)
            correction = self._bias_correction(ops.maximum(own_step, 1.0))
            correction = correction / self._bias_correction(step)
        if self._decays[index]:
            decay = self.weight_decay * rate  # a number: one pass over memory
            self.assign_sub(variable, variable * decay)
        rate = rate * correction
        if self.amsgrad or not has_kernel(gradient, variable):
            super().update_step(gradient, variable, rate)
            return
        apply_adam(
            gradient,
            variable,
            *self.moments_of(variable),
            rate,
            self.iterations + 1,
            self.beta_1,
            self.beta_2,
            self.epsilon,
        )

    def _bias_correction(self, step):
        """Returns the factor of the learning rate in Adam's bias correction."""
        beta_1_power = ops.power(ops.cast(self.beta_1, step.dtype), step)
        beta_2_power = ops.power(ops.cast(self.beta_2, step.dtype), step)
        return ops.sqrt(1 - beta_2_power) / (1 - beta_1_power)

    def get_config(self):
        rates = self.layer_rates
        return {
            **super().get_config(),
            "layer_rates": rates
            and {path: list(rate) for path, rate in rates.items()},
            "exclude_from_weight_decay": list(self._no_decay),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return super().from_config(with_names_of_today(config), custom_objects)


def _check_precision(variables) -> None:
    for variable in variables:
        dtype = keras.backend.standardize_dtype(variable.dtype)
        if dtype in ("bfloat16", "float16"):
            raise ValueError(
                "`variables` must be float32 or float64: a step is smaller "
                f"than the rounding of {dtype}. Build the model with the "
                f'dtype policy "mixed_{dtype}", which keeps float32 weights. '
                f"Received: {_path(variable)} in {dtype}"
            )


def _path(variable) -> str:
    # Optimizers also take TensorFlow's variables, which have only names.
    return getattr(variable, "path", variable.name)
