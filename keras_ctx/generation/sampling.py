"""Draws the next token: temperature, then the k best, then the mass p."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
from keras import ops

from keras_ctx.checks import check_at_least, check_positive
from keras_ctx.generation.continuations import Continuations, Step
from keras_ctx.generation.log_probabilities import (
    is_one_of,
    log_probabilities,
    without,
)
from keras_ctx.layers.base.dropout import DrawnSeed

LEAST_TEMPERATURE = 1e-30
"""Lower ones come too near to the smallest number of float32."""


@dataclass(frozen=True)
class Sampling:
    """How a next token is drawn from the model's probabilities.

    The logits are divided by the temperature; then all but the `top_k` most
    probable tokens are left out, then all behind the first that together have
    the probability `top_p`: the token that reaches it stays (in the release
    of GPT-2 it is dropped). Tokens as probable as the last that stays, stay,
    too.

    Example:
        >>> Sampling(temperature=0.8, top_p=0.9).top_k is None
        True

    Source:
        Fan et al. 2018, https://arxiv.org/abs/1805.04833 (top k); Holtzman et
        al. 2020, https://arxiv.org/abs/1904.09751 (top p).
    """

    temperature: float = 1.0
    """Divides the logits; below 1 probable tokens gain."""
    top_k: int | None = None
    """Number of tokens that are left; `None`: all."""
    top_p: float | None = None
    """Probability that the tokens that are left have together, in (0, 1];
    `None`: all tokens are left."""
    seed: int = 0
    """The same seed draws the same tokens from the same batch."""

    def draws(self, batch: Any, limit: Any) -> "Draws":
        """Returns the draws of `limit` tokens of each of `batch` rows."""
        seed = ops.stack([ops.cast(x, "uint32") for x in (self.seed, 0)])
        uniforms = keras.random.uniform(
            (batch, limit), dtype="float32", seed=DrawnSeed(seed)
        )
        return self.with_numbers(uniforms)

    def with_numbers(self, uniforms: Any) -> "Draws":
        """Returns the draws of given random numbers."""
        return Draws(self.temperature, self.top_k, self.top_p, uniforms)

    def __post_init__(self) -> None:
        check_positive(temperature=self.temperature)
        if self.temperature < LEAST_TEMPERATURE:
            raise ValueError(
                f"`temperature` must be at least {LEAST_TEMPERATURE:g}, above "
                f"0 in float32. Received: {self.temperature!r}. Without a "
                "`Sampling` the most probable token is taken."
            )
        if type(self.seed) is not int or not -(2**63) <= self.seed < 2**63:
            raise ValueError(
                "`seed` must be an integer of 64 bits. "
                f"Received: seed={self.seed!r}"
            )
        if self.top_k is not None:
            check_at_least(1, top_k=self.top_k)
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ValueError(
                "`top_p` must be above 0 and at most 1. Received: "
                f"{self.top_p!r}"
            )


class Draws(NamedTuple):
    """Draws with their numbers, the same for all rows or one for each.

    The texts of a row depend on its own numbers alone, and on no other row.
    """

    temperature: Any
    """A number, or `(B, 1)`."""
    top_k: Any
    """An integer, or `(B, 1)`; `None`: no limit."""
    top_p: Any
    """A number, or `(B, 1)`; `None`: no limit."""
    uniforms: Any
    """Numbers in [0, 1), one for each token that is drawn, `(B, limit)`."""


def filtered(logits: Any, temperature: Any, top_k: Any, top_p: Any) -> Any:
    """Returns logits with -inf for the tokens that are left out.

    Args:
        logits: `(B, V)`.
        temperature: A number, or one for each row `(B, 1)`.
        top_k: The same, of integers; `None`: no limit.
        top_p: The same as `temperature`; `None`: no limit.
    """
    # The best is 0, so that none overflows.
    logits = logits - ops.max(logits, axis=-1, keepdims=True)
    logits = logits / ops.cast(temperature, logits.dtype)
    if top_k is None and top_p is None:
        return logits
    size = logits.shape[-1]
    ranked = -ops.sort(-logits, axis=-1)  # the most probable first
    kept = ops.ones_like(ranked, dtype="bool")
    if top_k is not None:
        kept = ops.arange(size, dtype="int32") < ops.cast(top_k, "int32")
        last = ops.sum(ops.cast(kept, "int32"), axis=-1, keepdims=True) - 1
        last = ops.broadcast_to(last, (ops.shape(logits)[0], 1))
        kept = ranked >= ops.take_along_axis(ranked, last, axis=-1)
    if top_p is not None:
        lowest = ops.cast(-float("inf"), ranked.dtype)
        shares = ops.softmax(ops.where(kept, ranked, lowest), axis=-1)
        before = ops.cumsum(shares, axis=-1) - shares
        first = ops.arange(size) == 0  # also where rounding says otherwise
        enough = ops.logical_or(before < ops.cast(top_p, shares.dtype), first)
        kept = ops.logical_and(kept, enough)
    threshold = ops.min(
        ops.where(kept, ranked, ranked[:, :1]), axis=-1, keepdims=True
    )
    return ops.where(
        logits >= threshold, logits, ops.cast(-float("inf"), logits.dtype)
    )


def penalized(logits: Any, seen: Any, penalty: Any) -> Any:
    """Makes tokens that occurred before less probable.

    Args:
        logits: `(B, V)`.
        seen: Booleans `(B, V)`.
        penalty: Divides positive logits and multiplies negative ones.

    Source:
        Keskar et al. 2019, section 4.1, https://arxiv.org/abs/1909.05858.
    """
    penalty = ops.cast(penalty, logits.dtype)
    less = ops.where(logits > 0, logits / penalty, logits * penalty)
    return ops.where(seen, less, logits)


def draw(logits: Any, uniforms: Any) -> Any:
    """Draws a token of each row.

    Args:
        logits: `(B, V)`.
        uniforms: Numbers in [0, 1), `(B,)`.

    Returns:
        int32 `(B,)`: the first token at which the sum of the probabilities
        exceeds the number.
    """
    sums = ops.cumsum(ops.softmax(logits, axis=-1), axis=-1)
    # Not above the total, which rounding may leave below 1.
    places = ops.cast(uniforms, sums.dtype)[:, None] * sums[:, -1:]
    before = ops.sum(ops.cast(sums <= places, "int32"), axis=-1)
    return ops.minimum(before, logits.shape[-1] - 1)


def sample(
    logits: Any,
    state: Any,
    step: Step,
    max_new: Any,
    limit: int,
    end_ids: Sequence[int],
    draws: Draws | None,
    min_new: Any = 0,
    seen: Any = None,
    repetition_penalty: Any = 1.0,
) -> Continuations:
    """Continues each text by the best token, or by one that is drawn.

    Args:
        logits: `(B, V)`, of the first new token of each row.
        state: A nest of tensors `(B, ...)`, for `step`.
        step: Reads tokens and gives the logits of the next.
        max_new: The most new tokens of each row, integers `(B,)`.
        limit: The most of any row.
        end_ids: The tokens that end a text.
        draws: How tokens are drawn; `None`: the most probable one.
        min_new: The fewest new tokens, the end included: a number or `(B,)`.
        seen: Booleans `(B, V)`, the tokens of each text before; `None`: no
            repetition penalty.
        repetition_penalty: See `penalized`.

    Returns:
        One continuation a row; its sum and score are those of the model's
        own probabilities, before anything is left out.
    """
    batch = ops.shape(logits)[0]
    max_new = ops.cast(max_new, "int32")
    min_new = ops.broadcast_to(ops.cast(min_new, "int32"), (batch,))
    every = ops.arange(logits.shape[-1], dtype="int32")
    none = ops.zeros((batch,), dtype="int32")
    sums = ops.zeros((batch,), dtype=log_probabilities(logits[:1]).dtype)

    def advance(count, words, lengths, sums, done, logits, state, seen):
        logits = log_probabilities(logits)
        chances = without(logits, end_ids, count + 1 < min_new)
        if repetition_penalty_used:
            chances = penalized(chances, seen, repetition_penalty)
        if draws is None:
            word = ops.cast(ops.argmax(chances, axis=-1), "int32")
        else:
            chances = filtered(
                chances, draws.temperature, draws.top_k, draws.top_p
            )
            word = draw(chances, ops.take(draws.uniforms, count, axis=1))
        here = ops.arange(limit, dtype="int32") == count
        here = ops.logical_and(here, ~done[:, None])
        words = ops.where(here, word[:, None], words)
        chance = ops.take_along_axis(logits, word[:, None], axis=-1)[:, 0]
        sums = ops.where(done, sums, sums + chance)
        lengths = ops.where(done, lengths, count + 1)
        stops = ops.logical_or(is_one_of(word, end_ids), count + 1 >= max_new)
        if repetition_penalty_used:
            seen = ops.logical_or(seen, every == word[:, None])
        logits, state = step(word, state)
        done = ops.logical_or(done, stops)
        return count + 1, words, lengths, sums, done, logits, state, seen

    repetition_penalty_used = seen is not None
    _, words, lengths, sums, *_ = ops.while_loop(
        lambda count, words, lengths, sums, done, *_: ~ops.all(done),
        advance,
        (
            ops.convert_to_tensor(0, dtype="int32"),
            ops.full((batch, limit), -1, dtype="int32"),
            *(none, sums, max_new < 1, logits, state),
            seen if repetition_penalty_used else none,
        ),
    )
    last = ops.maximum(lengths - 1, 0)[:, None]
    ended = is_one_of(ops.take_along_axis(words, last, axis=1), end_ids)
    return Continuations(
        words[:, None], lengths[:, None], sums[:, None], sums[:, None], ended
    )
