"""Merges LoRA's updates into the matrices of an encoder."""

import keras

from keras_ctx.layers.base.composite_layer import CompositeLayer


def merge_lora(encoder: keras.Model) -> keras.Model:
    """Copies an encoder, with LoRA's updates merged into its matrices.

    The copy has the same outputs and no LoRA: all its weights are trainable,
    and `enable_lora` can be called on it again.

    Args:
        encoder: An encoder of `keras_ctx.models` after `enable_lora`.

    Returns:
        A `keras.Model` with its own weights; for an encoder without LoRA,
        the encoder itself.

    Raises:
        ValueError: The encoder is quantized, so that its matrices are rounded.

    Example:
        >>> from keras_ctx.models import bert_tiny, classifier, enable_lora
        >>> from keras_ctx.models import encoder_of
        >>> model = classifier(bert_tiny(100), 2)
        >>> before = encoder_of(model).count_params()
        >>> enable_lora(model, rank=4)
        >>> merge_lora(encoder_of(model)).count_params() == before
        True

    Source:
        Hu et al. 2022, section 4.1, https://arxiv.org/abs/2106.09685.
    """
    if not any(map(_has_lora, encoder.layers)):
        return encoder

    def copy(layer: keras.Operation) -> keras.Operation:
        config = layer.get_config()
        if _has_lora(layer):
            sublayers = config.pop("sublayers")
            if "quantized" in sublayers:
                raise ValueError(
                    "`encoder` must not be quantized: LoRA's updates cannot "
                    "be added to rounded matrices. Merge before `quantize`. "
                    f"Received: {layer.name!r}"
                )
        return type(layer).from_config(config)

    merged = keras.models.clone_model(encoder, clone_function=copy)
    for old, new in zip(encoder.layers, merged.layers, strict=True):
        if _has_lora(old):
            new.set_weights(old.merged_weights())
        else:
            new.set_weights(old.get_weights())
        new.trainable = True  # `enable_lora` also froze layers without updates
    return merged


def _has_lora(layer: keras.Operation) -> bool:
    return isinstance(layer, CompositeLayer) and layer.lora_rank is not None
