"""A text embedder on any encoder."""

from collections.abc import Sequence

import keras

from keras_ctx import layers
from keras_ctx.checks import check_at_least
from keras_ctx.layers.outputs.pooling import check_modes
from keras_ctx.models.heads.packed_texts import (
    is_packed,
    text_pooling,
    token_mean,
)
from keras_ctx.models.heads.task_model import task_model
from keras_ctx.models.mixture import Mix


def embedder(
    encoder: keras.Model,
    mix: Mix = "last",
    frozen: bool = False,
    name: str = "embedder",
    pooling: str | Sequence[str] = "mean",
    dense: Sequence[tuple[int, str, bool]] = (),
    normalize: bool = True,
    num_skipped: int = 0,
) -> keras.Model:
    """Builds a model that returns one vector for each text.

    By default it is the mean of the tokens, normalized to length 1.

    Layer names: `mean`, or `pooling` if it is not the mean of all tokens;
    `dense_0` ... ; `embedding`.

    Args:
        encoder: Any encoder of `keras_ctx.models`.
        mix: As for `classifier`, over `sequence`.
        frozen: As for `classifier`.
        name: Name of the model.
        pooling: One or several `modes` of `keras_ctx.layers.Pooling`, such as
            "cls" or "max".
        dense: Dense layers on the pooled vector: for each its number of
            features, Keras's name of its activation, and whether it has a
            bias.
        normalize: Whether to normalize the vector to length 1.
        num_skipped: As for `keras_ctx.layers.Pooling`.

    Returns:
        A `keras.Model` with the output `{"embedding": (B, D)}`; without
        `dense`, a row without tokens gets zeros. D is the encoder's D times
        the number of modes of `pooling`, or the size of the last of `dense`.
        On an encoder of `packed` `(B, max_texts, D)`.

    Raises:
        ValueError: `mix` or `pooling` is unknown, or a size is not positive;
            on an encoder of `packed`, `pooling` is another than "mean" or
            "cls", or `num_skipped` is not 0.

    Example:
        >>> from keras_ctx.models import bert_tiny
        >>> embedder(bert_tiny(100)).output["embedding"].shape
        (None, 128)
        >>> made = embedder(bert_tiny(100), pooling=("cls", "max"),
        ...                 dense=[(64, "tanh", True)])
        >>> made.output["embedding"].shape
        (None, 64)

    Source:
        Reimers and Gurevych 2019, section 3,
        https://arxiv.org/abs/1908.10084. `dense`: Feng et al. 2022, LaBSE,
        https://arxiv.org/abs/2007.01852.
    """
    modes = check_modes(pooling=pooling)
    check_at_least(0, num_skipped=num_skipped)
    for units, *_ in dense:
        check_at_least(1, dense=units)
    plain = modes in (("mean",), ("cls",)) and not num_skipped
    if is_packed(encoder) and not plain:
        raise ValueError(
            '`pooling` on an encoder of `packed` must be "mean" or "cls", '
            "with `num_skipped=0`. Build the embedder on the encoder that was "
            f"packed. Received: pooling={pooling!r}, num_skipped={num_skipped}"
        )

    def head(outputs, sequence):
        if modes == ("mean",) and not num_skipped:
            x = token_mean(encoder, outputs, sequence)
        elif is_packed(encoder):
            pool = text_pooling(encoder, *modes, name="pooling")
            x = pool(sequence, outputs["text_ids"])
        else:
            pool = layers.Pooling(modes, num_skipped, name="pooling")
            x = pool(sequence, outputs["padding_mask"])
        for k, (units, activation, use_bias) in enumerate(dense):
            x = keras.layers.Dense(
                units, activation, use_bias, name=f"dense_{k}"
            )(x)
        if normalize:
            x = keras.layers.UnitNormalization(name="embedding")(x)
        return {"embedding": x}

    last = ("sequence", "padding_mask")
    return task_model(encoder, head, last, mix, frozen, name)
