"""Choosing and masking tokens for masked language modelling."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_ctx.checks import check_at_least
from keras_ctx.data.masked_lm.unit_draw import (
    MaskingRule,
    check_masking_rule,
    draw_units,
    draw_within_limit,
)


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
    unit_ids: tf.Tensor | None = None,
    masking_rule: MaskingRule = "token",
) -> tuple[dict[str, tf.Tensor], tf.Tensor, tf.Tensor]:
    """Masks a share of every example's ordinary tokens, as in BERT's training.

    Ordinary tokens are neither special nor padding. Of each example's ordinary
    tokens, the share `masking_rate` is drawn without replacement: the rounded
    number, at least 1 if there are any, at most `max_predictions`. Of the
    drawn tokens, 80 % become `mask_id`, 10 % a random ordinary token, and 10 %
    are unchanged. The draw is a pure function of `seed` and the shape. B is
    the batch size, T tokens, M = `max_predictions`.

    With `suffix_ids`, whole words are drawn in random order, up to the same
    number of pieces. A word that does not fit is skipped, so an example whose
    words are all too long has no masked tokens. The 80, 10 and 10 % apply to
    each piece of a drawn word. A word is a piece and the suffixes after it.
    In text without spaces, such as Chinese, each character is a word by
    itself: BERT's `##` does not mark which characters form a word.

    With `unit_ids`, units such as words, phrases or names are masked whole, as
    in ERNIE. A unit is chosen if the draw of its first token is below
    `masking_rate`, so the number of units varies, and a row may have none.
    Chosen units that exceed `max_predictions` are left out at random. With the
    rule "token", the 80, 10 and 10 % apply to each token of a unit, and its
    first token uses the draw that chose the unit. With "unit", that draw
    applies to all its tokens. Special tokens in a unit stay.

    Args:
        features: A dict with `token_ids` `(B, T)` and `padding_mask` `(B, T)`
            bool, True = real token. Other entries are unchanged.
        seed: Two integers, as for `tf.random.stateless_uniform`.
        mask_id: Id of the mask token.
        special_ids: Ids that are never masked and never a replacement.
        vocabulary_size: Number of ids.
        max_predictions: Maximum number M of masked tokens per example.
        masking_rate: Share of the ordinary tokens to draw.
        suffix_ids: Ids of the pieces that continue a word, those with `##`.
            `None` draws single pieces.
        unit_ids: Integers `(B, T)`: neighbouring tokens with the same id are
            one unit. `None` draws single pieces, or words.
        masking_rule: "token" or, for `unit_ids` only, "unit".

    Returns:
        `(features, masked_ids, weights)`: the features with masked
        `token_ids` and with `masked_positions` `(B, M)` int32, ascending, 0 in
        unused entries; the true ids `(B, M)` int32, 0 in unused entries; and
        float32 weights `(B, M)`, 1 in used entries and 0 in unused ones.

    Raises:
        ValueError: `masking_rate` is not in (0, 1), `max_predictions` is
            below 1, no id is left as a replacement, `suffix_ids` has an id
            outside the vocabulary, `suffix_ids` and `unit_ids` are both given,
            or `masking_rule` is unknown or needs `unit_ids`.

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
    `create_pretraining_data.py` of google-research/bert; units: Sun et al.
    2019, section 3.2 (arXiv:1904.09223), and ERNIE's released code, whose
    rule is "token". Differs: BERT's code counts `[CLS]` and `[SEP]` for the
    15 %, and may use a special token as random replacement.
    """
    if not 0 < masking_rate < 1:
        raise ValueError(
            "`masking_rate` must be a share above 0 and below 1. Received: "
            f"masking_rate={masking_rate}"
        )
    check_at_least(1, max_predictions=max_predictions)
    check_masking_rule(masking_rule, unit_ids is not None)
    if suffix_ids is not None and unit_ids is not None:
        raise ValueError(
            "`suffix_ids` and `unit_ids` must not be given together: both say "
            "which tokens are masked together."
        )
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
    action = tf.random.stateless_uniform(shape, seeds[1])
    if unit_ids is not None:
        chosen, action = draw_units(
            eligible,
            tf.cast(unit_ids, tf.int32),
            (score, action),
            masking_rate=masking_rate,
            max_predictions=max_predictions,
            masking_rule=masking_rule,
        )
    elif suffix_ids is None:
        chosen = _pieces(eligible, score, wanted)
    else:
        chosen = _whole_words(
            eligible, tf.gather(is_suffix, token_ids), score, wanted
        )

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
    """Draws `wanted` `(B,)` of the eligible pieces without replacement."""
    # The lowest ranks of a random score are such a draw. Pieces that must not
    # be chosen rank after all others.
    score = tf.where(eligible, score, 2.0)
    rank = tf.argsort(tf.argsort(score, stable=True), stable=True)
    return eligible & (rank < wanted[:, None])


def _whole_words(
    eligible: tf.Tensor,
    is_suffix: tf.Tensor,
    score: tf.Tensor,
    wanted: tf.Tensor,
) -> tf.Tensor:
    """Draws words by their scores, with at most `wanted` pieces."""
    follows = tf.pad(eligible[:, :-1], [[0, 0], [1, 0]])
    begins = eligible & tf.logical_not(is_suffix & follows)
    # Number of the word in its row, or -1 for pieces that are not eligible.
    word = tf.where(eligible, tf.cumsum(tf.cast(begins, tf.int32), 1) - 1, -1)
    return draw_within_limit(word, score, wanted)
