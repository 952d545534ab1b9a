"""The language models that train an ELMo encoder and score texts."""

import keras
from keras import ops

from keras_ctx import layers
from keras_ctx.checks import check_at_least, check_rate
from keras_ctx.models.elmo.family import CHARACTERS, MANY_LANGS
from keras_ctx.models.family import family_of


def elmo_language_model(
    encoder: keras.Model,
    vocabulary_size: int,
    num_negatives: int | None = None,
    dropout: float = 0.1,
    name: str = "elmo_language_model",
) -> keras.Model:
    """Builds an encoder with the softmax over words that trains ELMo.

    The forward LSTMs predict the next word, from the begin marker to the end
    marker, the backward LSTMs the previous word; both share the softmax. With
    `num_negatives` it is sampled in training; in evaluation it covers the
    whole vocabulary. The layers are shared: training this model trains
    `encoder`.

    Inputs: those of the encoder, `(B, T, ...)`; `forward_targets` and
    `backward_targets`, word ids `(B, T + 1)`; with `num_negatives`, also
    `negative_ids` `(B, 2, N)`, drawn once per batch for each direction and
    repeated for each row, so that a batch can be split over devices; only row
    0 is read. For n words the forward targets are w1 ... wn, end marker, and
    the backward targets begin marker, w1 ... wn. Outputs: `forward` and
    `backward`, negative log likelihoods `(B, T + 1)` in nats, undefined
    beyond index n.

    Layer names in addition to the encoder's: `softmax`, `top_dropout`.

    Args:
        encoder: A model of `elmo_encoder` or `elmo_word_encoder`.
        vocabulary_size: Number of words to predict, sorted by descending
            frequency.
        num_negatives: Number N of negative samples in training; `None`: the
            full softmax.
        dropout: Dropout rate of the top layer's output.
        name: Name of the model.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: `num_negatives` is not below `vocabulary_size`, or
            `dropout` is outside [0, 1).

    Example:
        >>> from keras_ctx.models import elmo_encoder
        >>> encoder = elmo_encoder([(1, 8)], 16, 4, max_characters=5)
        >>> model = elmo_language_model(encoder, 100, num_negatives=10)
        >>> model.output["forward"].shape
        (None, None)

    Source:
        Peters et al. 2018, section 3.1; allenai/bilm-tf.
    """
    check_rate(dropout=dropout)
    inputs = dict(encoder.input)
    for key in ("forward_targets", "backward_targets"):
        inputs[key] = keras.Input((None,), dtype="int32", name=key)
    negative_ids = _negative_ids(inputs, num_negatives, vocabulary_size)
    softmax = layers.SampledSoftmax(vocabulary_size, name="softmax")
    drop = keras.layers.Dropout(dropout, name="top_dropout")
    last = len(encoder.output["layers"]) - 1
    top, _ = encoder.get_layer(f"strip_{last}").input  # (B, T + 2, 2P)
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


def elmo_stream_model(
    language_model: keras.Model,
    batch_size: int,
    num_negatives: int | None = None,
    name: str = "elmo_stream_model",
    num_devices: int = 1,
) -> keras.Model:
    """Builds a language model that reads endless texts in windows.

    Row k of a batch continues row k of the previous batch: states are
    carried, gradients stop at the window (truncated backpropagation). There
    is no padding. Each direction reads its own texts, the backward one from
    right to left. The layers are those of `language_model`: training this
    model trains `language_model` and its encoder.

    Inputs, as `keras_ctx.data.elmo_stream_dataset` returns them, B rows of U
    words: `forward_word_ids`, `backward_word_ids` `(B, U)`, and
    `forward_targets`, `backward_targets` `(B, U)`, the word after each word
    in reading order; with `num_negatives`, `negative_ids` `(B, 2, N)` as for
    `elmo_language_model`; for an encoder of characters `distinct_char_ids`
    `(W, C)`, where a word id is a row of this array, or on several devices
    `(B, K, C)`, so that a batch can be split: each device has K words for
    each of its rows, all that it needs, and the states of its rows. Outputs:
    `forward` and `backward`, negative log likelihoods `(B, U)` in nats.

    Layer names in addition to the language model's: `stream_bilm`, whose
    `reset_state()` resets the states.

    Args:
        language_model: A model of `elmo_language_model`.
        batch_size: Largest B.
        num_negatives: Number N of negative samples in training; `None`: the
            full softmax.
        name: Name of the model.
        num_devices: Number of devices that a batch is split over.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: `num_negatives` is not below the size of the vocabulary,
            `batch_size` or `num_devices` is not positive, or the model is one
            of `elmo_for_many_langs`.

    Example:
        >>> from keras_ctx.models import elmo_encoder
        >>> encoder = elmo_encoder([(1, 8)], 16, 4, max_characters=5)
        >>> model = elmo_stream_model(elmo_language_model(encoder, 100), 2)
        >>> sorted(model.input)[:2]
        ['backward_targets', 'backward_word_ids']

    Source:
        Peters et al. 2018, section 3.1; allenai/bilm-tf.
    """
    check_at_least(1, batch_size=batch_size, num_devices=num_devices)
    family = family_of(language_model)
    if family is MANY_LANGS:
        raise ValueError(
            "`language_model` must read either characters as bytes, or words: "
            "a stream of texts has no inputs for a model of "
            "`elmo_for_many_langs`. Train the language model itself. "
            f"Received: inputs {sorted(language_model.input)}"
        )
    softmax = language_model.get_layer("softmax")
    inputs = {
        key: keras.Input((None,), dtype="int32", name=key)
        for key in (
            "forward_word_ids",
            "backward_word_ids",
            "forward_targets",
            "backward_targets",
        )
    }
    negative_ids = _negative_ids(inputs, num_negatives, softmax.vocabulary_size)
    words = (inputs["forward_word_ids"], inputs["backward_word_ids"])
    if family is CHARACTERS:
        characters = language_model.input["char_ids"].shape[-1]
        distinct = keras.Input(
            (characters,) if num_devices == 1 else (None, characters),
            dtype="int32",
            name="distinct_char_ids",
        )
        inputs["distinct_char_ids"] = distinct
        # `char_cnn` takes rows of words: here one row of all words.
        table = language_model.get_layer("char_cnn")(
            ops.reshape(distinct, (1, -1, characters))
        )[0]
        tokens = [
            layers.TakeRows(name=f"take_{key}")(table, ids)
            for key, ids in zip(("forward", "backward"), words, strict=True)
        ]
    else:
        embedding = language_model.get_layer("word_embedding")
        tokens = [embedding(ids) for ids in words]
    bilm = language_model.get_layer("bilm").carrying_state(
        batch_size, name="stream_bilm"
    )
    top = bilm(tokens[0], backward_inputs=tokens[1])[-1]  # (B, U, 2P)
    drop = language_model.get_layer("top_dropout")
    size = top.shape[-1] // 2
    return keras.Model(
        inputs,
        {
            "forward": softmax(
                drop(top[:, :, :size]),
                inputs["forward_targets"],
                negative_ids[0],
            ),
            "backward": softmax(
                drop(top[:, :, size:]),
                inputs["backward_targets"],
                negative_ids[1],
            ),
        },
        name=name,
    )


def _negative_ids(inputs, num_negatives, vocabulary_size):
    """Returns the negatives of both directions, and adds their input."""
    if num_negatives is None:
        return [None, None]
    if not 0 < num_negatives < vocabulary_size:
        raise ValueError(
            "`num_negatives` must be at least 1 and below `vocabulary_size`. "
            "Lower it, or give None, to use all words. "
            f"Received: num_negatives={num_negatives}, "
            f"vocabulary_size={vocabulary_size}"
        )
    negative_ids = keras.Input(
        (2, num_negatives), dtype="int32", name="negative_ids"
    )
    inputs["negative_ids"] = negative_ids
    # A sum over row 0, since a device may get a batch without rows.
    return [ops.sum(negative_ids[:1, i], axis=0) for i in (0, 1)]
