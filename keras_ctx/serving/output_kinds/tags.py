"""The kind of outputs with tags; rounding may choose among equals."""

from dataclasses import dataclass

import numpy as np

from keras_ctx.serving.output_kinds.bound import Bound
from keras_ctx.serving.output_kinds.kind import Comparison, Discrete


@dataclass(frozen=True, kw_only=True)
class Tags(Discrete):
    """A tag for each token or word: the best one, or that of the best path.

    Two tags of a token, or two paths of a CRF, may be equally probable.

    Args:
        position_axis: See `OutputKind`.
        decided_by: The model's own output that decides; see `undecided_tags`.
        of_words: Whether tags belong to words, each tagged by one of its
            tokens. Since the token is not known here, as many tags may differ
            as there are undecided tokens.
    """

    decided_by: str
    of_words: bool = False

    def wrong(self, name: str, pair: Comparison) -> np.ndarray:
        differ = pair.given[name] != pair.right[name]
        if pair.real is None:
            return differ
        undecided = undecided_tags(
            pair.model[self.decided_by],
            pair.real,
            pair.model_bounds[self.decided_by],
        )
        if self.of_words:
            return differ & (differ.sum() > undecided.sum())
        return differ & ~undecided


def undecided_tags(
    logits: np.ndarray, real: np.ndarray, bound: Bound
) -> np.ndarray:
    """Returns the tokens, bool `(B, T)`, with two equally good tags.

    Args:
        logits: Logits of a tagger, `(B, T, N)`, or of a CRF, `(B, T, N, N)`.
        real: Which positions are not padding, `(B, T)`.
        bound: Bound of the rounding errors of `logits`.
    """
    if logits.ndim == 3:
        best = logits.astype("float64")
        errors = bound(logits)
    else:
        best = _best_paths(logits.astype("float64"))
        # A path sums one factor for each token of the row.
        errors = logits.shape[1] * bound(best)
    if best.shape[-1] < 2:
        return np.zeros(real.shape, bool)
    order = np.argsort(best, axis=-1)[..., -2:]
    pairs = np.take_along_axis(best, order, axis=-1)
    errors = np.take_along_axis(errors, order, axis=-1).sum(axis=-1)
    with np.errstate(invalid="ignore"):
        gaps = pairs[..., 1] - pairs[..., 0]
    return (gaps <= errors) & real


def _best_paths(logits: np.ndarray) -> np.ndarray:
    """Returns the log probability of the best path through each tag.

    It has shape `(B, T, N)`. The factors of the CRF, `(B, T, N, N)`, are 0 at
    padding, at the end of the row.
    """
    rows, tokens, tags, _ = logits.shape
    behind = np.zeros((rows, tokens, tags))
    for t in range(tokens - 2, -1, -1):
        behind[:, t] = np.max(logits[:, t + 1] + behind[:, None, t + 1], axis=2)
    ahead = np.empty((rows, tokens, tags))
    ahead[:, 0] = logits[:, 0, 0]  # the same for all previous tags
    for t in range(1, tokens):
        ahead[:, t] = np.max(ahead[:, t - 1, :, None] + logits[:, t], axis=1)
    return ahead + behind
