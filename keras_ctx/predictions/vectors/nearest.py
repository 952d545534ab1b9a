"""Finds the sentences of a folder of vectors nearest to queries."""

import heapq
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_ctx import data
from keras_ctx.evaluation.unit_vectors import unit_vectors


def nearest_lines(
    queries: Sequence[str],
    vectors: np.ndarray,
    folder: str | Path,
    number: int,
) -> Iterator[dict[str, Any]]:
    """Yields for each query the sentences with the highest cosine.

    Args:
        queries: Texts.
        vectors: Vectors of the queries, `(Q, D)`.
        folder: Folder of the sentences' vectors.
        number: Most sentences for each query.

    Returns:
        For each query a dict with `query` and `nearest`, a list of dicts with
        `line`, `cosine` and `sentence`. Among equal cosines, earlier lines come
        first.

    Example:
        >>> writer = data.VectorWriter("vectors", 1, 2, {})
        >>> with writer.shard(1, [[b"east"], [], [b"north"]]) as put:
        ...     put(0, np.array([[[2, 0]]], "float32"))
        ...     put(2, np.array([[[0, 1]]], "float32"))
        >>> writer.finish(num_lines=3)
        >>> east = np.array([[1, 0]], "float32")
        >>> [found] = nearest_lines(["right"], east, "vectors", 1)
        >>> found["nearest"]
        [{'line': 1, 'cosine': 1.0, 'sentence': 'east'}]
    """
    asked = unit_vectors(vectors)
    best: list[list] = [[] for _ in queries]
    for line, sentence, found in data.read_vectors(folder):
        if not sentence:
            continue
        scores = asked @ unit_vectors(found[0, 0].astype("float32"))
        for heap, score in zip(best, scores, strict=True):
            # Among equal cosines, the earlier line wins.
            item = (float(score), -line, sentence[0])
            if len(heap) < number:
                heapq.heappush(heap, item)
            else:
                heapq.heappushpop(heap, item)
    for query, heap in zip(queries, best, strict=True):
        yield {
            "query": query,
            "nearest": [
                {"line": -line, "cosine": score, "sentence": sentence}
                for score, line, sentence in sorted(heap, reverse=True)
            ],
        }
