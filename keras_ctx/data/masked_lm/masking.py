"""Choosing and hiding tokens for masked language modelling."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_ctx.checks import check_at_least


def masked_lm_examples(
    features: dict[str, tf.Tensor],
    seed: tf.Tensor | tuple[int, int],
    *,
    mask_id: int,
    special_ids: Sequence[int],
    vocabulary_size: int,
    max_predictions: int,
    masking_rate: float = 0.15,
    suffix_ids: Sequence[int] | None = None,
) -> tuple[dict[str, tf.Tensor], tf.Tensor, tf.Tensor]:
    """Hide a share of every row's ordinary tokens, as BERT's training does.

    Of each row's tokens that are neither special nor padding, the share
    `masking_rate` is drawn without replacement: the rounded number, at least
    1 where the row has any, at most `max_predictions`. Of the drawn ones 80 %
    become `mask_id`, 10 % a random ordinary token, 10 % stay. The draw is a
    pure function of `seed` and the shape. B is the batch, T tokens, M =
    `max_predictions`.

    With `suffix_ids` whole words are drawn, in random order, as long as their
    pieces keep within the same number; a word that no longer fits is passed
    over, so a row whose words are all too long has none. Each piece of a
    drawn word has its own 80, 10 or 10 %. A word is a piece and the suffixes
    behind it. Text without spaces has no such words: each Chinese character
    is one by itself, and BERT's `##` does not tell which make up a word.

    Args:
        features: `token_ids` `(B, T)`, `padding_mask` `(B, T)` bool, True =
            real token, and anything else, which is passed through.
        seed: Two integers, as for `tf.random.stateless_uniform`.
        mask_id: Id of the token that hides another.
        special_ids: Ids never chosen and never used as a replacement.
        vocabulary_size: Number of ids.
        max_predictions: M, the number of slots of every row.
        masking_rate: Share of the ordinary tokens to draw.
        suffix_ids: Ids of the pieces that continue a word, those with `##`;
            None draws pieces one by one.

    Returns:
        `(features, masked_ids, weights)`: the features with changed
        `token_ids` and with `masked_positions` `(B, M)` int32, rising, 0 in
        unused slots; the true ids `(B, M)` int32, 0 in unused slots; float32
        weights `(B, M)`, 1 in used slots and 0 in the others.

    Raises:
        ValueError: `masking_rate` is not in (0, 1), `max_predictions` is
            below 1, no id is left as a replacement, or `suffix_ids` has one
            that is not in the vocabulary.

    Example:
        >>> rows = {"token_ids": tf.constant([[2, 7, 8, 9, 3, 0]]),
        ...         "padding_mask": tf.constant([[True] * 5 + [False]])}
        >>> masked, ids, weights = masked_lm_examples(
        ...     rows, (1, 2), mask_id=4, special_ids=range(5),
        ...     vocabulary_size=10, max_predictions=2)
        >>> masked["token_ids"].numpy(), masked["masked_positions"].numpy()
        (array([[2, 7, 4, 9, 3, 0]], dtype=int32), array([[2, 0]], dtype=int32))
        >>> ids.numpy(), weights.numpy()
        (array([[8, 0]], dtype=int32), array([[1., 0.]], dtype=float32))

    Source: Devlin et al. 2019, section 3.1 (arXiv:1810.04805); whole words:
    `create_pretraining_data.py` of google-research/bert. Differs: the
    original counts `[CLS]` and `[SEP]` into the 15 %, and may use a special
    token as random replacement.
    """
    if not 0 < masking_rate < 1:
        raise ValueError(
            "`masking_rate` must be a share above 0 and below 1. Received: "
            f"masking_rate={masking_rate}"
        )
    check_at_least(1, max_predictions=max_predictions)
    ordinary = np.setdiff1d(np.arange(vocabulary_size), list(special_ids))
    if not ordinary.size:
        raise ValueError(
            "`vocabulary_size` must leave ids that are not in `special_ids`. "
            f"Received: vocabulary_size={vocabulary_size}, "
            f"special_ids={tuple(special_ids)}"
        )
    is_suffix = np.zeros(vocabulary_size, bool)
    if suffix_ids is not None:
        strangers = np.setdiff1d(list(suffix_ids), np.arange(vocabulary_size))
        if strangers.size:
            raise ValueError(
                "`suffix_ids` must be ids from 0 to `vocabulary_size - 1`. "
                f"Received: {strangers[0]} with "
                f"vocabulary_size={vocabulary_size}"
            )
        is_suffix[list(suffix_ids)] = True

    token_ids = tf.cast(features["token_ids"], tf.int32)
    shape = tf.shape(token_ids)
    length = shape[1]
    is_ordinary = np.zeros(vocabulary_size, bool)
    is_ordinary[ordinary] = True
    eligible = features["padding_mask"] & tf.gather(is_ordinary, token_ids)

    seeds = tf.random.split(seed, 3)
    available = tf.reduce_sum(tf.cast(eligible, tf.int32), axis=1)
    wanted = tf.cast(
        tf.round(masking_rate * tf.cast(available, tf.float32)), tf.int32
    )
    wanted = tf.minimum(tf.maximum(wanted, 1), max_predictions)

    score = tf.random.stateless_uniform(shape, seeds[0])
    if suffix_ids is None:
        chosen = _pieces(eligible, score, wanted)
    else:
        chosen = _whole_words(
            eligible, tf.gather(is_suffix, token_ids), score, wanted
        )

    action = tf.random.stateless_uniform(shape, seeds[1])
    draw = tf.random.stateless_uniform(
        shape, seeds[2], maxval=ordinary.size, dtype=tf.int32
    )
    random_ids = tf.gather(ordinary.astype(np.int32), draw)
    hidden = tf.where(
        action < 0.8, mask_id, tf.where(action < 0.9, random_ids, token_ids)
    )

    positions = tf.sort(tf.where(chosen, tf.range(length), length), axis=1)
    # Padded first: a batch may have fewer columns than slots.
    positions = tf.pad(
        positions, [[0, 0], [0, max_predictions]], constant_values=length
    )[:, :max_predictions]
    positions = tf.ensure_shape(positions, [None, max_predictions])
    used = positions < length
    positions = tf.where(used, positions, 0)
    masked_ids = tf.gather(token_ids, positions, batch_dims=1)
    return (
        {
            **features,
            "token_ids": tf.where(chosen, hidden, token_ids),
            "masked_positions": positions,
        },
        tf.where(used, masked_ids, 0),
        tf.cast(used, tf.float32),
    )


def _pieces(
    eligible: tf.Tensor, score: tf.Tensor, wanted: tf.Tensor
) -> tf.Tensor:
    """`wanted` `(B,)` of the eligible pieces, `(B, T)`, without replacement."""
    # The rank of a random score is such a draw; scores of pieces that must
    # not be chosen rank behind all others.
    score = tf.where(eligible, score, 2.0)
    rank = tf.argsort(tf.argsort(score, stable=True), stable=True)
    return eligible & (rank < wanted[:, None])


def _whole_words(
    eligible: tf.Tensor,
    is_suffix: tf.Tensor,
    score: tf.Tensor,
    wanted: tf.Tensor,
) -> tf.Tensor:
    """Words drawn by their scores, of at most `wanted` pieces, `(B, T)`."""
    follows = tf.pad(eligible[:, :-1], [[0, 0], [1, 0]])
    begins = eligible & tf.logical_not(is_suffix & follows)
    # Number of the word in its row; what is not eligible is in none.
    word = tf.where(eligible, tf.cumsum(tf.cast(begins, tf.int32), 1) - 1, -1)
    shape = tf.shape(word)
    row = shape[1] * tf.range(shape[0])[:, None]
    # At [b, n] the pieces of word n of row b.
    size = tf.math.unsorted_segment_sum(
        tf.ones_like(word), tf.where(eligible, row + word, -1), tf.size(word)
    )
    size = tf.ensure_shape(tf.reshape(size, shape), word.shape)

    # A word passed over as too long stays so, since what is left only falls:
    # the first of those that fit, again and again, is the draw in order.
    def fits(chosen, left):
        return ~chosen & (size > 0) & (size <= left[:, None])

    def draw(chosen, left):
        fitting = fits(chosen, left)
        first = tf.argmin(tf.where(fitting, score, 2.0), 1, tf.int32)
        new = fitting & (tf.range(shape[1]) == first[:, None])
        left -= tf.reduce_sum(tf.where(new, size, 0), 1)
        return chosen | new, left

    chosen, _ = tf.while_loop(
        lambda chosen, left: tf.reduce_any(fits(chosen, left)),
        draw,
        (tf.zeros_like(eligible), wanted),
    )
    return eligible & tf.gather(chosen, tf.maximum(word, 0), batch_dims=1)
