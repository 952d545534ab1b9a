"""The loss that trains word vectors: a word beside drawn words."""

import keras
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
class NegativeSampling(IdsLayer):
    """Computes the negative-sampling loss of target words from vectors.

    The score of a word is the product of a vector and the word's row. The
    loss is -log sigmoid(score) of the target, and -log sigmoid(-score) of
    each negative; a negative that equals the target is left out. All vectors
    share the negatives of a batch, which makes them one matrix product; their
    sum is scaled to that of `num_negatives` for each vector.

    Args:
        vocabulary_size: Number of words.
        num_negatives: Number of negatives that the loss counts for each
            target.

    Attributes:
        sparse_gradient: Whether, on TensorFlow, the gradient has only the
            rows of targets and negatives, so that a step takes time for these
            rows alone. Set it before `fit`, only with an optimizer that sums
            the gradients of a row, such as SGD or `training.Adagrad`. It is
            not for `jit_compile=True`. `False`, and not saved.

    Call arguments:
        inputs: `(B, D)`.
        targets: Integers `(B,)`.
        negative_ids: Integers `(N,)`, drawn for the whole batch.

    Returns:
        float32 `(B,)`, in nats; in a graph NaN for a target outside the
        vocabulary, and for all targets if a negative is outside.

    Raises:
        ValueError: An argument is out of range or has another shape, or, run
            eagerly, an id is outside the vocabulary.

    Example:
        >>> import numpy as np
        >>> sampling = NegativeSampling(8, num_negatives=5)
        >>> loss = sampling(np.ones((1, 4)), np.array([3]), np.array([1, 2]))
        >>> np.asarray(loss).round(4)
        array([4.1589], dtype=float32)

    Source:
        Mikolov et al. 2013, section 2.2, https://arxiv.org/abs/1310.4546.
        Initial values: zeros, as in tmikolov/word2vec.

    Differs:
        word2vec draws the negatives of each target, and leaves the gradient
        out where a score is beyond 6.
    """

    def __init__(self, vocabulary_size: int, num_negatives: int = 5, **kwargs):
        super().__init__(**kwargs)
        check_at_least(
            1, vocabulary_size=vocabulary_size, num_negatives=num_negatives
        )
        self.vocabulary_size = vocabulary_size
        self.num_negatives = num_negatives
        self.sparse_gradient = False

    def build(self, inputs_shape, targets_shape=None, negative_ids_shape=None):
        self._check(inputs_shape, targets_shape, negative_ids_shape)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.vocabulary_size, inputs_shape[-1]),
            initializer="zeros",
        )

    def call(self, inputs, targets, negative_ids):
        self._check(inputs, targets, negative_ids)
        inputs = ops.cast(inputs, self.compute_dtype)
        targets, negative_ids = as_ids(targets), as_ids(negative_ids)
        check_ids(
            self.vocabulary_size,
            "`vocabulary_size` is",
            targets=targets,
            negative_ids=negative_ids,
        )
        known = known_ids(targets, self.vocabulary_size)
        drawn = known_ids(negative_ids, self.vocabulary_size)
        of_targets = self._rows(ops.where(known, targets, 0))
        of_drawn = self._rows(ops.where(drawn, negative_ids, 0))
        right = at_least_float32(ops.sum(inputs * of_targets, axis=-1))
        wrong = at_least_float32(
            ops.matmul(inputs, ops.transpose(of_drawn))
        )  # (B, N)
        other = ops.expand_dims(targets, -1) != negative_ids
        wrong = ops.where(other, ops.softplus(wrong), ops.zeros_like(wrong))
        # The number of negatives may be known only in a call.
        share = self.num_negatives / ops.cast(
            ops.shape(negative_ids)[0], wrong.dtype
        )
        losses = ops.softplus(-right) + share * ops.sum(wrong, axis=-1)
        known = ops.logical_and(known, ops.all(drawn))
        return ops.where(known, losses, ops.cast(float("nan"), losses.dtype))

    def _rows(self, ids):
        table = self.kernel
        if not self.sparse_gradient:
            table = with_dense_gradient(table)
        return ops.cast(take_rows(table, ids), self.compute_dtype)

    def _check(self, inputs, targets, negative_ids):
        check_rank(2, inputs=inputs)
        check_features(self, "kernel", 1, inputs=inputs)
        check_rank(1, targets=targets, negative_ids=negative_ids)
        check_axes("B", inputs=inputs, targets=targets)

    def compute_output_shape(
        self, inputs_shape, targets_shape, negative_ids_shape
    ):
        return targets_shape

    def compute_output_spec(self, inputs, targets, negative_ids):
        self._check(inputs, targets, negative_ids)
        dtype = "float64" if self.compute_dtype == "float64" else "float32"
        return keras.KerasTensor(targets.shape, dtype=dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "num_negatives": self.num_negatives,
        }
