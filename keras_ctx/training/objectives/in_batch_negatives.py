"""The loss of text pairs, with the other texts of the batch as negatives."""

import keras
from keras import ops

from keras_ctx.checks import check_positive
from keras_ctx.training.objectives.similarity import (
    check_columns,
    unit_vectors,
)

# Far below any logit, and finite, since softmax of -inf alone is NaN.
_LEFT_OUT = -1e9


@keras.saving.register_keras_serializable(package="keras_ctx")
class InBatchNegativesLoss(keras.losses.Loss):
    """Cross entropy of a text's own pair among all pairs of the batch.

    The first text of each row is compared, by the cosine times `scale`, with
    the second text of every row and with all further texts of every row, its
    hard negatives. The right answer is the second text of its own row.

    A text that is right as well does not count as a negative: one equal to the
    row's first or second text, or the second text of a row with an equal first
    text. `sentence-transformers` counts them.

    On several devices the negatives of a row are those of its own device, so
    more devices for the same batch mean fewer negatives. Accumulating
    gradients does not add negatives.

    Args:
        scale: Factor of the cosines.
        symmetric: Whether to add the loss of each second text's own first text
            among all first texts of the batch; the result is the mean of both.

    Call arguments:
        y_true: `(B, N)`, a number for each text, equal for equal texts, as
            `keras_ctx.data.siamese_dataset` returns them.
        y_pred: Vectors `(B, N, D)` of `keras_ctx.models.siamese_embedder`, N
            at least 2.

    Raises:
        ValueError: `scale` is not positive; N is below 2; or, with N = 2, a
            batch is known to have a single row, which has no negative.

    Example:
        >>> import numpy as np
        >>> vectors = np.array([[[1, 0], [1, 0]], [[0, 1], [0, 1]]], "float32")
        >>> ids = np.arange(4).reshape(2, 2)
        >>> loss = float(InBatchNegativesLoss(scale=2.0)(ids, vectors))
        >>> bool(abs(loss - np.log(1 + np.exp(-2))) < 1e-6)
        True
        >>> ids[1] = ids[0]  # equal texts: no negative is left
        >>> float(InBatchNegativesLoss(scale=2.0)(ids, vectors))
        0.0

    Source:
        Henderson et al. 2017, section 4.4, https://arxiv.org/abs/1705.00652;
        `MultipleNegativesRankingLoss` of sentence-transformers.
    """

    def __init__(
        self,
        scale: float = 20.0,
        symmetric: bool = False,
        name: str = "in_batch_negatives",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        check_positive(scale=scale)
        self.scale = scale
        self.symmetric = symmetric

    def call(self, y_true, y_pred):
        check_columns(2, y_pred)
        rows, columns = y_pred.shape[:2]
        if rows == 1 and columns == 2:
            raise ValueError(
                "`y_pred` must have at least two rows: with a single pair in "
                f"the batch there is no negative. Received: {y_pred.shape}"
            )
        ids = ops.cast(y_true, "int32")
        vectors = unit_vectors(y_pred)
        first, second = vectors[:, 0], vectors[:, 1]
        # All second texts, then all third ones: (B * (N - 1), D)
        others = ops.concatenate(
            [vectors[:, k] for k in range(1, columns)], axis=0
        )
        names = ops.concatenate([ids[:, k] for k in range(1, columns)], axis=0)
        loss = self._nats(first, others, _also_right(ids, names, 0))
        if self.symmetric:
            back = self._nats(second, first, _also_right(ids, ids[:, 0], 1))
            loss = (loss + back) / 2
        return loss

    def _nats(self, asked, answers, left_out):
        """Returns the cross entropy of the answer with the row's number."""
        logits = self.scale * ops.matmul(asked, ops.transpose(answers))
        logits = ops.where(left_out, _LEFT_OUT, logits)
        own = self.scale * ops.sum(
            asked * answers[: ops.shape(asked)[0]], axis=-1
        )
        return ops.logsumexp(logits, axis=-1) - own

    def get_config(self):
        return {
            **super().get_config(),
            "scale": self.scale,
            "symmetric": self.symmetric,
        }


def _also_right(ids, names, column: int):
    """Marks other rows' texts that are right answers, too: `(B, K)`.

    Args:
        ids: Numbers of the texts `(B, N)`.
        names: Numbers of the K answers; the first B are those of the rows.
        column: Column of the texts that ask, 0 or 1.
    """
    count, total = ops.shape(ids)[0], ops.shape(names)[0]
    own = ops.arange(count)[:, None] == ops.arange(total)[None]
    found = ops.logical_or(
        names[None] == ids[:, :1], names[None] == ids[:, 1:2]
    )
    # Rows with an equal asking text: each has a right answer for both.
    asking = ids[:, column]
    equal = asking[:, None] == asking[None]
    rest = ops.zeros((count, total - count), "bool")
    found = ops.logical_or(found, ops.concatenate([equal, rest], axis=1))
    return ops.logical_and(found, ops.logical_not(own))
