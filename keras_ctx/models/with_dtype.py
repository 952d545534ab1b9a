"""Copies an encoder under another dtype policy."""

import keras


def with_dtype(encoder: keras.Model, dtype: str) -> keras.Model:
    """Copies an encoder, with another dtype policy.

    Use it for an encoder from a file, which has the policy that it was saved
    with. With "mixed_bfloat16" weights stay float32 and layers compute in
    bfloat16, so that activations kept for the gradients take half the memory.

    Args:
        encoder: An encoder of `keras_ctx.models`.
        dtype: Name of a Keras dtype policy, such as "mixed_bfloat16" or
            "float32".

    Returns:
        A `keras.Model` with its own weights, equal to the encoder's.

    Raises:
        ValueError: The policy is unknown, or the model contains a model, such
            as a classifier.

    Example:
        >>> from keras_ctx.models import bert_tiny
        >>> encoder = with_dtype(bert_tiny(100), "mixed_bfloat16")
        >>> encoder.output["sequence"].dtype, encoder.weights[0].dtype
        ('bfloat16', 'float32')

    Source:
        Micikevicius et al. 2018, https://arxiv.org/abs/1710.03740.
    """
    policy = keras.dtype_policies.DTypePolicy(dtype)  # refuses unknown names
    nested = [x.name for x in encoder.layers if isinstance(x, keras.Model)]
    if nested:
        raise ValueError(
            "`encoder` must be an encoder without a head. Convert the encoder, "
            "build the same head on it, and set the weights of the old model. "
            f"Received: a model with the model {nested[0]!r} in it"
        )

    def copy(layer: keras.Operation) -> keras.Operation:
        config = layer.get_config()
        if isinstance(layer, keras.layers.Layer):  # no function of keras.ops
            config["dtype"] = policy.name
        return type(layer).from_config(config)

    other = keras.models.clone_model(encoder, clone_function=copy)
    other.set_weights(encoder.get_weights())
    return other
