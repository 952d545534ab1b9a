"""A learned bias for each token of a vocabulary."""

import keras
from keras import ops

from keras_ctx.checks import check_dense, check_features


@keras.saving.register_keras_serializable(package="keras_ctx")
class VocabularyBias(keras.layers.Layer):
    """Adds a learned bias to logits over a vocabulary.

    Use it after a tied embedding table, which has no bias.

    Call arguments:
        inputs: `(..., V)`.

    Returns:
        `(..., V)`.

    Raises:
        ValueError: `inputs` has another V than when the layer was built.

    Example:
        >>> import numpy as np
        >>> np.asarray(VocabularyBias()(np.ones((1, 3))))
        array([[1., 1., 1.]], dtype=float32)

    Source:
        The masked language model of google-research/bert.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, inputs_shape):
        self.bias = self.add_weight(
            name="bias", shape=(inputs_shape[-1],), initializer="zeros"
        )

    def call(self, inputs):
        check_dense(inputs=inputs)
        check_features(self, "bias", 0, inputs=inputs)
        return ops.cast(inputs, self.compute_dtype) + self.bias

    def compute_output_shape(self, inputs_shape):
        check_features(self, "bias", 0, inputs=inputs_shape)
        return inputs_shape
