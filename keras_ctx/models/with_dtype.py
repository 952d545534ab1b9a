"""Copies a model whose encoder has another dtype policy."""

from collections.abc import Iterator
from typing import Any

import keras

from keras_ctx.layers.base.keras_hooks import inner_layers
from keras_ctx.models.family import encoders_inside

_POLICIES = (
    *("float32", "bfloat16", "float16", "float64"),
    *("mixed_bfloat16", "mixed_float16"),
)


def with_dtype(model: keras.Model, dtype: str) -> keras.Model:
    """Copies a model, with another dtype policy for its encoder.

    Use it for a model from a file, which has the policy that it was saved
    with. To train, take "mixed_bfloat16": weights stay float32 and layers
    compute in bfloat16, so that activations kept for the gradients take half
    the memory. To predict, take "bfloat16", which also stores the weights so.
    Norms and the softmax of attention compute in float32 under either, and
    the layers of a head keep their own policy. What bfloat16 costs in digits is
    in `docs/howto/deploy.md`. With "mixed_float16" small gradients become 0
    unless the loss is scaled: compile the copy with
    `keras.optimizers.LossScaleOptimizer` around the optimizer, which Keras adds
    by itself only where the whole model has this policy.

    Args:
        model: An encoder of `keras_ctx.models`, or a model with an encoder in
            it, such as a classifier.
        dtype: Name of a Keras dtype policy of floats, such as "bfloat16" or
            "mixed_bfloat16".

    Returns:
        A `keras.Model` with its own weights, equal to the model's, or rounded
        to the dtype in which the policy stores them. The copy of a compiled
        model is compiled with a new optimizer, which has made no step.

    Raises:
        ValueError: The policy is unknown or not one of floats, or a layer is
            quantized.
        TypeError: `model` is no `keras.Model`.

    Example:
        >>> from keras_ctx.models import bert_tiny, classifier
        >>> encoder = with_dtype(bert_tiny(100), "mixed_bfloat16")
        >>> encoder.output["sequence"].dtype, encoder.weights[0].dtype
        ('bfloat16', 'float32')
        >>> model = with_dtype(classifier(bert_tiny(100), 2), "bfloat16")
        >>> model.output["logits"].dtype, model.weights[0].dtype
        ('float32', 'bfloat16')

    Source:
        Micikevicius et al. 2018, https://arxiv.org/abs/1710.03740.
    """
    _check(model, dtype)
    policy = keras.dtype_policies.DTypePolicy(dtype)
    has_encoder = bool(encoders_inside(model))

    def copy(layer: keras.Operation) -> keras.Operation:
        if isinstance(layer, keras.Model):
            return with_dtype(layer, dtype)
        config = layer.get_config()
        # A function of `keras.ops` has no policy.
        if isinstance(layer, keras.layers.Layer) and not has_encoder:
            config["dtype"] = policy.name
            for wrapped in ("layer", "backward_layer"):  # of Bidirectional
                if config.get(wrapped):
                    config[wrapped]["config"]["dtype"] = policy.name
        return type(layer).from_config(config)

    other = keras.models.clone_model(model, clone_function=copy)
    other.set_weights(model.get_weights())
    return other


def _check(model: keras.Model, dtype: str) -> None:
    if not isinstance(model, keras.Model):
        raise TypeError(
            "`model` must be a `keras.Model`; a `TextModel` has a method of "
            f"this name. Received: {type(model).__name__}"
        )
    if dtype not in _POLICIES:
        raise ValueError(
            f"`dtype` must be one of {', '.join(map(repr, _POLICIES))}. "
            f"Received: dtype={dtype!r}"
        )
    quantized = next(
        (
            layer
            for layer in _with_sublayers(model)
            if getattr(layer, "quantization_mode", None) is not None
        ),
        None,
    )
    if quantized is not None:
        raise ValueError(
            "`model` must not be quantized: its integers have scales of their "
            "own. Call `with_dtype` before `quantize`. Received: "
            f"{quantized.path}, {quantized.quantization_mode!r}"
        )


def _with_sublayers(layer: Any) -> Iterator[Any]:
    yield layer
    for inner in inner_layers(layer):
        yield from _with_sublayers(inner)
