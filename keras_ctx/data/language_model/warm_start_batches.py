"""Batches of sentences to compute the initial states of an ELMo."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import tensorflow as tf

from keras_ctx.checks import check_at_least
from keras_ctx.data.text_inputs import TextInputs

_ROWS = 32
# A longer line is not a sentence, and would make its whole batch as long.
_MOST_WORDS = 256


def warm_start_batches(
    lines: Iterable[str], text_inputs: TextInputs, num_lines: int
) -> Iterator[dict[str, Any]]:
    """Yields the first lines of a text as features for `models.warm_start`.

    Blank lines and lines of more than 256 words are left out and not counted.

    Args:
        lines: Lines of one sentence each.
        text_inputs: The text inputs of the encoder, without distinct words.
        num_lines: Maximum number of lines. A few thousand are enough.

    Returns:
        An iterator over features of 32 lines per batch, or fewer if there are
        few lines.

    Raises:
        ValueError: `num_lines` is below 1, or there are fewer than two such
            lines.

    Example:
        >>> from keras_ctx.text import ElmoInputs
        >>> batches = warm_start_batches(
        ...     ["a b", "", "c", "d e f"], ElmoInputs(5), num_lines=1000)
        >>> [batch["char_ids"].shape for batch in batches]
        [(1, 2, 5), (1, 1, 5), (1, 3, 5)]
    """
    check_at_least(1, num_lines=num_lines)
    chosen = list(itertools.islice(_short(lines, text_inputs), num_lines))
    if len(chosen) < 2:
        raise ValueError(
            "`lines` must hold at least two sentences, of 1 to "
            f"{_MOST_WORDS} words: the first batch starts from zeros and is "
            f"not used. Received: {len(chosen)}"
        )
    # Gives enough batches after the first, even for a short text.
    rows = min(_ROWS, max(1, len(chosen) // 8))
    for start in range(0, len(chosen), rows):
        features = text_inputs(tf.constant(chosen[start : start + rows]))
        yield {name: value.numpy() for name, value in features.items()}


def _short(lines: Iterable[str], text_inputs: TextInputs) -> Iterator[str]:
    lines = iter(lines)
    while some := list(itertools.islice(lines, 1024)):
        lengths = text_inputs.num_tokens(tf.constant(some)).numpy()
        for line, length in zip(some, lengths, strict=True):
            if 0 < length <= _MOST_WORDS:
                yield line
