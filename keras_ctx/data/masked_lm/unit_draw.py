"""Draws of words and units that are masked whole."""

from typing import Literal

import tensorflow as tf

MaskingRule = Literal["token", "unit"]


def check_masking_rule(masking_rule: str, has_units: bool) -> None:
    """Refuses a rule that does not exist, or that needs units."""
    if masking_rule not in ("token", "unit"):
        raise ValueError(
            '`masking_rule` must be "token" or "unit". '
            f"Received: masking_rule={masking_rule!r}"
        )
    if masking_rule == "unit" and not has_units:
        raise ValueError(
            '`masking_rule="unit"` needs units of several tokens: '
            "`unit_ids`, or `segmented` or a `lexicon` for a corpus. "
            "Received: none"
        )


def draw_units(
    eligible: tf.Tensor,
    unit_ids: tf.Tensor,
    draws: tuple[tf.Tensor, tf.Tensor],
    *,
    masking_rate: float,
    max_predictions: int,
    masking_rule: MaskingRule,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Chooses the units whose first token has a first draw below the rate.

    Args:
        eligible: Whether each token can be drawn, `(B, T)`.
        unit_ids: int32 `(B, T)`. Neighbouring tokens of one id are a unit.
        draws: Two independent numbers in [0, 1) for each token, `(B, T)`.
        masking_rate: Probability that a unit is chosen.
        max_predictions: Most tokens drawn in a row.
        masking_rule: Whether each token or each unit has a draw of the action.

    Returns:
        `(drawn, action)`, each `(B, T)`: whether each token is drawn, and a
        number that is uniform in [0, 1) for drawn tokens.
    """
    changes = tf.not_equal(unit_ids[:, 1:], unit_ids[:, :-1])
    unit = tf.cumsum(tf.pad(tf.cast(changes, tf.int32), [[0, 0], [1, 0]]), 1)
    # start[b, n] is the position of the first token of unit n. Rows of `unit`
    # are sorted. Numbers that no unit has get the last position.
    place = tf.range(tf.shape(unit)[1])
    numbers = tf.zeros_like(unit) + place
    start = tf.minimum(tf.searchsorted(unit, numbers), place[-1])
    first = tf.gather(start, unit, batch_dims=1)

    choice, action = draws
    of_unit = tf.gather(choice, first, batch_dims=1)
    drawn = draw_within_limit(
        tf.where(eligible & (of_unit < masking_rate), unit, -1),
        # The second draw of a first token has no other use.
        tf.gather(action, start, batch_dims=1),
        tf.fill(tf.shape(unit)[:1], max_predictions),
    )
    # A draw below the rate is uniform, so it also draws the action.
    of_unit /= masking_rate
    if masking_rule == "unit":
        return drawn, of_unit
    return drawn, tf.where(first == place, of_unit, action)


def draw_within_limit(
    unit: tf.Tensor, score: tf.Tensor, limit: tf.Tensor
) -> tf.Tensor:
    """Draws units in the order of their scores, with at most `limit` tokens.

    A unit that does not fit is skipped.

    Args:
        unit: int32 `(B, T)`: the number of each token's unit in its row, below
            T; -1 for tokens that cannot be drawn.
        score: `(B, T)`: `score[b, n]` is that of unit n.
        limit: int32 `(B,)`.

    Returns:
        Whether each token is drawn, `(B, T)`.
    """
    shape = tf.shape(unit)
    row = shape[1] * tf.range(shape[0])[:, None]
    # size[b, n] is the number of tokens of unit n in row b.
    size = tf.math.unsorted_segment_sum(
        tf.ones_like(unit), tf.where(unit >= 0, row + unit, -1), tf.size(unit)
    )
    size = tf.ensure_shape(tf.reshape(size, shape), unit.shape)

    # `left` only decreases, so a unit that is too long stays too long. Taking
    # the first unit that fits, again and again, is the draw in order.
    def fits(drawn, left):
        return ~drawn & (size > 0) & (size <= left[:, None])

    def draw(drawn, left):
        fitting = fits(drawn, left)
        first = tf.argmin(tf.where(fitting, score, 2.0), 1, tf.int32)
        new = fitting & (tf.range(shape[1]) == first[:, None])
        left -= tf.reduce_sum(tf.where(new, size, 0), 1)
        return drawn | new, left

    drawn, _ = tf.while_loop(
        lambda drawn, left: tf.reduce_any(fits(drawn, left)),
        draw,
        (tf.zeros_like(unit, tf.bool), limit),
    )
    return (unit >= 0) & tf.gather(drawn, tf.maximum(unit, 0), batch_dims=1)
