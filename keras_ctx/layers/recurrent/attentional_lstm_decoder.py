"""The decoder of a translator with LSTMs: attention and input feeding."""

from typing import Any

import keras
from keras import ops

from keras_ctx.checks import (
    check_at_least,
    check_axes,
    check_features,
    check_positive,
    check_rank,
    check_rate,
)
from keras_ctx.layers.base.dropout import noise_like
from keras_ctx.layers.base.finite_padding import finite_padding
from keras_ctx.layers.base.token_mask import check_mask, token_mask
from keras_ctx.layers.recurrent.attentional_step import (
    attention_weights,
    lstm_stack_step,
)
from keras_ctx.layers.recurrent.carried_state import last_states
from keras_ctx.layers.recurrent.recurrence import loop, with_a_token
from keras_ctx.layers.recurrent.row_order import real_first, reordered, take


@keras.saving.register_keras_serializable(package="keras_ctx")
class AttentionalLSTMDecoder(keras.layers.Layer):
    """LSTMs that attend to an encoder's tokens, with input feeding.

    With X the encoder's tokens, `(K, D)`, and h the output of the last LSTM,
    the output of each step is the attentional vector

        a = tanh([context; h] W2), context = softmax(h W1 X^T) X

    without biases. The first LSTM reads the token and the attentional vector
    of the step before (input feeding), zeros at the first step. Gates and
    their order are those of `WeightDroppedLSTM`.

    With a cache the layer reads only new tokens, with the results of the whole
    text: the cache holds the last attentional vector, the states of the LSTMs,
    and what the attention needs of the encoder's tokens.

    Args:
        hidden_dim: Number H of features of an LSTM and of the output.
        num_layers: Number L of LSTMs.
        dropout: Dropout rate between the LSTMs, and of the attentional
            vector, before it is returned and fed to the next step; not
            applied if the layer is frozen.
        uniform_bound: Bound of the uniform initial values of all weights.
        max_length: The most tokens of a text that a search writes; in other
            calls texts may be longer.

    Call arguments:
        inputs: `(B, T, E)`, vectors of the start token and the text's tokens.
        encoder_sequence: `(B, K, D)`, the encoder's tokens; not with a
            `cache`, which holds what is needed of them.
        initial_state: A list of h and c of each LSTM, lowest first, each
            `(B, H)`; `None`: zeros. Not with a `cache`.
        padding_mask: Booleans `(B, T)`, true = real token. `None`: the Keras
            mask of `inputs`; without one all tokens are real.
        encoder_padding_mask: Booleans `(B, K)`, true = real token of the
            encoder. The cache does not hold it: give it in every call.
        cache: The cache that the call before returned.
        return_cache: Whether to return a cache, too; always with a `cache`.
        return_attention_scores: Whether to return the attention scores, too.

    Returns:
        The outputs `(B, T, H)`; or a tuple of the outputs, the cache and the
        attention scores, as far as they are returned. The cache is a list of
        `2 * L + 1` tensors `(B, H)` and two tensors `(B, K, H)` that no later
        call changes. The attention scores are `(B, 1, T, K)`, 0 at padding.

    Raises:
        ValueError: A size is not positive, `dropout` is outside [0, 1),
            inputs or states have another rank, number or number of features,
            a mask has another shape, or `encoder_sequence` is missing, or
            given with a `cache`.

    Masking:
        The encoder's padding gets no attention. Padding of `inputs` is
        skipped, wherever it is; outputs there are 0. For a row without
        encoder tokens the context is 0. The Keras mask of `inputs` is passed
        on.

    Example:
        >>> import numpy as np
        >>> decoder = AttentionalLSTMDecoder(4)
        >>> x, encoded = np.ones((1, 3, 5)), np.ones((1, 2, 6))
        >>> y, cache = decoder(x, encoded, return_cache=True)
        >>> tuple(y.shape), len(cache)
        ((1, 3, 4), 7)
        >>> y, cache = decoder(x[:, :1], cache=cache)
        >>> tuple(y.shape)
        (1, 1, 4)

    Source:
        Luong et al. 2015, https://arxiv.org/abs/1508.04025, sections 3.1
        ("general") and 3.3; McCann et al. 2017, section 3,
        https://arxiv.org/abs/1708.00107; as in the code of salesforce/cove.

    Differs:
        The paper of CoVe has biases in the attention, its code has none. The
        code does not mask the encoder's padding, applies dropout twice to the
        vectors that are fed, and has two biases for each gate, whose sum is
        the bias here.
    """

    def __init__(
        self,
        hidden_dim: int,
        num_layers: int = 2,
        dropout: float = 0.0,
        uniform_bound: float = 0.1,
        max_length: int = 256,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_at_least(
            1,
            hidden_dim=hidden_dim,
            num_layers=num_layers,
            max_length=max_length,
        )
        check_rate(dropout=dropout)
        check_positive(uniform_bound=uniform_bound)
        self.hidden_dim = hidden_dim
        self.num_layers = num_layers
        self.dropout = dropout
        self.uniform_bound = uniform_bound
        self.max_length = max_length
        self.seed_generator = keras.random.SeedGenerator()

    def build(
        self,
        inputs_shape,
        encoder_sequence_shape=None,
        initial_state_shape=None,
        padding_mask_shape=None,
        encoder_padding_mask_shape=None,
        cache_shape=None,
    ):
        self._check(
            *(inputs_shape, encoder_sequence_shape, initial_state_shape),
            *(padding_mask_shape, encoder_padding_mask_shape, cache_shape),
        )
        if encoder_sequence_shape is None:
            raise ValueError(
                "`encoder_sequence` must be given in the first call. "
                "Received: None"
            )
        hidden, features = self.hidden_dim, encoder_sequence_shape[-1]
        self.kernel = self._weight("kernel", inputs_shape[-1], 4 * hidden)
        self.feed_kernel = self._weight("feed_kernel", hidden, 4 * hidden)
        self.recurrent_kernels, self.biases, self.upper_kernels = [], [], []
        for k in range(self.num_layers):
            if k:
                self.upper_kernels.append(
                    self._weight(f"lstm_{k}_kernel", hidden, 4 * hidden)
                )
            self.recurrent_kernels.append(
                self._weight(f"lstm_{k}_recurrent_kernel", hidden, 4 * hidden)
            )
            self.biases.append(self._weight(f"lstm_{k}_bias", 4 * hidden))
        self.attention_kernel = self._weight(
            "attention_kernel", hidden, features
        )
        self.context_kernel = self._weight("context_kernel", features, hidden)
        self.output_kernel = self._weight("output_kernel", hidden, hidden)

    def _weight(self, name: str, *shape: int) -> Any:
        bound = self.uniform_bound
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=keras.initializers.RandomUniform(-bound, bound),
        )

    def compute_mask(self, inputs, previous_mask):
        return previous_mask

    def call(
        self,
        inputs,
        encoder_sequence=None,
        initial_state=None,
        padding_mask=None,
        encoder_padding_mask=None,
        cache=None,
        return_cache=False,
        return_attention_scores=False,
        training=None,
        mask=None,
        inputs_mask=None,
        encoder_sequence_mask=None,
    ):
        if not self.trainable:
            training = False
        self._check(
            *(inputs, encoder_sequence, initial_state, padding_mask),
            *(encoder_padding_mask, cache),
        )
        inputs = ops.cast(inputs, self.compute_dtype)  # may be integers
        real = token_mask(inputs, padding_mask, mask, inputs_mask)
        if cache is None:
            seen = token_mask(
                encoder_sequence, encoder_padding_mask, encoder_sequence_mask
            )
            states = self._first_states(inputs, initial_state)
            keys, values = self._attended(encoder_sequence, seen)
        else:
            *states, keys, values = (
                ops.cast(x, self.compute_dtype) for x in cache
            )
            seen = encoder_padding_mask
            seen = None if seen is None else ops.cast(seen, "bool")
        # The steps need no more of the inputs than this.
        length = ops.shape(inputs)[1]
        every, before = with_a_token(inputs), states
        read = places = None
        if real is not None:
            real = with_a_token(real)
            every = finite_padding(every, real)
            read, places = real_first(real)
            every, real = reordered(every, read, places), take(real, read)
        gates = ops.matmul(every, self.kernel)
        noise = self._noise(gates, training)
        weights = self._step_weights()

        def step(x, states):
            return lstm_stack_step(
                *(x[..., : gates.shape[-1]], x[..., gates.shape[-1] :]),
                *(list(states), weights, keys, values, seen),
            )

        x = ops.concatenate([gates, *noise], axis=-1)
        if cache is not None and inputs.shape[1] == 1 and real is None:
            steps = ops.concatenate(step(x[:, 0], states), axis=-1)[:, None]
        else:
            steps = loop(
                lambda x, states: (
                    ops.concatenate(found := step(x, states), axis=-1),
                    found,
                ),
                *(x, states),
            )
        parts: list[Any] = ops.split(steps, len(states), axis=-1)
        y = parts[0]
        if real is not None:
            y = ops.where(ops.expand_dims(real, -1), y, ops.zeros_like(y))
        whole: Any = reordered(y, places, read)
        outputs: list[Any] = [whole[:, :length]]
        if cache is not None or return_cache:
            if real is None:
                real = ops.ones((ops.shape(y)[0], length), "bool")
                real = with_a_token(real)
            last = last_states(before, parts, real)
            outputs.append([*last, keys, values])
        if return_attention_scores:
            h: Any = reordered(parts[-2], places, read)
            scores = attention_weights(h[:, :length], keys, seen)
            outputs.append(ops.expand_dims(scores, 1))
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def _first_states(self, inputs, initial_state) -> list:
        """Returns the first vector that is fed, and the LSTMs' states."""
        dtype = self.compute_dtype
        zeros = ops.zeros((ops.shape(inputs)[0], self.hidden_dim), dtype)
        if initial_state is None:
            return [zeros] * (2 * self.num_layers + 1)
        return [zeros, *(ops.cast(x, dtype) for x in initial_state)]

    def _attended(self, encoder_sequence, seen) -> tuple:
        """Returns keys `X W1^T` and values `X W2`, both `(B, K, H)`.

        The part of W2 for the context is applied to the tokens before they
        are summed, not to the sum.
        """
        x = ops.cast(encoder_sequence, self.compute_dtype)
        if seen is not None:
            x = finite_padding(x, seen)
        keys = ops.matmul(x, ops.transpose(self.attention_kernel))
        return keys, ops.matmul(x, self.context_kernel)

    def _noise(self, gates, training) -> list:
        """Draws the dropout of all steps: between LSTMs, and of outputs."""
        if not training or self.dropout == 0:
            return []
        shape = (*ops.shape(gates)[:2], self.num_layers * self.hidden_dim)
        like = ops.zeros(shape, dtype=self.compute_dtype)
        return [noise_like(like, self.dropout, self.seed_generator)]

    def _step_weights(self) -> dict:
        """Returns the weights of a step, joined where one product will do."""
        dtype = self.compute_dtype
        below = [self.feed_kernel, *self.upper_kernels]
        kernels = [
            ops.concatenate([ops.cast(x, dtype), ops.cast(y, dtype)], axis=0)
            for x, y in zip(below, self.recurrent_kernels, strict=True)
        ]
        return {
            "kernels": kernels,
            "biases": [ops.cast(x, dtype) for x in self.biases],
            "output": ops.cast(self.output_kernel, dtype),
        }

    def _check(
        self,
        inputs,
        encoder_sequence,
        initial_state,
        padding_mask,
        encoder_padding_mask,
        cache,
    ):
        check_rank(3, inputs=inputs, encoder_sequence=encoder_sequence)
        check_features(self, "kernel", 0, inputs=inputs)
        check_mask(inputs, padding_mask)
        if encoder_sequence is not None:
            check_axes("B", inputs=inputs, encoder_sequence=encoder_sequence)
            check_features(
                self, "context_kernel", 0, encoder_sequence=encoder_sequence
            )
            check_mask(encoder_sequence, encoder_padding_mask)
        given = {"encoder_sequence": encoder_sequence, "cache": cache}
        if sum(x is not None for x in given.values()) != 1:
            raise ValueError(
                "`encoder_sequence` must be given without a `cache`, and left "
                "out with one, which knows it. Received: "
                + ", ".join(
                    f"{name}={'None' if x is None else 'given'}"
                    for name, x in given.items()
                )
            )
        for name, states, most in (
            ("initial_state", initial_state, 2 * self.num_layers),
            ("cache", cache, 2 * self.num_layers + 3),
        ):
            if states is not None:
                self._check_states(name, states, most, inputs)
        if cache is not None and initial_state is not None:
            raise ValueError(
                "`initial_state` must be left out with a `cache`, which has "
                "the states. Received: both"
            )

    def _check_states(self, name, states, most, inputs):
        if len(states) != most:
            raise ValueError(
                f"`{name}` must have {most} tensors for {self.num_layers} "
                f"LSTMs. Received: {len(states)}"
            )
        named = {f"{name}[{i}]": x for i, x in enumerate(states)}
        check_axes("B", inputs=inputs, **named)
        vectors = dict(list(named.items())[: 2 * self.num_layers + 1])
        check_rank(2, **vectors)
        check_rank(3, **{k: x for k, x in named.items() if k not in vectors})
        check_features(self, "output_kernel", 0, **named)

    def compute_output_spec(
        self,
        inputs,
        encoder_sequence=None,
        initial_state=None,
        padding_mask=None,
        encoder_padding_mask=None,
        cache=None,
        return_cache=False,
        return_attention_scores=False,
        **others,
    ):
        self._check(
            *(inputs, encoder_sequence, initial_state, padding_mask),
            *(encoder_padding_mask, cache),
        )

        def spec(*shape):
            return keras.KerasTensor(shape, dtype=self.compute_dtype)

        (batch, length), hidden = inputs.shape[:2], self.hidden_dim
        encoded: Any = encoder_sequence if cache is None else cache[-1]
        seen = encoded.shape[1]
        outputs: list[Any] = [spec(batch, length, hidden)]
        if cache is not None or return_cache:
            vectors = [spec(batch, hidden)] * (2 * self.num_layers + 1)
            outputs.append([*vectors, *[spec(batch, seen, hidden)] * 2])
        if return_attention_scores:
            outputs.append(spec(batch, 1, length, seen))
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def get_config(self):
        return {
            **super().get_config(),
            "hidden_dim": self.hidden_dim,
            "num_layers": self.num_layers,
            "dropout": self.dropout,
            "uniform_bound": self.uniform_bound,
            "max_length": self.max_length,
        }
