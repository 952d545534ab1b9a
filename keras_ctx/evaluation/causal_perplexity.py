"""Perplexity of a causal language model on a text of any length."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ctx.callback_order import MEASURE, PlacedCallback
from keras_ctx.checks import check_at_least
from keras_ctx.evaluation.perplexity import perplexity_of_nats


def token_likelihoods(
    model: keras.Model,
    token_ids: Sequence[int],
    length: int,
    stride: int | None = None,
    batch_size: int = 8,
) -> np.ndarray:
    """Computes the negative log likelihood of each token but the first.

    A text longer than the model's rows is read in windows. Each token is
    scored once, in the first window that has it; so from the second window
    on, a token has `length - stride` tokens before it or more.

    Args:
        model: A model of `causal_language_model`.
        token_ids: The ids of one text, such as a document between end tokens.
        length: Tokens of a window, at most the positions of the model.
        stride: Tokens between the beginnings of windows; `None`: half of
            `length`. `length` is fastest, 1 gives each token most context.
        batch_size: Windows at once.

    Returns:
        float64 `(len(token_ids) - 1,)`, in nats.

    Raises:
        ValueError: An argument is out of range.

    Example:
        >>> from keras_ctx.models import causal_language_model, gpt_encoder
        >>> model = causal_language_model(gpt_encoder(9, 1, 2, 8, 16))
        >>> token_likelihoods(model, [1, 2, 3, 4, 5], length=4).shape
        (4,)
    """
    return _likelihoods(_scorer(model), token_ids, length, stride, batch_size)


def causal_perplexity(
    model: keras.Model,
    texts: Iterable[Sequence[int]],
    num_words: int,
    length: int,
    stride: int | None = None,
    told: Callable[[int], None] = lambda count: None,
) -> dict[str, float]:
    """Computes the perplexity for each token and for each word.

    Only the perplexity of words can be compared between models with other
    tokens: `exp(nats of all tokens / number of words)`.

    Args:
        model: A model of `causal_language_model`.
        texts: The ids of each text. Its first token is given, not scored:
            begin a text with the end token to score all of it.
        num_words: Number of words of all texts, counted as in what it is
            compared with (ends of sentences are words, or are not).
        length: As of `token_likelihoods`.
        stride: As of `token_likelihoods`.
        told: Is called with the number of tokens so far.

    Returns:
        `token_perplexity`, `word_perplexity`, `nats`, the sum, `num_tokens`
        and `num_words`.

    Raises:
        ValueError: There is no token to score, or no word.

    Example:
        >>> from keras_ctx.models import causal_language_model, gpt_encoder
        >>> model = causal_language_model(gpt_encoder(9, 1, 2, 8, 16))
        >>> found = causal_perplexity(model, [[0, 1, 2], [0, 3]], 2, length=4)
        >>> found["num_tokens"], found["num_words"]
        (3, 2)
    """
    check_at_least(1, num_words=num_words)
    total, count = 0.0, 0
    score = _scorer(model)  # traced once for all texts
    for ids in texts:
        nats = _likelihoods(score, ids, length, stride)
        total, count = total + float(nats.sum()), count + len(nats)
        told(count)
    if not count:
        raise ValueError(
            "`texts` must hold a text of two tokens or more. Received: none"
        )
    return {
        "token_perplexity": perplexity_of_nats(total / count),
        "word_perplexity": perplexity_of_nats(total / num_words),
        "nats": total,
        "num_tokens": count,
        "num_words": num_words,
    }


class HeldOutFigures(PlacedCallback):
    """Adds figures of held-out data to the logs of every epoch.

    Give it to `run_callbacks`, whose callbacks write the logs to a file.

    Args:
        measure: Returns figures by name; in the logs their names begin with
            `val_`.

    Example:
        >>> callback = HeldOutFigures(lambda: {"token_perplexity": 2.0})
        >>> logs = {}
        >>> callback.on_epoch_end(0, logs)
        val_token_perplexity: 2
        >>> logs
        {'val_token_perplexity': 2.0}
    """

    place = MEASURE

    def __init__(self, measure: Callable[[], Mapping[str, float]]):
        super().__init__()
        self.measure = measure

    def on_epoch_end(self, epoch, logs=None):
        found = {f"val_{key}": value for key, value in self.measure().items()}
        if logs is not None:
            logs.update(found)
        print(" - ".join(f"{key}: {x:.6g}" for key, x in found.items()))


def _likelihoods(
    score: Any,
    token_ids: Sequence[int],
    length: int,
    stride: int | None,
    batch_size: int = 8,
) -> np.ndarray:
    check_at_least(2, length=length)
    stride = max(length // 2, 1) if stride is None else stride
    check_at_least(1, stride=stride, batch_size=batch_size)
    if stride > length:
        raise ValueError(
            "`stride` must be at most `length`, or tokens are left out. "
            f"Received: stride={stride}, length={length}"
        )
    ids = np.asarray(token_ids, dtype="int32")
    windows = _windows(len(ids), length, stride)
    parts: list[np.ndarray] = [np.zeros(0)]
    while rows := list(itertools.islice(windows, batch_size)):
        width = max(end - start for start, _, end in rows)
        inputs = np.zeros((len(rows), width + 1), "int32")
        for row, (start, _, end) in zip(inputs, rows, strict=True):
            row[: end - start + 1] = ids[start : end + 1]
        found = score(inputs).numpy().astype("float64")
        for nats, (start, first, end) in zip(found, rows, strict=True):
            parts.append(nats[first - start : end - start])
    return np.concatenate(parts)


def _windows(
    count: int, length: int, stride: int
) -> Iterator[tuple[int, int, int]]:
    """Yields start, first scored and end of each window, as places of inputs.

    The input at place i predicts the token at i + 1.
    """
    first = 0
    for start in itertools.count(0, stride):
        end = min(start + length, count - 1)
        if end <= first:
            return
        yield start, first, end
        first = end


def _scorer(model: keras.Model) -> Any:
    """Returns a function from ids `(B, T + 1)` to nats `(B, T)`."""

    @tf.function(reduce_retracing=True)
    def score(ids):
        inputs = ids[:, :-1]
        features = {
            "token_ids": inputs,
            "padding_mask": tf.ones_like(inputs, tf.bool),
        }
        logits = model(features, training=False)["next_token"]
        if logits.dtype != tf.float64:
            logits = tf.cast(logits, tf.float32)
        return tf.nn.sparse_softmax_cross_entropy_with_logits(
            ids[:, 1:], logits
        )

    return score
