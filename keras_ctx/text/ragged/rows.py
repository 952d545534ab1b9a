"""Rows of tokens of different lengths: checked, cut, joined and padded."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf


def as_rows(value: Any, name: str, dtype: tf.DType = tf.string) -> Any:
    """Checks a batch of texts `(B,)` or of ragged words `(B, None)`.

    The shape is checked again inside the graph: a server hands a signature
    whatever was sent to it, and the kernels behind the tokenizers do not look.

    Args:
        value: a tensor, a `tf.RaggedTensor`, an array, or (nested) lists.
        name: the argument's name, for the error text.
        dtype: the dtype that is expected.

    Returns:
        A tensor `(B,)`, or a `tf.RaggedTensor` `(B, None)`.
    """
    if isinstance(value, (str, bytes)):
        raise ValueError(
            f"`{name}` must be a batch of strings, of shape (B,), or ragged "
            "words, of shape (B, None). Put a single string into a list. "
            f"Received: {name}={value!r}"
        )
    if isinstance(value, (list, tuple)):
        if any(isinstance(row, (list, tuple)) for row in value):
            value = tf.ragged.constant(value, ragged_rank=1, dtype=dtype)
        else:
            value = tf.convert_to_tensor(value, dtype=dtype)
    if isinstance(value, tf.RaggedTensor):
        rank, wanted = value.shape.rank, 2
        ragged = value.ragged_rank == 1
    else:
        value = tf.convert_to_tensor(value)
        rank, wanted, ragged = value.shape.rank, 1, True
    if (rank is not None and rank != wanted) or not ragged:
        raise ValueError(
            f"`{name}` must be a batch of strings, of shape (B,), or ragged "
            f"words, of shape (B, None). Received: shape={value.shape}"
        )
    if value.dtype != dtype:
        raise ValueError(
            f"`{name}` must have dtype {dtype.name}. "
            f"Received: dtype={value.dtype.name}"
        )
    if isinstance(value, tf.RaggedTensor):
        value = value.with_row_splits_dtype(tf.int64)
        return value.with_values(tf.ensure_shape(value.values, [None]))
    return tf.ensure_shape(value, [None])


def as_words(value: Any, name: str) -> Any:
    """Checks ragged words `(B, None)`."""
    value = as_rows(value, name)
    _check_ragged(value, name)
    return value


def as_labelled_rows(words: Any, label_ids: Any) -> tuple[Any, Any]:
    """Checks ragged words and as many ragged labels, both `(B, None)`."""
    words = as_words(words, "words")
    if isinstance(label_ids, (list, tuple)):
        label_ids = tf.ragged.constant(label_ids, ragged_rank=1, dtype=tf.int32)
    _check_ragged(label_ids, "label_ids")
    if not label_ids.dtype.is_integer:
        raise ValueError(
            "`label_ids` must be integers. "
            f"Received: dtype={label_ids.dtype.name}"
        )
    label_ids = label_ids.with_row_splits_dtype(tf.int64)
    check = tf.debugging.assert_equal(
        words.row_splits,
        label_ids.row_splits,
        message="`label_ids` must have one label a word, in every row.",
    )
    with tf.control_dependencies([] if check is None else [check]):
        labels = tf.cast(tf.ensure_shape(label_ids.values, [None]), tf.int32)
    return words, label_ids.with_values(labels)


def ragged(values: Any, splits: Any) -> Any:
    """Rows that are known to be right, and so are not checked again."""
    # TensorFlow's type stubs do not know the factory.
    ragged_tensor: Any = tf.RaggedTensor
    return ragged_tensor.from_row_splits(values, splits, validate=False)


def _check_ragged(value: Any, name: str) -> None:
    if not isinstance(value, tf.RaggedTensor):
        raise ValueError(
            f"`{name}` must be ragged, of shape (B, None), one a word. "
            f"Received: shape={value.shape}"
        )


def filled(rows: Any, value: int) -> Any:
    """Rows of the same lengths with one int32 value everywhere."""
    return rows.with_values(tf.fill([tf.size(rows.values)], value))


def numbered(rows: Any) -> Any:
    """Rows of the same lengths that count from 0, int32 `(B, None)`."""
    return rows.with_values(tf.ragged.range(_lengths(rows)).values)


def spread(words: Any, lengths: Any) -> Any:
    """Repeats the value of each word, the nth of all `lengths[n]` times."""
    before = tf.pad(tf.cumsum(lengths), [[1, 0]])
    return ragged(
        tf.repeat(words.values, lengths), tf.gather(before, words.row_splits)
    )


def keep(rows: tf.RaggedTensor, mask: tf.Tensor) -> tf.RaggedTensor:
    """Keeps the flat values where the flat `mask` is True."""
    before = tf.pad(tf.cumsum(tf.cast(mask, tf.int64)), [[1, 0]])
    return ragged(
        tf.boolean_mask(rows.values, mask), tf.gather(before, rows.row_splits)
    )


def shared_lengths(
    first: tf.Tensor, second: tf.Tensor, budget: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Lengths of two segments that share `budget` places.

    As if the last token of the longer segment were dropped until both fit,
    the second segment's where they are equally long.
    """
    kept = tf.minimum(first, tf.maximum((budget + 1) // 2, budget - second))
    return kept, tf.minimum(second, budget - kept)


def check_pair(first: Any, second: Any) -> None:
    """Refuses, inside the graph, a single row for many."""
    tf.debugging.assert_equal(
        first.nrows(),
        second.nrows(),
        message="Two texts must have as many rows as each other.",
    )


def join(
    first: Any, second: Any, between: Sequence[Any], max_length: int | None
) -> Any:
    """Rows of `first between second`, `(B, None)`, cut to `max_length`."""
    check_pair(first, second)
    if max_length is not None:
        budget = max_length - len(between)
        if budget < 1:
            raise ValueError(
                f"`max_length` must be at least {len(between) + 1} for two "
                f"texts. Received: max_length={max_length}"
            )
        kept = shared_lengths(_lengths(first), _lengths(second), budget)
        first, second = cut(first, kept[0]), cut(second, kept[1])
    markers = tf.constant([between], first.dtype)
    return tf.concat(
        [first, tf.tile(markers, [first.nrows(), 1]), second], axis=1
    )


def cut(rows: Any, lengths: tf.Tensor) -> Any:
    """The first `lengths[b]` values of each row b."""
    most = tf.repeat(lengths, rows.row_lengths())
    return keep(rows, numbered(rows).values < most)


def total_lengths(segments: Sequence[Any]) -> tf.Tensor:
    """Values of each row in all segments together, int32 `(B,)`."""
    if len(segments) == 2:
        check_pair(*segments)
    return tf.add_n([_lengths(segment) for segment in segments])


def _lengths(rows: Any) -> tf.Tensor:
    return tf.cast(rows.row_lengths(), tf.int32)


class Packing(NamedTuple):
    """Where the tokens of `start a end` or `start a end b end` come from."""

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
    """Plans the packing of one or two segments a row, cut to `max_length`.

    One gather of a plan is several times as fast as slicing, joining and
    padding ragged tensors, and serves ids, surfaces and labels alike.
    """
    budget = max_length - 1 - len(segments)
    lengths = [_lengths(segment) for segment in segments]
    if len(segments) == 1:
        kept = (tf.minimum(lengths[0], budget),)
    else:
        check_pair(*segments)
        kept = shared_lengths(lengths[0], lengths[1], budget)
    total = tf.add_n([*kept]) + 1 + len(segments)
    width = tf.maximum(tf.reduce_max(total), 1) if longest else max_length
    position = tf.range(width)[None, :]
    # The flat values of all segments, then the start, end and fill markers.
    sizes = [tf.size(s.values) for s in segments]
    start = tf.add_n(sizes)
    padding_mask = position < total[:, None]
    index = tf.where(padding_mask, start + 1, start + 2)
    index = tf.where(position == 0, start, index)
    begin, base = tf.ones_like(total), tf.zeros_like(start)
    for segment, count, size in zip(segments, kept, sizes, strict=True):
        shift = base + tf.cast(segment.row_starts(), tf.int32) - begin
        inside = (position >= begin[:, None]) & (
            position < (begin + count)[:, None]
        )
        index = tf.where(inside, position + shift[:, None], index)
        begin, base = begin + count + 1, base + size
    second = tf.zeros_like(padding_mask)
    if len(segments) == 2:
        second = padding_mask & (position >= kept[0][:, None] + 2)
    return Packing(index, tf.cast(second, tf.int32), padding_mask)


def pad(rows: tf.RaggedTensor, value: Any, max_length: int | None) -> tf.Tensor:
    """Pads rows to the longest of the batch, at least 1; cuts longer ones."""
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
    filler = tf.constant(
        value, rows.dtype, [1, *rows.values.shape.as_list()[1:]]
    )
    return tf.gather(tf.concat([rows.values, filler], axis=0), index)
