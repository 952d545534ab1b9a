"""The model that trains word vectors: an encoder under negative sampling."""

import keras
from keras import ops

from keras_ctx import layers
from keras_ctx.checks import check_at_least


def word_vector_trainer(
    encoder: keras.Model,
    num_negatives: int = 5,
    name: str = "word_vector_trainer",
) -> keras.Model:
    """Builds skip-gram, CBOW or fastText on an encoder of word vectors.

    A row is one word for skip-gram, and the words around the target for CBOW;
    its mean predicts the target. With the character n-grams of the encoder it
    is fastText. The layers are shared: training this model trains `encoder`.

    Inputs: those of the encoder, of B rows; `target_ids` `(B,)`, the numbers of
    the words to predict, counted from 0; `negative_ids` `(B, N)`, drawn once
    for the batch and repeated for each row, so that a batch can be split over
    devices; only row 0 is read. Output: `negative_log_likelihood` `(B,)`, in
    nats.

    Layer names in addition to the encoder's: `negative_sampling`.

    Args:
        encoder: A model of `word_vector_encoder`.
        num_negatives: Number of negatives that count for each target.
        name: Name of the model.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: `encoder` is of another family, or `num_negatives` is not
            positive.

    Example:
        >>> import numpy as np
        >>> from keras_ctx.models import word_vector_encoder
        >>> model = word_vector_trainer(word_vector_encoder(50, 8))
        >>> row, ids = np.array([[7]]), np.array([3])
        >>> features = {"word_ids": row, "target_ids": ids, "negative_ids": row}
        >>> model(features)["negative_log_likelihood"].shape
        TensorShape([1])

    Source:
        Mikolov et al. 2013, https://arxiv.org/abs/1310.4546; Bojanowski et
        al. 2017, https://aclanthology.org/Q17-1010.

    Differs:
        fastText's CBOW is the mean of all rows, of words and n-grams; here it
        is the mean of the words' means.
    """
    check_at_least(1, num_negatives=num_negatives)
    if not any(layer.name == "word_table" for layer in encoder.layers):
        raise ValueError(
            "`encoder` must be a model of `word_vector_encoder`. Received: "
            f"{encoder.name}"
        )
    table = encoder.get_layer("word_table")
    inputs = dict(encoder.input)
    for key, shape in (("target_ids", ()), ("negative_ids", (None,))):
        inputs[key] = keras.Input(shape, dtype="int32", name=key)
    nats = layers.NegativeSampling(
        table.vocabulary_size, num_negatives, name="negative_sampling"
    )(
        encoder.output["pooled"],
        inputs["target_ids"],
        # A sum over row 0, since a device may get a batch without rows.
        ops.sum(inputs["negative_ids"][:1, :], axis=0),
    )
    return keras.Model(inputs, {"negative_log_likelihood": nats}, name=name)
