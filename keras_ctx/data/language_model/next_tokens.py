"""The targets of a causal language model beside another task."""

from collections.abc import Mapping

import tensorflow as tf


def next_token_targets(
    features: Mapping[str, tf.Tensor],
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the next token of each position, and weights in the loss.

    The sum of the weighted losses is the mean over the rows of the mean over
    the tokens that follow another one. A row of one token has none.

    Args:
        features: `token_ids` and `padding_mask`, `(B, T)`, with padding behind
            the text.

    Returns:
        The targets, integers, and float32 weights, both `(B, T)`.

    Example:
        >>> ids = tf.constant([[7, 8, 9], [5, 6, 0]])
        >>> features = {"token_ids": ids, "padding_mask": ids > 0}
        >>> targets, weights = next_token_targets(features)
        >>> targets.numpy()
        array([[8, 9, 7],
               [6, 0, 5]], dtype=int32)
        >>> weights.numpy()
        array([[0.25, 0.25, 0.  ],
               [0.5 , 0.  , 0.  ]], dtype=float32)

    Source:
        Radford et al. 2018, section 3.2; `train.py` of
        https://github.com/openai/finetune-transformer-lm.
    """
    token_ids, counted = next_tokens(features)
    tokens = tf.reduce_sum(counted, axis=1, keepdims=True)
    rows = tf.cast(tf.shape(counted)[0], tf.float32)
    return token_ids, tf.math.divide_no_nan(counted, tokens * rows)


def next_tokens(
    features: Mapping[str, tf.Tensor],
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the next token of each position, and 1 where it is a real one.

    Args:
        features: As of `next_token_targets`.

    Returns:
        Integers and float32 numbers, both `(B, T)`.
    """
    mask = tf.cast(features["padding_mask"], tf.float32)
    counted = tf.pad(mask[:, 1:], [[0, 0], [0, 1]])
    return tf.roll(features["token_ids"], -1, axis=1), counted
