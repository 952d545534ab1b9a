"""ELMo's begin and end of sentence, put around the words and taken off."""

import keras
import numpy as np
from keras import ops

from keras_ctx.layers.arguments import check_positive_int, check_rank

# Character ids after the shift by one that frees 0 for "no token here".
SENTENCE_BEGIN, SENTENCE_END = 257, 258
WORD_BEGIN, WORD_END, CHARACTER_PAD = 259, 260, 261


@keras.saving.register_keras_serializable(package="keras_ctx")
class AddSentenceMarkers(keras.layers.Layer):
    """Rows of words become begin marker, words, end marker.

    A marker is a word of one special byte. An empty row becomes the two
    markers alone.

    Args:
        max_characters: C, characters a word; at least 3.

    Call arguments:
        char_ids: Integers `(B, T, C)`, 0 = no token; words come first.

    Returns:
        Integers `(B, T + 2, C)`.

    Raises:
        ValueError: `max_characters` below 3, or another C in the input.

    Example:
        >>> import numpy as np
        >>> mark = AddSentenceMarkers(max_characters=3)
        >>> mark(np.array([[[259, 98, 260], [0, 0, 0]]]))[0, :, 1].numpy()
        array([257,  98, 258,   0], dtype=int32)

    Source:
        The character table of allenai/bilm-tf.
    """

    def __init__(self, max_characters: int, **kwargs):
        kwargs.setdefault("dtype", "int32")
        super().__init__(**kwargs)
        check_positive_int(max_characters=max_characters)
        if max_characters < 3:
            raise ValueError(
                "`max_characters` must be at least 3: word begin, one byte, "
                f"word end. Received: max_characters={max_characters}"
            )
        self.max_characters = max_characters

    def call(self, char_ids):
        if char_ids.shape[-1] != self.max_characters:
            raise ValueError(
                "`char_ids` must hold `max_characters="
                f"{self.max_characters}` characters a word. Received: "
                f"shape={tuple(char_ids.shape)}"
            )
        char_ids = ops.cast(char_ids, "int32")
        begin, end = (self._marker(SENTENCE_BEGIN), self._marker(SENTENCE_END))
        real = ops.any(ops.not_equal(char_ids, 0), axis=-1)  # (B, T)
        length = ops.sum(ops.cast(real, "int32"), axis=1)
        x = ops.pad(char_ids, ((0, 0), (1, 1), (0, 0)))  # (B, T + 2, C)
        position = ops.reshape(ops.arange(ops.shape(x)[1]), (1, -1, 1))
        x = ops.where(position == 0, begin, x)
        return ops.where(
            position == ops.reshape(length + 1, (-1, 1, 1)), end, x
        )

    def _marker(self, byte):
        word = np.full(self.max_characters, CHARACTER_PAD, "int32")
        word[:3] = WORD_BEGIN, byte, WORD_END
        return ops.convert_to_tensor(word)

    def compute_output_shape(self, char_ids_shape):
        batch, length, characters = char_ids_shape
        return (batch, None if length is None else length + 2, characters)

    def get_config(self):
        return {**super().get_config(), "max_characters": self.max_characters}


@keras.saving.register_keras_serializable(package="keras_ctx")
class AddMarkerIds(keras.layers.Layer):
    """`AddSentenceMarkers` for words that are ids, not characters.

    Args:
        begin_id: Id of the begin of a sentence.
        end_id: Id of its end.

    Call arguments:
        word_ids: Integers `(B, T)`, 0 = no token; words come first.

    Returns:
        Integers `(B, T + 2)`.

    Raises:
        ValueError: an id is not positive, or `word_ids` of another rank.

    Example:
        >>> import numpy as np
        >>> AddMarkerIds()(np.array([[7, 0]])).numpy()
        array([[1, 7, 2, 0]], dtype=int32)
    """

    def __init__(self, begin_id: int = 1, end_id: int = 2, **kwargs):
        kwargs.setdefault("dtype", "int32")
        super().__init__(**kwargs)
        check_positive_int(begin_id=begin_id, end_id=end_id)
        self.begin_id = begin_id
        self.end_id = end_id

    def call(self, word_ids):
        check_rank(2, word_ids=word_ids)
        word_ids = ops.cast(word_ids, "int32")
        length = ops.sum(ops.cast(word_ids != 0, "int32"), axis=1)
        x = ops.pad(
            word_ids, ((0, 0), (1, 0)), constant_values=self.begin_id
        )  # (B, T + 1)
        x = ops.pad(x, ((0, 0), (0, 1)))  # (B, T + 2)
        position = ops.expand_dims(ops.arange(ops.shape(x)[1]), 0)
        end = position == ops.expand_dims(length + 1, -1)
        return ops.where(end, self.end_id, x)

    def compute_output_shape(self, word_ids_shape):
        batch, length = word_ids_shape
        return (batch, None if length is None else length + 2)

    def get_config(self):
        return {
            **super().get_config(),
            "begin_id": self.begin_id,
            "end_id": self.end_id,
        }


@keras.saving.register_keras_serializable(package="keras_ctx")
class StripSentenceMarkers(keras.layers.Layer):
    """The inverse of `AddSentenceMarkers`, for vectors.

    Call arguments:
        inputs: `(B, T + 2, D)`, positions as `AddSentenceMarkers` lays them.
        padding_mask: Booleans `(B, T)` of the words alone.

    Returns:
        `(B, T, D)`, zeros at padding.

    Raises:
        ValueError: a mask of the wrong rank.

    Example:
        >>> import numpy as np
        >>> vectors = np.arange(4.0).reshape(1, 4, 1)
        >>> strip = StripSentenceMarkers()
        >>> strip(vectors, np.array([[True, False]]))[0, :, 0].numpy()
        array([1., 0.], dtype=float32)
    """

    def call(self, inputs, padding_mask):
        check_rank(2, padding_mask=padding_mask)
        words = inputs[:, 1:-1]  # (B, T, D)
        keep = ops.expand_dims(ops.cast(padding_mask, "bool"), -1)
        return ops.where(keep, words, ops.zeros_like(words))

    def compute_output_shape(self, inputs_shape, padding_mask_shape):
        return (*padding_mask_shape, inputs_shape[-1])
