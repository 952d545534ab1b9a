"""Views of an ELMo encoder: other inputs or outputs of the same layers."""

import keras
from keras import ops

from keras_ctx import layers
from keras_ctx.models.elmo.wiring import from_tokens


def distinct_words(encoder: keras.Model) -> keras.Model:
    """Builds the same encoder, which encodes each distinct word once per batch.

    A third to a half of the words of running text are distinct, and encoding
    characters takes a tenth to a third of all computation. The layers are
    shared: training one model trains the other.

    Inputs, as `keras_ctx.text.ElmoInputs(distinct=True)` returns them:
    `distinct_char_ids` `(W, C)`, each word once, after a row of zeros for
    "no token", the begin marker and the end marker; `word_ids` `(B, T)`, the
    indices of its rows. Outputs are those of `encoder`. A batch cannot be
    split over devices, which would split `distinct_char_ids`, too.

    Args:
        encoder: A model of `elmo_encoder`.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: An encoder without characters.

    Example:
        >>> import numpy as np
        >>> from keras_ctx.models import elmo_encoder
        >>> encoder = elmo_encoder([(1, 8)], 16, 4, max_characters=3)
        >>> words = np.array([[0, 0, 0], [259, 257, 260], [259, 258, 260],
        ...                   [259, 98, 260]])
        >>> features = {"distinct_char_ids": words,
        ...             "word_ids": np.array([[3, 3], [3, 0]])}
        >>> tuple(distinct_words(encoder)(features)["sequence"].shape)
        (2, 2, 8)
    """
    char_cnn = _char_cnn(encoder)
    characters = encoder.input["char_ids"].shape[-1]
    distinct = keras.Input(
        (characters,), dtype="int32", name="distinct_char_ids"
    )
    # `char_cnn` takes rows of words: here one row of all words.
    table = char_cnn(ops.expand_dims(distinct, 0))[0]
    inputs = {"distinct_char_ids": distinct}
    return _of_rows(inputs, table, encoder.get_layer("bilm"), encoder.name)


def from_word_vectors(encoder: keras.Model) -> keras.Model:
    """Builds the same encoder without its token layer, for cached word vectors.

    The output of `char_cnn` for a word does not depend on context, so it can
    be cached, in memory or on disk. The layers are shared.

    Inputs: `word_vectors` `(W, P)`, the outputs of
    `encoder.get_layer("char_cnn")` for the words, after a row of zeros for
    "no token" and the rows of the markers `<S>` and `</S>`; `word_ids`
    `(B, T)`, the indices of its rows, 0 at padding. Outputs are those of
    `encoder`.

    Args:
        encoder: A model of `elmo_encoder`.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: An encoder without characters.

    Example:
        >>> import numpy as np
        >>> from keras_ctx.models import elmo_encoder
        >>> encoder = elmo_encoder([(1, 8)], 16, 4, max_characters=3)
        >>> words = np.array([[[0, 0, 0], [259, 257, 260], [259, 258, 260],
        ...                    [259, 98, 260]]])
        >>> vectors = np.asarray(encoder.get_layer("char_cnn")(words))[0]
        >>> features = {"word_vectors": vectors,
        ...             "word_ids": np.array([[3, 3], [3, 0]])}
        >>> tuple(from_word_vectors(encoder)(features)["sequence"].shape)
        (2, 2, 8)
    """
    char_cnn = _char_cnn(encoder)
    return of_word_vectors(
        char_cnn.output_dim,
        char_cnn.compute_dtype,
        encoder.get_layer("bilm"),
        encoder.name,
    )


def of_word_vectors(
    projection_dim: int, dtype: str, bilm: layers.BiLM, name: str
) -> keras.Model:
    """Builds the encoder of `from_word_vectors` from its parts."""
    table = keras.Input((projection_dim,), dtype=dtype, name="word_vectors")
    return _of_rows({"word_vectors": table}, table, bilm, name)


def with_markers(encoder: keras.Model) -> keras.Model:
    """Builds the same encoder, with the sentence markers left in the outputs.

    Args:
        encoder: A model of `elmo_encoder` or `elmo_word_encoder`, or a view
            of one. The layers are shared.

    Returns:
        A `keras.Model` with the same inputs and the output `layers`, each
        `(B, T + 2, 2P)`: the begin marker at index 0, the end marker after
        the last word; later values are undefined.

    Raises:
        ValueError: The encoder is of another kind.

    Example:
        >>> import numpy as np
        >>> from keras_ctx.models import elmo_word_encoder
        >>> model = with_markers(elmo_word_encoder(9, 8, 4))
        >>> outputs = model({"word_ids": np.array([[4]])})
        >>> [tuple(x.shape) for x in outputs["layers"]]
        [(1, 3, 8), (1, 3, 8), (1, 3, 8)]
    """
    names = {layer.name for layer in encoder.layers}
    if "strip_0" not in names:
        raise ValueError(
            "`encoder` must be a model of `elmo_encoder` or "
            f"`elmo_word_encoder`. Received: layers {sorted(names)}"
        )
    marked = [
        encoder.get_layer(f"strip_{k}").input[0]
        for k in range(len(encoder.output["layers"]))
    ]
    return keras.Model(encoder.input, {"layers": marked}, name=encoder.name)


def _char_cnn(encoder: keras.Model) -> layers.CharCNNHighway:
    if "char_ids" not in encoder.input:
        raise ValueError(
            "`encoder` must be a model of `elmo_encoder`, with the input "
            f"`char_ids`. Received: inputs {sorted(encoder.input)}"
        )
    return encoder.get_layer("char_cnn")


def _of_rows(
    inputs: dict[str, keras.KerasTensor],
    table: keras.KerasTensor,
    bilm: layers.BiLM,
    name: str,
) -> keras.Model:
    """Builds an encoder of words that are rows of a table `(W, P)`."""
    word_ids = keras.Input((None,), dtype="int32", name="word_ids")
    marked = layers.AddMarkerIds(name="sentence_marker_ids")(word_ids)
    return from_tokens(
        {**inputs, "word_ids": word_ids},
        layers.TakeRows(name="take_words")(table, marked),
        layers.PaddingMask(name="marked_padding_mask")(marked),
        layers.PaddingMask(name="padding_mask")(word_ids),
        bilm,
        name,
    )
