"""Wires a head on an encoder: what the head reads, and what is trained."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import keras
from keras import ops

from keras_ctx import layers
from keras_ctx.models.heads.packed_texts import is_packed
from keras_ctx.models.mixture import Mix, check_mix


def task_model(
    encoder: keras.Model,
    head: Callable[[dict, keras.KerasTensor | None], dict],
    last: tuple[str, ...],
    mix: Mix,
    frozen: bool,
    name: str,
    more: Mapping[str, keras.KerasTensor] = MappingProxyType({}),
    inputs: Mapping[str, keras.KerasTensor] = MappingProxyType({}),
) -> keras.Model:
    """Builds a model from an encoder's inputs to the outputs of `head`.

    `head` is called with the encoder's outputs that it reads, and with the
    vectors of the tokens, `(B, T, D)`. `last` names the outputs that are
    read with `mix="last"`; `more` are further outputs computed from the
    encoder's, which are read with any, and `inputs` further inputs of the
    model, which only `head` reads.
    """
    check_mix(encoder, mix, last)
    if frozen:
        encoder.trainable = False  # also the layers that the head leaves out
    # Only the outputs the head reads: an unused pooler would have no gradient.
    keys = last if mix == "last" else ("layers", "padding_mask")
    if is_packed(encoder):
        keys = (*keys, "text_ids")
    encoder = keras.Model(
        encoder.input,
        {**{key: encoder.output[key] for key in keys}, **more},
        name=encoder.name,
    )
    read = {
        key: keras.Input(x.shape[1:], dtype=x.dtype, name=key)
        for key, x in encoder.input.items()
    }
    outputs = encoder(read, training=False if frozen else None)
    if mix == "last":
        sequence = outputs.get("sequence")
    elif mix == "concat_last_4":
        sequence = ops.concatenate(outputs["layers"][-4:], axis=-1)
    else:
        if not isinstance(mix, layers.ScalarMix):
            mix = layers.ScalarMix(len(outputs["layers"]), name="scalar_mix")
        sequence = mix(outputs["layers"], padding_mask=outputs["padding_mask"])
        # Encoders differ in scale (an LSTM's outputs are a tenth of a
        # Transformer's); after a norm a head learns equally fast on any.
        sequence = keras.layers.LayerNormalization(name="mix_norm")(sequence)
    answer = head(outputs, sequence)
    return keras.Model({**read, **inputs}, answer, name=name)
