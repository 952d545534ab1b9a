"""Other ways into an ELMo encoder that exists, over the same layers."""

import keras
from keras import ops

from keras_ctx import layers
from keras_ctx.models.elmo.wiring import from_tokens


def distinct_words(encoder: keras.Model) -> keras.Model:
    """The same encoder, with each distinct word of a batch encoded once.

    Of the words of a running text a third to a half are distinct, and a word
    costs a tenth to a third of the whole in its characters. The layers are
    shared: training one model trains the other.

    Inputs, as `keras_ctx.text.ElmoInputs(distinct=True)` gives them:
    `distinct_char_ids` `(W, C)`, the words once each, after a row of zeros
    for "no token", the begin marker and the end marker; `word_ids` `(B, T)`,
    rows of it. Outputs as of `encoder`. A batch cannot be split over devices,
    since both inputs would be.

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
        >>> distinct_words(encoder)(features)["sequence"].shape
        TensorShape([2, 2, 8])
    """
    char_cnn = _char_cnn(encoder)
    characters = encoder.input["char_ids"].shape[-1]
    distinct = keras.Input(
        (characters,), dtype="int32", name="distinct_char_ids"
    )
    # One row of all the words, for a layer that takes rows of words.
    table = char_cnn(ops.expand_dims(distinct, 0))[0]
    inputs = {"distinct_char_ids": distinct}
    return _of_rows(inputs, table, encoder.get_layer("bilm"), encoder.name)


def from_word_vectors(encoder: keras.Model) -> keras.Model:
    """The same encoder above its token layer, for word vectors made before.

    What `char_cnn` gives for a word knows no context, so it can be kept from
    batch to batch, in memory or on disk. The layers are shared.

    Inputs: `word_vectors` `(W, P)`, the words' rows as
    `encoder.get_layer("char_cnn")` gives them, after a row of zeros for "no
    token" and the rows of the words `<S>` and `</S>`, the markers;
    `word_ids` `(B, T)`, rows of it, 0 on padding. Outputs as of `encoder`.

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
        >>> from_word_vectors(encoder)(features)["sequence"].shape
        TensorShape([2, 2, 8])
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
    """The encoder of `from_word_vectors`, of its parts."""
    table = keras.Input((projection_dim,), dtype=dtype, name="word_vectors")
    return _of_rows({"word_vectors": table}, table, bilm, name)


def with_markers(encoder: keras.Model) -> keras.Model:
    """The same encoder, without taking the sentence markers off again.

    Args:
        encoder: A model of `elmo_encoder` or `elmo_word_encoder`, or a view
            of this module on one. The layers are shared.

    Returns:
        A `keras.Model` of the same inputs, with the output `layers`, each
        `(B, T + 2, 2P)`: the begin marker at index 0, the end marker behind
        the last word, and behind it what means nothing.

    Raises:
        ValueError: An encoder of another kind.

    Example:
        >>> import numpy as np
        >>> from keras_ctx.models import elmo_word_encoder
        >>> model = with_markers(elmo_word_encoder(9, 8, 4))
        >>> [x.shape for x in model({"word_ids": np.array([[4]])})["layers"]]
        [TensorShape([1, 3, 8]), TensorShape([1, 3, 8]), TensorShape([1, 3, 8])]
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
    """Returns an encoder of words that are rows of a table `(W, P)`."""
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
