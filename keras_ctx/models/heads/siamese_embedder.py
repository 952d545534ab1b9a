"""Several texts per row under one embedder, to train it."""

import keras
from keras import ops

from keras_ctx.checks import check_at_least


def siamese_embedder(
    embedder: keras.Model,
    num_texts: int = 2,
    name: str = "siamese_embedder",
) -> keras.Model:
    """Builds a model that embeds several texts of each row with one embedder.

    Train it with a loss on the vectors of a row, such as
    `keras_ctx.training.InBatchNegativesLoss`; then use the embedder, whose
    weights are shared. For `keras_ctx.training.layer_rates` and `enable_lora`
    pass the embedder.

    Args:
        embedder: A model of `embedder`.
        num_texts: Number N of texts of a row: 2 for pairs, 3 for triplets.
        name: Name of the model.

    Returns:
        A `keras.Model` with the inputs of the embedder, each with an axis of
        the texts behind that of the rows, such as `token_ids` `(B, N, T)`, and
        the output `{"embeddings": (B, N, D)}`.

    Raises:
        ValueError: `num_texts` is below 2; or the model is no embedder of rows
            with one text each.

    Example:
        >>> from keras_ctx.models import bert_tiny, embedder
        >>> model = siamese_embedder(embedder(bert_tiny(100)), 3)
        >>> model.input["token_ids"].shape, model.output["embeddings"].shape
        ((None, 3, None), (None, 3, 128))

    Source:
        Reimers and Gurevych 2019, section 3,
        https://arxiv.org/abs/1908.10084.
    """
    check_at_least(2, num_texts=num_texts)
    outputs = getattr(embedder, "output", None)
    vectors = outputs.get("embedding") if isinstance(outputs, dict) else None
    if vectors is None or len(vectors.shape) != 2:
        raise ValueError(
            "`embedder` must be a model of `models.embedder` with one text in "
            "a row, whose output `embedding` has the shape (B, D). Received: "
            f"{embedder.name!r} with the outputs {outputs}"
        )
    for key, x in embedder.input.items():
        if x.shape[0] is not None:
            raise ValueError(
                "`embedder` must take batches of any size. Received: the "
                f"input {key!r} of shape {x.shape}"
            )
    inputs = {
        key: keras.Input((num_texts, *x.shape[1:]), dtype=x.dtype, name=key)
        for key, x in embedder.input.items()
    }
    # All first texts, then all second ones ...: (N * B, T)
    features = {
        key: ops.concatenate([x[:, k] for k in range(num_texts)], axis=0)
        for key, x in inputs.items()
    }
    found = ops.split(embedder(features)["embedding"], num_texts, axis=0)
    return keras.Model(
        inputs, {"embeddings": ops.stack(found, axis=1)}, name=name
    )
