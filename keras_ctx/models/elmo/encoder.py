"""ELMo's encoders: of characters, and of word ids."""

from collections.abc import Sequence

import keras

from keras_ctx import layers
from keras_ctx.checks import check_at_least
from keras_ctx.models.elmo.wiring import of_characters, of_words


def elmo_encoder(
    filters: Sequence[tuple[int, int]],
    hidden_dim: int,
    projection_dim: int,
    num_layers: int = 2,
    num_highways: int = 2,
    char_dim: int = 16,
    vocabulary_size: int = 262,
    max_characters: int = 50,
    activation: str = "relu",
    cell_clip: float | None = 3.0,
    projection_clip: float | None = 3.0,
    residual: bool = True,
    dropout: float = 0.1,
    stateful: bool = False,
    max_batch_size: int = 128,
    initial_state: str = "zeros",
    name: str = "elmo_encoder",
) -> keras.Model:
    """Builds an ELMo encoder as a functional model.

    Input: `char_ids` `(B, T, C)`, words only; the encoder adds the sentence
    markers and removes them again. Outputs: `layers`, a list of the token
    layer (twice side by side) and every LSTM layer (forward half, backward
    half), each `(B, T, 2P)` and zero at padding; `sequence`, the last of them;
    `pooled` `(B, 2P)`, its mean over the words; and `padding_mask` `(B, T)`,
    true = word.

    Layer names: `sentence_markers`, `char_cnn`, `bilm`, `strip_0` ... ,
    `pooler`.

    Args:
        filters: Pairs (width, count) of the character convolutions.
        hidden_dim: Number of features of an LSTM's cell.
        projection_dim: Number P of features of a word in one direction.
        num_layers: Number of LSTM layers in each direction.
        num_highways: Number of highway layers of the token layer.
        char_dim: Number of features of a character.
        vocabulary_size: Rows of the character table, 262 for bytes.
        max_characters: Number C of characters of a word, at least the width
            of the widest filter.
        activation: Activation of the convolutions, "relu" or "tanh".
        cell_clip: Bound on the LSTM's cell; `None`: no bound.
        projection_clip: Bound on the LSTM's output; `None`: no bound.
        residual: Whether LSTM layers after the first add their input.
        dropout: Dropout rate of the input of an LSTM layer.
        stateful: Whether a row starts from the state in which the same row
            of the last batch ended, as in allenai/bilm-tf; see `BiLM`.
        max_batch_size: Rows of that state.
        initial_state: "zeros", or "measured" for initial states that are
            weights of the encoder; see `BiLM` and `warm_start`.
        name: Name of the model.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: The layers refuse an argument, or `max_characters` is
            below the width of the widest filter.

    Example:
        >>> import numpy as np
        >>> encoder = elmo_encoder([(1, 8)], 16, 4, max_characters=5)
        >>> words = np.array([[[259, 98, 260, 261, 261]]])
        >>> outputs = encoder({"char_ids": words})
        >>> [tuple(layer.shape) for layer in outputs["layers"]]
        [(1, 1, 8), (1, 1, 8), (1, 1, 8)]

    Source:
        Peters et al. 2018, https://arxiv.org/abs/1802.05365.

    Differs:
        Stateless by default: allenai/bilm-tf and allennlp start a batch from
        the last state of the previous batch.
    """
    check_at_least(1, projection_dim=projection_dim)  # `output_dim` below
    return of_characters(
        max_characters,
        layers.CharCNNHighway(
            filters,
            projection_dim,
            char_dim,
            num_highways,
            vocabulary_size,
            activation,
            name="char_cnn",
        ),
        layers.BiLM(
            hidden_dim,
            projection_dim,
            num_layers,
            cell_clip,
            projection_clip,
            residual,
            dropout,
            stateful,
            max_batch_size,
            initial_state,
            name="bilm",
        ),
        name,
    )


def elmo_word_encoder(
    vocabulary_size: int,
    hidden_dim: int,
    projection_dim: int,
    num_layers: int = 2,
    cell_clip: float | None = 3.0,
    projection_clip: float | None = 3.0,
    residual: bool = True,
    dropout: float = 0.1,
    begin_id: int = 1,
    end_id: int = 2,
    stateful: bool = False,
    max_batch_size: int = 128,
    initial_state: str = "zeros",
    name: str = "elmo_word_encoder",
) -> keras.Model:
    """Builds an ELMo encoder with a table of word embeddings.

    Input: `word_ids` `(B, T)`: 0 = no token, else the index of a word in the
    vocabulary, counted from 1, as `keras_ctx.text.WordInputs` returns them.
    Outputs and layer names are those of `elmo_encoder`, with
    `word_embedding` instead of `char_cnn`.

    Args:
        vocabulary_size: Number of words, sentence markers included.
        hidden_dim: Number of features of an LSTM's cell.
        projection_dim: Number P of features of a word in one direction.
        num_layers: Number of LSTM layers in each direction.
        cell_clip: Bound on the LSTM's cell; `None`: no bound.
        projection_clip: Bound on the LSTM's output; `None`: no bound.
        residual: Whether LSTM layers after the first add their input.
        dropout: Dropout rate of the input of an LSTM layer.
        begin_id: Id of the marker at the beginning of a sentence.
        end_id: Id of the marker at its end.
        stateful: Whether rows carry their state from batch to batch.
        max_batch_size: Rows of that state.
        initial_state: "zeros" or "measured"; see `elmo_encoder`.
        name: Name of the model.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: The layers refuse an argument.

    Example:
        >>> import numpy as np
        >>> encoder = elmo_word_encoder(100, 16, 4)
        >>> outputs = encoder({"word_ids": np.array([[7, 8, 0]])})
        >>> tuple(outputs["sequence"].shape)
        (1, 3, 8)

    Source:
        allenai/bilm-tf, which can train without characters.
    """
    check_at_least(
        1, vocabulary_size=vocabulary_size, projection_dim=projection_dim
    )
    return of_words(
        layers.AddMarkerIds(begin_id, end_id, name="sentence_markers"),
        layers.WordEmbedding(
            vocabulary_size + 1, projection_dim, name="word_embedding"
        ),
        layers.BiLM(
            hidden_dim,
            projection_dim,
            num_layers,
            cell_clip,
            projection_clip,
            residual,
            dropout,
            stateful,
            max_batch_size,
            initial_state,
            name="bilm",
        ),
        name,
    )
