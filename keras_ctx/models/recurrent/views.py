"""The frozen part of a recurrent encoder, and the rest, as two models."""

from typing import Any

import keras

from keras_ctx.models.recurrent.context import LAYER, PREFIX


def context_vectors(encoder: keras.Model) -> keras.Model:
    """Returns the frozen part of a `recurrent_encoder`, to run it only once.

    Inputs: those of `encoder`. Outputs: the layers of `context` that are
    read, `context_layer_0` ... , each `(B, T, D)`, a vector for each word.

    Args:
        encoder: A `recurrent_encoder` with a `context`.

    Returns:
        A `keras.Model`; the layers are shared.

    Raises:
        ValueError: The encoder has no `context`.

    Example:
        >>> import keras, numpy as np
        >>> from keras_ctx import models
        >>> words = models.word_vector_encoder(9, 4)
        >>> elmo = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
        >>> encoder = models.recurrent_encoder(words, 3, context=elmo)
        >>> ids, characters = keras.ops.array([[1]]), [[[259, 9, 260, 1, 1]]]
        >>> features = {"word_ids": ids,
        ...             "context_char_ids": keras.ops.array(characters)}
        >>> vectors = context_vectors(encoder)(features)
        >>> rest = from_context_vectors(encoder)
        >>> sorted(rest.input)
        ['context_layer_0', 'word_ids']
        >>> found = rest({"word_ids": ids, **vectors})
        >>> bool(np.array_equal(found["pooled"], encoder(features)["pooled"]))
        True
    """
    return keras.Model(encoder.input, _read(encoder), name="context_vectors")


def from_context_vectors(encoder: keras.Model) -> keras.Model:
    """Returns a `recurrent_encoder` without its frozen part.

    Inputs: those of the encoder of words, and the outputs of
    `context_vectors`. Outputs are those of `encoder`.

    Args:
        encoder: A `recurrent_encoder` with a `context`.

    Returns:
        A `keras.Model`; the layers are shared: training one trains the other.

    Raises:
        ValueError: The encoder has no `context`.

    Example:
        >>> from keras_ctx import models
        >>> words = models.word_vector_encoder(9, 4)
        >>> elmo = models.elmo_encoder([(1, 8)], 16, 4, max_characters=5)
        >>> encoder = models.recurrent_encoder(words, 3, context=elmo)
        >>> from_context_vectors(encoder).input["context_layer_0"].shape
        (None, None, 8)
    """
    vectors = _read(encoder)
    own = {k: x for k, x in encoder.input.items() if not k.startswith(PREFIX)}
    # Keras connects a tensor among the outputs only once: `sequence` can be the
    # last of `layers`.
    given = {id(x): x for x in keras.tree.flatten(encoder.output)}
    part = keras.Model(_named({**own, **vectors}), list(given.values()))
    _named(part.input)  # copies of those inputs
    copies = dict(zip(given, part.outputs, strict=True))
    outputs = keras.tree.map_structure(lambda x: copies[id(x)], encoder.output)
    return keras.Model(part.input, outputs, name=encoder.name)


def _named(inputs: dict[str, Any]) -> dict[str, Any]:
    """Names inputs as their keys, without which Keras warns."""
    for name, x in inputs.items():
        x.name = name
    return inputs


def _read(encoder: keras.Model) -> dict[str, keras.KerasTensor]:
    found = {
        layer.name: layer.output
        for layer in encoder.layers
        if layer.name.startswith(LAYER)
    }
    if not found:
        raise ValueError(
            "`encoder` must be a `recurrent_encoder` with a `context`. "
            f"Received: {encoder.name!r} with the inputs "
            f"{sorted(encoder.input)}"
        )
    return found
