"""What a search reads and returns: steps of a model, and new tokens."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

Step = Callable[[Any, Any], tuple[Any, Any]]
"""From token ids `(N,)` and a state to logits `(N, V)` and the next state: a
nest of tensors whose first axis is N."""


class Continuations(NamedTuple):
    """Continuations of B texts, R of each, the best first.

    Example:
        >>> from keras_ctx.models import causal_language_model, gpt_encoder
        >>> from keras_ctx.generation import Generator
        >>> model = causal_language_model(gpt_encoder(9, 1, 2, 8, 16))
        >>> generate = Generator(model, max_length=4)
        >>> found = generate({"token_ids": [[1]], "padding_mask": [[True]]})
        >>> found.token_ids.shape, found.ended
        ((1, 1, 3), array([[False]]))
    """

    token_ids: Any
    """New tokens `(B, R, N)`, the end included; -1 behind them."""
    lengths: Any
    """Number of new tokens, `(B, R)`."""
    sums: Any
    """Sum of their log probabilities, `(B, R)`."""
    scores: Any
    """`sums` by the length penalty, `(B, R)`."""
    ended: Any
    """Whether they end with an end token, `(B, R)`; if not, they reached the
    maximum."""

    def records(self, row: int, texts: Sequence[str]) -> list[dict[str, Any]]:
        """Returns the continuations of a row as dicts, for JSON.

        Args:
            row: Index of the row.
            texts: The texts of its continuations.

        Returns:
            `text`, `score`, `num_tokens`, the end token included, and
            `stopped`, "end" or "length"; without those that are missing.
        """
        return [
            {
                "text": text,
                "score": float(self.scores[row, place]),
                "num_tokens": int(self.lengths[row, place]),
                "stopped": "end" if self.ended[row, place] else "length",
            }
            for place, text in enumerate(texts)
            if self.lengths[row, place]
        ]
