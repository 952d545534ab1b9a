"""Beam search: the most probable continuations of a batch of texts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
from keras import ops

from keras_ctx.checks import check_at_least, check_choice
from keras_ctx.generation.continuations import Continuations, Step
from keras_ctx.generation.log_probabilities import (
    is_one_of,
    log_probabilities,
    without,
)

RULES = ("tensor2tensor", "huggingface")
PENALTIES = ("gnmt", "power")


@dataclass(frozen=True)
class BeamSearch:
    """The rules of a beam search.

    Each step continues the best `width` unfinished texts by every token, and
    takes the best `2 * width` of these by their sums of log probabilities.
    Texts that are finished are kept apart, ranked by `sum / divisor(n)`; the
    best `width` that do not end are continued.

    Example:
        >>> BeamSearch(width=4, alpha=1.0, penalty="power").divisor(8)
        8.0

    Source:
        Wu et al. 2016, section 7, https://arxiv.org/abs/1609.08144; the rules
        of tensor2tensor (`beam_search.py`) and of transformers 5.24.
    """

    width: int = 4
    """Number of texts that are continued; 1 is greedy search."""
    alpha: Any = 0.6
    """Exponent of the length penalty; 0 ranks by plain sums. A number; inside
    a graph also one for each row, `(B, 1)`."""
    penalty: str = "gnmt"
    """Divisor of a sum over n new tokens, the end included: "gnmt" is
    `((5 + n) / 6) ** alpha`, "power" is `n ** alpha`."""
    rule: str = "tensor2tensor"
    """Which texts are finished. "tensor2tensor": those that end; if none of a
    row does, the unfinished ones are returned. "huggingface": also those that
    reach the maximum, and both only among the best `width` of the
    `2 * width`."""
    early_stopping: bool | str = "never"
    """When a row stops before the maximum. "never": when no unfinished text
    can still be better than the finished ones, at any length. `False`: when
    none is better at its present length, which may miss better ones. `True`:
    when enough texts are finished."""

    def __post_init__(self) -> None:
        check_at_least(1, width=self.width)
        check_choice(PENALTIES, penalty=self.penalty)
        if isinstance(self.alpha, float) and not math.isfinite(self.alpha):
            raise ValueError(
                f"`alpha` must be a number. Received: alpha={self.alpha!r}"
            )
        check_choice(RULES, rule=self.rule)
        if self.early_stopping not in (True, False, "never"):
            raise ValueError(
                '`early_stopping` must be True, False or "never". '
                f"Received: early_stopping={self.early_stopping!r}"
            )

    def divisor(self, count: Any) -> Any:
        """Returns the divisor of a sum over `count` new tokens."""
        base = (5.0 + count) / 6.0 if self.penalty == "gnmt" else 1.0 * count
        return base**self.alpha


class _Beams(NamedTuple):
    """Texts of B rows, W of each, the best first."""

    token_ids: Any  # (B, W, N)
    lengths: Any  # (B, W)
    sums: Any  # (B, W), -inf: no text
    scores: Any  # (B, W), -inf: no text
    ended: Any  # (B, W)

    def best(self, count: int) -> tuple["_Beams", Any]:
        """Returns the best by score, and their indices `(B, count)`."""
        scores, index = ops.top_k(self.scores, count)
        taken = [_take(x, index) for x in self]
        return _Beams(*taken)._replace(scores=scores), index


def search_beams(
    logits: Any,
    state: Any,
    step: Step,
    max_new: Any,
    limit: int,
    end_ids: Sequence[int],
    rules: BeamSearch,
    num_returned: int = 1,
    min_new: Any = 0,
) -> Continuations:
    """Searches the most probable continuations of a batch of texts.

    Args:
        logits: `(B, V)`, of the first new token of each row.
        state: A nest of tensors `(B, ...)`, for `step`.
        step: Reads tokens and gives the logits of the next.
        max_new: The most new tokens of each row, integers `(B,)`, from 1.
        limit: The most of any row.
        end_ids: The tokens that end a text.
        rules: The rules.
        num_returned: Number R of continuations of a row, at most the width.
        min_new: The fewest new tokens, the end included: a number or `(B,)`.

    Returns:
        The continuations. Where a row has fewer than R, the others have the
        score -inf and no tokens.
    """
    width = rules.width
    batch, vocabulary_size = ops.shape(logits)
    max_new = ops.cast(max_new, "int32")
    min_new = ops.broadcast_to(ops.cast(min_new, "int32"), (batch,))
    logits, state = keras.tree.map_structure(
        lambda x: ops.repeat(x, width, axis=0), (logits, state)
    )
    dtype = log_probabilities(logits[:1]).dtype

    def no_texts():
        worst = ops.full((batch, width), -float("inf"), dtype=dtype)
        return _Beams(
            ops.full((batch, width, limit), -1, dtype="int32"),
            ops.zeros((batch, width), dtype="int32"),
            *(worst, worst, ops.zeros((batch, width), dtype="bool")),
        )

    # All beams of a row are the same text at first: only one is continued.
    alive = no_texts()
    first = ops.broadcast_to(ops.arange(width) == 0, (batch, width))
    sums = ops.where(first, ops.zeros_like(alive.sums), alive.sums)
    alive = alive._replace(sums=sums, scores=sums)

    def advance(count, alive, finished, done, logits, state):
        count = count + 1
        logits = log_probabilities(logits)
        late = ops.repeat(count < min_new, width)
        logits = ops.reshape(
            without(logits, end_ids, late), (batch, width, vocabulary_size)
        )
        totals = ops.reshape(
            alive.sums[:, :, None] + logits, (batch, width * vocabulary_size)
        )
        candidates = min(2 * width, width * vocabulary_size) if width > 1 else 1
        sums, index = ops.top_k(totals, candidates)
        index = ops.cast(index, "int32")
        parents, words = index // vocabulary_size, index % vocabulary_size
        at_count = ops.arange(limit, dtype="int32") == count - 1
        token_ids = ops.where(
            at_count, words[:, :, None], _take(alive.token_ids, parents)
        )
        ends = is_one_of(words, end_ids)
        last = (count >= max_new)[:, None]
        divisor = ops.cast(rules.divisor(ops.cast(count, dtype)), dtype)
        found = _Beams(
            token_ids,
            ops.full_like(words, 1) * count,
            *(sums, sums / divisor, ends),
        )
        # The finished texts, old and new.
        stops = ends
        if rules.rule == "huggingface":
            among = ops.arange(candidates) < width
            stops = ops.logical_and(ops.logical_or(ends, last), among)
        new = found._replace(scores=_where(stops, found.scores))
        both = _Beams(
            *(
                ops.concatenate([x, y], axis=1)
                for x, y in zip(finished, new, strict=True)
            )
        )
        now_finished, _ = both.best(width)
        # The texts that are continued.
        unfinished = found._replace(scores=_where(~ends, sums))
        now_alive, chosen = unfinished.best(width)
        now_alive = now_alive._replace(sums=now_alive.scores)
        parents = ops.take_along_axis(parents, chosen, axis=1)
        finished = _keep(done, finished, now_finished)
        alive = _keep(done, alive, now_alive)
        done = ops.logical_or(done, count >= max_new)
        done = ops.logical_or(
            done, _is_done(rules, num_returned, count, max_new, alive, finished)
        )
        rows = ops.arange(batch, dtype="int32")[:, None] * width
        flat = ops.reshape(rows + ops.cast(parents, "int32"), (-1,))
        state = keras.tree.map_structure(
            lambda x: ops.take(x, flat, axis=0), state
        )
        words = ops.reshape(now_alive.token_ids[:, :, count - 1], (-1,))
        logits, state = step(ops.maximum(words, 0), state)
        return count, alive, finished, done, logits, state

    count, alive, finished, *_ = ops.while_loop(
        lambda count, alive, finished, done, *_: ~ops.all(done),
        advance,
        (
            ops.convert_to_tensor(0, dtype="int32"),
            *(alive, no_texts(), max_new < 1, logits, state),
        ),
    )
    return _returned(rules, num_returned, alive, finished)


def _is_done(rules, num_returned, count, max_new, alive, finished):
    """Returns whether each row can stop, `(B,)`."""
    needed = num_returned
    if rules.rule == "huggingface":
        needed = rules.width
    worst = finished.scores[:, needed - 1]
    if rules.early_stopping is True:
        return worst > -float("inf")
    dtype = worst.dtype
    divisor = rules.divisor(ops.cast(count, dtype))
    if rules.early_stopping == "never":
        longest = rules.divisor(ops.cast(max_new, dtype)[:, None])
        divisor = ops.maximum(divisor, longest)
    bound = (alive.sums[:, :1] / divisor)[:, 0]
    return ops.logical_and(worst > -float("inf"), worst >= bound)


def _returned(rules, num_returned, alive, finished) -> Continuations:
    """Returns the finished texts, or the others where a row has none."""
    lengths = ops.sum(ops.cast(alive.token_ids >= 0, "int32"), axis=2)
    divisor = rules.divisor(ops.cast(ops.maximum(lengths, 1), alive.sums.dtype))
    alive = alive._replace(lengths=lengths, scores=alive.sums / divisor)
    none = finished.scores[:, 0] == -float("inf")
    texts = _keep(none, alive, finished)
    texts = _Beams(*(x[:, :num_returned] for x in texts))
    missing = texts.scores == -float("inf")
    return Continuations(
        ops.where(missing[:, :, None], -1, texts.token_ids),
        ops.where(missing, 0, texts.lengths),
        *(texts.sums, texts.scores, texts.ended),
    )


def _take(x, index):
    """Takes the beams of an index `(B, K)` from `(B, W, ...)`."""
    if len(x.shape) == 2:
        return ops.take_along_axis(x, index, axis=1)
    return ops.take_along_axis(x, index[:, :, None], axis=1)


def _where(mask, scores):
    return ops.where(mask, scores, ops.full_like(scores, -float("inf")))


def _keep(done, old, new):
    """Returns the old beams of rows that are done, `(B,)`, else the new."""
    return _Beams(
        *(
            ops.where(
                ops.reshape(done, (-1,) + (1,) * (len(x.shape) - 1)), x, y
            )
            for x, y in zip(old, new, strict=True)
        )
    )
