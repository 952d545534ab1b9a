"""A linear-chain conditional random field over the tags of a row."""

import math

import keras
from keras import ops

from keras_ctx.layers.arguments import check_positive_int, check_rank
from keras_ctx.layers.recurrence import recur


@keras.saving.register_keras_serializable(package="keras_ctx")
class CRF(keras.layers.Layer):
    """The best path of tags, and how probable each step of each path is.

    A path y scores `start[y_1] + sum_t inputs[t, y_t] +
    sum_t transitions[y_(t-1), y_t] + end[y_n]`, and its probability is the
    softmax over all paths. Given the row, the tags form a Markov chain, so
    that probability is a product, with one factor a token: P(y_t | y_(t-1),
    row). The layer gives the factors, and the loss of the sequence is a
    cross-entropy a token, with weights a token, which needs nothing but this
    output: `keras_ctx.training.CRFLoss`.

    All weights start at 0, which is an independent softmax for each token.

    Args:
        num_tags: N, tags.

    Call arguments:
        inputs: `(B, T, N)`, the score of each tag at each token.
        padding_mask: Booleans `(B, T)`, true = real token; real tokens come
            first in a row. `None`: all are real.

    Returns:
        A dict. `logits` `(B, T, N, N)`: at `[b, t, i, j]` the log of the
        probability of tag j at token t after tag i at the token before; at
        the first token alike for all i. `scores` `(B, T, N)`: the probability
        of each tag at each token, over all paths. `tags`, int32 `(B, T)`: the
        most probable path (Viterbi). Floats are float32 at least, whatever
        the policy, and so is the arithmetic.

    Raises:
        ValueError: `num_tags` is not positive or differs from the number of
            scores, or a mask of the wrong rank.

    Masking:
        At padding `logits` and `scores` are 0 and `tags` is -1.

    Example:
        >>> import numpy as np
        >>> crf = CRF(num_tags=2)
        >>> outputs = crf(np.array([[[0.0, 1.0], [2.0, 0.0]]]))
        >>> outputs["tags"].numpy()
        array([[1, 0]], dtype=int32)
        >>> outputs["scores"].numpy().round(2)
        array([[[0.27, 0.73],
                [0.88, 0.12]]], dtype=float32)

    Source:
        Lafferty et al. 2001, sections 3 and 4; as in Lample et al. 2016,
        section 2.2, https://arxiv.org/abs/1603.01360, the tagger of ELMo's
        paper.

    Differs:
        Others keep the normalizer of the whole row, and a loss that must be
        given the layer's weights. The product of the factors is the same.
    """

    def __init__(self, num_tags: int, **kwargs):
        super().__init__(**kwargs)
        check_positive_int(num_tags=num_tags)
        self.num_tags = num_tags

    def build(self, inputs_shape, padding_mask_shape=None):
        # Here, too: a functional model would tell only when it first runs.
        self._check_size(inputs_shape)
        self.transitions = self._weight("transitions", 2)
        self.start = self._weight("start", 1)
        self.end = self._weight("end", 1)

    def _weight(self, name, rank):
        # Not autocast: a policy of half precision would round it here.
        return self.add_weight(
            name=name,
            shape=(self.num_tags,) * rank,
            initializer="zeros",
            autocast=False,
        )

    def call(self, inputs, padding_mask=None):
        self._check_size(inputs.shape)
        check_rank(2, padding_mask=padding_mask)
        if padding_mask is None:
            padding_mask = ops.ones(ops.shape(inputs)[:2], dtype="bool")
        real = ops.cast(padding_mask, "bool")
        dtype = self._output_dtype()
        inputs = ops.where(ops.expand_dims(real, -1), inputs, 0)
        inputs = ops.cast(inputs, dtype)
        transitions, start, end = (
            ops.cast(weight, dtype)
            for weight in (self.transitions, self.start, self.end)
        )
        logits, best = (
            step_scores(inputs, real, transitions, start, end, reduce)
            for reduce in (ops.logsumexp, highest)
        )
        logits = ops.log_softmax(logits, axis=-1)
        return {
            "logits": ops.where(real[:, :, None, None], logits, 0),
            "scores": ops.where(real[:, :, None], marginals(logits), 0),
            "tags": ops.where(real, follow(ops.argmax(best, axis=-1)), -1),
        }

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

    def compute_output_spec(self, inputs, padding_mask=None):
        shapes = self.compute_output_shape(inputs.shape)
        return {
            key: keras.KerasTensor(
                shape, dtype="int32" if key == "tags" else self._output_dtype()
            )
            for key, shape in shapes.items()
        }

    def get_config(self):
        return {**super().get_config(), "num_tags": self.num_tags}


def step_scores(inputs, real, transitions, start, end, reduce):
    """Scores `(B, T, N, N)` of the step from tag i to tag j.

    Each contains what follows j at its best (`reduce=highest`) or in sum
    (`ops.logsumexp`), up to a constant for each token and i.
    """

    def before(scores, after):
        # (B, N) of a token's tags to (B, N) of those of the token before.
        paths = transitions + ops.expand_dims(scores + after, 1)
        message = reduce(paths, axis=-1)
        # Only differences count; the sums of a long row would lose digits.
        return message - highest(message, axis=-1, keepdims=True)

    last = ops.zeros_like(inputs[:, 0]) + end
    messages = recur(before, last, inputs, real, reverse=True)  # (B, T, N)
    # What is said to token t comes from token t + 1, if there is one.
    one_more = ((0, 0), (0, 1))
    after = ops.where(
        ops.pad(real[:, 1:], one_more)[:, :, None],
        ops.pad(messages[:, 1:], (*one_more, (0, 0))),
        end,
    )
    first = ops.arange(ops.shape(inputs)[1])[:, None, None] == 0
    steps = ops.where(first, start, transitions)  # (T, N, N)
    return steps + ops.expand_dims(inputs + after, -2)


def highest(x, axis, keepdims=False):
    """`ops.max`, which refuses a batch without rows, for any batch."""
    return ops.max(x, axis=axis, keepdims=keepdims, initial=-math.inf)


def marginals(logits):
    """Probabilities `(B, T, N)` of the tags of a chain, from its steps."""

    def step(chances, state):
        return ops.sum(chances * ops.expand_dims(state, -1), axis=-2)

    # Any start that sums to 1: the first step is alike for all of it.
    start = ops.zeros_like(logits[:, 0, 0]) + 1 / logits.shape[-1]
    return recur(step, start, ops.exp(logits))


def follow(following):
    """The path `(B, T)` of a table `(B, T, N)`: the tag after each tag."""

    def step(row, state):
        return ops.take_along_axis(row, ops.cast(state, "int32"), axis=-1)

    # The loop has floats only, which hold an id of a tag exactly.
    following = ops.cast(following, "float32")
    start = ops.zeros_like(following[:, 0, :1])
    return ops.cast(recur(step, start, following)[:, :, 0], "int32")
