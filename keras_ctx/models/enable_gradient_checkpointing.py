"""Gradient checkpointing: less memory in training, more time."""

from collections.abc import Iterator
from typing import Any

import keras

from keras_ctx.layers.transformer.transformer_block import TransformerBlock


def enable_gradient_checkpointing(model: keras.Model) -> None:
    """Keeps only the inputs of a BERT's blocks for backpropagation.

    What a block computes between its input and its output is computed again
    in the backward pass, with the same dropout: loss and gradients are those
    without it. The outputs of the blocks are kept. Prediction does not
    change. `model.save` keeps the setting.

    The model is changed in place; call this function before `compile`. To
    undo it, set `gradient_checkpointing = False` on the blocks and compile.

    Args:
        model: A `bert_encoder`, or a model of `keras_ctx.models` with one
            in it: a classifier, tagger, span extractor, embedder, pretrainer.

    Raises:
        TypeError: `model` is no Keras model, such as a `TextModel`.
        ValueError: The model has no Transformer block, such as an ELMo; or
            it has been trained since `compile`, and Keras keeps the graph
            traced then.

    Example:
        >>> from keras_ctx.models import bert_tiny, classifier
        >>> encoder = bert_tiny(100)
        >>> enable_gradient_checkpointing(classifier(encoder, 3))
        >>> encoder.get_layer("block_0").gradient_checkpointing
        True

    Source:
        Chen et al. 2016, section 4.1, https://arxiv.org/abs/1604.06174.
    """
    if not isinstance(model, keras.Model):
        raise TypeError(
            "`model` must be a `keras.Model`; of a `TextModel` give its "
            f"`model`. Received: {type(model).__name__}"
        )
    blocks = list(_blocks(model))
    if not blocks:
        raise ValueError(
            "`model` must have the blocks of a Transformer. The LSTMs of an "
            f"ELMo keep what they need. Received: {model.name!r}"
        )
    if getattr(model, "train_function", None) is not None:
        raise ValueError(
            "`model` must not have been trained since `compile`, whose graph "
            "Keras keeps. Enable gradient checkpointing before `fit`, or "
            "build or load the model anew. "
            f"Received: {model.name!r}"
        )
    for block in blocks:
        block.gradient_checkpointing = True


def _blocks(model: Any) -> Iterator[TransformerBlock]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _blocks(layer)
        elif isinstance(layer, TransformerBlock):
            yield layer
