"""Losses of text pairs with a score of their similarity."""

import keras
from keras import ops

from keras_ctx.checks import check_positive
from keras_ctx.training.objectives.similarity import check_columns, cosines


@keras.saving.register_keras_serializable(package="keras_ctx")
class CosineSimilarityLoss(keras.losses.Loss):
    """Squared difference of the cosine of a pair and its score.

    Call arguments:
        y_true: Scores `(B,)`, usually from 0 to 1. Cosines are from -1 to 1.
        y_pred: Vectors `(B, 2, D)` of `keras_ctx.models.siamese_embedder`.

    Raises:
        ValueError: A row has another number of texts than two.

    Example:
        >>> import numpy as np
        >>> vectors = np.array([[[3, 4], [1, 0]]], "float32")  # cosine 0.6
        >>> loss = float(CosineSimilarityLoss()(np.array([0.1]), vectors))
        >>> round(loss, 6)
        0.25

    Source:
        Reimers and Gurevych 2019, section 3,
        https://arxiv.org/abs/1908.10084.
    """

    def __init__(self, name: str = "cosine_similarity", **kwargs):
        super().__init__(name=name, **kwargs)

    def call(self, y_true, y_pred):
        found, scores = _cosines_and_scores(y_true, y_pred)
        return ops.square(found - scores)


@keras.saving.register_keras_serializable(package="keras_ctx")
class CoSENTLoss(keras.losses.Loss):
    """Requires cosines of pairs to be in the order of their scores.

    It is `log(1 + sum exp(scale * (cos_j - cos_i)))` over all pairs i and j of
    the batch where the score of i is higher. Only the order of the scores
    matters, not their range. Each row returns this number of its batch, whose
    mean is the loss. On several devices each compares its own rows only.

    Args:
        scale: Factor of the cosines.

    Call arguments:
        y_true: Scores `(B,)`.
        y_pred: Vectors `(B, 2, D)` of `keras_ctx.models.siamese_embedder`.

    Raises:
        ValueError: `scale` is not positive, a row has another number of texts
            than two, or a batch is known to have a single row.

    Example:
        >>> import numpy as np
        >>> vectors = np.array([[[3, 4], [1, 0]], [[1, 0], [1, 0]]], "float32")
        >>> scores = np.array([0.9, 0.1])  # cosines 0.6 and 1, in wrong order
        >>> loss = float(CoSENTLoss(scale=5.0)(scores, vectors))
        >>> bool(abs(loss - np.log(1 + np.exp(5 * 0.4))) < 1e-5)
        True
        >>> float(CoSENTLoss()(np.array([0.5, 0.5]), vectors))
        0.0

    Source:
        Su 2022, https://kexue.fm/archives/8847; `CoSENTLoss` of
        sentence-transformers.
    """

    def __init__(self, scale: float = 20.0, name: str = "cosent", **kwargs):
        super().__init__(name=name, **kwargs)
        check_positive(scale=scale)
        self.scale = scale

    def call(self, y_true, y_pred):
        if y_pred.shape[0] == 1:
            raise ValueError(
                "`y_pred` must have at least two rows: the order of a single "
                f"pair says nothing. Received: {y_pred.shape}"
            )
        found, scores = _cosines_and_scores(y_true, y_pred)
        wrong = self.scale * (found[None, :] - found[:, None])
        counts = scores[:, None] > scores[None, :]
        wrong = ops.reshape(ops.where(counts, wrong, -1e9), (-1,))
        loss = ops.logsumexp(ops.pad(wrong, [[1, 0]]))  # the zero is the 1
        return ops.broadcast_to(loss, ops.shape(found))

    def get_config(self):
        return {**super().get_config(), "scale": self.scale}


def _cosines_and_scores(y_true, y_pred):
    check_columns(2, y_pred, exactly=True)
    found = cosines(y_pred[:, 0], y_pred[:, 1])
    scores = ops.reshape(ops.cast(y_true, found.dtype), ops.shape(found))
    return found, scores
