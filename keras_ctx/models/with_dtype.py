"""Copies a model whose encoder has another dtype policy."""

import keras


def with_dtype(model: keras.Model, dtype: str) -> keras.Model:
    """Copies a model, with another dtype policy for its encoder.

    Use it for a model from a file, which has the policy that it was saved
    with. To train, take "mixed_bfloat16": weights stay float32 and layers
    compute in bfloat16, so that activations kept for the gradients take half
    the memory. To predict, take "bfloat16", which also stores the weights so.
    Norms and the softmax of attention compute in float32 under either, and
    the layers of a head keep their own policy. What bfloat16 costs in digits is
    in `docs/howto/deploy.md`.

    Args:
        model: An encoder of `keras_ctx.models`, or a model with an encoder in
            it, such as a classifier.
        dtype: Name of a Keras dtype policy, such as "bfloat16" or "float32".

    Returns:
        A `keras.Model` with its own weights, equal to the model's, or rounded
        to the dtype in which the policy stores them.

    Raises:
        ValueError: The policy is unknown.

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
    policy = keras.dtype_policies.DTypePolicy(dtype)  # refuses unknown names
    has_encoder = any(isinstance(x, keras.Model) for x in model.layers)

    def copy(layer: keras.Operation) -> keras.Operation:
        if isinstance(layer, keras.Model):
            return with_dtype(layer, dtype)
        config = layer.get_config()
        # A function of `keras.ops` has no policy.
        if isinstance(layer, keras.layers.Layer) and not has_encoder:
            config["dtype"] = policy.name
        return type(layer).from_config(config)

    other = keras.models.clone_model(model, clone_function=copy)
    other.set_weights(model.get_weights())
    return other
