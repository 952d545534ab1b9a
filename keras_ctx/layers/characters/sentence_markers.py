"""Adds and removes ELMo's markers of the beginning and end of a sentence."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from keras_ctx.checks import check_at_least, check_rank, shape_of
from keras_ctx.layers.base.ids import IdsLayer, as_int32
from keras_ctx.layers.base.token_mask import check_mask, token_mask

# Character ids, shifted by one, since 0 means "no token".
SENTENCE_BEGIN, SENTENCE_END = 257, 258
WORD_BEGIN, WORD_END, CHARACTER_PAD = 259, 260, 261


@keras.saving.register_keras_serializable(package="keras_ctx")
class AddSentenceMarkers(IdsLayer):
    """Adds a begin marker before and an end marker after the words of each row.

    A marker is a word of one special byte. An empty row becomes the two
    markers. Padding before or between the words stays where it is.

    Args:
        max_characters: Number C of characters of a word; at least 3.
        begin: The C ids of the begin marker; `None`: ELMo's, of bytes.
        end: The C ids of the end marker; `None`: ELMo's, of bytes.

    Call arguments:
        char_ids: Integers `(B, T, C)`, 0 = no token.

    Returns:
        Integers `(B, T + 2, C)`.

    Raises:
        ValueError: `max_characters` is below 3, a marker does not have C
            positive integers, or `char_ids` has another C.

    Example:
        >>> import numpy as np
        >>> mark = AddSentenceMarkers(max_characters=3)
        >>> np.asarray(mark(np.array([[[259, 98, 260], [0, 0, 0]]]))[0, :, 1])
        array([257,  98, 258,   0], dtype=int32)

    Source:
        The character table of allenai/bilm-tf.
    """

    def __init__(
        self,
        max_characters: int,
        begin: Sequence[int] | None = None,
        end: Sequence[int] | None = None,
        **kwargs,
    ):
        kwargs.setdefault("dtype", "int32")
        super().__init__(**kwargs)
        check_at_least(1, max_characters=max_characters)
        if max_characters < 3:
            raise ValueError(
                "`max_characters` must be at least 3: word begin, one byte, "
                f"word end. Received: max_characters={max_characters}"
            )
        self.max_characters = max_characters
        self.begin = self._checked("begin", begin)
        self.end = self._checked("end", end)

    def _checked(self, name, row):
        if row is None:
            return None
        row = list(row)
        if len(row) != self.max_characters:
            raise ValueError(
                f"`{name}` must have `max_characters="
                f"{self.max_characters}` ids. Received: {name}={row}"
            )
        for character in row:
            check_at_least(1, **{name: character})
        return row

    def call(self, char_ids):
        self._check(char_ids)
        char_ids = as_int32(char_ids)
        x = ops.pad(char_ids, ((0, 0), (1, 1), (0, 0)))  # (B, T + 2, C)
        is_begin, is_end = (
            ops.expand_dims(place, -1)
            for place in marker_places(ops.any(char_ids != 0, axis=-1))
        )
        x = ops.where(is_begin, self._marker(self.begin, SENTENCE_BEGIN), x)
        return ops.where(is_end, self._marker(self.end, SENTENCE_END), x)

    def _marker(self, row, code):
        word = np.full(self.max_characters, CHARACTER_PAD, "int32")
        word[:3] = WORD_BEGIN, code, WORD_END
        if row is not None:
            word[:] = row
        return ops.convert_to_tensor(word)

    def _check(self, char_ids):
        check_rank(3, char_ids=char_ids)
        if shape_of(char_ids)[-1] not in (None, self.max_characters):
            raise ValueError(
                "`char_ids` must hold `max_characters="
                f"{self.max_characters}` characters per word. Received: "
                f"shape={shape_of(char_ids)}"
            )

    def compute_output_shape(self, char_ids_shape):
        self._check(char_ids_shape)
        batch, length, characters = char_ids_shape
        return (batch, None if length is None else length + 2, characters)

    def get_config(self):
        return {
            **super().get_config(),
            "max_characters": self.max_characters,
            "begin": self.begin,
            "end": self.end,
        }


@keras.saving.register_keras_serializable(package="keras_ctx")
class AddMarkerIds(IdsLayer):
    """Adds the ids of the begin and end marker to each row of word ids.

    Args:
        begin_id: Id of the begin marker.
        end_id: Id of the end marker.

    Call arguments:
        word_ids: Integers `(B, T)`, 0 = no token.

    Returns:
        Integers `(B, T + 2)`.

    Raises:
        ValueError: An id is not positive, or `word_ids` has another rank.

    Example:
        >>> import numpy as np
        >>> np.asarray(AddMarkerIds()(np.array([[7, 0]])))
        array([[1, 7, 2, 0]], dtype=int32)
    """

    def __init__(self, begin_id: int = 1, end_id: int = 2, **kwargs):
        kwargs.setdefault("dtype", "int32")
        super().__init__(**kwargs)
        check_at_least(1, begin_id=begin_id, end_id=end_id)
        self.begin_id = begin_id
        self.end_id = end_id

    def call(self, word_ids):
        check_rank(2, word_ids=word_ids)
        word_ids = as_int32(word_ids)
        is_begin, is_end = marker_places(word_ids != 0)
        x = ops.pad(word_ids, ((0, 0), (1, 1)))  # (B, T + 2)
        return ops.where(
            is_begin, self.begin_id, ops.where(is_end, self.end_id, x)
        )

    def compute_output_shape(self, word_ids_shape):
        check_rank(2, word_ids=word_ids_shape)
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
    """Removes the vectors of the markers that `AddSentenceMarkers` added.

    Call arguments:
        inputs: `(B, T + 2, D)`, in the positions of `AddSentenceMarkers`.
        padding_mask: Booleans `(B, T)` of the words without markers. `None`:
            derived from the Keras mask of `inputs`, `(B, T + 2)`, whose first
            and last true tokens are the markers.

    Returns:
        `(B, T, D)`, zeros at padding.

    Raises:
        ValueError: `inputs` has another rank, the mask has another shape, or
            there is no mask.

    Masking:
        If `inputs` has a Keras mask, the mask of the words is passed on.

    Example:
        >>> import numpy as np
        >>> vectors = np.arange(4.0).reshape(1, 4, 1)
        >>> strip = StripSentenceMarkers()
        >>> np.asarray(strip(vectors, np.array([[True, False]]))[0, :, 0])
        array([1., 0.], dtype=float32)
    """

    def compute_mask(self, inputs, previous_mask):
        if previous_mask is not None:
            return words_between_markers(ops.cast(previous_mask, "bool"))

    def call(self, inputs, padding_mask=None, mask=None):
        check_rank(3, inputs=inputs)
        words = inputs[:, 1:-1]  # (B, T, D)
        if padding_mask is None:
            mask = token_mask(inputs, None, mask)
            padding_mask = None if mask is None else words_between_markers(mask)
        keep = token_mask(words, padding_mask)
        if keep is None:
            raise ValueError(
                "`padding_mask` is required, or `inputs` with a Keras mask. "
                "Received: padding_mask=None"
            )
        keep = ops.expand_dims(keep, -1)
        return ops.where(keep, words, ops.zeros_like(words))

    def compute_output_shape(self, inputs_shape, padding_mask_shape=None):
        check_rank(3, inputs=inputs_shape)
        batch, length, features = inputs_shape
        length = None if length is None else length - 2
        words_shape = (batch, length, features)
        check_mask(words_shape, padding_mask_shape)
        return words_shape


def marker_places(real):
    """Returns the positions of the markers, in a row that is longer by two.

    Args:
        real: Booleans `(B, T)`, true = word.

    Returns:
        Two booleans `(B, T + 2)`: the begin marker is right before the first
        word, the end marker right after the last; in a row without words they
        are at the first two positions.
    """
    place = ops.expand_dims(ops.arange(ops.shape(real)[1]), 0)
    # The result for a row without words; T may be 0.
    none = np.iinfo("int32").max
    end = 1 + ops.max(
        ops.where(real, place + 1, 0), axis=1, keepdims=True, initial=0
    )
    begin = ops.min(
        ops.where(real, place, none), axis=1, keepdims=True, initial=none
    )
    place = ops.expand_dims(ops.arange(ops.shape(real)[1] + 2), 0)
    return place == ops.minimum(begin, end - 1), place == end


def words_between_markers(mask):
    """Returns the mask `(B, T)` of the words, without the markers."""
    count = ops.cumsum(ops.cast(mask, "int32"), axis=1)
    between = ops.logical_and(count > 1, count < count[:, -1:])
    return ops.logical_and(mask, between)[:, 1:-1]
