"""The language models that train an ELMo encoder, and score texts."""

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
    """An encoder with the softmax over words that ELMo is trained with.

    The forward stack predicts the next word, from the begin marker to the end
    marker, the backward stack the one before; the softmax is shared by both.
    In training it is sampled, if `num_negatives` is given; in evaluation it
    runs over the whole vocabulary. The layers are shared: training this model
    trains `encoder`.

    Inputs: those of the encoder, `(B, T, ...)`; `forward_targets` and
    `backward_targets`, word ids `(B, T + 1)`; with `num_negatives`, also
    `negative_ids` `(B, 2, N)`, drawn once a batch for each direction and
    repeated for each row (so that a batch can be split over devices; row 0 is
    read). For n words forward targets are w1 ... wn, end marker, and backward
    targets begin marker, w1 ... wn. Outputs `forward` and `backward`: negative
    log likelihoods `(B, T + 1)` in nats, meaningless beyond index n.

    Layer names beside the encoder's: `softmax`, `top_dropout`.

    Args:
        encoder: A model of `elmo_encoder` or `elmo_word_encoder`.
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
    """A language model that reads endless texts in windows, to train ELMo.

    Row k of a batch goes on where row k of the last one ended: states are
    carried, gradients stop at the window (truncated back-propagation). There
    is no padding. Both directions read texts of their own, the backward one
    from right to left. The layers are those of `language_model`: training
    this model trains that one, and its encoder.

    Inputs, as `keras_ctx.data.elmo_stream_dataset` gives them, B rows of U
    words: `forward_word_ids`, `backward_word_ids` `(B, U)`, and
    `forward_targets`, `backward_targets` `(B, U)`, what follows each word in
    reading order; with `num_negatives`, `negative_ids` `(B, 2, N)` as for
    `elmo_language_model`; for an encoder of characters `distinct_char_ids`
    `(W, C)`, of which the word ids are rows, or on several devices `(B, K,
    C)`, so that a batch can be split: each device has all the words in its
    rows, K in each, and states of its own rows. Outputs `forward` and
    `backward`: negative log likelihoods `(B, U)` in nats.

    Layer names beside the language model's: `stream_bilm`, whose
    `reset_state()` begins anew.

    Args:
        language_model: A model of `elmo_language_model`.
        batch_size: Largest B.
        num_negatives: N, words that a target is told from in training;
            `None` for the full softmax.
        name: Name of the model.
        num_devices: Devices that a batch is split over.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: `num_negatives` not below the vocabulary's size,
            `batch_size` or `num_devices` not positive, or a model over
            `elmo_for_many_langs`.

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
            "`language_model` must read characters as bytes, or words alone: "
            "streams of texts have no inputs for a model of "
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
        # One row of all the words, for a layer that takes rows of words.
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
    """A pair, one a direction; adds to the inputs what they are read from."""
    if num_negatives is None:
        return [None, None]
    if not 0 < num_negatives < vocabulary_size:
        raise ValueError(
            "`num_negatives` must be at least 1 and below `vocabulary_size`. "
            f"Received: num_negatives={num_negatives}, "
            f"vocabulary_size={vocabulary_size}"
        )
    negative_ids = keras.Input(
        (2, num_negatives), dtype="int32", name="negative_ids"
    )
    inputs["negative_ids"] = negative_ids
    # Row 0, in sum: a batch without rows, which a device may get, has none.
    return [ops.sum(negative_ids[:1, i], axis=0) for i in (0, 1)]
