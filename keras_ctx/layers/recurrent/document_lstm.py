"""An AWD-LSTM that reads documents of any length in constant memory."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_ctx.checks import check_at_least, check_rank, check_rate
from keras_ctx.layers.base.composite_layer import CompositeLayer
from keras_ctx.layers.base.frozen import freeze_sublayers
from keras_ctx.layers.base.ids import IdsLayer, as_ids
from keras_ctx.layers.base.token_mask import check_mask, needed_mask
from keras_ctx.layers.recurrent.locked_dropout import LockedDropout
from keras_ctx.layers.recurrent.row_order import real_first, take
from keras_ctx.layers.recurrent.weight_dropped_lstm import WeightDroppedLSTM
from keras_ctx.layers.recurrent.word_dropout_embedding import (
    WordDropoutEmbedding,
)


@keras.saving.register_keras_serializable(package="keras_ctx")
class DocumentLSTM(IdsLayer, CompositeLayer):
    """An AWD-LSTM that reads documents in windows and returns the last ones.

    It is ULMFiT's backpropagation through time for text classification
    (BPT3C). A row is split into windows of `bptt` tokens; the state passes
    from window to window, without a gradient. The layer returns the outputs
    of the last `num_windows` windows of each row, which have gradients. It
    reads the windows before them in a loop that keeps nothing but the state,
    so only the memory of the ids grows with the length of the rows.

    Args:
        vocabulary_size: Number of tokens in the vocabulary.
        embedding_dim: Number of features of a token.
        hidden_dims: Number of features of each LSTM, lowest first.
        input_dropout: Dropout rate of the embeddings, with one mask for all
            tokens of a row.
        hidden_dropout: The same between the LSTMs.
        weight_dropout: Dropout rate of the recurrent weights.
        word_dropout: Dropout rate of whole tokens of the vocabulary.
        bptt: Number of tokens of a window.
        num_windows: Number of windows whose outputs are returned.

    Call arguments:
        token_ids: Integers `(B, T)`.
        padding_mask: Booleans `(B, T)`, true = real token. `None`: the Keras
            mask of `token_ids`.

    Returns:
        A list of the embeddings, of every LSTM's output, each `(B, K, D)`,
        and of their mask, booleans `(B, K)`. K is the smaller of T and `bptt *
        num_windows`; D is `embedding_dim`, then that of `hidden_dims`. A row's
        tokens come first, then padding.

    Raises:
        ValueError: A size is not positive, `hidden_dims` is empty, a rate is
            outside [0, 1), an argument has another shape, or there is no mask.

    Masking:
        At padding the outputs of the LSTMs are 0, those of the embeddings are
        the vector of id 0. Outputs of real tokens do not depend on padding,
        which may be anywhere. No Keras mask is passed on.

    Example:
        >>> import numpy as np
        >>> read = DocumentLSTM(9, 4, [6, 4], bptt=2, num_windows=2)
        >>> ids = np.ones((1, 7), "int32")
        >>> [tuple(x.shape) for x in read(ids, ids > 0)]
        [(1, 4, 4), (1, 4, 6), (1, 4, 4), (1, 4)]
        >>> int(read(ids, ids > 0)[-1].numpy().sum())  # of the 7 tokens
        3

    Source:
        Howard and Ruder 2018, section 3.3, https://arxiv.org/abs/1801.06146.

    Differs:
        In fastai windows are counted from the beginning of the longest row of
        a batch, here from that of each row. fastai draws new dropout masks
        for each window; here all windows that are returned share them, and
        the windows before them have no dropout.
    """

    def __init__(
        self,
        vocabulary_size: int,
        embedding_dim: int,
        hidden_dims: Sequence[int],
        input_dropout: float = 0.4,
        hidden_dropout: float = 0.3,
        weight_dropout: float = 0.5,
        word_dropout: float = 0.05,
        bptt: int = 70,
        num_windows: int = 20,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_at_least(1, bptt=bptt, num_windows=num_windows)
        check_at_least(1, hidden_dims=len(hidden_dims))
        check_rate(input_dropout=input_dropout, hidden_dropout=hidden_dropout)
        self.vocabulary_size = vocabulary_size
        self.embedding_dim = embedding_dim
        self.hidden_dims = tuple(hidden_dims)
        self.input_dropout = input_dropout
        self.hidden_dropout = hidden_dropout
        self.weight_dropout = weight_dropout
        self.word_dropout = word_dropout
        self.bptt = bptt
        self.num_windows = num_windows
        dtype = self.dtype_policy
        self.embeddings = WordDropoutEmbedding(
            *(vocabulary_size, embedding_dim, word_dropout),
            dtype=dtype,
            name="embeddings",
        )
        self.dropouts = [
            LockedDropout(
                hidden_dropout if k else input_dropout,
                dtype=dtype,
                name=f"dropout_{k}",
            )
            for k in range(len(self.hidden_dims))
        ]
        self.lstms = [
            WeightDroppedLSTM(
                *(hidden_dim, weight_dropout),
                return_state=True,
                bptt=bptt,
                dtype=dtype,
                name=f"lstm_{k}",
            )
            for k, hidden_dim in enumerate(self.hidden_dims)
        ]

    def build(self, token_ids_shape, padding_mask_shape=None):
        self._check(token_ids_shape, padding_mask_shape)
        self.embeddings.build(token_ids_shape)
        shape = (*token_ids_shape, self.embedding_dim)
        for dropout, lstm in zip(self.dropouts, self.lstms, strict=True):
            dropout.build(shape)
            lstm.build(shape)
            shape = (*token_ids_shape, lstm.hidden_dim)
        self.restore_sublayers()
        freeze_sublayers(self)

    def _lora_layers(self):
        return [self.embeddings.token_embedding]

    def compute_mask(self, inputs, previous_mask):
        return None

    def call(self, token_ids, padding_mask=None, training=None, mask=None):
        self._check(token_ids, padding_mask)
        mask = needed_mask(token_ids, padding_mask, mask)
        order, _ = real_first(mask)
        mask, token_ids = take(mask, order), take(as_ids(token_ids), order)
        starts = self._starts(mask)
        states = self._states_at(starts, token_ids, mask)
        length = ops.shape(mask)[1]
        most = self.bptt * self.num_windows
        known = isinstance(length, int)
        kept = min(length, most) if known else ops.minimum(length, most)
        places = ops.expand_dims(starts, -1) + ops.arange(kept)  # (B, K)
        inside = places < length
        places = ops.where(inside, places, 0)
        mask = ops.logical_and(take(mask, places), inside)
        # The ids at padding must not matter.
        ids = ops.where(mask, take(token_ids, places), 0)
        outputs, _ = self._read(ids, mask, states, training)
        return [*outputs, mask]

    def _starts(self, mask):
        """Returns the position of each row's first kept token, `(B,)`."""
        lengths = ops.sum(ops.cast(mask, "int32"), axis=1)
        windows = ops.floor_divide(lengths + self.bptt - 1, self.bptt)
        return ops.maximum(windows - self.num_windows, 0) * self.bptt

    def _states_at(self, starts, token_ids, mask) -> list:
        """Returns h and c of each LSTM before the tokens at `starts`."""
        batch, length = ops.shape(token_ids)[:2]
        states: list[Any] = [
            ops.zeros((batch, size), dtype=self.compute_dtype)
            for size in self.hidden_dims
            for _ in "hc"
        ]
        count = (length + self.bptt - 1) // self.bptt - self.num_windows
        if isinstance(count, int) and count <= 0:
            return states

        def read(window, *states):
            first = window * self.bptt
            places = ops.zeros_like(starts)[:, None] + first
            places = places + ops.arange(self.bptt)
            real = ops.logical_and(take(mask, places), places < starts[:, None])
            ids = take(token_ids, places)
            _, states = self._read(ids, real, states, training=False)
            return (window + 1, *states)

        # With constants for weights: JAX cannot differentiate such a loop, and
        # a tape would keep what it computes.
        constants = [(x, ops.stop_gradient(x.value)) for x in self.variables]
        with keras.StatelessScope(constants):
            _, *states = ops.while_loop(
                lambda window, *_: window < count, read, (0, *states)
            )
        return states

    def _read(self, ids, mask, states, training) -> tuple[list, list]:
        """Returns the outputs of all layers, and the states after them."""
        outputs = [self.embeddings(ids, training=training)]
        last = []
        for k, (dropout, lstm) in enumerate(
            zip(self.dropouts, self.lstms, strict=True)
        ):
            x, h, c = lstm(
                dropout(outputs[-1], training=training),
                padding_mask=mask,
                initial_state=list(states[2 * k : 2 * k + 2]),
                training=training,
            )
            outputs.append(x)
            last += [h, c]
        return outputs, last

    def _check(self, token_ids, padding_mask):
        check_rank(2, token_ids=token_ids)
        check_mask(token_ids, padding_mask)

    def compute_output_shape(self, token_ids_shape, padding_mask_shape=None):
        self._check(token_ids_shape, padding_mask_shape)
        batch, length = token_ids_shape
        if length is not None:
            length = min(length, self.bptt * self.num_windows)
        sizes = (self.embedding_dim, *self.hidden_dims)
        return [*((batch, length, size) for size in sizes), (batch, length)]

    def compute_output_spec(
        self, token_ids, padding_mask=None, training=None, mask=None
    ):
        self._check(token_ids, padding_mask)
        if padding_mask is None:
            needed_mask(token_ids, padding_mask, mask)
        *outputs, kept = self.compute_output_shape(tuple(token_ids.shape))
        return [
            *(keras.KerasTensor(x, dtype=self.compute_dtype) for x in outputs),
            keras.KerasTensor(kept, dtype="bool"),
        ]

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "embedding_dim": self.embedding_dim,
            "hidden_dims": list(self.hidden_dims),
            "input_dropout": self.input_dropout,
            "hidden_dropout": self.hidden_dropout,
            "weight_dropout": self.weight_dropout,
            "word_dropout": self.word_dropout,
            "bptt": self.bptt,
            "num_windows": self.num_windows,
        }
