"""The loss of an embedder, by name."""

from typing import Literal

import keras

from keras_ctx.checks import check_choice
from keras_ctx.training.objectives.in_batch_negatives import (
    InBatchNegativesLoss,
)
from keras_ctx.training.objectives.scored_pairs import (
    CoSENTLoss,
    CosineSimilarityLoss,
)
from keras_ctx.training.objectives.triplets import TripletLoss

EmbeddingLoss = Literal[
    "in_batch_negatives", "triplet", "cosine_similarity", "cosent"
]


def embedding_loss(
    kind: EmbeddingLoss,
    *,
    scale: float = 20.0,
    symmetric: bool = False,
    margin: float = 1.0,
    distance: Literal["euclidean", "cosine"] = "euclidean",
) -> dict[str, keras.losses.Loss]:
    """Returns the loss of a `models.siamese_embedder`, for `compile`.

    Args:
        kind: "in_batch_negatives" (pairs, with any number of hard negatives),
            "triplet", "cosine_similarity" or "cosent" (pairs with scores).
        scale: Factor of the cosines, of "in_batch_negatives" and "cosent".
        symmetric: See `InBatchNegativesLoss`.
        margin: See `TripletLoss`.
        distance: See `TripletLoss`.

    Raises:
        ValueError: `kind` is unknown, or a number is out of range.

    Example:
        >>> embedding_loss("cosent", scale=10.0)["embeddings"].scale
        10.0
    """
    check_choice(EmbeddingLoss.__args__, kind=kind)
    if kind == "in_batch_negatives":
        loss = InBatchNegativesLoss(scale, symmetric)
    elif kind == "triplet":
        loss = TripletLoss(margin, distance)
    elif kind == "cosent":
        loss = CoSENTLoss(scale)
    else:
        loss = CosineSimilarityLoss()
    return {"embeddings": loss}
