"""ELMo's token layer: characters, convolutions, highways, projection."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from keras_ctx.checks import check_at_least, check_choice, check_rank
from keras_ctx.layers.base.composite_layer import CompositeLayer
from keras_ctx.layers.base.embedding_lookup import known_ids, known_rows
from keras_ctx.layers.base.frozen import freeze_sublayers
from keras_ctx.layers.base.ids import IdsLayer, as_ids
from keras_ctx.layers.characters.row_chunks import in_chunks, never_empty

WORDS_AT_ONCE = 512
"""The convolutions of the original ELMo need 0.4 MB for each word."""


@keras.saving.register_keras_serializable(package="keras_ctx")
class CharCNNHighway(IdsLayer, CompositeLayer):
    """Computes a vector for each word from its characters, without context.

    It applies convolutions of several widths over the characters, takes the
    maximum over all positions (positions of the character padding included,
    as in the reference), then applies highway layers and a projection. The
    projection is left out if the number of filters equals `output_dim`. The
    highway gate multiplies the *transformed* branch; its bias starts at -2,
    so that a word mostly passes unchanged. The inner activation of a highway
    layer is always relu.

    Args:
        filters: Pairs `(width, count)`: width in characters, number of
            filters.
        output_dim: Number of features of a word.
        char_dim: Number of features of a character.
        num_highways: Number of highway layers; 0 for none.
        vocabulary_size: Rows of the character table, row 0 (no token)
            included: 262 for bytes.
        activation: Activation after the convolutions, "relu" or "tanh".

    Call arguments:
        char_ids: Integers `(B, T, C)`, 0 = no token. C must be at least the
            width of the widest filter.

    Returns:
        `(B, T, output_dim)`; zeros where all characters are 0, NaN where one
        is outside the table.

    Raises:
        ValueError: A size is not positive, `filters` is empty or does not
            hold pairs, the activation is unknown, `char_ids` has another
            rank, or words are shorter than the widest filter.

    Example:
        >>> import numpy as np
        >>> words = CharCNNHighway([(1, 8), (2, 8)], output_dim=4)
        >>> tuple(words(np.array([[[259, 98, 260, 261], [0, 0, 0, 0]]])).shape)
        (1, 2, 4)

    Source:
        Kim et al. 2016, https://arxiv.org/abs/1508.06615; Jozefowicz et al.
        2016, https://arxiv.org/abs/1602.02410; Peters et al. 2018, section
        3.4, https://arxiv.org/abs/1802.05365; highways: Srivastava et al.
        2015, https://arxiv.org/abs/1505.00387.

    Differs:
        At padding tokens bilm-tf returns a vector of the biases, this layer
        zeros. The table in bilm-tf's files has no row 0.
    """

    def __init__(
        self,
        filters: Sequence[tuple[int, int]],
        output_dim: int,
        char_dim: int = 16,
        num_highways: int = 2,
        vocabulary_size: int = 262,
        activation: str = "relu",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not filters or any(np.shape(pair) != (2,) for pair in filters):
            raise ValueError(
                "`filters` must be a list of pairs (width, count). "
                f"Received: filters={filters!r}"
            )
        self.filters = [list(pair) for pair in filters]
        for width, count in self.filters:
            check_at_least(1, width=width, count=count)
        check_at_least(
            1,
            output_dim=output_dim,
            char_dim=char_dim,
            vocabulary_size=vocabulary_size,
        )
        check_at_least(0, num_highways=num_highways)
        check_choice(("relu", "tanh"), activation=activation)
        self.output_dim = output_dim
        self.char_dim = char_dim
        self.num_highways = num_highways
        self.vocabulary_size = vocabulary_size
        self.activation = activation

    def build(self, char_ids_shape):
        # Also in `build`: a functional model calls `call` only when it runs.
        check_rank(3, char_ids=char_ids_shape)
        self._check_length(char_ids_shape[-1])
        dtype = self.dtype_policy
        size = sum(count for _, count in self.filters)
        self.char_embedding = keras.layers.Embedding(
            self.vocabulary_size,
            self.char_dim,
            embeddings_initializer=keras.initializers.RandomUniform(-1, 1),
            dtype=dtype,
            name="char_embedding",
        )
        self.char_embedding.build()
        self.convolutions = []
        for i, (width, count) in enumerate(self.filters):
            if self.activation == "relu":
                initializer = keras.initializers.RandomUniform(-0.05, 0.05)
            else:
                initializer = keras.initializers.RandomNormal(
                    stddev=(width * self.char_dim) ** -0.5
                )
            convolution = keras.layers.Conv1D(
                count,
                width,
                kernel_initializer=initializer,
                dtype=dtype,
                name=f"convolution_{i}",
            )
            convolution.build((None, None, self.char_dim))
            self.convolutions.append(convolution)

        def dense(units, name, bias=0.0):
            layer = keras.layers.Dense(
                units,
                kernel_initializer=keras.initializers.RandomNormal(
                    stddev=size**-0.5
                ),
                bias_initializer=keras.initializers.Constant(bias),
                dtype=dtype,
                name=name,
            )
            layer.build((None, size))
            return layer

        self.highway_transforms = [
            dense(size, f"highway_transform_{i}")
            for i in range(self.num_highways)
        ]
        self.highway_gates = [
            dense(size, f"highway_gate_{i}", bias=-2.0)
            for i in range(self.num_highways)
        ]
        self.projection = (
            None
            if size == self.output_dim
            else dense(self.output_dim, "projection")
        )
        self.restore_sublayers()
        freeze_sublayers(self)

    def _lora_layers(self):
        layers = [*self.highway_transforms, *self.highway_gates]
        return layers if self.projection is None else [*layers, self.projection]

    def call(self, char_ids, training=None):
        check_rank(3, char_ids=char_ids)
        char_ids = as_ids(char_ids)
        batch, length, characters = ops.shape(char_ids)
        self._check_length(characters)
        known = known_ids(char_ids, self.vocabulary_size)
        x = ops.reshape(ops.where(known, char_ids, 0), (-1, characters))
        if training and self.trainable:
            # Not in chunks: backpropagation would need the activations of all
            # of them, and XLA the number of words.
            x = never_empty(self._highest, x)
        else:
            x = in_chunks(self._highest, x, WORDS_AT_ONCE)
        for transform, gate in zip(
            self.highway_transforms, self.highway_gates, strict=True
        ):
            g = ops.sigmoid(gate(x))
            x = g * ops.relu(transform(x)) + (1 - g) * x
        if self.projection is not None:
            x = self.projection(x)
        x = ops.reshape(x, (batch, length, self.output_dim))
        real = ops.any(ops.not_equal(char_ids, 0), axis=-1, keepdims=True)
        x = ops.where(real, x, ops.zeros_like(x))
        # Only here, since a maximum may drop the NaN of a character.
        known = ops.all(known, axis=-1, keepdims=True)
        return ops.where(known, x, ops.cast(float("nan"), x.dtype))

    def _highest(self, char_ids):
        """Computes each filter's maximum: `(N, C)` to `(N, sum of counts)`.

        If all words fill less than half of their rows, the windows in the
        other half contain only character padding and are equal, so that a few
        of them are enough.
        """
        half = (char_ids.shape[-1] or 0) // 2  # 0 where not known
        end = half - max(width for width, _ in self.filters)
        if end < 1:
            return self._convolved(char_ids)
        return ops.cond(
            ops.all(char_ids[:, end:] == char_ids[:, -1:]),
            lambda: self._convolved(char_ids[:, :half]),
            lambda: self._convolved(char_ids),
        )

    def _convolved(self, char_ids):
        x = known_rows(self.char_embedding, char_ids)  # (N, C, char_dim)
        # The bias can be added after the maximum.
        x = ops.concatenate(
            [
                ops.max(layer.convolution_op(x, layer.kernel), 1) + layer.bias
                for layer in self.convolutions
            ],
            axis=-1,
        )
        return ops.relu(x) if self.activation == "relu" else ops.tanh(x)

    def _check_length(self, characters):
        width = max(width for width, _ in self.filters)
        if isinstance(characters, int) and characters < width:
            raise ValueError(
                "`char_ids` must hold at least as many characters per word as "
                f"the widest filter, {width}. Received: {characters}. Raise "
                "`max_characters` of the text inputs or drop that filter."
            )

    def compute_output_shape(self, char_ids_shape):
        check_rank(3, char_ids=char_ids_shape)
        return (*char_ids_shape[:-1], self.output_dim)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "output_dim": self.output_dim,
            "char_dim": self.char_dim,
            "num_highways": self.num_highways,
            "vocabulary_size": self.vocabulary_size,
            "activation": self.activation,
        }
