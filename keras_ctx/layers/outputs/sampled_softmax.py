"""Next-word loss over a large vocabulary, sampled in training."""

import keras
import numpy as np
from keras import ops

from keras_ctx.checks import (
    check_at_least,
    check_axes,
    check_features,
    check_rank,
)
from keras_ctx.layers.base.at_least_float32 import at_least_float32
from keras_ctx.layers.base.embedding_lookup import (
    known_ids,
    take_rows,
    with_dense_gradient,
)
from keras_ctx.layers.base.ids import IdsLayer, as_ids, check_ids


@keras.saving.register_keras_serializable(package="keras_ctx")
class SampledSoftmax(IdsLayer):
    """Computes the negative log likelihood of target words from vectors.

    In training, with `negative_ids`, the softmax is over the target and the
    negative samples. Their scores are corrected by the log of the expected
    count of the sampler, and a negative that equals the target is left out.
    Otherwise the softmax is over the whole vocabulary. The sampled loss is
    *not* comparable with the full loss.

    Args:
        vocabulary_size: Number of words, sorted by descending frequency, as
            the log-uniform sampler requires.

    Attributes:
        sparse_gradient: Whether, on TensorFlow, the gradient of a sampled loss
            has only the rows of targets and negatives. A step then takes time
            and memory for these rows, not for the vocabulary. Set it before
            `fit`, only with an optimizer that sums the gradients of a row
            before it squares them, such as `training.elmo_optimizer`; those
            of Keras do not. It is not for `jit_compile=True`. `False`, and
            not saved.

    Call arguments:
        inputs: `(B, T, D)`.
        targets: Integers `(B, T)`.
        negative_ids: Distinct integers `(N,)` drawn from
            P(id) = log((id + 2) / (id + 1)) / log(V + 1), shared by all
            targets; `None` for the full softmax.

    Returns:
        float32 `(B, T)`, in nats; in a graph NaN for a target outside the
        vocabulary, and for all targets if a negative is outside.

    Raises:
        ValueError: `vocabulary_size` is not positive, an argument has another
            shape, or, run eagerly, an id is outside the vocabulary.

    Example:
        >>> import numpy as np
        >>> softmax = SampledSoftmax(vocabulary_size=8)
        >>> loss = softmax(np.zeros((1, 2, 4)), np.array([[3, 5]]))
        >>> np.asarray(loss).round(4)
        array([[2.0794, 2.0794]], dtype=float32)

    Source:
        Jean et al. 2015, https://arxiv.org/abs/1412.2007; as
        `tf.nn.sampled_softmax_loss` in allenai/bilm-tf.

    Differs:
        The expected count 1 - (1 - P)^tries uses the number of tries that
        gives N distinct words on average. TensorFlow's sampler reports the
        tries of each draw; here only the ids are needed.
    """

    def __init__(self, vocabulary_size: int, **kwargs):
        super().__init__(**kwargs)
        check_at_least(1, vocabulary_size=vocabulary_size)
        self.vocabulary_size = vocabulary_size
        self.supports_masking = True
        self.sparse_gradient = False

    def build(self, inputs_shape, targets_shape=None, negative_ids_shape=None):
        self._check(inputs_shape, targets_shape, negative_ids_shape)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.vocabulary_size, inputs_shape[-1]),
            initializer=keras.initializers.RandomNormal(
                stddev=inputs_shape[-1] ** -0.5
            ),
        )
        self.bias = self.add_weight(
            name="bias", shape=(self.vocabulary_size,), initializer="zeros"
        )

    def call(self, inputs, targets, negative_ids=None, training=None):
        self._check(inputs, targets, negative_ids)
        inputs = ops.cast(inputs, self.compute_dtype)
        targets = as_ids(targets)
        sampled = training and negative_ids is not None
        negative_ids = as_ids(negative_ids) if sampled else None
        check_ids(
            self.vocabulary_size,
            "`vocabulary_size` is",
            targets=targets,
            negative_ids=negative_ids,
        )
        known = known_ids(targets, self.vocabulary_size)
        targets = ops.where(known, targets, 0)
        if sampled:
            all_known = known_ids(negative_ids, self.vocabulary_size)
            negative_ids = ops.where(all_known, negative_ids, 0)
            known = ops.logical_and(known, ops.all(all_known))
            losses = self._sampled(inputs, targets, negative_ids)
        else:
            logits = ops.matmul(inputs, ops.transpose(self.kernel)) + self.bias
            losses = ops.sparse_categorical_crossentropy(
                targets, at_least_float32(logits), from_logits=True
            )
        return ops.where(known, losses, ops.cast(float("nan"), losses.dtype))

    def _sampled(self, inputs, targets, negative_ids):
        def rows(table, ids):
            return ops.cast(take_rows(table, ids), inputs.dtype)

        kernel, bias = self.kernel, self.bias
        if not self.sparse_gradient:
            kernel, bias = map(with_dense_gradient, (kernel, bias))
        num_negatives = negative_ids.shape[0]
        log_tries = np.log(expected_tries(num_negatives, self.vocabulary_size))
        negatives = at_least_float32(
            ops.matmul(inputs, ops.transpose(rows(kernel, negative_ids)))
            + rows(bias, negative_ids)
        )  # (B, T, N)
        negatives -= self._log_expected_count(
            negative_ids, log_tries, negatives.dtype
        )
        accidental = ops.equal(ops.expand_dims(targets, -1), negative_ids)
        negatives = ops.where(accidental, -1e9, negatives)
        target = at_least_float32(
            ops.sum(inputs * rows(kernel, targets), axis=-1)
            + rows(bias, targets)
        )  # (B, T)
        target -= self._log_expected_count(targets, log_tries, target.dtype)
        everything = ops.concatenate(
            [ops.expand_dims(target, -1), negatives], axis=-1
        )
        return ops.logsumexp(everything, axis=-1) - target

    def _log_expected_count(self, ids, log_tries, dtype):
        ids = ops.cast(ids, dtype)
        p = ops.log1p(1 / (ids + 1)) / np.log(self.vocabulary_size + 1)
        return ops.log(-ops.expm1(float(np.exp(log_tries)) * ops.log1p(-p)))

    def _check(self, inputs, targets, negative_ids):
        check_rank(3, inputs=inputs)
        check_features(self, "kernel", 1, inputs=inputs)
        check_rank(2, targets=targets)
        check_rank(1, negative_ids=negative_ids)
        check_axes("BT", inputs=inputs, targets=targets)

    def compute_output_shape(
        self, inputs_shape, targets_shape, negative_ids_shape=None
    ):
        return targets_shape

    def compute_output_spec(
        self, inputs, targets, negative_ids=None, training=None
    ):
        self._check(inputs, targets, negative_ids)
        dtype = "float64" if self.compute_dtype == "float64" else "float32"
        return keras.KerasTensor(targets.shape, dtype=dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
        }


def expected_tries(num_negatives: int, vocabulary_size: int) -> float:
    """Returns the expected tries for N distinct ids, by bisection."""
    ids = np.arange(vocabulary_size)
    log_miss = np.log1p(-np.log1p(1 / (ids + 1)) / np.log(vocabulary_size + 1))
    low, high = 0.0, 1.0
    while -np.expm1(high * log_miss).sum() < num_negatives:
        low, high = high, 2 * high
        if high > 1e12:  # all of the vocabulary, to rounding
            return high
    for _ in range(60):
        middle = (low + high) / 2
        if -np.expm1(middle * log_miss).sum() < num_negatives:
            low = middle
        else:
            high = middle
    return high
