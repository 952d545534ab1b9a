"""ELMo's encoder: of characters, of words, of words each encoded once."""

from collections.abc import Sequence

import keras
from keras import ops

from keras_ctx import layers
from keras_ctx.layers.arguments import check_positive_int


def elmo_encoder(
    filters: Sequence[tuple[int, int]],
    hidden_dim: int,
    projection_dim: int,
    num_layers: int = 2,
    num_highways: int = 2,
    char_dim: int = 16,
    vocabulary_size: int = 262,
    max_characters: int = 50,
    activation: str = "relu",
    cell_clip: float | None = 3.0,
    projection_clip: float | None = 3.0,
    residual: bool = True,
    dropout: float = 0.1,
    stateful: bool = False,
    max_batch_size: int = 128,
    name: str = "elmo_encoder",
) -> keras.Model:
    """An ELMo encoder as a functional model.

    Input `char_ids` `(B, T, C)`, words only: the encoder puts the begin and
    end of sentence around them and takes them off again. Outputs `layers`, a
    list of the token layer (twice side by side) and every LSTM layer (forward
    half, backward half), each `(B, T, 2P)` and zero at padding; `sequence`,
    the last of them; `pooled` `(B, 2P)`, its mean over the words; and
    `padding_mask` `(B, T)`, true = word.

    Layer names: `sentence_markers`, `char_cnn`, `bilm`, `strip_0` ... ,
    `pooler`.

    Args:
        filters: Pairs (width, count) of the character convolutions.
        hidden_dim: Features of an LSTM's cell.
        projection_dim: P, features of a word in one direction.
        num_layers: LSTM layers in each direction.
        num_highways: Highway layers of the token layer.
        char_dim: Features of a character.
        vocabulary_size: Rows of the character table, 262 for bytes.
        max_characters: C, characters a word, at least the widest filter.
        activation: Of the convolutions, "relu" or "tanh".
        cell_clip: Bound on the LSTM cell; `None` for none.
        projection_clip: Bound on the LSTM output; `None` for none.
        residual: Whether LSTM layers after the first add their input.
        dropout: Share of an LSTM layer's input dropped in training.
        stateful: Whether a row goes on from the state in which the same row
            of the last batch ended, as in allenai/bilm-tf; see `BiLM`.
        max_batch_size: Rows of that state.
        name: Name of the model.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: an argument that the layers refuse, or `max_characters`
            below the widest filter.

    Example:
        >>> import numpy as np
        >>> encoder = elmo_encoder([(1, 8)], 16, 4, max_characters=5)
        >>> words = np.array([[[259, 98, 260, 261, 261]]])
        >>> outputs = encoder({"char_ids": words})
        >>> [layer.shape for layer in outputs["layers"]]
        [TensorShape([1, 1, 8]), TensorShape([1, 1, 8]), TensorShape([1, 1, 8])]

    Source:
        Peters et al. 2018, https://arxiv.org/abs/1802.05365.

    Differs:
        Stateless by default: allenai/bilm-tf and allennlp start a batch from
        the last state of the one before.
    """
    check_positive_int(projection_dim=projection_dim)  # `output_dim` below
    return _of_characters(
        max_characters,
        layers.CharCNNHighway(
            filters,
            projection_dim,
            char_dim,
            num_highways,
            vocabulary_size,
            activation,
            name="char_cnn",
        ),
        layers.BiLM(
            hidden_dim,
            projection_dim,
            num_layers,
            cell_clip,
            projection_clip,
            residual,
            dropout,
            stateful,
            max_batch_size,
            name="bilm",
        ),
        name,
    )


def elmo_word_encoder(
    vocabulary_size: int,
    hidden_dim: int,
    projection_dim: int,
    num_layers: int = 2,
    cell_clip: float | None = 3.0,
    projection_clip: float | None = 3.0,
    residual: bool = True,
    dropout: float = 0.1,
    begin_id: int = 1,
    end_id: int = 2,
    stateful: bool = False,
    max_batch_size: int = 128,
    name: str = "elmo_word_encoder",
) -> keras.Model:
    """An encoder as `elmo_encoder`, that knows words by a table.

    Input `word_ids` `(B, T)`: 0 = no token, else a word's place in the
    vocabulary, counted from 1, as `keras_ctx.text.WordInputs` gives them.
    Outputs and layer names as of `elmo_encoder`, with `word_embedding` for
    `char_cnn`.

    Args:
        vocabulary_size: Words, the markers among them.
        hidden_dim: As for `elmo_encoder`, and all that is not named here.
        projection_dim: P.
        num_layers: LSTM layers in each direction.
        cell_clip: Bound on the LSTM cell.
        projection_clip: Bound on the LSTM output.
        residual: Whether LSTM layers after the first add their input.
        dropout: Share of an LSTM layer's input dropped in training.
        begin_id: Id of the begin of a sentence.
        end_id: Id of its end.
        stateful: Whether rows go on from batch to batch.
        max_batch_size: Rows of the state.
        name: Name of the model.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: an argument that the layers refuse.

    Example:
        >>> import numpy as np
        >>> encoder = elmo_word_encoder(100, 16, 4)
        >>> encoder({"word_ids": np.array([[7, 8, 0]])})["sequence"].shape
        TensorShape([1, 3, 8])

    Source:
        allenai/bilm-tf, whose training can do without characters.
    """
    check_positive_int(
        vocabulary_size=vocabulary_size, projection_dim=projection_dim
    )
    return _of_words(
        layers.AddMarkerIds(begin_id, end_id, name="sentence_markers"),
        layers.WordEmbedding(
            vocabulary_size + 1, projection_dim, name="word_embedding"
        ),
        layers.BiLM(
            hidden_dim,
            projection_dim,
            num_layers,
            cell_clip,
            projection_clip,
            residual,
            dropout,
            stateful,
            max_batch_size,
            name="bilm",
        ),
        name,
    )


def encoder_of(
    language_model: keras.Model, name: str = "elmo_encoder"
) -> keras.Model:
    """The encoder inside a language model, such as one that was loaded.

    Args:
        language_model: A model of `elmo_language_model`.
        name: Name of the encoder.

    Returns:
        A `keras.Model`, as of `elmo_encoder` or `elmo_word_encoder`; the
        layers are shared.

    Example:
        >>> from keras_ctx.models import elmo_language_model
        >>> encoder = elmo_encoder([(1, 8)], 16, 4, max_characters=5)
        >>> sorted(encoder_of(elmo_language_model(encoder, 100)).output)
        ['layers', 'padding_mask', 'pooled', 'sequence']
    """
    bilm = language_model.get_layer("bilm")
    if "char_ids" in language_model.input:
        return _of_characters(
            language_model.input["char_ids"].shape[-1],
            language_model.get_layer("char_cnn"),
            bilm,
            name,
        )
    return _of_words(
        language_model.get_layer("sentence_markers"),
        language_model.get_layer("word_embedding"),
        bilm,
        name,
    )


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
        ValueError: an encoder without characters.

    Example:
        >>> import numpy as np
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
    return _of_rows({"distinct_char_ids": distinct}, table, encoder)


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
        ValueError: an encoder without characters.

    Example:
        >>> import numpy as np
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
    table = keras.Input(
        (char_cnn.output_dim,),
        dtype=char_cnn.compute_dtype,
        name="word_vectors",
    )
    return _of_rows({"word_vectors": table}, table, encoder)


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
    encoder: keras.Model,
) -> keras.Model:
    """An encoder of words that are rows of a table `(W, P)`."""
    word_ids = keras.Input((None,), dtype="int32", name="word_ids")
    marked = layers.AddMarkerIds(name="sentence_marker_ids")(word_ids)
    return _contextual(
        {**inputs, "word_ids": word_ids},
        layers.TakeRows(name="take_words")(table, marked),
        layers.PaddingMask(name="marked_padding_mask")(marked),
        layers.PaddingMask(name="padding_mask")(word_ids),
        encoder.get_layer("bilm"),
        encoder.name,
    )


def _of_characters(max_characters, char_cnn, bilm, name):
    char_ids = keras.Input(
        (None, max_characters), dtype="int32", name="char_ids"
    )
    marked = layers.AddSentenceMarkers(max_characters, name="sentence_markers")(
        char_ids
    )
    return _contextual(
        {"char_ids": char_ids},
        char_cnn(marked),
        layers.PaddingMask(name="marked_padding_mask")(marked),
        layers.PaddingMask(name="padding_mask")(char_ids),
        bilm,
        name,
    )


def _of_words(markers, embedding, bilm, name):
    word_ids = keras.Input((None,), dtype="int32", name="word_ids")
    marked = markers(word_ids)
    return _contextual(
        {"word_ids": word_ids},
        embedding(marked),
        layers.PaddingMask(name="marked_padding_mask")(marked),
        layers.PaddingMask(name="padding_mask")(word_ids),
        bilm,
        name,
    )


def _contextual(
    inputs: dict[str, keras.KerasTensor],
    tokens: keras.KerasTensor,
    marked_padding_mask: keras.KerasTensor,
    padding_mask: keras.KerasTensor,
    bilm: layers.BiLM,
    name: str,
) -> keras.Model:
    """From the vectors of words between markers to an encoder's outputs."""
    contextual = bilm(tokens, padding_mask=marked_padding_mask)
    outputs = [
        layers.StripSentenceMarkers(name=f"strip_{i}")(layer, padding_mask)
        for i, layer in enumerate(
            [ops.concatenate([tokens, tokens], axis=-1), *contextual]
        )
    ]
    pooled = layers.MaskedMean(name="pooler")(outputs[-1], padding_mask)
    return keras.Model(
        inputs,
        {
            "sequence": outputs[-1],
            "layers": outputs,
            "pooled": pooled,
            "padding_mask": padding_mask,
        },
        name=name,
    )
