"""Finds the best answers of a window, for recipes and served graphs alike."""

from typing import Any, NamedTuple

import tensorflow as tf

# The score of a missing span; the sum of two is still finite.
NOTHING = -1e30


class BestSpans(NamedTuple):
    """The best spans of N windows, best first, each `(N, k)`.

    A window with fewer than k spans is filled up with the score `NOTHING` and
    -1 for the other numbers.
    """

    scores: tf.Tensor
    first_words: tf.Tensor
    """First word of each span, as `word_index` counts words."""
    last_words: tf.Tensor
    """Last word of each span, counted likewise."""
    starts: tf.Tensor
    """Position of the first piece of each span."""
    ends: tf.Tensor
    """Position of the last piece of each span."""


def best_spans(
    start_logits: Any,
    end_logits: Any,
    word_index: Any,
    max_answer: int,
    top_k: int,
) -> BestSpans:
    """Returns the spans of whole words with the highest sums of two logits.

    The score of a span is the start logit at its first position plus the end
    logit at its last position.

    Args:
        start_logits: Start logits of a `span_extractor`, finite, `(N, T)`.
        end_logits: End logits, likewise.
        word_index: Index of the word of the context that each position is a
            piece of, ascending; -1 for other positions. `(N, T)`.
        max_answer: Largest number of positions of a span.
        top_k: Number k of spans for each window.

    Returns:
        A `BestSpans`.

    Example:
        >>> spans = best_spans([[0.0, 1, 5, 0]], [[0.0, 1, 5, 0]],
        ...                    [[-1, 0, 1, -1]], max_answer=3, top_k=2)
        >>> spans.scores.numpy(), spans.first_words.numpy()
        (array([[10.,  6.]], dtype=float32), array([[1, 0]], dtype=int32))

    Source:
        Devlin et al. 2019, section 4.2.
    """
    index = tf.convert_to_tensor(word_index)
    before = tf.pad(index[:, :-1], [[0, 0], [1, 0]], constant_values=-1)
    behind = tf.pad(index[:, 1:], [[0, 0], [0, 1]], constant_values=-1)
    position = tf.broadcast_to(
        tf.range(tf.shape(index)[1])[None, :], tf.shape(index)
    )

    def of_words(values, border, fill):
        kept = tf.ragged.boolean_mask(values, (index >= 0) & (index != border))
        return kept.to_tensor(fill)

    start = of_words(tf.cast(start_logits, tf.float32), before, NOTHING)
    end = of_words(tf.cast(end_logits, tf.float32), behind, NOTHING)
    word = of_words(index, before, -1)
    first = of_words(position, before, 0)
    # No answer ends after the last word.
    last = of_words(position, behind, tf.int32.max // 2)

    # A span by its first word, and by the number of words after that.
    longest = max_answer  # words: each has at least one position
    num_rows, num_words = tf.unstack(tf.shape(start))
    ahead = tf.range(num_words)[:, None] + tf.range(longest)[None, :]

    def of_run(values, fill):
        padded = tf.pad(values, [[0, 0], [0, longest]], constant_values=fill)
        return tf.gather(padded, ahead, axis=1)

    scores = start[:, :, None] + of_run(end, NOTHING)
    length = of_run(last, tf.int32.max // 2) - first[:, :, None] + 1
    scores = tf.where(length <= longest, scores, NOTHING)
    scores = tf.reshape(scores, [num_rows, num_words * longest])
    scores, places = tf.math.top_k(
        tf.pad(scores, [[0, 0], [0, top_k]], constant_values=NOTHING), top_k
    )
    found = scores > NOTHING / 2
    begin = tf.where(found, places // longest, 0)
    until = tf.where(found, begin + places % longest, 0)

    def at(values, place):
        # A row without words has nothing to look up.
        wide = tf.pad(values, [[0, 0], [0, 1]])
        return tf.where(found, tf.gather(wide, place, batch_dims=1), -1)

    return BestSpans(
        tf.where(found, scores, NOTHING),
        at(word, begin),
        at(word, until),
        at(first, begin),
        at(last, until),
    )
