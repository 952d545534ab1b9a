"""The published sizes of GPT and GPT-2: `gpt_encoder` with their numbers.

The numbers of GPT are those of Radford et al. 2018, section 4.1, those of
GPT-2 of Radford et al. 2019, table 2, with the widths of the released models.
"""

from typing import Any

import keras

from keras_ctx.models.gpt.encoder import gpt_encoder


def _of_size(
    num_layers: int, num_heads: int, hidden_dim: int, arguments: dict[str, Any]
) -> keras.Model:
    """Builds a published size, with inner layers of 4 D."""
    return gpt_encoder(
        num_layers=num_layers,
        num_heads=num_heads,
        hidden_dim=hidden_dim,
        intermediate_dim=4 * hidden_dim,
        **arguments,
    )


def gpt1(
    vocabulary_size: int,
    max_length: int = 512,
    activation: str = "gelu_tanh",
    dropout: float = 0.1,
    attention_dropout: float = 0.1,
    norm_first: bool = False,
    layer_norm_epsilon: float = 1e-5,
    initializer_range: float = 0.02,
    name: str = "gpt1",
) -> keras.Model:
    """GPT: 12 blocks, 12 heads and 768 features.

    The arguments, inputs and outputs are those of `gpt_encoder`, D = 768.
    With 40,478 tokens it has 116.5 million weights.

    Example:
        >>> with keras.StatelessScope(initialize_variables=False):  # no values
        ...     gpt1(40478).count_params()
        116534784

    Source:
        Radford et al. 2018; the weights:
        https://github.com/openai/finetune-transformer-lm.
    """
    return _of_size(12, 12, 768, locals())


def gpt2_mini(
    vocabulary_size: int,
    max_length: int = 1024,
    activation: str = "gelu_tanh",
    dropout: float = 0.1,
    attention_dropout: float = 0.1,
    norm_first: bool = True,
    layer_norm_epsilon: float = 1e-5,
    initializer_range: float = 0.02,
    name: str = "gpt2_mini",
) -> keras.Model:
    """A small GPT-2, for own texts: 4 blocks, 4 heads and 256 features.

    The arguments, inputs and outputs are those of `gpt_encoder`, D = 256.
    With 8,000 tokens it has 5.5 million weights.

    Example:
        >>> with keras.StatelessScope(initialize_variables=False):  # no values
        ...     gpt2_mini(8000).count_params()
        5469696

    Source:
        Radford et al. 2019, with the numbers of BERT-Mini.
    """
    return _of_size(4, 4, 256, locals())


def gpt2_small(
    vocabulary_size: int,
    max_length: int = 1024,
    activation: str = "gelu_tanh",
    dropout: float = 0.1,
    attention_dropout: float = 0.1,
    norm_first: bool = True,
    layer_norm_epsilon: float = 1e-5,
    initializer_range: float = 0.02,
    name: str = "gpt2_small",
) -> keras.Model:
    """GPT-2 small: 12 blocks, 12 heads and 768 features.

    The arguments, inputs and outputs are those of `gpt_encoder`, D = 768.
    With 50,257 tokens it has 124.4 million weights.

    Example:
        >>> with keras.StatelessScope(initialize_variables=False):  # no values
        ...     gpt2_small(50257).count_params()
        124439808

    Source:
        Radford et al. 2019; the weights: https://github.com/openai/gpt-2.
    """
    return _of_size(12, 12, 768, locals())


def gpt2_medium(
    vocabulary_size: int,
    max_length: int = 1024,
    activation: str = "gelu_tanh",
    dropout: float = 0.1,
    attention_dropout: float = 0.1,
    norm_first: bool = True,
    layer_norm_epsilon: float = 1e-5,
    initializer_range: float = 0.02,
    name: str = "gpt2_medium",
) -> keras.Model:
    """GPT-2 medium: 24 blocks, 16 heads and 1,024 features.

    The arguments, inputs and outputs are those of `gpt_encoder`, D = 1024.
    With 50,257 tokens it has 354.8 million weights.

    Example:
        >>> with keras.StatelessScope(initialize_variables=False):  # no values
        ...     gpt2_medium(50257).count_params()
        354823168

    Source:
        Radford et al. 2019; the weights: https://github.com/openai/gpt-2.
    """
    return _of_size(24, 16, 1024, locals())


def gpt2_large(
    vocabulary_size: int,
    max_length: int = 1024,
    activation: str = "gelu_tanh",
    dropout: float = 0.1,
    attention_dropout: float = 0.1,
    norm_first: bool = True,
    layer_norm_epsilon: float = 1e-5,
    initializer_range: float = 0.02,
    name: str = "gpt2_large",
) -> keras.Model:
    """GPT-2 large: 36 blocks, 20 heads and 1,280 features.

    The arguments, inputs and outputs are those of `gpt_encoder`, D = 1280.
    With 50,257 tokens it has 774.0 million weights.

    Example:
        >>> with keras.StatelessScope(initialize_variables=False):  # no values
        ...     gpt2_large(50257).count_params()
        774030080

    Source:
        Radford et al. 2019; the weights: https://github.com/openai/gpt-2.
    """
    return _of_size(36, 20, 1280, locals())


def gpt2_xl(
    vocabulary_size: int,
    max_length: int = 1024,
    activation: str = "gelu_tanh",
    dropout: float = 0.1,
    attention_dropout: float = 0.1,
    norm_first: bool = True,
    layer_norm_epsilon: float = 1e-5,
    initializer_range: float = 0.02,
    name: str = "gpt2_xl",
) -> keras.Model:
    """GPT-2 XL: 48 blocks, 25 heads and 1,600 features.

    The arguments, inputs and outputs are those of `gpt_encoder`, D = 1600.
    With 50,257 tokens it has 1557.6 million weights.

    Example:
        >>> with keras.StatelessScope(initialize_variables=False):  # no values
        ...     gpt2_xl(50257).count_params()
        1557611200

    Source:
        Radford et al. 2019; the weights: https://github.com/openai/gpt-2.
    """
    return _of_size(48, 25, 1600, locals())
