"""How fast each layer of an encoder learns, and from when on."""

import keras

from keras_ctx.models.family import family_of


def layer_rates(
    model: keras.Model,
    decay: float = 1.0,
    unfreeze_every: int | None = None,
    encoder_name: str | None = None,
) -> dict[str, tuple[float, int]]:
    """Lowers layers learn more slowly, and later: for `LayerwiseAdamW`.

    The depth of the head is 0, of the encoder's highest layer 1, and so on
    down to the embeddings (ELMo: the words' vectors) at L + 1. The rate of a
    variable is `decay ** depth` of the head's, and it begins to learn at step
    `unfreeze_every * depth`; until then it takes as much time as later. A
    pooler counts as head; a last norm as part of the highest layer.

    Args:
        model: A task model of `keras_ctx.models` over an encoder, or
            a pretrainer. Only what is trainable now is listed.
        decay: Rate of a layer over that of the layer above it. ULMFiT's is
            1 / 2.6; 0.65 to 0.95 are usual for BERT and ELECTRA.
        unfreeze_every: Updates of a stage: the first trains the head only,
            each later one another layer (ULMFiT: one epoch). `None`: all
            learn from the start.
        encoder_name: Name of the encoder in `model`; needed only if there are
            several models in it.

    Returns:
        From the path of each trainable variable to its factor of the learning
        rate and its first step.

    Raises:
        ValueError: `decay` is not in (0, 1], `unfreeze_every` not positive,
            or no encoder of this library is found.

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
        In google-research/electra the highest layer has `decay ** 2`.
    """
    if not 0 < decay <= 1:
        raise ValueError(
            f"`decay` must be above 0 and at most 1. Received: decay={decay}"
        )
    if unfreeze_every is not None and not unfreeze_every > 0:
        raise ValueError(
            "`unfreeze_every` must be a positive number of steps, or None. "
            f"Received: unfreeze_every={unfreeze_every}"
        )
    stack = _stack(_encoder(model, encoder_name))
    depths = {
        variable.path: len(stack) - i
        for i, stacked in enumerate(stack)
        for layer in stacked
        for variable in layer.trainable_variables
    }
    return {
        path: (decay**depth, depth * (unfreeze_every or 0))
        for path, depth in (
            (variable.path, depths.get(variable.path, 0))
            for variable in model.trainable_variables
        )
    }


def _encoder(model: keras.Model, name: str | None) -> keras.Model:
    """The model in the model, or, as in a pretrainer, the model itself."""
    inner = [x for x in model.layers if isinstance(x, keras.Model)]
    if name is not None:
        inner = [x for x in inner if x.name == name]
    if len(inner) == 1:
        return inner[0]
    if inner or name is not None:
        names = [x.name for x in model.layers if isinstance(x, keras.Model)]
        raise ValueError(
            "`encoder_name` must be the name of one of the models in `model`. "
            f"Received: encoder_name={name!r}, models {names}"
        )
    return model


def _stack(encoder: keras.Model) -> list[list[keras.layers.Layer]]:
    """Its layers from the lowest; what learns together is in one list."""
    try:
        return family_of(encoder).stack(encoder)
    except (ValueError, KeyError) as error:  # no layer of such a name
        raise ValueError(
            "`model` must be a task model over an encoder of "
            "keras_ctx.models. "
            f"Received: layers {[layer.name for layer in encoder.layers]}"
        ) from error
