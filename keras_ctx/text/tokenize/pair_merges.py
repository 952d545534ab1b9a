"""The merges of byte-pair encoding, of bytes or of characters, as ops."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf


class PairMerges:
    """Merges neighbours: in each part always the pair of the lowest rank.

    Args:
        vocabulary: Ids by token.
        merges: Pairs of tokens, the first to be merged first. The vocabulary
            must have both and what they become (see `lacking`).

    Call arguments:
        ids: The ids of all parts, int64 `(M,)`.
        owner: The number of the part of each, ascending, int32 `(M,)`.
        count: The number of parts, N.

    Returns:
        The ids of the parts, ragged int64 `(N, None)`.

    Source:
        Sennrich et al. 2016, https://arxiv.org/abs/1508.07909.
    """

    def __init__(
        self, vocabulary: Mapping[str, int], merges: Sequence[Sequence[str]]
    ) -> None:
        self._size = max(vocabulary.values()) + 1
        ranks: dict[int, tuple[int, int]] = {}
        for rank, (left, right) in enumerate(merges):
            key = vocabulary[left] * self._size + vocabulary[right]
            ranks.setdefault(key, (rank, vocabulary[left + right]))
        self._keys = np.array(sorted(ranks), "int64")
        found = [ranks[key] for key in self._keys.tolist()]
        self._ranks, self._merged = np.array(found, "int64").reshape(-1, 2).T

    def __call__(self, ids: Any, owner: Any, count: Any) -> Any:
        if self._keys.size:
            ids, owner, _ = tf.while_loop(
                lambda ids, owner, merged: merged,
                lambda ids, owner, merged: self._once(ids, owner, count),
                (ids, owner, tf.constant(True)),
                shape_invariants=(
                    *[tf.TensorShape([None])] * 2,
                    tf.TensorShape([]),
                ),
            )
        ragged_tensor: Any = tf.RaggedTensor
        return ragged_tensor.from_value_rowids(
            *(ids, tf.cast(owner, tf.int64)),
            nrows=tf.cast(count, tf.int64),
            validate=False,
        )

    def _once(self, ids: Any, owner: Any, count: Any) -> tuple:
        """Merges the best pair of each part, everywhere in it."""
        inside = owner[:-1] == owner[1:]
        keys = ids[:-1] * self._size + ids[1:]
        place = tf.searchsorted(self._keys, keys)
        place = tf.minimum(place, self._keys.size - 1)
        known = inside & (tf.gather(self._keys, place) == keys)
        none = np.int64(self._keys.size)
        rank = tf.where(known, tf.gather(self._ranks, place), none)
        best = tf.math.unsorted_segment_min(rank, owner[:-1], count)
        chosen = known & (rank == tf.gather(best, owner[:-1]))
        # Of `a a a`, the first two are merged.
        before: Any = tf.pad(chosen, [[1, 0]])
        begins = chosen & ~before[:-1]
        index = tf.range(tf.size(chosen))
        run = tf.maximum(tf.cumsum(tf.cast(begins, tf.int32)) - 1, 0)
        first = tf.concat([tf.boolean_mask(index, begins), [0]], axis=0)
        chosen &= (index - tf.gather(first, run)) % 2 == 0
        merged = tf.where(chosen, tf.gather(self._merged, place), ids[:-1])
        ids = tf.concat([merged, ids[-1:]], axis=0)
        merged_before: Any = tf.pad(chosen, [[1, 0]])
        kept = ~merged_before[: tf.size(ids)]
        return (
            tf.boolean_mask(ids, kept),
            tf.boolean_mask(owner, kept),
            tf.reduce_any(chosen),
        )


def lacking(
    vocabulary: Mapping[str, int], merges: Sequence[Sequence[str]]
) -> list[str]:
    """Returns the tokens of merges that a vocabulary does not have.

    Example:
        >>> lacking({"a": 0, "b": 1}, [("a", "b")])
        ['ab']
    """
    return [
        token
        for pair in merges
        for token in (*pair, "".join(pair))
        if token not in vocabulary
    ]
