"""A new MT-LSTM over word vectors, and its text inputs."""

import keras
import numpy as np

from keras_ctx import models, text
from keras_ctx.convert.word_vectors.vectors import (
    WordVectors,
    check_word_vectors,
)


def mt_lstm_encoder_from(
    vectors: WordVectors,
    hidden_dim: int = 300,
    num_layers: int = 2,
    dropout: float = 0.2,
    lower_case_fallback: bool = True,
    split: str = "whitespace",
    max_length: int | None = None,
    name: str = "mt_lstm_encoder",
) -> tuple[keras.Model, text.WordVectorInputs]:
    """Builds an untrained MT-LSTM over frozen word vectors, and text inputs.

    An unknown word has a vector of zeros, as in CoVe.

    Args:
        vectors: The vectors, of `load_word_vectors`. Of a fastText .bin only
            the words in it have one; n-grams of others are not read.
        hidden_dim: Number of features of an LSTM.
        num_layers: Number of LSTMs in each direction.
        dropout: Dropout rate of the input of each layer.
        lower_case_fallback: Whether a word that is not found as written is
            looked up in lower case.
        split: `"whitespace"` or `"character"`.
        max_length: Maximum number of words in a row, `None` for no limit.
        name: Name of the encoder.

    Returns:
        The encoder, and its text inputs.

    Raises:
        ValueError: An argument is out of range, or a word is not UTF-8.

    Example:
        >>> rows = np.eye(2, 3, dtype="float32")
        >>> encoder, inputs = mt_lstm_encoder_from(
        ...     WordVectors(["the", "law"], rows), hidden_dim=4)
        >>> found = encoder(inputs(["The unknown law"]))["layers"][0]
        >>> np.asarray(found)[0, :, :3]
        array([[1., 0., 0.],
               [0., 0., 0.],
               [0., 1., 0.]], dtype=float32)
    """
    check_word_vectors(vectors)
    inputs = text.WordVectorInputs(
        vectors.words,
        lower_case_fallback=lower_case_fallback,
        split=split,
        max_length=max_length,
    )
    rows = inputs.num_unknown + len(vectors)
    encoder = models.mt_lstm_encoder(
        *(rows, vectors.hidden_dim, hidden_dim, num_layers, dropout),
        name=name,
    )
    # No token, the unknown word, the words.
    table = np.pad(vectors.table, ((1 + inputs.num_unknown, 0), (0, 0)))
    encoder.get_layer("word_embedding").set_weights([table])
    return encoder, inputs
