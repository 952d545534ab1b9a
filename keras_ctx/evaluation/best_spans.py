"""The best answers of a window: the recipe's and the served graph's alike."""

from typing import Any, NamedTuple

import tensorflow as tf

# The score of a span that there is not; a sum of two is still finite.
NOTHING = -1e30


class BestSpans(NamedTuple):
    """The best spans of N windows, best first, each `(N, k)`.

    Where a window has fewer than k, the score is `NOTHING` and the other
    numbers are -1.
    """

    scores: tf.Tensor
    first_words: tf.Tensor
    """The word that each begins with, as `word_index` counts them."""
    last_words: tf.Tensor
    starts: tf.Tensor
    """The position of its first piece, and of its last one."""
    ends: tf.Tensor


def best_spans(
    start_logits: Any,
    end_logits: Any,
    word_index: Any,
    max_answer: int,
    top_k: int,
) -> BestSpans:
    """Returns the runs of whole words with the highest sums of two logits.

    The score of a run is the start's logit at its first position and the
    end's at its last.

    Args:
        start_logits: Of a `span_extractor`, finite, `(N, T)`.
        end_logits: As `start_logits`.
        word_index: The word of the context that each position is a piece of,
            rising; -1 for the others. `(N, T)`.
        max_answer: Most positions of a run.
        top_k: k, spans of a window.

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
    # Behind the last word, no answer ends.
    last = of_words(position, behind, tf.int32.max // 2)

    # A run of words, by its first and by how many are behind that.
    longest = max_answer  # words: each has a position
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
