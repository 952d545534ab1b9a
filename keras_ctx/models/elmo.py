"""ELMo, assembled: an encoder, its language model, the published sizes."""

from collections.abc import Sequence

import keras
from keras import ops

from keras_ctx import layers
from keras_ctx.layers.arguments import check_positive_int, check_rate


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
        Stateless: allenai/bilm-tf and allennlp start a batch from the last
        state of the one before.
    """
    check_positive_int(projection_dim=projection_dim)  # `output_dim` below
    char_ids = keras.Input(
        (None, max_characters), dtype="int32", name="char_ids"
    )
    marked = layers.AddSentenceMarkers(max_characters, name="sentence_markers")(
        char_ids
    )
    tokens = layers.CharCNNHighway(
        filters,
        projection_dim,
        char_dim,
        num_highways,
        vocabulary_size,
        activation,
        name="char_cnn",
    )(marked)
    contextual = layers.BiLM(
        hidden_dim,
        projection_dim,
        num_layers,
        cell_clip,
        projection_clip,
        residual,
        dropout,
        name="bilm",
    )(
        tokens,
        padding_mask=layers.PaddingMask(name="marked_padding_mask")(marked),
    )
    padding_mask = layers.PaddingMask(name="padding_mask")(char_ids)
    outputs = [
        layers.StripSentenceMarkers(name=f"strip_{i}")(layer, padding_mask)
        for i, layer in enumerate(
            [ops.concatenate([tokens, tokens], axis=-1), *contextual]
        )
    ]
    pooled = layers.MaskedMean(name="pooler")(outputs[-1], padding_mask)
    return keras.Model(
        {"char_ids": char_ids},
        {
            "sequence": outputs[-1],
            "layers": outputs,
            "pooled": pooled,
            "padding_mask": padding_mask,
        },
        name=name,
    )


def elmo_language_model(
    encoder: keras.Model,
    vocabulary_size: int,
    num_negatives: int | None = None,
    dropout: float = 0.1,
    name: str = "elmo_language_model",
) -> keras.Model:
    """An encoder with the softmax over words that ELMo is trained with.

    The forward stack predicts the next word, from the begin marker to the end
    marker, the backward stack the one before; the softmax is shared by both.
    In training it is sampled, if `num_negatives` is given; in evaluation it
    runs over the whole vocabulary. The layers are shared: training this model
    trains `encoder`.

    Inputs: `char_ids` `(B, T, C)` as the encoder's; `forward_targets` and
    `backward_targets`, word ids `(B, T + 1)`; with `num_negatives`, also
    `negative_ids` `(B, 2, N)`, drawn once a batch for each direction and
    repeated for each row (so that a batch can be split over devices; row 0 is
    read). For n words forward targets are w1 ... wn, end marker, and backward
    targets begin marker, w1 ... wn. Outputs `forward` and `backward`: negative
    log likelihoods `(B, T + 1)` in nats, meaningless beyond index n.

    Layer names beside the encoder's: `softmax`, `top_dropout`.

    Args:
        encoder: A model of `elmo_encoder`.
        vocabulary_size: Words to predict, sorted by falling frequency.
        num_negatives: N, words that a target is told from in training;
            `None` for the full softmax.
        dropout: Share of the top layer's output dropped in training.
        name: Name of the model.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: `num_negatives` not below `vocabulary_size`, or a rate
            outside [0, 1).

    Example:
        >>> encoder = elmo_encoder([(1, 8)], 16, 4, max_characters=5)
        >>> model = elmo_language_model(encoder, 100, num_negatives=10)
        >>> model.output["forward"].shape
        (None, None)

    Source:
        Peters et al. 2018, section 3.1; allenai/bilm-tf.
    """
    if num_negatives is not None and not 0 < num_negatives < vocabulary_size:
        raise ValueError(
            "`num_negatives` must be at least 1 and below `vocabulary_size`. "
            f"Received: num_negatives={num_negatives}, "
            f"vocabulary_size={vocabulary_size}"
        )
    check_rate(dropout=dropout)
    inputs = dict(encoder.input)
    for key in ("forward_targets", "backward_targets"):
        inputs[key] = keras.Input((None,), dtype="int32", name=key)
    negative_ids = [None, None]
    if num_negatives is not None:
        inputs["negative_ids"] = keras.Input(
            (2, num_negatives), dtype="int32", name="negative_ids"
        )
        negative_ids = [inputs["negative_ids"][0, i] for i in (0, 1)]
    softmax = layers.SampledSoftmax(vocabulary_size, name="softmax")
    drop = keras.layers.Dropout(dropout, name="top_dropout")
    top = encoder.get_layer("bilm").output[-1]  # (B, T + 2, 2P)
    size = top.shape[-1] // 2
    return keras.Model(
        inputs,
        {
            "forward": softmax(
                drop(top[:, :-1, :size]),
                inputs["forward_targets"],
                negative_ids[0],
            ),
            "backward": softmax(
                drop(top[:, 1:, size:]),
                inputs["backward_targets"],
                negative_ids[1],
            ),
        },
        name=name,
    )


_FILTERS = (
    (1, 32),
    (2, 32),
    (3, 64),
    (4, 128),
    (5, 256),
    (6, 512),
    (7, 1024),
)


def _published(name: str, hidden_dim: int, projection: int, highways: int):
    def build(**arguments) -> keras.Model:
        return elmo_encoder(
            _FILTERS,
            hidden_dim,
            projection,
            **{"num_highways": highways, "name": name, **arguments},
        )

    build.__name__ = build.__qualname__ = name
    build.__doc__ = (
        f"`elmo_encoder` with {hidden_dim} cells, projected to {projection}, "
        f"and {highways} highways; other arguments as there.\n\n"
        "    Source: the options of the official models, allennlp.org/elmo"
    )
    return build


elmo_small = _published("elmo_small", 1024, 128, 1)
elmo_medium = _published("elmo_medium", 2048, 256, 1)
elmo_original = _published("elmo_original", 4096, 512, 2)
