"""The shares of the layers in the mixture of a task model."""

import keras


def layer_shares(model: keras.Model) -> dict[str, float]:
    """Returns the shares of the layers in a model's `ScalarMix`, and its scale.

    Args:
        model: A model with a layer "scalar_mix", such as a head of
            `keras_ctx.models` with `mix="scalar_mix"`.

    Returns:
        `share_0` of the lowest layer, `share_1` ..., which sum to 1, and
        `scale`; `{}` for a model without this layer.

    Example:
        >>> from keras_ctx.models import bert_tiny, tagger
        >>> model = tagger(bert_tiny(100), 3, mix="scalar_mix")
        >>> {name: round(x, 3) for name, x in layer_shares(model).items()}
        {'share_0': 0.333, 'share_1': 0.333, 'share_2': 0.333, 'scale': 1.0}

    Source:
        Peters et al. 2018, equation 1.
    """
    if not any(layer.name == "scalar_mix" for layer in model.layers):
        return {}
    mix = model.get_layer("scalar_mix")
    shares = enumerate(mix.shares.tolist())
    named = {f"share_{layer}": share for layer, share in shares}
    return {**named, "scale": float(mix.scale.numpy())}
