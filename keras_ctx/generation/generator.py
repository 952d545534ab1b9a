"""Continues token ids by a model, greedily, by sampling or by beam search."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ctx.checks import check_at_least, check_positive
from keras_ctx.generation.beam_search import BeamSearch, search_beams
from keras_ctx.generation.continuations import Continuations
from keras_ctx.generation.decoder_of import decoder_of
from keras_ctx.generation.refusals import (
    check_arguments,
    check_beginnings,
    checked_start_id,
)
from keras_ctx.generation.sampling import Draws, Sampling, sample

Search = Sampling | BeamSearch | None


class Generator:
    """Continues texts by a causal model, with a cache.

    A new token costs the same, however many were written. Rows of unequal
    length give the tokens that they give alone; with `Sampling`, a row draws
    other numbers in another place of the batch (`Draws` sets them).

    Args:
        model: A model of `causal_language_model` or
            `awd_lstm_language_model`, which continues a text, or of
            `encoder_decoder` or `attentional_lstm_translator`, which writes
            another.
        max_length: The most tokens of a text, its beginning or the start
            token included.
        search: `Sampling`, `BeamSearch`, or `None` for the most probable next
            token (greedy search).
        end_ids: The tokens that end a text.
        min_length: The fewest tokens of a text: an end token comes no sooner.
        repetition_penalty: Above 1 makes tokens of the text less probable,
            not with a beam search.
        num_returned: Number of continuations of each text: samples, or the
            best of the beams.
        start_id: The token that a model with an encoder begins with.
        jit_compile: Whether XLA compiles the search.

    Call arguments:
        features: A dict of the inputs of the model's encoder, as text inputs
            return it. Of a causal model they are the beginnings, with padding
            behind the text.

    Returns:
        `Continuations`.

    Raises:
        ValueError: An argument is out of range, or a text has no token, or
            `max_length` tokens or more.

    Example:
        >>> import numpy as np
        >>> from keras_ctx import models
        >>> encoder = models.gpt_encoder(9, 1, 2, 8, 16, max_length=16)
        >>> model = models.causal_language_model(encoder)
        >>> generate = Generator(model, max_length=6)
        >>> mask = np.array([[True, True], [True, False]])
        >>> ids = np.array([[1, 2], [3, 0]])
        >>> generate({"token_ids": ids, "padding_mask": mask}).lengths
        array([[4], [5]], dtype=int32)
    """

    def __init__(
        self,
        model: keras.Model,
        max_length: int,
        search: Search = None,
        end_ids: Sequence[int] = (),
        min_length: int = 0,
        repetition_penalty: float = 1.0,
        num_returned: int = 1,
        start_id: int | None = None,
        jit_compile: bool = False,
    ):
        self.decoder = decoder_of(model, jit_compile)
        check_at_least(1, max_length=max_length, num_returned=num_returned)
        check_at_least(0, min_length=min_length)
        check_positive(repetition_penalty=repetition_penalty)
        check_arguments(
            *(self.decoder, max_length, search, end_ids, min_length),
            *(repetition_penalty, num_returned),
        )
        self.max_length = max_length
        self.search = search
        self.end_ids = tuple(end_ids)
        self.min_length = min_length
        self.repetition_penalty = repetition_penalty
        self.num_returned = num_returned
        self.start_id = checked_start_id(self.decoder, start_id)
        self.encoder = self.decoder.encoder
        self.inputs = dict((self.encoder or model).input)
        self._run = _compiled(self._drawn, self.inputs, jit_compile)

    def __call__(self, features: Mapping[str, Any]) -> Continuations:
        missing = sorted(self.inputs.keys() - features.keys())
        if missing:
            raise ValueError(
                f"`features` must have {sorted(self.inputs)}. "
                f"Missing: {missing}"
            )
        features = {
            key: np.asarray(features[key]).astype(x.dtype)
            for key, x in self.inputs.items()
        }
        if self.encoder is None:
            size = self.decoder.vocabulary_size
            check_beginnings(features, self.max_length, size)
        rows = len(next(iter(features.values()))) * self.num_returned
        uniforms = np.zeros((0, 0), "float32")
        if isinstance(self.search, Sampling):
            # Here, since XLA draws other numbers.
            uniforms = self.search.draws(rows, self.max_length - 1).uniforms
        found = self._run(features, uniforms)
        found = Continuations(*map(ops.convert_to_numpy, found))
        longest = max(1, int(found.lengths.max(initial=0)))
        return found._replace(token_ids=found.token_ids[:, :, :longest])

    def _drawn(self, features, uniforms) -> Continuations:
        search = self.search
        if isinstance(search, Sampling):
            search = search.with_numbers(uniforms)
        return self.continuations(features, search=search)

    def continuations(
        self,
        features: Mapping[str, Any],
        max_length: Any = None,
        search: Search | Draws = None,
    ) -> Continuations:
        """Continues texts in a graph, without checks.

        It is the way inside a `tf.function`; a call of the object is not.
        If the graph is compiled by XLA, `jit_compile` must be true: otherwise
        it has an operation that XLA does not have.

        Args:
            features: As of the call.
            max_length: The most tokens of each text, integers `(B,)`; `None`:
                those of the object.
            search: Another search than that of the object, whose numbers may
                be given for each row: a `BeamSearch` with `alpha` `(B, 1)`, or
                `Draws`, where `num_returned` is 1.

        Returns:
            `Continuations` with room for `max_length - 1` tokens. A row with
            `max_length` tokens or more gets none.
        """
        search = self.search if search is None else search
        samples = 1 if isinstance(search, BeamSearch) else self.num_returned
        longest = self.max_length
        if max_length is None:
            max_length = longest
        else:
            longest = ops.max(max_length, initial=2)  # also without rows
        features = {
            key: ops.repeat(ops.convert_to_tensor(x), samples, axis=0)
            for key, x in features.items()
        }
        token_ids, lengths, encoded = self._beginnings(features)
        logits, state, fixed = self.decoder.begin(
            token_ids, lengths, longest, encoded
        )
        if isinstance(search, BeamSearch):
            width = search.width
            fixed = keras.tree.map_structure(
                lambda x: ops.repeat(x, width, axis=0), fixed
            )
        options = {
            "step": lambda words, state: self.decoder.step(words, state, fixed),
            "max_new": max_length - lengths,
            "limit": longest - 1,
            "end_ids": self.end_ids,
            "min_new": self.min_length - lengths,
        }
        if isinstance(search, BeamSearch):
            return search_beams(
                *(logits, state),
                rules=search,
                num_returned=self.num_returned,
                **options,
            )
        if isinstance(search, Sampling):
            search = search.draws(ops.shape(token_ids)[0], longest - 1)
        seen = None
        if self.repetition_penalty != 1:
            seen = _seen(token_ids, lengths, logits.shape[-1])
        found = sample(
            *(logits, state),
            draws=search,
            seen=seen,
            repetition_penalty=self.repetition_penalty,
            **options,
        )
        return Continuations(
            *(ops.reshape(x, (-1, samples, *ops.shape(x)[2:])) for x in found)
        )

    def _beginnings(self, features) -> tuple:
        """Returns token ids, their number, and the encoder's outputs."""
        if self.encoder is None:
            mask = ops.cast(features["padding_mask"], "int32")
            token_ids = ops.cast(features["token_ids"], "int32")
            return token_ids, ops.sum(mask, axis=1), {}
        encoded = self.encoder(features, training=False)
        batch = ops.shape(encoded["sequence"])[0]
        start = ops.full((batch, 1), self.start_id, dtype="int32")
        return start, ops.ones((batch,), dtype="int32"), encoded


def _compiled(function, inputs: Mapping[str, Any], jit_compile: bool):
    """Compiles a function of features once, for all their shapes."""
    if keras.backend.backend() != "tensorflow":
        return function  # JAX compiles the loop
    import tensorflow as tf

    specs = {key: tf.TensorSpec(x.shape, x.dtype) for key, x in inputs.items()}
    uniforms = tf.TensorSpec([None, None], tf.float32)
    return tf.function(
        function, input_signature=[specs, uniforms], jit_compile=jit_compile
    )


def _seen(token_ids, lengths, vocabulary_size: int):
    """Returns which tokens `(B, V)` the texts have."""
    batch, length = ops.shape(token_ids)
    real = ops.arange(length, dtype="int32") < lengths[:, None]
    token_ids = ops.where(real, token_ids, token_ids[:, :1])
    rows = ops.broadcast_to(
        ops.arange(batch, dtype="int32")[:, None], (batch, length)
    )
    places = ops.reshape(ops.stack([rows, token_ids], axis=-1), (-1, 2))
    found = ops.scatter_update(
        ops.zeros((batch, vocabulary_size), dtype="int32"),
        places,
        ops.ones((batch * length,), dtype="int32"),
    )
    return found > 0
