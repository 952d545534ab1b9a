"""The loss of triplets: a text, a similar text, and one that is not."""

import keras
from keras import ops

from keras_ctx.checks import check_choice, check_positive
from keras_ctx.training.objectives.similarity import DISTANCES, check_columns


@keras.saving.register_keras_serializable(package="keras_ctx")
class TripletLoss(keras.losses.Loss):
    """Requires a text to be nearer to its pair than to its negatives.

    The loss of a row is `max(0, d(first, second) - d(first, third) + margin)`;
    of several negatives in a row, the mean. No other row matters.

    Args:
        margin: Least difference of the two distances. The euclidean distance
            of vectors of length 1 is at most 2, so a margin of 2 or more is
            never reached.
        distance: "euclidean", or "cosine", which is 1 - the cosine.

    Call arguments:
        y_true: Ignored, `(B, N)`.
        y_pred: Vectors `(B, N, D)` of `keras_ctx.models.siamese_embedder`, N
            at least 3.

    Raises:
        ValueError: `margin` is not positive, `distance` is unknown, or N is
            below 3.

    Example:
        >>> import numpy as np
        >>> vectors = np.array([[[0, 0], [3, 4], [0, 5.5]]], "float32")
        >>> float(TripletLoss(margin=1.0)(np.zeros((1, 3)), vectors))
        0.5

    Source:
        Reimers and Gurevych 2019, section 3 (margin 1, euclidean),
        https://arxiv.org/abs/1908.10084.

    Differs:
        The default margin of sentence-transformers is 5.
    """

    def __init__(
        self,
        margin: float = 1.0,
        distance: str = "euclidean",
        name: str = "triplet",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        check_positive(margin=margin)
        check_choice(tuple(DISTANCES), distance=distance)
        self.margin = margin
        self.distance = distance

    def call(self, y_true, y_pred):
        del y_true
        check_columns(3, y_pred)
        distance = DISTANCES[self.distance]
        near = distance(y_pred[:, :1], y_pred[:, 1:2])
        far = distance(y_pred[:, :1], y_pred[:, 2:])
        return ops.mean(ops.relu(near - far + self.margin), axis=-1)

    def get_config(self):
        return {
            **super().get_config(),
            "margin": self.margin,
            "distance": self.distance,
        }
