"""The published sizes of BERT: `bert_encoder` with their numbers filled in.

The numbers of the four smaller ones are those of Turc et al. 2019
(https://arxiv.org/abs/1908.08962), of the two others those of Devlin et al.
2019 (https://arxiv.org/abs/1810.04805).
"""

from typing import Any

import keras

from keras_ctx.models.bert.encoder import bert_encoder


def _of_size(
    num_layers: int, num_heads: int, hidden_dim: int, arguments: dict[str, Any]
) -> keras.Model:
    """Builds a published size: heads of 64 features, inner layers of 4 D."""
    return bert_encoder(
        num_layers=num_layers,
        num_heads=num_heads,
        hidden_dim=hidden_dim,
        intermediate_dim=4 * hidden_dim,
        **arguments,
    )


def bert_tiny(
    vocabulary_size: int,
    max_length: int = 512,
    num_segments: int = 2,
    activation: str = "gelu",
    dropout: float = 0.1,
    attention_dropout: float = 0.1,
    norm_first: bool = False,
    layer_norm_epsilon: float = 1e-12,
    initializer_range: float = 0.02,
    name: str = "bert_tiny",
    block_initializer_range: float | None = None,
    causal: bool = False,
) -> keras.Model:
    """BERT-Tiny: 2 blocks, 2 heads and 128 features.

    The arguments, inputs and outputs are those of `bert_encoder`, D = 128.
    With 30,522 tokens it has 4.4 million weights.

    Example:
        >>> bert_tiny(30522).count_params()
        4385920

    Source:
        Turc et al. 2019, https://arxiv.org/abs/1908.08962; the weights:
        https://github.com/google-research/bert.
    """
    return _of_size(2, 2, 128, locals())


def bert_mini(
    vocabulary_size: int,
    max_length: int = 512,
    num_segments: int = 2,
    activation: str = "gelu",
    dropout: float = 0.1,
    attention_dropout: float = 0.1,
    norm_first: bool = False,
    layer_norm_epsilon: float = 1e-12,
    initializer_range: float = 0.02,
    name: str = "bert_mini",
    block_initializer_range: float | None = None,
    causal: bool = False,
) -> keras.Model:
    """BERT-Mini: 4 blocks, 4 heads and 256 features.

    The arguments, inputs and outputs are those of `bert_encoder`, D = 256.
    With 30,522 tokens it has 11.2 million weights.

    Example:
        >>> bert_mini(30522).count_params()
        11170560

    Source:
        Turc et al. 2019, https://arxiv.org/abs/1908.08962; the weights:
        https://github.com/google-research/bert.
    """
    return _of_size(4, 4, 256, locals())


def bert_small(
    vocabulary_size: int,
    max_length: int = 512,
    num_segments: int = 2,
    activation: str = "gelu",
    dropout: float = 0.1,
    attention_dropout: float = 0.1,
    norm_first: bool = False,
    layer_norm_epsilon: float = 1e-12,
    initializer_range: float = 0.02,
    name: str = "bert_small",
    block_initializer_range: float | None = None,
    causal: bool = False,
) -> keras.Model:
    """BERT-Small: 4 blocks, 8 heads and 512 features.

    The arguments, inputs and outputs are those of `bert_encoder`, D = 512.
    With 30,522 tokens it has 28.8 million weights.

    Example:
        >>> bert_small(30522).count_params()
        28763648

    Source:
        Turc et al. 2019, https://arxiv.org/abs/1908.08962; the weights:
        https://github.com/google-research/bert.
    """
    return _of_size(4, 8, 512, locals())


def bert_medium(
    vocabulary_size: int,
    max_length: int = 512,
    num_segments: int = 2,
    activation: str = "gelu",
    dropout: float = 0.1,
    attention_dropout: float = 0.1,
    norm_first: bool = False,
    layer_norm_epsilon: float = 1e-12,
    initializer_range: float = 0.02,
    name: str = "bert_medium",
    block_initializer_range: float | None = None,
    causal: bool = False,
) -> keras.Model:
    """BERT-Medium: 8 blocks, 8 heads and 512 features.

    The arguments, inputs and outputs are those of `bert_encoder`, D = 512.
    With 30,522 tokens it has 41.4 million weights.

    Example:
        >>> bert_medium(30522).count_params()
        41373184

    Source:
        Turc et al. 2019, https://arxiv.org/abs/1908.08962; the weights:
        https://github.com/google-research/bert.
    """
    return _of_size(8, 8, 512, locals())


def bert_base(
    vocabulary_size: int,
    max_length: int = 512,
    num_segments: int = 2,
    activation: str = "gelu",
    dropout: float = 0.1,
    attention_dropout: float = 0.1,
    norm_first: bool = False,
    layer_norm_epsilon: float = 1e-12,
    initializer_range: float = 0.02,
    name: str = "bert_base",
    block_initializer_range: float | None = None,
    causal: bool = False,
) -> keras.Model:
    """BERT-Base: 12 blocks, 12 heads and 768 features.

    The arguments, inputs and outputs are those of `bert_encoder`, D = 768.
    With 30,522 tokens it has 109.5 million weights.

    Example:
        >>> with keras.StatelessScope(initialize_variables=False):  # no values
        ...     bert_base(30522).count_params()
        109482240

    Source:
        Devlin et al. 2019, section 3, https://arxiv.org/abs/1810.04805.
    """
    return _of_size(12, 12, 768, locals())


def bert_large(
    vocabulary_size: int,
    max_length: int = 512,
    num_segments: int = 2,
    activation: str = "gelu",
    dropout: float = 0.1,
    attention_dropout: float = 0.1,
    norm_first: bool = False,
    layer_norm_epsilon: float = 1e-12,
    initializer_range: float = 0.02,
    name: str = "bert_large",
    block_initializer_range: float | None = None,
    causal: bool = False,
) -> keras.Model:
    """BERT-Large: 24 blocks, 16 heads and 1,024 features.

    The arguments, inputs and outputs are those of `bert_encoder`, D = 1024.
    With 30,522 tokens it has 335.1 million weights.

    Example:
        >>> with keras.StatelessScope(initialize_variables=False):  # no values
        ...     bert_large(30522).count_params()
        335141888

    Source:
        Devlin et al. 2019, section 3, https://arxiv.org/abs/1810.04805.
    """
    return _of_size(24, 16, 1024, locals())
