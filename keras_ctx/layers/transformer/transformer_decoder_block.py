"""One block of a Transformer decoder: causal self-attention and the rest."""

from typing import Any

import keras
from keras import ops

from keras_ctx.checks import check_axes, check_features, check_rank
from keras_ctx.layers.base.dropout import drawn_seed
from keras_ctx.layers.base.finite_padding import finite_padding
from keras_ctx.layers.base.frozen import freeze_sublayers
from keras_ctx.layers.base.token_mask import check_mask, token_mask
from keras_ctx.layers.transformer import key_cache
from keras_ctx.layers.transformer.transformer_block import (
    TransformerBlock,
    combined_mask,
    dense_layers,
)


@keras.saving.register_keras_serializable(package="keras_ctx")
class TransformerDecoderBlock(TransformerBlock):
    """Causal self-attention, maybe cross-attention, and feed-forward network.

    Each token attends to itself and the tokens before it; with
    `cross_attention` also to all tokens of another sequence, an encoder's.
    Each part has a residual and a norm: post-norm (Transformer, GPT) or
    pre-norm (GPT-2), whose stack needs one more norm at its end.

    With a cache, the block reads the new tokens of a text alone: the keys and
    values of the earlier ones are in the cache. The results are those of the
    whole text at once. Each row has its own place in its cache, so texts of
    unequal length need padding behind their last token only.

    Args:
        num_heads: As of `TransformerEncoderBlock`, like all others but the
            last.
        intermediate_dim: Number of features inside the feed-forward network.
        activation: "gelu", "gelu_tanh", "relu" or "silu".
        dropout: Dropout rate of the outputs of attention and feed-forward
            network.
        attention_dropout: Dropout rate of the attention scores.
        norm_first: Pre-norm if true, post-norm if false.
        layer_norm_epsilon: Added to the variance in layer normalization.
        initializer_range: Standard deviation of the initial values of the
            kernels.
        max_length: The most tokens of usual rows; `None`: any number.
        gradient_checkpointing: Whether to compute the block again in
            backpropagation.
        attention_bias: Whether the projections of the attentions have biases.
        cross_attention: Whether the block attends to an encoder's tokens, too.

    Call arguments:
        inputs: `(B, T, D)`.
        encoder_sequence: `(B, K, D')`, with `cross_attention`. After the
            first call with a cache, which then has the keys and values of
            its tokens, it is not needed.
        padding_mask: Booleans `(B, T)`, true = real token. `None`: the Keras
            mask of `inputs`, if any.
        encoder_padding_mask: Booleans `(B, K)` of the encoder's tokens.
        cache: As from `start_cache`, or from the call before.
        positions: Integers `(B,)`, with a cache: how many tokens of each row
            it holds already. The new tokens are written behind these, over
            what is there.
        return_attention_scores: Whether to return the attention scores, too.

    Returns:
        `(B, T, D)`; or a tuple of it, the new cache if there is one, and the
        scores if they are asked for: `(B, H, T, T)`, with a cache
        `(B, H, T, S)`, and with `cross_attention` a pair of these and
        `(B, H, T, K)`; after the softmax and before dropout.

    Raises:
        ValueError: As `TransformerEncoderBlock`; or `encoder_sequence` or
            `positions` is missing, or given where it has no use.

    Long rows:
        As in `TransformerEncoderBlock`. With cross-attention or a cache, all
        scores exist at the same time.

    Masking:
        Padded tokens get no attention; with a cache, they must stand behind
        the real ones of their row, and are not written. Outputs at their
        positions are finite but undefined. A token that sees no encoder token
        attends to all equally.

    Example:
        >>> import numpy as np
        >>> block = TransformerDecoderBlock(num_heads=2, intermediate_dim=32)
        >>> x = np.ones((1, 5, 8), "float32")
        >>> tuple(block(x).shape)
        (1, 5, 8)
        >>> cache = block.start_cache(batch_size=1, length=5)
        >>> x, cache = block(x[:, :1], cache=cache, positions=np.array([0]))
        >>> tuple(x.shape), [tuple(part.shape) for part in cache]
        ((1, 1, 8), [(1, 2, 5, 4), (1, 2, 5, 4)])

    Source:
        Vaswani et al. 2017, sections 3.1 and 3.2.3,
        https://arxiv.org/abs/1706.03762; pre-norm: Radford et al. 2019,
        section 2.3.
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
        cross_attention: bool = False,
        **kwargs,
    ):
        super().__init__(
            *(num_heads, intermediate_dim, activation, dropout),
            *(attention_dropout, norm_first, layer_norm_epsilon),
            *(initializer_range, max_length, gradient_checkpointing),
            attention_bias,
            **kwargs,
        )
        self.cross_attention = cross_attention

    def build(
        self,
        inputs_shape,
        encoder_sequence_shape=None,
        padding_mask_shape=None,
        encoder_padding_mask_shape=None,
        cache_shape=None,
        positions_shape=None,
    ):
        self._check(
            *(inputs_shape, encoder_sequence_shape, padding_mask_shape),
            *(encoder_padding_mask_shape, cache_shape, positions_shape),
        )
        self.build_halves(inputs_shape)
        if self.cross_attention:
            self.cross = self._new_attention("cross", inputs_shape[-1])
            self.cross_norm = self._new_norm("cross_norm")
            self.cross.build(inputs_shape, encoder_sequence_shape)
            self.cross_norm.build(inputs_shape)
        self.restore_sublayers()
        freeze_sublayers(self)

    def _lora_layers(self):
        cross = dense_layers(self.cross) if self.cross_attention else []
        return [*super()._lora_layers(), *cross]

    def start_cache(self, batch_size, length) -> list:
        """Returns the cache of texts of which no token was read yet.

        Args:
            batch_size: Number of rows.
            length: Number S of tokens that it has room for.

        Returns:
            The keys and the values of the tokens, zeros `(B, H, S, D / H)`.
        """
        size = self.attention.key_dense.kernel.shape[-1]
        shape = (batch_size, self.num_heads, length, size)
        return [ops.zeros(shape, self.compute_dtype) for _ in range(2)]

    def call(
        self,
        inputs,
        encoder_sequence=None,
        padding_mask=None,
        encoder_padding_mask=None,
        cache=None,
        positions=None,
        return_attention_scores=False,
        training=None,
        mask=None,
        inputs_mask=None,
        encoder_sequence_mask=None,
    ):
        self._check(
            *(inputs, encoder_sequence, padding_mask, encoder_padding_mask),
            *(cache, positions),
        )
        inputs, real = self._real(inputs, padding_mask, mask, inputs_mask)
        encoder_sequence, encoder_real = self._real(
            encoder_sequence, encoder_padding_mask, encoder_sequence_mask
        )
        recomputed = training and cache is None
        if not self.trainable:
            training = False
        seeds = self._drawn_seeds(training)
        options = {
            "return_attention_scores": return_attention_scores,
            "training": training,
        }

        def attend(x):
            keys, seen = self._keys(x, real, cache, positions)
            x, scores = self.attention(
                *(x, seen),
                keys_and_values=keys,
                max_length=self.max_length,
                seed=seeds["scores"],
                **options,
            )
            return x, scores, keys

        def attend_to_encoder(x, keys):
            seen = encoder_real
            if seen is not None:
                seen = ops.expand_dims(seen, 1)
            return self.cross(
                *(x, seen),
                keys_and_values=keys,
                seed=seeds["cross_scores"],
                **options,
            )

        def run(x, *encoder):
            outputs, scores, keys = self.residual(
                *(self.attention_norm, x, attend),
                *(seeds["attention"], training),
            )
            if self.cross_attention:
                encoder_keys = list(cache or ())[2:]
                if encoder:
                    encoder_keys = self.cross.keys_and_values(*encoder)
                outputs, cross_scores = self.residual(
                    *(self.cross_norm, outputs),
                    lambda x: attend_to_encoder(x, encoder_keys),
                    *(seeds["cross"], training),
                )
                scores = (scores, cross_scores)
                keys = keys and [*keys, *encoder_keys]
            outputs = self.feed_forward(outputs, seeds["network"], training)
            if cache is None and not return_attention_scores:
                return outputs
            return (
                outputs,
                *([] if cache is None else [keys]),
                *([scores] if return_attention_scores else []),
            )

        encoder = [] if encoder_sequence is None else [encoder_sequence]
        return self.run(run, inputs, *encoder, training=recomputed)

    def _real(self, inputs, *masks):
        """Returns inputs in the compute dtype, finite, and their mask."""
        if inputs is None:
            return None, None if masks[0] is None else ops.cast(masks[0], bool)
        inputs = ops.cast(inputs, self.compute_dtype)  # may be integers
        real = token_mask(inputs, *masks)
        if real is None:
            return inputs, None
        return finite_padding(inputs, real), real

    def _drawn_seeds(self, training) -> dict:
        """Draws the seeds of all dropouts of a call."""
        layers = {
            "scores": self.attention.dropout_layer,
            "attention": self.dropout_layer,
            "network": self.dropout_layer,
        }
        if self.cross_attention:
            layers["cross_scores"] = self.cross.dropout_layer
            layers["cross"] = self.dropout_layer
        return {name: drawn_seed(x, training) for name, x in layers.items()}

    def _keys(self, x, real, cache, positions):
        """Returns the keys and values in the cache, and the causal mask."""
        length = ops.shape(x)[1]
        if cache is None:
            order = ops.arange(length, dtype="int32")
            return None, combined_mask(real, order <= order[None, :, None])
        positions = ops.cast(positions, "int32")
        new = self.attention.keys_and_values(x)
        keys = [
            key_cache.write(old, of_tokens, positions, real)
            for old, of_tokens in zip(cache[:2], new, strict=True)
        ]
        return keys, key_cache.visible(positions, length, ops.shape(keys[0])[2])

    def _check(
        self,
        inputs,
        encoder_sequence,
        padding_mask,
        encoder_padding_mask,
        cache,
        positions,
    ):
        check_rank(3, inputs=inputs, encoder_sequence=encoder_sequence)
        if self.built:
            check_features(self.attention_norm, "gamma", 0, inputs=inputs)
        check_mask(inputs, padding_mask)
        if encoder_sequence is not None:
            check_axes("B", inputs=inputs, encoder_sequence=encoder_sequence)
            check_mask(encoder_sequence, encoder_padding_mask)
        has_encoder = encoder_sequence is not None or (
            cache is not None and len(cache) == 4
        )
        if has_encoder != self.cross_attention:
            raise ValueError(
                "`encoder_sequence` must be given with `cross_attention=True`, "
                "in the first call of a cache, and not without it. Received: "
                f"cross_attention={self.cross_attention}, encoder_sequence="
                f"{None if encoder_sequence is None else 'given'}"
            )
        if (cache is None) != (positions is None):
            raise ValueError(
                "`positions` must be given with a `cache`, and only with it. "
                f"Received: cache={None if cache is None else 'given'}, "
                f"positions={positions}"
            )
        if cache is not None:
            check_rank(1, positions=positions)
            check_rank(4, **{f"cache[{i}]": x for i, x in enumerate(cache)})

    def compute_output_spec(
        self,
        inputs,
        encoder_sequence=None,
        padding_mask=None,
        encoder_padding_mask=None,
        cache=None,
        positions=None,
        return_attention_scores=False,
        training=None,
        mask=None,
        inputs_mask=None,
        encoder_sequence_mask=None,
    ):
        self._check(
            *(inputs, encoder_sequence, padding_mask, encoder_padding_mask),
            *(cache, positions),
        )

        def spec(*shape):
            return keras.KerasTensor(shape, dtype=self.compute_dtype)

        batch, length, hidden_dim = inputs.shape
        seen = length if cache is None else cache[0].shape[2]
        scores = spec(batch, self.num_heads, length, seen)
        given: list[Any] = list(cache or ())
        keys = None if cache is None else [spec(*x.shape) for x in given]
        if self.cross_attention:
            if encoder_sequence is None:
                others = given[2].shape[2]
            else:
                others = encoder_sequence.shape[1]
                size = hidden_dim // self.num_heads
                of_encoder = spec(batch, self.num_heads, others, size)
                keys = keys and [*keys[:2], of_encoder, of_encoder]
            scores = (scores, spec(batch, self.num_heads, length, others))
        outputs = spec(batch, length, hidden_dim)
        if cache is None and not return_attention_scores:
            return outputs
        return (
            outputs,
            *([] if cache is None else [keys]),
            *([scores] if return_attention_scores else []),
        )

    def get_config(self):
        return {
            **super().get_config(),
            "cross_attention": self.cross_attention,
        }
