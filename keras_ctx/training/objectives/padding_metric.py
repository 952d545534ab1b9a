"""The share of padding in the inputs of a model, as a metric."""

import keras
from keras import ops


def with_padding_metric(model: keras.Model) -> keras.Model:
    """Returns the same model, which also logs the share of padding.

    `fit` and `evaluate` log it under the name `padding`.

    Args:
        model: A functional model with the input `padding_mask`, not compiled
            yet.

    Returns:
        A model with the same layers, inputs, outputs and name. On other
        backends than TensorFlow it is `model` itself.

    Raises:
        ValueError: The model is compiled, which would be lost, or it has no
            input `padding_mask`.

    Example:
        >>> from keras_ctx import models
        >>> model = with_padding_metric(models.bert_tiny(100))
        >>> model.count_params() == models.bert_tiny(100).count_params()
        True
    """
    if keras.backend.backend() != "tensorflow":
        return model
    if model.compiled or "padding_mask" not in model.input:
        raise ValueError(
            "`model` must not be compiled yet, and have an input "
            f"`padding_mask`. Received: {model.name}, "
            f"compiled={model.compiled}, inputs {sorted(model.input)}"
        )
    return _PaddingModel(model.input, model.output, name=model.name)


class _PaddingModel(keras.Model):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.padding = keras.metrics.Mean(name="padding")

    def compute_loss(self, x=None, *args, **kwargs):
        real = ops.cast(x["padding_mask"], "float32")  # pyright: ignore
        # One value per row, so that the mean is right on several devices.
        self.padding.update_state(1 - ops.mean(real, axis=-1))
        return super().compute_loss(x, *args, **kwargs)
