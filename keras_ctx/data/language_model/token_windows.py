"""Rows for a causal language model: the tokens of a corpus, in windows."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from keras_ctx.checks import check_at_least
from keras_ctx.data.batching.schedule import mixed_seed
from keras_ctx.data.batching.sharding import global_batches
from keras_ctx.data.readers.lines import blank_line_documents, read_lines
from keras_ctx.files.whole_file import whole_file

_DTYPE = np.dtype("<i4")
_AT_ONCE = 1 << 19  # characters


def text_documents(path: str | Path) -> Iterator[str]:
    r"""Yields the documents of a text: the lines up to a blank line.

    Args:
        path: A text in UTF-8, may be compressed.

    Example:
        >>> _ = Path("news.txt").write_text("a\nb\n\nc\n")
        >>> list(text_documents("news.txt"))
        ['a\nb', 'c']
    """
    for lines in blank_line_documents(read_lines(path, keep_blank=True)):
        yield "\n".join(lines)


def write_tokens(
    path: str | Path,
    encode: Callable[[list[str]], Any],
    end_id: int,
    output: str | Path,
    told: Callable[[int], None] = lambda count: None,
    lines: bool = False,
) -> int:
    r"""Writes the tokens of a corpus to a file, for `token_windows`.

    A document is the lines up to a blank line, joined by line ends; the end
    token stands behind each. The file has four bytes a token, and memory
    holds half a million characters at a time, or one document.

    Args:
        path: A text in UTF-8, may be compressed.
        encode: From texts to their ids, ragged `(N, None)`, such as
            `GPTInputs.encode`.
        end_id: The id of the end token.
        output: The file. It is written whole or not at all.
        told: Is called with the number of tokens so far.
        lines: Whether each line is a document.

    Returns:
        The number of tokens.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: The file has no text, or is not UTF-8.

    Example:
        >>> _ = Path("corpus.txt").write_text("a b\nc\n\nd\n")
        >>> def encode(texts):
        ...     return tf.ragged.constant([[*map(ord, x)] for x in texts])
        >>> write_tokens("corpus.txt", encode, 0, "tokens.bin")
        8
        >>> np.fromfile("tokens.bin", "<i4").tolist()
        [97, 32, 98, 10, 99, 0, 100, 0]
    """
    total = 0
    with whole_file(output) as temporary, temporary.open("wb") as file:
        documents = read_lines(path) if lines else text_documents(path)
        for texts in _batches(documents):
            rows = encode(texts)
            ends = tf.fill([len(texts), 1], tf.cast(end_id, rows.dtype))
            ids = tf.concat([rows, ends], axis=1).values.numpy()
            file.write(ids.astype(_DTYPE).tobytes())
            total += len(ids)
            told(total)
        if not total:
            raise ValueError(f"`path` must hold text. Received: none in {path}")
    return total


def _batches(documents: Iterable[str]) -> Iterator[list[str]]:
    """Yields documents together: many if they are short."""
    texts, size = [], 0
    for document in documents:
        texts.append(document)
        size += len(document)
        if size >= _AT_ONCE:
            yield texts
            texts, size = [], 0
    if texts:
        yield texts


def token_windows(
    path: str | Path,
    length: int,
    *,
    batch_size: int,
    seed: int,
    first_step: int = 0,
) -> tf.data.Dataset:
    """Returns endless batches of windows of a file of `write_tokens`.

    Each pass cuts the tokens into windows from another place on, in another
    order. Batch k is a function of the seed and k, and `first_step` skips the
    batches before it at once. B is the batch size, T the length.

    Args:
        path: A file of `write_tokens`. It is not read into memory.
        length: Number T of tokens of a row.
        batch_size: Global batch size B, over all replicas.
        seed: The seed of the order.
        first_step: Number of the first batch.

    Returns:
        An endless `tf.data.Dataset` of `(features, targets, weights)` for a
        `causal_language_model`: `token_ids` and `padding_mask` `(B, T)`; the
        next tokens `next_token` `(B, T)`; and weights, which sum to 1.

    Raises:
        ValueError: An argument is out of range, or the file has fewer than
            `length + 1` tokens.

    Example:
        >>> np.arange(9, dtype="<i4").tofile("tokens.bin")
        >>> dataset = token_windows("tokens.bin", 4, batch_size=1, seed=0)
        >>> features, targets, weights = next(iter(dataset))
        >>> difference = targets["next_token"] - features["token_ids"]
        >>> difference.numpy()
        array([[1, 1, 1, 1]], dtype=int32)
    """
    check_at_least(1, length=length, batch_size=batch_size)
    check_at_least(0, seed=seed, first_step=first_step)
    tokens = np.memmap(path, _DTYPE, mode="r")
    if len(tokens) <= length:
        raise ValueError(
            f"`path` must hold more than `length={length}` tokens. Received: "
            f"{len(tokens)} in {path}. Use shorter rows or more text."
        )
    starts = window_starts(len(tokens), length, seed, first_step * batch_size)

    def rows() -> Iterator[np.ndarray]:
        endless = starts()
        while True:
            places = np.fromiter(itertools.islice(endless, batch_size), "int64")
            places = places[:, None] + np.arange(length + 1)
            yield tokens[places].astype("int32")

    def examples(rows):
        features = {
            "token_ids": rows[:, :-1],
            "padding_mask": tf.ones_like(rows[:, 1:], tf.bool),
        }
        weights = tf.fill(
            [batch_size, length], np.float32(1 / (batch_size * length))
        )
        return features, {"next_token": rows[:, 1:]}, {"next_token": weights}

    dataset = tf.data.Dataset.from_generator(
        rows,
        output_signature=tf.TensorSpec((batch_size, length + 1), tf.int32),
    )
    dataset = dataset.map(examples, num_parallel_calls=tf.data.AUTOTUNE)
    return global_batches(dataset)


def window_starts(
    count: int, length: int, seed: int, first: int
) -> Callable[[], Iterable[int]]:
    """Returns a function that counts the starts of windows, pass after pass.

    Args:
        count: Number of tokens, more than `length`.
        length: Tokens of a window; one more is read, the last target.
        seed: Seed of the passes.
        first: Number of windows to skip.
    """
    per_pass = windows_of_pass(count, length)
    spare = count - 1 - per_pass * length

    def starts() -> Iterator[int]:
        number, place = divmod(first, per_pass)
        while True:
            random = np.random.default_rng(mixed_seed(seed, "pass", number))
            offset = int(random.integers(spare + 1))
            order = random.permutation(per_pass)
            for window in order[place:]:
                yield offset + int(window) * length
            number, place = number + 1, 0

    return starts


def windows_of_pass(count: int, length: int) -> int:
    """Returns the windows of a pass: they fit wherever the first one begins.

    Args:
        count: Number of tokens.
        length: Tokens of a window; one more is read, the last target.

    Example:
        >>> windows_of_pass(101, 10)
        9
    """
    return max((count - 1) // length - 1, 1)
