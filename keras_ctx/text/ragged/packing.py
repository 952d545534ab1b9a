"""Packs ragged rows and their special tokens into one dense batch."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from keras_ctx.text.ragged.checks import check_pair
from keras_ctx.text.ragged.operations import (
    cut,
    ragged,
    segment_lengths,
)


def shared_lengths(
    first: tf.Tensor, second: tf.Tensor, budget: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the lengths of two segments that share `budget` positions.

    Gives the same result as dropping the last token of the longer segment (of
    the second if both are equally long) until both fit.
    """
    kept = tf.minimum(first, tf.maximum((budget + 1) // 2, budget - second))
    return kept, tf.minimum(second, budget - kept)


def join(
    first: Any, second: Any, between: Sequence[Any], max_length: int | None
) -> Any:
    """Joins rows as `first between second`, cut to `max_length`."""
    check_pair(first, second)
    if max_length is not None:
        budget = max_length - len(between)
        if budget < 1:
            raise ValueError(
                f"`max_length` must be at least {len(between) + 1} for a text "
                f"pair. Received: max_length={max_length}"
            )
        kept = shared_lengths(
            segment_lengths(first), segment_lengths(second), budget
        )
        first, second = cut(first, kept[0]), cut(second, kept[1])
    markers = tf.constant([between], first.dtype)
    return tf.concat(
        [first, tf.tile(markers, [first.nrows(), 1]), second], axis=1
    )


class Packing(NamedTuple):
    """A plan that places the tokens of `start a end` or `start a end b end`."""

    source: tf.Tensor
    segment_ids: tf.Tensor
    padding_mask: tf.Tensor

    def gather(
        self,
        segments: Sequence[tf.RaggedTensor],
        start: Any,
        end: Any,
        fill: Any,
    ) -> tf.Tensor:
        """Packs the values of `segments` into `(B, T)`."""
        flat = [segment.values for segment in segments]
        markers = tf.constant([start, end, fill], flat[0].dtype)
        return tf.gather(tf.concat([*flat, markers], axis=0), self.source)


def pack(
    segments: Sequence[tf.RaggedTensor], max_length: int, longest: bool
) -> Packing:
    """Plans the packing of one or two segments per row, cut to `max_length`.

    The plan is two ops on ranges of flat values; slicing, joining and padding
    ragged tensors takes several times as long. The same plan packs ids,
    surfaces and labels.
    """
    budget = max_length - 1 - len(segments)
    lengths = [segment_lengths(segment) for segment in segments]
    if len(segments) == 1:
        kept = (tf.minimum(lengths[0], budget),)
    else:
        check_pair(*segments)
        kept = shared_lengths(lengths[0], lengths[1], budget)
    total = tf.add_n([*kept]) + 1 + len(segments)
    width = tf.maximum(tf.reduce_max(total), 1) if longest else max_length
    # The flat values of all segments come first, then the three markers.
    sizes = [tf.size(segment.values) for segment in segments]
    start = tf.add_n(sizes)
    one = tf.ones_like(total)
    begins, counts, base = [one * start], [one], 0
    for segment, count, size in zip(segments, kept, sizes, strict=True):
        begins += [
            base + tf.cast(segment.row_starts(), tf.int32),
            one * (start + 1),
        ]
        counts += [count, one]
        base += size
    begin = tf.reshape(tf.stack(begins, 1), [-1])
    end = begin + tf.reshape(tf.stack(counts, 1), [-1])
    ranges = tf.ragged.range(begin, end)
    index = ragged(ranges.values, ranges.row_splits[:: len(begins)])
    index = index.to_tensor(start + 2, shape=tf.stack([-1, width]))
    index = tf.ensure_shape(
        index, [total.shape[0], None if longest else max_length]
    )
    position = tf.range(width)[None, :]
    padding_mask = position < total[:, None]
    second = tf.zeros_like(padding_mask)
    if len(segments) == 2:
        second = padding_mask & (position >= kept[0][:, None] + 2)
    return Packing(index, tf.cast(second, tf.int32), padding_mask)


def pad(rows: tf.RaggedTensor, value: Any, max_length: int | None) -> tf.Tensor:
    """Pads rows to the longest of the batch, at least 1, and cuts them."""
    lengths = rows.row_lengths()
    longest = tf.maximum(tf.reduce_max(lengths), 1)
    if max_length is not None:
        longest = tf.minimum(longest, max_length)
    position = tf.range(longest)[None, :]
    index = tf.where(
        position < lengths[:, None],
        position + rows.row_starts()[:, None],
        rows.row_splits[-1],
    )
    filler = tf.constant(value, rows.dtype)
    inner = rows.values.shape.as_list()[1:]
    if None in inner:
        inner = tf.unstack(tf.shape(rows.values)[1:], len(inner))
    filler = tf.fill([1, *inner], filler)
    return tf.gather(tf.concat([rows.values, filler], axis=0), index)
