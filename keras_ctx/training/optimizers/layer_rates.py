"""The learning rate and the first step of each layer of an encoder."""

from collections.abc import Sequence

import keras

from keras_ctx.checks import check_at_least
from keras_ctx.models.family import encoders_inside, family_of


def layer_rates(
    model: keras.Model,
    decay: float = 1.0,
    unfreeze_every: int | None = None,
    encoder_name: str | None = None,
    stages: int | None = None,
    factors: Sequence[float] | None = None,
) -> dict[str, tuple[float, int]]:
    """Computes the learning rate and first step of each layer.

    Give the result to `LayerwiseAdamW`: lower layers then learn more slowly
    and start later. The depth of the head is 0, of the encoder's highest
    layer 1, and so on down to the embeddings (ELMo: the token layer) at
    L + 1. The learning rate of a variable is `decay ** depth` times that of
    the head, and its first step is `unfreeze_every * depth`; earlier steps
    take the same time. A pooler counts as part of the head, a final norm as
    part of the highest layer.

    Args:
        model: A task model of `keras_ctx.models` on an encoder, or a
            pretrainer. The result contains only variables that are trainable
            now.
        decay: The rate of a layer divided by that of the layer above it.
            ULMFiT uses 1 / 2.6; 0.65 to 0.95 are usual for BERT and ELECTRA.
        unfreeze_every: Number of updates of a stage: the first stage trains
            the head only, each later stage one more layer (ULMFiT: one
            epoch). `None`: all layers learn from the start.
        encoder_name: Name of the encoder in `model`; only needed if `model`
            contains several models.
        stages: Number of stages, with `unfreeze_every`: the last one unfreezes
            all layers that are left. ULMFiT's scripts have 3: the head, the
            highest layer, everything. `None`: one for each layer.
        factors: The learning rate of each layer, from the embeddings up and
            last of the head, as a share of the highest, instead of `decay`.
            ULMFiT's scripts tune a language model with `(1/2, 1/6, 1/3, 1,
            1/2)`. `None`: powers of `decay`.

    Returns:
        A dict from the path of each trainable variable to a pair: its factor
        of the learning rate, and its first step.

    Raises:
        ValueError: `decay` is not in (0, 1], `unfreeze_every` or `stages` is
            not positive, `factors` has a negative number, another length or is
            given with a `decay`, or the model has no encoder of this library.

    Example:
        >>> from keras_ctx import models
        >>> tagger = models.tagger(models.bert_tiny(100), 3)
        >>> rates = layer_rates(tagger, decay=0.5, unfreeze_every=100)
        >>> rates["logits/kernel"], rates["block_1/intermediate/bias"]
        ((1.0, 0), (0.5, 100))

    Source:
        Howard and Ruder 2018, sections 3.2 (rates) and 3.3 (gradual
        unfreezing), https://arxiv.org/abs/1801.06146; for Transformers: Clark
        et al. 2020, appendix, https://arxiv.org/abs/2003.10555.

    Differs:
        In google-research/electra the factor of the highest layer is
        `decay ** 2`.
    """
    if not 0 < decay <= 1:
        raise ValueError(
            f"`decay` must be above 0 and at most 1. Received: decay={decay}"
        )
    if unfreeze_every is not None and not unfreeze_every > 0:
        raise ValueError(
            "`unfreeze_every` must be a positive number of updates, or None. "
            f"Received: unfreeze_every={unfreeze_every}"
        )
    if stages is not None:
        check_at_least(1, stages=stages)
    stack = _stack(_encoder(model, encoder_name))
    if factors is None:
        factors = [decay**depth for depth in range(len(stack), -1, -1)]
    elif len(factors) != len(stack) + 1 or min(factors) < 0 or decay != 1:
        raise ValueError(
            f"`factors` must hold {len(stack) + 1} numbers of at least 0 for "
            "this model, from its embeddings up to its head, and `decay` must "
            f"be 1 with it. Received: factors={tuple(factors)}, decay={decay}"
        )
    last = len(stack) if stages is None else stages - 1
    depths = {
        variable.path: len(stack) - i
        for i, stacked in enumerate(stack)
        for layer in stacked
        for variable in layer.trainable_variables
    }
    return {
        path: (factors[-1 - depth], min(depth, last) * (unfreeze_every or 0))
        for path, depth in (
            (variable.path, depths.get(variable.path, 0))
            for variable in model.trainable_variables
        )
    }


def _encoder(model: keras.Model, name: str | None) -> keras.Model:
    """Returns the model in the model, or the model itself (a pretrainer)."""
    inner = encoders_inside(model)
    if name is not None:
        inner = [x for x in inner if x.name == name]
    if len(inner) == 1:
        return inner[0]
    if inner or name is not None:
        names = [x.name for x in encoders_inside(model)]
        raise ValueError(
            "`encoder_name` must be the name of one of the models in `model`. "
            f"Received: encoder_name={name!r}, models {names}"
        )
    return model


def _stack(encoder: keras.Model) -> list[list[keras.layers.Layer]]:
    """Returns lists of layers, lowest first; one list has one rate."""
    try:
        return family_of(encoder).stack(encoder)
    except (ValueError, KeyError) as error:  # a layer is missing
        raise ValueError(
            "`model` must be a task model on an encoder of "
            "keras_ctx.models. "
            f"Received: layers {[layer.name for layer in encoder.layers]}"
        ) from error
