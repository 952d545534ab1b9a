"""Positions and attention mask of several texts packed into one row."""

import keras
from keras import ops

from keras_ctx.checks import check_at_least, check_rank
from keras_ctx.layers.base.embedding_lookup import known_ids
from keras_ctx.layers.base.ids import IdsLayer, as_ids, check_ids


@keras.saving.register_keras_serializable(package="keras_ctx")
class PackedTexts(IdsLayer):
    """Restarts the positions at each text of a row, and parts the texts.

    `text_ids` numbers the texts of each row from 1; 0 is padding. T5 calls
    them segment ids, which are something else in BERT. The position of a token
    is the number of earlier tokens of its text; a token may attend to the
    tokens of its own text only (a block-diagonal mask).

    Args:
        max_texts: Maximum number N of texts in a row.

    Call arguments:
        text_ids: Integers `(B, T)`, from 0 to N.

    Returns:
        Positions, int32 `(B, T)`, 0 at padding, and in a graph -1 where an id
        is below 0 or above N, for which `TokenAndSegmentEmbedding` gives NaN;
        and the attention mask, booleans `(B, T, T)`, true where the query
        (second axis) may attend to the key (third axis).

    Raises:
        ValueError: `max_texts` is not positive, `text_ids` has another rank,
            or, run eagerly, an id is out of range.

    Masking:
        None. Padding may attend to nothing, and nothing to padding.

    Example:
        >>> import numpy as np
        >>> positions, mask = PackedTexts(2)(np.array([[1, 1, 2, 0]]))
        >>> np.asarray(positions)
        array([[0, 1, 0, 0]], dtype=int32)
        >>> np.asarray(mask)[0].astype(int)
        array([[1, 1, 0, 0],
               [1, 1, 0, 0],
               [0, 0, 1, 0],
               [0, 0, 0, 0]])

    Source:
        Raffel et al. 2020, section 3.1.1, https://arxiv.org/abs/1910.10683;
        without attention across texts: Krell et al. 2021, section 3.2.2,
        https://arxiv.org/abs/2107.02027.
    """

    def __init__(self, max_texts: int, **kwargs):
        super().__init__(**kwargs)
        check_at_least(1, max_texts=max_texts)
        self.max_texts = max_texts

    def call(self, text_ids):
        check_rank(2, text_ids=text_ids)
        text_ids = as_ids(text_ids)
        check_text_ids(self.max_texts, text_ids)
        query = ops.expand_dims(text_ids, 2)
        key = ops.expand_dims(text_ids, 1)
        same = ops.logical_and(query == key, query != 0)  # (B, T, T)
        places = ops.arange(ops.shape(text_ids)[1])
        earlier = ops.expand_dims(places, 0) < ops.expand_dims(places, 1)
        before = ops.cast(ops.logical_and(same, earlier), "int32")
        known = known_ids(text_ids, self.max_texts + 1)
        return ops.where(known, ops.sum(before, axis=2), -1), same

    def compute_output_spec(self, text_ids):
        check_rank(2, text_ids=text_ids)
        batch, length = text_ids.shape
        return (
            keras.KerasTensor((batch, length), dtype="int32"),
            keras.KerasTensor((batch, length, length), dtype="bool"),
        )

    def compute_output_shape(self, text_ids_shape):
        check_rank(2, text_ids=text_ids_shape)
        return text_ids_shape, (*text_ids_shape, text_ids_shape[1])

    def get_config(self):
        return {**super().get_config(), "max_texts": self.max_texts}


def check_text_ids(max_texts: int, text_ids) -> None:
    """Refuses ids of texts above `max_texts`, when run eagerly."""
    check_ids(
        max_texts + 1,
        f"a row holds at most `max_texts={max_texts}` texts, and with 0, "
        "padding, there are",
        text_ids=text_ids,
    )
