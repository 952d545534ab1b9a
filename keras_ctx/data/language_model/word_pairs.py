"""Examples for word vectors: words of a text, and the words around them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from keras_ctx.checks import check_at_least, check_choice, check_positive
from keras_ctx.data.batching.schedule import mixed_seed
from keras_ctx.data.language_model.token_windows import window_starts

WordObjective = Literal["skip_gram", "cbow"]


def word_pairs(
    path: str | Path,
    counts: Sequence[int],
    *,
    objective: WordObjective = "skip_gram",
    window: int = 5,
    words_per_step: int = 1000,
    num_negatives: int = 64,
    subsample: float = 1e-3,
    first_id: int = 2,
    subwords: Any = None,
    seed: int,
    first_step: int = 0,
) -> tf.data.Dataset:
    """Returns endless batches of words and of words near them.

    A batch is made from `words_per_step` words that follow each other in the
    text; each pass begins at another place and has another order. Frequent
    words are left out at random, before the windows are made, and each word
    has a window of 1 to `window` words on both sides, drawn anew, within its
    line. Batch k is a function of the seed and k, and `first_step` skips the
    batches before it at once.

    Args:
        path: A file of `write_tokens(lines=True)`: the number of each word in
            the vocabulary, and the size of the vocabulary, V, at the end of a
            line. It is not read into memory.
        counts: How often each of the V words occurs.
        objective: "skip_gram": a word near the target predicts it, one pair a
            row; "cbow": the mean of all of them does.
        window: Most words on each side.
        words_per_step: Words of the text in a batch.
        num_negatives: Number N of words drawn for a batch, from the counts to
            the power of 0.75.
        subsample: Share of the text above which a word is left out at times,
            such as 1e-3; 0: no word is.
        first_id: Id of the first word, as the encoder has it.
        subwords: Ragged integers `(V, None)`, ids of each word's n-grams;
            `None` for an encoder without.
        seed: The seed of the order and all draws.
        first_step: Number of the first batch.

    Returns:
        An endless `tf.data.Dataset` of `(features, targets, weights)` for a
        `word_vector_trainer`: `word_ids` `(B, T)`, where T is 1, or for "cbow"
        `2 * window` with 0 for none; with `subwords` `subword_ids`
        `(B, T, S)`; `target_ids` `(B,)`; `negative_ids` `(B, N)`, the same
        in each row; zeros as targets; and weights, which sum to 1. B differs
        from batch to batch.

    Raises:
        ValueError: An argument is out of range, or the file has fewer than
            `words_per_step + 1` tokens.

    Example:
        >>> np.array([0, 1, 2, 3] * 3, "<i4").tofile("words.bin")
        >>> pairs = word_pairs(
        ...     "words.bin", [9, 9, 9], window=1, words_per_step=4,
        ...     num_negatives=2, subsample=0, seed=0)
        >>> features, targets, weights = next(iter(pairs))
        >>> features["word_ids"].shape[1], features["negative_ids"].shape
        (1, TensorShape([2, 2]))

    Source:
        Mikolov et al. 2013, sections 2.2 and 2.3,
        https://arxiv.org/abs/1310.4546; the share of a word that is kept is
        that of tmikolov/word2vec.

    Differs:
        word2vec draws other negatives for each pair, and cuts lines of more
        than 1,000 words.
    """
    check_choice(("skip_gram", "cbow"), objective=objective)
    check_at_least(
        1,
        window=window,
        words_per_step=words_per_step,
        num_negatives=num_negatives,
    )
    check_at_least(0, seed=seed, first_step=first_step)
    if subsample:
        check_positive(subsample=subsample)
    draws = _Draws(counts, subsample, window, num_negatives)
    tokens = np.memmap(path, "<i4", mode="r")
    if len(tokens) <= words_per_step:
        raise ValueError(
            f"`path` must hold more than `words_per_step={words_per_step}` "
            f"words. Received: {len(tokens)} in {path}"
        )
    starts = window_starts(len(tokens), words_per_step, seed, first_step)

    def parts() -> Iterator[tuple[np.ndarray, list[int]]]:
        for number, start in enumerate(starts(), first_step):
            drawn = mixed_seed(seed, "words", number) % 2**31
            yield tokens[start : start + words_per_step], [drawn, number]

    def examples(ids: tf.Tensor, seed: tf.Tensor) -> tuple:
        words, lines, sizes = draws.kept(ids, seed)
        if objective == "cbow":
            near, targets = _around(words, lines, sizes, window)
        else:
            near, targets = _pairs(words, lines, sizes, window)
            near = near[:, None]
        features = {
            # -1 is none.
            "word_ids": tf.where(near < 0, 0, near + first_id),
            "target_ids": targets,
            "negative_ids": tf.tile(
                draws.negatives(seed)[None], [tf.size(targets), 1]
            ),
        }
        if subwords is not None:
            features["subword_ids"] = _subwords(subwords, near)
        zeros = tf.zeros_like(targets, tf.float32)
        weights = tf.math.divide_no_nan(
            zeros + 1, tf.cast(tf.size(targets), tf.float32)
        )
        name = "negative_log_likelihood"
        return features, {name: zeros}, {name: weights}

    dataset = tf.data.Dataset.from_generator(
        parts,
        output_signature=(
            tf.TensorSpec((words_per_step,), tf.int32),
            tf.TensorSpec((2,), tf.int32),
        ),
    )
    dataset = dataset.map(examples, num_parallel_calls=tf.data.AUTOTUNE)
    return dataset.prefetch(tf.data.AUTOTUNE)


def kept_shares(
    counts: Sequence[int] | np.ndarray, subsample: float
) -> np.ndarray:
    """Returns the probability that a word of the text is kept, `(V,)`.

    Args:
        counts: How often each of the V words occurs.
        subsample: As of `word_pairs`.

    Example:
        >>> kept_shares([900, 90, 10], subsample=0.05).round(3).tolist()
        [0.291, 1.0, 1.0]

    Source:
        tmikolov/word2vec: (sqrt(x) + 1) / x, where x is the word's share of
        the text divided by `subsample`.
    """
    numbers = np.asarray(counts, "float64")
    if not subsample:
        return np.ones_like(numbers)
    limit = subsample * numbers.sum()
    return np.minimum(1, (np.sqrt(numbers / limit) + 1) * limit / numbers)


def expected_pairs(
    counts: Sequence[int],
    objective: WordObjective,
    window: int,
    words_per_step: int,
    subsample: float,
) -> float:
    """Returns the rows of a batch of `word_pairs` on average, in long lines.

    Example:
        >>> expected_pairs([9, 9], "skip_gram", 5, 1000, subsample=0)
        6000.0
    """
    shares = kept_shares(counts, subsample)
    kept = words_per_step * float(np.average(shares, weights=counts))
    return kept * (window + 1 if objective == "skip_gram" else 1)


class _Draws:
    """What is drawn: words that are kept, windows, and negatives."""

    def __init__(
        self,
        counts: Sequence[int],
        subsample: float,
        window: int,
        num_negatives: int,
    ) -> None:
        numbers = np.asarray(counts, "float64")
        if numbers.ndim != 1 or not len(numbers) or (numbers < 1).any():
            raise ValueError(
                "`counts` must be a list of counts of at least 1, one for each "
                f"word. Received: {counts}"
            )
        shares = np.append(kept_shares(counts, subsample), 1)  # ends of lines
        self._shares = tf.constant(shares, tf.float32)
        powers = numbers**0.75
        bounds = np.cumsum(powers) / powers.sum()
        self._bounds = tf.constant(bounds[:-1])
        self._end = len(counts)
        self._window = window
        self._num_negatives = num_negatives

    def kept(self, ids: tf.Tensor, seed: tf.Tensor) -> tuple:
        """Returns the words that are kept, their lines and windows."""
        chances = tf.random.stateless_uniform(tf.shape(ids), seed)
        lines = tf.cumsum(tf.cast(ids == self._end, tf.int32))
        kept = (chances < tf.gather(self._shares, ids)) & (ids < self._end)
        words = tf.boolean_mask(ids, kept)
        lines = tf.boolean_mask(lines, kept)
        sizes = tf.random.stateless_uniform(
            tf.shape(words), seed + [1, 0], 1, self._window + 1, tf.int32
        )
        return words, lines, sizes

    def negatives(self, seed: tf.Tensor) -> tf.Tensor:
        chances = tf.random.stateless_uniform(
            [self._num_negatives], seed + [2, 0], dtype=tf.float64
        )
        return tf.searchsorted(self._bounds, chances, side="right")


def _pairs(words, lines, sizes, window: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns each word near another one, and that other one."""
    near, targets = [], []
    for distance in range(1, window + 1):
        # The word before and the word behind.
        before, behind = words[:-distance], words[distance:]
        same = lines[:-distance] == lines[distance:]
        for target, other, size in (
            (before, behind, sizes[:-distance]),
            (behind, before, sizes[distance:]),
        ):
            inside = same & (size >= distance)
            targets.append(tf.boolean_mask(target, inside))
            near.append(tf.boolean_mask(other, inside))
    return tf.concat(near, 0), tf.concat(targets, 0)


def _around(words, lines, sizes, window: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the words near each word, -1 for none, and the words."""
    distances = [x for x in range(-window, window + 1) if x]
    places = tf.range(tf.size(words))[:, None] + distances
    inside = (places >= 0) & (places < tf.size(words))
    places = tf.where(inside, places, 0)
    inside &= tf.gather(lines, places) == lines[:, None]
    inside &= sizes[:, None] >= np.abs(distances)
    near = tf.where(inside, tf.gather(words, places), -1)
    some = tf.reduce_any(inside, axis=1)
    return tf.boolean_mask(near, some), tf.boolean_mask(words, some)


def _subwords(subwords: Any, near: tf.Tensor) -> tf.Tensor:
    """Returns the n-grams `(B, T, S)` of words, 0 for none."""
    flat = tf.reshape(near, [-1])
    found = tf.gather(subwords, tf.maximum(flat, 0)).to_tensor()
    found = tf.where((flat < 0)[:, None], 0, found)
    return tf.reshape(found, [*tf.unstack(tf.shape(near)), tf.shape(found)[1]])
