"""A linear-chain conditional random field over the tags of a row."""

from collections.abc import Iterable

import keras
from keras import ops

from keras_ctx.checks import check_at_least, check_dense
from keras_ctx.layers.base.token_mask import check_mask, token_mask
from keras_ctx.layers.outputs.tag_paths import (
    Penalties,
    best_path,
    checked_pairs,
    follow,
    highest,
    identity,
    is_first,
    later,
    penalties,
)
from keras_ctx.layers.recurrent.recurrence import recur, with_a_token


@keras.saving.register_keras_serializable(package="keras_ctx")
class CRF(keras.layers.Layer):
    """A conditional random field: best path of tags and step probabilities.

    The score of a path y is `start[y_1] + sum_t inputs[t, y_t] +
    sum_t transitions[y_(t-1), y_t] + end[y_n]`, and its probability is the
    softmax over all paths. Given the row, the tags form a Markov chain, so
    this probability is a product with one factor per token:
    P(y_t | y_(t-1), row). The layer returns the factors. The loss of the
    sequence is then a sum of cross-entropies of tokens, which can be weighted
    and only needs this output: `keras_ctx.training.CRFLoss`.

    All weights start at 0, which is an independent softmax for each token.

    With `constraints`, `tags` is the most probable allowed path; the
    probabilities do not change. A path in the training data that breaks the
    constraints has a finite loss, as any path, and later pieces of words,
    whose tags are unknown, may have any tag in training. If only some tokens
    have labels, only their tags must be allowed: `best_path` finds them.

    Args:
        num_tags: Number N of tags.
        constraints: The allowed pairs `(i, j)`: tag j may follow tag i. N as
            i is the start of a row, N + 1 as j its end.
            `keras_ctx.data.allowed_transitions` computes them from the names
            of the tags. `None`: every pair is allowed.

    Call arguments:
        inputs: `(B, T, N)`, the score of each tag at each token.
        padding_mask: Booleans `(B, T)`, true = real token. `None`: the Keras
            mask of `inputs`; without one all tokens are real.

    Returns:
        A dict. `logits` `(B, T, N, N)`: at `[b, t, i, j]` the log probability
        of tag j at token t after tag i at the previous token; equal for all i
        at the first token. `scores` `(B, T, N)`: the probability of each tag
        at each token, over all paths. `tags`, int32 `(B, T)`: the most
        probable allowed path (Viterbi); in a row whose length allows none, a
        path with the fewest forbidden pairs. The arithmetic and the outputs
        are at least float32 under every dtype policy.

    Raises:
        ValueError: `num_tags` is not positive or differs from the number of
            scores, `constraints` holds other numbers or allows no path, or
            the mask has the wrong rank.

    Masking:
        The real tokens of a row form one chain; padding before, between or
        after them is ignored. At padding `logits` and `scores` are 0 and
        `tags` is -1. The Keras mask of `inputs` is passed on with each
        output.

    Example:
        >>> import numpy as np
        >>> crf = CRF(num_tags=2)
        >>> outputs = crf(np.array([[[0.0, 1.0], [2.0, 0.0]]]))
        >>> np.asarray(outputs["tags"])
        array([[1, 0]], dtype=int32)
        >>> np.asarray(outputs["scores"]).round(2)
        array([[[0.27, 0.73],
                [0.88, 0.12]]], dtype=float32)
        >>> crf = CRF(2, constraints=[(2, 0), (0, 0), (0, 1), (1, 1), (1, 3)])
        >>> np.asarray(crf(np.array([[[0.0, 1.0], [2.0, 0.0]]]))["tags"])
        array([[0, 1]], dtype=int32)

    Source:
        Lafferty et al. 2001, sections 3 and 4; as in Lample et al. 2016,
        section 2.2, https://arxiv.org/abs/1603.01360, the tagger of ELMo's
        paper. Constraints as in allenai/allennlp.

    Differs:
        Other implementations compute the normalizer of the whole row, and a
        loss that needs the layer's weights. The product of the factors is
        equal.
    """

    def __init__(
        self, num_tags: int, constraints: Iterable | None = None, **kwargs
    ):
        super().__init__(**kwargs)
        check_at_least(1, num_tags=num_tags)
        if constraints is not None:
            constraints = checked_pairs(constraints, num_tags)
        self.supports_masking = True
        self.num_tags = num_tags
        self.constraints = constraints

    def build(self, inputs_shape, padding_mask_shape=None):
        # Also in `build`: a functional model calls `call` only when it runs.
        self._check_size(inputs_shape)
        self.transitions = self._weight("transitions", 2)
        self.start = self._weight("start", 1)
        self.end = self._weight("end", 1)

    def _weight(self, name, rank):
        # Not autocast: a half-precision policy would round it.
        return self.add_weight(
            name=name,
            shape=(self.num_tags,) * rank,
            initializer="zeros",
            autocast=False,
        )

    def compute_mask(self, inputs, previous_mask):
        return {key: previous_mask for key in ("logits", "scores", "tags")}

    def call(self, inputs, padding_mask=None, mask=None):
        check_dense(inputs=inputs)
        self._check_size(inputs.shape)
        real = token_mask(inputs, padding_mask, mask)
        if real is None:
            real = ops.ones(ops.shape(inputs)[:2], dtype="bool")
        length = ops.shape(inputs)[1]
        inputs, real = with_a_token(inputs), with_a_token(real)
        dtype = self._output_dtype()
        inputs = ops.where(ops.expand_dims(real, -1), inputs, 0)
        inputs = ops.cast(inputs, dtype)
        transitions, start, end = (
            ops.cast(weight, dtype)
            for weight in (self.transitions, self.start, self.end)
        )
        first = is_first(real)[:, :, None]
        rest = scores_onward(inputs, real, transitions, end, ops.logsumexp)
        steps = ops.log_softmax(transitions + rest[:, :, None])
        firsts = ops.where(first, ops.log_softmax(start + rest), 0)
        later_ones = ops.logical_and(real[:, :, None], ~first)
        logits = ops.where(
            later_ones[:, :, None], steps, firsts[:, :, None]
        )  # (B, T, N, N)
        if self.constraints is not None:
            transitions, start, end = (
                weight + ops.cast(cost, dtype)
                for weight, cost in zip(
                    (transitions, start, end), self._costs(), strict=True
                )
            )
        rest = scores_onward(inputs, real, transitions, end, highest)
        following = ops.where(
            first,
            ops.argmax(start + rest, axis=-1, keepdims=True),
            ops.argmax(transitions + rest[:, :, None], axis=-1),
        )
        scores = ops.where(real[:, :, None], marginals(logits, real), 0)
        tags = ops.where(real, follow(following, real), -1)
        outputs = {"logits": logits, "scores": scores, "tags": tags}
        return {key: value[:, :length] for key, value in outputs.items()}

    def best_path(self, logits, mask):
        """Returns the most probable allowed tags of some of the tokens.

        For example of the first pieces of words: the other tokens have no
        labels, so this sums over all their possible tags. The output `tags`
        of a call is over all real tokens instead.

        Args:
            logits: `(B, T, N, N)`, the output of a call.
            mask: Booleans `(B, T)`, true = a token whose tag counts.

        Returns:
            Tags, int32 `(B, T)`, -1 at the other tokens, and their log
            probabilities, `(B,)`.

        Example:
            >>> import numpy as np
            >>> crf = CRF(2)
            >>> logits = crf(np.array([[[0.0, 1.0], [2.0, 0.0]]]))["logits"]
            >>> np.asarray(crf.best_path(logits, np.array([[True, False]]))[0])
            array([[ 1, -1]], dtype=int32)
        """
        length = ops.shape(logits)[1]
        mask = with_a_token(ops.cast(mask, "bool"))
        logits = with_a_token(ops.convert_to_tensor(logits))
        tags, chances = best_path(logits, mask, self._costs())
        return tags[:, :length], chances

    def _costs(self) -> Penalties:
        every = range(self.num_tags + 2)
        pairs = self.constraints
        if pairs is None:
            pairs = [(i, j) for i in every[:-1] for j in every]
        return penalties(pairs, self.num_tags)

    def _check_size(self, shape):
        if len(shape) != 3 or shape[-1] != self.num_tags:
            raise ValueError(
                "`inputs` must be scores (B, T, N) of "
                f"`num_tags={self.num_tags}` tags. "
                f"Received: shape={tuple(shape)}"
            )

    def _output_dtype(self):
        return "float64" if self.compute_dtype == "float64" else "float32"

    def compute_output_shape(self, inputs_shape, padding_mask_shape=None):
        return {
            "logits": (*inputs_shape, self.num_tags),
            "scores": tuple(inputs_shape),
            "tags": tuple(inputs_shape[:2]),
        }

    def compute_output_spec(self, inputs, padding_mask=None, mask=None):
        self._check_size(inputs.shape)
        check_mask(inputs, padding_mask)
        shapes = self.compute_output_shape(inputs.shape)
        return {
            key: keras.KerasTensor(
                shape, dtype="int32" if key == "tags" else self._output_dtype()
            )
            for key, shape in shapes.items()
        }

    def get_config(self):
        pairs = self.constraints
        return {
            **super().get_config(),
            "num_tags": self.num_tags,
            "constraints": pairs and [list(pair) for pair in pairs],
        }


def scores_onward(inputs, real, transitions, end, reduce):
    """Computes scores `(B, T, N)` of each tag and the path after it.

    It takes the best path after each tag (`reduce=highest`) or the sum over
    all of them (`ops.logsumexp`), up to a constant for each token.
    """

    def before(scores, after):
        # (B, N) of a token's tags to (B, N) of the previous token's tags.
        paths = transitions + ops.expand_dims(scores + after, 1)
        message = reduce(paths, axis=-1)
        # Only differences count; sums over a long row would lose digits.
        return message - highest(message, axis=-1, keepdims=True)

    last = ops.zeros_like(inputs[:, 0]) + end
    messages = recur(before, last, inputs, real, reverse=True)  # (B, T, N)
    # The message to token t comes from token t + 1, if there is one. Padding
    # in between passes it on.
    after = ops.where(
        ops.expand_dims(later(real), -1),
        ops.pad(messages[:, 1:], ((0, 0), (0, 1), (0, 0))),
        end,
    )
    return inputs + after


def marginals(logits, real):
    """Computes the tag probabilities `(B, T, N)` of a chain from its steps."""

    def step(chances, state):
        return ops.sum(chances * ops.expand_dims(state, -1), axis=-2)

    # Any start that sums to 1: the first step is equal for all tags.
    start = ops.zeros_like(logits[:, 0, 0]) + 1 / logits.shape[-1]
    steps = ops.where(real[:, :, None, None], logits, identity(logits))
    return recur(step, start, ops.exp(steps))
