"""The encoder of ELMoForManyLangs, of characters and of words."""

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
    """An ELMo whose characters are those of a vocabulary, not bytes.

    Input `character_ids` `(B, T, C)`, words only, 0 = no token; and, with
    `num_words`, `word_ids` `(B, T)`, the words' places in a table, counted
    from 1. `keras_ctx.text.ElmoForManyLangsInputs` gives both. A word's vector
    is made of its characters and of its row of the table. Outputs as of
    `elmo_encoder`.

    Layer names: `sentence_markers`, `char_cnn`, `word_markers`,
    `word_embedding`, `word_projection`, `bilm`, `strip_0` ... , `pooler`.

    Args:
        filters: Pairs (width, count) of the character convolutions; their
            counts must not add up to `projection_dim`.
        hidden_dim: Features of an LSTM's cell, not `projection_dim`.
        projection_dim: P, features of a word in one direction.
        vocabulary_size: Rows of the character table, row 0 (no token)
            included.
        begin_characters: The C ids of the marker of a sentence's begin.
        end_characters: Those of its end.
        num_words: Words of the table; 0 for a model of characters alone.
        word_dim: Features of a row of it.
        begin_id: Id of the begin of a sentence in it.
        end_id: Id of its end.
        num_layers: LSTM layers in each direction; those after the first add
            their input to their output.
        num_highways: Highway layers of the token layer.
        char_dim: Features of a character.
        activation: Of the convolutions, "relu" or "tanh".
        cell_clip: Bound on the LSTM cell; `None` for none.
        projection_clip: Bound on the LSTM output; `None` for none.
        dropout: Share of an LSTM layer's input dropped in training.
        stateful: Whether rows go on from batch to batch; see `BiLM`.
        max_batch_size: Rows of that state.
        initial_state: "zeros" or "measured"; see `BiLM` and `warm_start`.
        name: Name of the model.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: an argument that the layers refuse, or sizes that leave
            out one of the two projections.

    Example:
        >>> import numpy as np
        >>> encoder = elmo_for_many_langs(
        ...     [(1, 8)], 16, 4, 9, [6, 1, 5, 4], [6, 2, 5, 4], num_words=7)
        >>> words = {"character_ids": np.array([[[6, 7, 5, 4]]]),
        ...          "word_ids": np.array([[3]])}
        >>> encoder(words)["sequence"].shape
        TensorShape([1, 1, 8])

    Source:
        Che et al. 2018, https://aclanthology.org/K18-2005;
        https://github.com/HIT-SCIR/ELMoForManyLangs.

    Differs:
        Stateless by default: there, as in allennlp, a batch starts from the
        last state of the one before. There dropout is of the LSTMs' outputs
        and recurrent connections, one mask a row; here of their inputs.
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
                "these models always project, and with equal sizes the layers "
                f"here do not. Received: {size} for both"
            )
    words = None
    if num_words:
        words = (
            layers.AddMarkerIds(begin_id, end_id, name="word_markers"),
            layers.WordEmbedding(
                num_words + 1, word_dim, name="word_embedding"
            ),
            # The bias is that of the characters' projection.
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
