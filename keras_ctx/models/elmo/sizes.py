"""The published sizes of ELMo: `elmo_encoder` with their numbers filled in."""

from typing import Any

import keras

from keras_ctx.models.elmo.encoder import elmo_encoder

_FILTERS = (
    (1, 32),
    (2, 32),
    (3, 64),
    (4, 128),
    (5, 256),
    (6, 512),
    (7, 1024),
)


def _of_size(
    hidden_dim: int,
    projection_dim: int,
    num_highways: int,
    arguments: dict[str, Any],
) -> keras.Model:
    """Builds a published size; all have the same filters."""
    return elmo_encoder(
        _FILTERS,
        hidden_dim,
        projection_dim,
        num_highways=num_highways,
        **arguments,
    )


def elmo_small(
    num_layers: int = 2,
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
    name: str = "elmo_small",
) -> keras.Model:
    """The small ELMo: 1,024 cells, projected to 128, and one highway.

    The arguments, inputs and outputs are those of `elmo_encoder`, P = 128.
    It has 2,048 filters of 1 to 7 characters and 13.6 million weights.

    Example:
        >>> elmo_small().count_params()
        13593312

    Source:
        The options of the official models, https://allennlp.org/elmo; Peters
        et al. 2018, https://arxiv.org/abs/1802.05365.
    """
    return _of_size(1024, 128, 1, locals())


def elmo_medium(
    num_layers: int = 2,
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
    name: str = "elmo_medium",
) -> keras.Model:
    """The medium ELMo: 2,048 cells, projected to 256, and one highway.

    The arguments, inputs and outputs are those of `elmo_encoder`, P = 256.
    It has 2,048 filters of 1 to 7 characters and 28.0 million weights.

    Example:
        >>> elmo_medium().count_params()
        28027744

    Source:
        The options of the official models, https://allennlp.org/elmo; Peters
        et al. 2018, https://arxiv.org/abs/1802.05365.
    """
    return _of_size(2048, 256, 1, locals())


def elmo_original(
    num_layers: int = 2,
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
    name: str = "elmo_original",
) -> keras.Model:
    """The original ELMo: 4,096 cells, projected to 512, and two highways.

    The arguments, inputs and outputs are those of `elmo_encoder`, P = 512.
    It has 2,048 filters of 1 to 7 characters and 93.6 million weights.

    Example:
        >>> with keras.StatelessScope(initialize_variables=False):  # no values
        ...     elmo_original().count_params()
        93600864

    Source:
        The options of the official models, https://allennlp.org/elmo; Peters
        et al. 2018, https://arxiv.org/abs/1802.05365.
    """
    return _of_size(4096, 512, 2, locals())
