"""One block of a Transformer encoder: self-attention, then feed-forward."""

import keras
from keras import ops

from keras_ctx.checks import check_features, check_rank, shape_of
from keras_ctx.layers.base.dropout import drawn_seed
from keras_ctx.layers.base.finite_padding import finite_padding
from keras_ctx.layers.base.frozen import freeze_sublayers
from keras_ctx.layers.base.token_mask import (
    check_is_mask,
    check_mask,
    token_mask,
)
from keras_ctx.layers.transformer.transformer_block import (
    TransformerBlock,
    combined_mask,
)


@keras.saving.register_keras_serializable(package="keras_ctx")
class TransformerEncoderBlock(TransformerBlock):
    """Multi-head self-attention and feed-forward, each with residual and norm.

    Post-norm (BERT) normalizes after adding the residual, pre-norm before the
    attention and before the feed-forward network; a pre-norm stack needs one
    more norm at its end. `activation="gelu"` is the exact form with the error
    function, `"gelu_tanh"` the approximation of google-research/bert.

    Args:
        num_heads: Number of attention heads; must divide the features of the
            input.
        intermediate_dim: Number of features inside the feed-forward network.
        activation: "gelu", "gelu_tanh", "relu" or "silu".
        dropout: Dropout rate of the outputs of attention and feed-forward
            network.
        attention_dropout: Dropout rate of the attention scores. If the layer
            is frozen (`trainable=False`), no dropout is applied.
        norm_first: Pre-norm if true, post-norm if false.
        layer_norm_epsilon: Added to the variance in layer normalization.
        initializer_range: Standard deviation of the initial values of the
            kernels: a normal distribution, truncated at twice that. BERT uses
            0.02; blocks of 128 features or fewer learn much sooner with the
            square root of 1 / D, blocks of 256 do not.
        max_length: The most tokens of usual rows; `None`: any number. A hint
            for graphs that are traced without knowing T: if it is at most 512,
            they hold all scores at the same time, as for a known T.
        gradient_checkpointing: Whether to keep only `inputs` for
            backpropagation in training, and to compute the rest again.
        attention_bias: Whether the projections of the attention have biases.

    Call arguments:
        inputs: `(B, T, D)`.
        padding_mask: Booleans `(B, T)`, true = real token. `None`: the Keras
            mask of `inputs`, if any.
        attention_mask: Booleans `(B, T, T)`, true where the query (second
            axis) may attend to the key (third axis); combined with
            `padding_mask`.
        return_attention_scores: Whether to return the attention scores, too.

    Returns:
        `(B, T, D)`, or a pair with scores `(B, H, T, T)` after the softmax
        and before dropout.

    Raises:
        ValueError: `num_heads` does not divide D, a size is not positive, the
            activation is unknown, `inputs` has another rank, or a mask has
            another shape; in training, `gradient_checkpointing` with float8 or
            on PyTorch.

    Long rows:
        Above 512 tokens, on TensorFlow and JAX, the scores of 128 queries
        exist at a time, and are computed again in backpropagation: memory
        grows with T, not with T^2, and the numbers are the same. Scores that
        are asked for take `B H T T` numbers.

    Quantization:
        `save` keeps the effect of `quantize` on a functional model. A
        subclassed `keras.Model` builds new layers when it is loaded, and
        Keras does not quantize these, nor its own `Dense`: quantize the model
        after loading, or use `save_weights`, and quantize the new model
        before `load_weights`.

    Masking:
        Masked keys get no attention; a query without visible keys attends to
        all equally. Outputs at masked positions are finite but undefined; NaN
        or infinity in the input there does not reach other positions or
        gradients. The Keras mask of `inputs` is passed on.

    Example:
        >>> import numpy as np
        >>> block = TransformerEncoderBlock(num_heads=2, intermediate_dim=32)
        >>> tuple(block(np.ones((1, 5, 8)), np.array([[1, 1, 1, 0, 0]])).shape)
        (1, 5, 8)

    Source:
        Vaswani et al. 2017, section 3, https://arxiv.org/abs/1706.03762;
        Devlin et al. 2019; pre-norm: Xiong et al. 2020,
        https://arxiv.org/abs/2002.04745; GELU: Hendrycks and Gimpel 2016,
        https://arxiv.org/abs/1606.08415.
    """

    def build(
        self, inputs_shape, padding_mask_shape=None, attention_mask_shape=None
    ):
        self._check(inputs_shape, padding_mask_shape, attention_mask_shape)
        self.build_halves(inputs_shape)
        self.restore_sublayers()
        freeze_sublayers(self)

    def call(
        self,
        inputs,
        padding_mask=None,
        attention_mask=None,
        return_attention_scores=False,
        training=None,
        mask=None,
        inputs_mask=None,
    ):
        self._check(inputs, padding_mask, attention_mask)
        inputs = ops.cast(inputs, self.compute_dtype)  # may be integers
        real = token_mask(inputs, padding_mask, mask, inputs_mask)
        if real is not None:
            inputs = finite_padding(inputs, real)
        mask = combined_mask(real, attention_mask)
        recomputed = training
        if not self.trainable:
            training = False
        of_scores, of_attention, of_network = (
            drawn_seed(layer, training)
            for layer in (
                self.attention.dropout_layer,
                *[self.dropout_layer] * 2,
            )
        )

        def attend(x):
            return self.attention(
                x,
                mask,
                return_attention_scores=return_attention_scores,
                max_length=self.max_length,
                seed=of_scores,
                training=training,
            )

        def run(x):
            x, scores = self.residual(
                self.attention_norm, x, attend, of_attention, training
            )
            x = self.feed_forward(x, of_network, training)
            return (x, scores) if return_attention_scores else x

        return self.run(run, inputs, training=recomputed)

    def _check(self, inputs, padding_mask, attention_mask):
        check_rank(3, inputs=inputs, attention_mask=attention_mask)
        if self.built:
            check_features(self.attention_norm, "gamma", 0, inputs=inputs)
        check_mask(inputs, padding_mask)
        if attention_mask is not None:
            check_is_mask(
                *("attention_mask", "where a token is hidden"),
                *("where it is visible", attention_mask),
            )
            batch, length, _ = shape_of(inputs)
            sizes = zip(
                shape_of(attention_mask),
                ((batch, 1), (length, 1), (length,)),
                strict=True,
            )
            if any(
                None not in (size, *fits) and size not in fits
                for size, fits in sizes
            ):
                raise ValueError(
                    "`attention_mask` must have the shape (B, T, T) for "
                    "`inputs` (B, T, D), or 1 for B or the first T. Received: "
                    f"shape={shape_of(attention_mask)} and "
                    f"shape={shape_of(inputs)}"
                )

    def compute_output_shape(
        self, inputs_shape, padding_mask_shape=None, attention_mask_shape=None
    ):
        self._check(inputs_shape, padding_mask_shape, attention_mask_shape)
        return inputs_shape

    def compute_output_spec(
        self,
        inputs,
        padding_mask=None,
        attention_mask=None,
        return_attention_scores=False,
        training=None,
        mask=None,
        inputs_mask=None,
    ):
        self._check(inputs, padding_mask, attention_mask)
        batch, length, _ = inputs.shape
        outputs = keras.KerasTensor(inputs.shape, dtype=self.compute_dtype)
        scores = keras.KerasTensor(
            (batch, self.num_heads, length, length), dtype=self.compute_dtype
        )
        return (outputs, scores) if return_attention_scores else outputs
