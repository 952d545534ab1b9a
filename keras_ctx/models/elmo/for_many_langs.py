"""The encoder of ELMoForManyLangs, of characters and words."""

from collections.abc import Sequence

import keras

from keras_ctx import layers
from keras_ctx.checks import check_at_least
from keras_ctx.models.elmo.wiring import of_characters_and_words


def elmo_for_many_langs(
    filters: Sequence[tuple[int, int]],
    hidden_dim: int,
    projection_dim: int,
    vocabulary_size: int,
    begin_characters: Sequence[int],
    end_characters: Sequence[int],
    num_words: int = 0,
    word_dim: int = 100,
    begin_id: int = 1,
    end_id: int = 2,
    num_layers: int = 2,
    num_highways: int = 2,
    char_dim: int = 50,
    activation: str = "relu",
    cell_clip: float | None = 3.0,
    projection_clip: float | None = 3.0,
    dropout: float = 0.0,
    stateful: bool = False,
    max_batch_size: int = 128,
    initial_state: str = "zeros",
    name: str = "elmo_for_many_langs",
) -> keras.Model:
    """Builds an ELMo with a vocabulary of characters instead of bytes.

    Inputs: `character_ids` `(B, T, C)`, words only, 0 = no token; and, with
    `num_words`, `word_ids` `(B, T)`, the words' indices in a table, counted
    from 1. `keras_ctx.text.ElmoForManyLangsInputs` returns both. The vector
    of a word combines its characters and its row of the table. Outputs are
    those of `elmo_encoder`.

    Layer names: `sentence_markers`, `char_cnn`, `word_markers`,
    `word_embedding`, `word_projection`, `bilm`, `strip_0` ... , `pooler`.

    Args:
        filters: Pairs (width, count) of the character convolutions; the sum
            of the counts must differ from `projection_dim`.
        hidden_dim: Number of features of an LSTM's cell; must differ from
            `projection_dim`.
        projection_dim: Number P of features of a word in one direction.
        vocabulary_size: Rows of the character table, row 0 (no token)
            included.
        begin_characters: The C ids of the marker at the beginning of a
            sentence.
        end_characters: The C ids of the marker at its end.
        num_words: Words of the word table; 0: a model of characters alone.
        word_dim: Number of features of a row of the word table.
        begin_id: Id of the beginning of a sentence in the word table.
        end_id: Id of its end.
        num_layers: Number of LSTM layers in each direction; those after the
            first add their input to their output.
        num_highways: Number of highway layers of the token layer.
        char_dim: Number of features of a character.
        activation: Activation of the convolutions, "relu" or "tanh".
        cell_clip: Bound on the LSTM's cell; `None`: no bound.
        projection_clip: Bound on the LSTM's output; `None`: no bound.
        dropout: Dropout rate of the input of an LSTM layer.
        stateful: Whether rows carry their state from batch to batch; see
            `BiLM`.
        max_batch_size: Rows of that state.
        initial_state: "zeros" or "measured"; see `BiLM` and `warm_start`.
        name: Name of the model.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: The layers refuse an argument, or two sizes are equal, so
            that one of the two projections would be left out.

    Example:
        >>> import numpy as np
        >>> encoder = elmo_for_many_langs(
        ...     [(1, 8)], 16, 4, 9, [6, 1, 5, 4], [6, 2, 5, 4], num_words=7)
        >>> words = {"character_ids": np.array([[[6, 7, 5, 4]]]),
        ...          "word_ids": np.array([[3]])}
        >>> tuple(encoder(words)["sequence"].shape)
        (1, 1, 8)

    Source:
        Che et al. 2018, https://aclanthology.org/K18-2005;
        https://github.com/HIT-SCIR/ELMoForManyLangs.

    Differs:
        Stateless by default; in ELMoForManyLangs, as in allennlp, a batch
        starts from the last state of the previous one. There dropout applies
        to the LSTMs' outputs and recurrent connections, with one mask for
        each row; here to their inputs.
    """
    check_at_least(1, projection_dim=projection_dim, hidden_dim=hidden_dim)
    check_at_least(0, num_words=num_words)
    char_cnn = layers.CharCNNHighway(
        filters,
        projection_dim,
        char_dim,
        num_highways,
        vocabulary_size,
        activation,
        name="char_cnn",
    )
    count = sum(count for _, count in char_cnn.filters)
    for argument, size in (("hidden_dim", hidden_dim), ("filters", count)):
        if size == projection_dim:
            raise ValueError(
                f"`{argument}` must give another size than `projection_dim`: "
                "these models always project, but with equal sizes our layers "
                f"do not. Received: {size} for both"
            )
    words = None
    if num_words:
        words = (
            layers.AddMarkerIds(begin_id, end_id, name="word_markers"),
            layers.WordEmbedding(
                num_words + 1, word_dim, name="word_embedding"
            ),
            # The projection of the characters has the bias.
            keras.layers.Dense(
                projection_dim, use_bias=False, name="word_projection"
            ),
        )
    return of_characters_and_words(
        layers.AddSentenceMarkers(
            len(begin_characters),
            begin_characters,
            end_characters,
            name="sentence_markers",
        ),
        char_cnn,
        words,
        layers.BiLM(
            hidden_dim,
            projection_dim,
            num_layers,
            cell_clip,
            projection_clip,
            True,
            dropout,
            stateful,
            max_batch_size,
            initial_state,
            name="bilm",
        ),
        name,
    )
