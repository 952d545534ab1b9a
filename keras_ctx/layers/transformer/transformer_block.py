"""What the blocks of Transformers share: arguments and the two halves."""

import keras
from keras import ops

from keras_ctx.checks import (
    check_at_least,
    check_choice,
    check_positive,
    check_rate,
)
from keras_ctx.layers.base.composite_layer import CompositeLayer
from keras_ctx.layers.base.dropout import drop
from keras_ctx.layers.base.layer_norm import LayerNorm
from keras_ctx.layers.transformer.activations import ACTIVATIONS, activate
from keras_ctx.layers.transformer.attention import Attention
from keras_ctx.layers.transformer.token_rows import by_token


class TransformerBlock(CompositeLayer):
    """Self-attention and feed-forward network, each with residual and norm.

    `TransformerEncoderBlock` describes the arguments.
    """

    def __init__(
        self,
        num_heads: int,
        intermediate_dim: int,
        activation: str = "gelu",
        dropout: float = 0.1,
        attention_dropout: float = 0.1,
        norm_first: bool = False,
        layer_norm_epsilon: float = 1e-12,
        initializer_range: float = 0.02,
        max_length: int | None = None,
        gradient_checkpointing: bool = False,
        attention_bias: bool = True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_at_least(
            1, num_heads=num_heads, intermediate_dim=intermediate_dim
        )
        if max_length is not None:
            check_at_least(1, max_length=max_length)
        check_choice(tuple(ACTIVATIONS), activation=activation)
        check_rate(dropout=dropout, attention_dropout=attention_dropout)
        check_positive(
            layer_norm_epsilon=layer_norm_epsilon,
            initializer_range=initializer_range,
        )
        self.num_heads = num_heads
        self.intermediate_dim = intermediate_dim
        self.activation = activation
        self.dropout = dropout
        self.attention_dropout = attention_dropout
        self.norm_first = norm_first
        self.layer_norm_epsilon = layer_norm_epsilon
        self.initializer_range = initializer_range
        self.max_length = max_length
        self.gradient_checkpointing = gradient_checkpointing
        self.attention_bias = attention_bias
        self.supports_masking = True

    def build_halves(self, inputs_shape) -> None:
        """Builds self-attention and feed-forward network."""
        hidden_dim = inputs_shape[-1]
        if hidden_dim % self.num_heads:
            raise ValueError(
                "`num_heads` must divide the features of the input. Received: "
                f"num_heads={self.num_heads}, features={hidden_dim}"
            )
        self.attention = self._new_attention("attention", hidden_dim)
        self.attention_norm = self._new_norm("attention_norm")
        self.feedforward_norm = self._new_norm("feedforward_norm")
        self.intermediate, self.output_projection = (
            keras.layers.Dense(
                units,
                kernel_initializer=self._new_initializer(),
                dtype=self.dtype_policy,
                name=name,
            )
            for units, name in (
                (self.intermediate_dim, "intermediate"),
                (hidden_dim, "output_projection"),
            )
        )
        self.dropout_layer = keras.layers.Dropout(
            self.dropout, dtype=self.dtype_policy, name="dropout"
        )
        inner_shape = (*inputs_shape[:-1], self.intermediate_dim)
        self.attention.build(inputs_shape, inputs_shape)
        self.attention_norm.build(inputs_shape)
        self.intermediate.build(inputs_shape)
        self.output_projection.build(inner_shape)
        self.feedforward_norm.build(inputs_shape)

    def _new_attention(self, name: str, hidden_dim: int) -> Attention:
        return Attention(
            self.num_heads,
            hidden_dim // self.num_heads,
            dropout=self.attention_dropout,
            use_bias=self.attention_bias,
            kernel_initializer=self._new_initializer(),
            dtype=self.dtype_policy,
            name=name,
        )

    def _new_norm(self, name: str) -> LayerNorm:
        return LayerNorm(
            epsilon=self.layer_norm_epsilon, dtype=self.dtype_policy, name=name
        )

    def _new_initializer(self):
        return keras.initializers.TruncatedNormal(stddev=self.initializer_range)

    def _lora_layers(self):
        return [
            *dense_layers(self.attention),
            self.intermediate,
            self.output_projection,
        ]

    def run(self, function, *inputs, training):
        """Calls a function of tensors; maybe again in backpropagation.

        Args:
            function: What it reads beside `inputs` gets no gradient.
            *inputs: Tensors.
            training: Whether backpropagation follows.
        """
        if training and self.gradient_checkpointing:
            self._check_checkpointing()
            function = keras.remat(function)
        return function(*inputs)

    def residual(self, norm, x, function, seed, training) -> tuple:
        """Adds the output of one half to its input, with its norm.

        Args:
            norm: The norm of this half.
            x: `(B, T, D)`.
            function: From `(B, T, D)` to a tuple that begins with
                `(B, T, D)`.
            seed: The `DrawnSeed` of the dropout.
            training: Whether to drop.

        Returns:
            The tuple of `function`, with the sum instead of its first item.
        """
        y, *others = function(norm(x) if self.norm_first else x)
        y = x + drop(self.dropout_layer, y, training, seed)
        return y if self.norm_first else norm(y), *others

    def feed_forward(self, x, seed, training):
        """Computes the half with the feed-forward network."""

        def network(x):
            x = activate(self.activation, self.intermediate(x), training)
            return self.output_projection(x)

        (x,) = self.residual(
            self.feedforward_norm,
            x,
            lambda x: (by_token(network, x),),
            *(seed, training),
        )
        return x

    def _check_checkpointing(self):
        backend = keras.backend.backend()
        mode = self.intermediate.quantization_mode
        if backend == "torch" or mode == "float8":
            raise ValueError(
                "`gradient_checkpointing` needs TensorFlow or JAX, and "
                "weights that are not quantized to float8, whose scales a "
                "second computation would change. Set it to False. Received: "
                f"backend={backend!r}, quantization_mode={mode!r}"
            )

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "intermediate_dim": self.intermediate_dim,
            "activation": self.activation,
            "dropout": self.dropout,
            "attention_dropout": self.attention_dropout,
            "norm_first": self.norm_first,
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "initializer_range": self.initializer_range,
            "max_length": self.max_length,
            "gradient_checkpointing": self.gradient_checkpointing,
            "attention_bias": self.attention_bias,
        }


def dense_layers(attention: Attention) -> list:
    """Returns the four projections of an attention layer."""
    return [
        attention.query_dense,
        attention.key_dense,
        attention.value_dense,
        attention.output_dense,
    ]


def combined_mask(padding_mask, attention_mask):
    """Combines both masks to one of shape `(B or 1, 1 or T, T)`, or `None`."""
    if padding_mask is not None:
        padding_mask = ops.expand_dims(padding_mask, 1)
    if attention_mask is None:
        return padding_mask
    attention_mask = ops.cast(attention_mask, "bool")
    if padding_mask is None:
        return attention_mask
    return ops.logical_and(padding_mask, attention_mask)
