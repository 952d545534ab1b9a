"""Continues texts by a causal language model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from keras_ctx.checks import check_at_least
from keras_ctx.generation import Generator, Sampling
from keras_ctx.generation.decoder_of import decoder_of
from keras_ctx.generation.sampling import LEAST_TEMPERATURE, Draws
from keras_ctx.serving.output_kinds.kind import OutputKind
from keras_ctx.serving.signatures.model_outputs import ModelOutputs, Tensors
from keras_ctx.serving.signatures.refusals import refuse
from keras_ctx.serving.signatures.signature import Signature
from keras_ctx.serving.signatures.writing import (
    KINDS,
    Writing,
    of_rows,
    refuse_lengths,
    text_signature,
    written,
)
from keras_ctx.text.ragged.beginnings import beginnings
from keras_ctx.text.ragged.packing import pad


@dataclass(frozen=True)
class GenerateSettings:
    """Defaults and limits of the signature `generate`.

    Example:
        >>> GenerateSettings(temperature=0.8, top_p=0.9).num_samples
        1
        >>> GenerateSettings(temperature=0.0)
        Traceback (most recent call last):
        ValueError: `temperature` must be ... Received: ...
    """

    max_length: int | None = None
    """Default of the most tokens of a text, its beginning and the start token
    included; `None`: all positions of the model."""
    temperature: float = 1.0
    """Default of the number that divides the logits."""
    top_k: int | None = None
    """Default of the number of tokens to draw from; `None`: all."""
    top_p: float = 1.0
    """Default of the probability of the tokens to draw from, together."""
    seed: int = 0
    """Default of the seed: the same seed draws the same text."""
    num_samples: int = 1
    """Default of the number of texts for each prompt."""
    most_samples: int = 16
    """Most texts for each prompt. It bounds the memory of a request."""
    min_length: int = 0
    """Fewest tokens of a text, its beginning included."""
    repetition_penalty: float = 1.0
    """Above 1 makes tokens of the text less probable."""
    window: int | None = None
    """Of a prompt with more tokens, only that many, the last ones, are read,
    and count for `max_length`; `None`: a prompt of `max_length` tokens or more
    is refused."""

    def __post_init__(self) -> None:
        Sampling(self.temperature, self.top_k, self.top_p, self.seed)
        if not -(2**31) <= self.seed < 2**31:
            raise ValueError(
                f"`seed` must be an integer of 32 bits. Received: {self.seed}"
            )
        check_at_least(1, num_samples=self.num_samples)
        check_at_least(self.num_samples, most_samples=self.most_samples)


class Generate:
    """Signature for continuations of a prompt, drawn from the model.

    Inputs: `prompt`, strings `(B,)`; and `max_length`, `temperature`, `top_k`,
    `top_p`, `seed` and `num_samples`, each `(B,)`, or `(1,)` for all rows,
    with defaults. `top_k=1` takes the most probable token each time. The texts
    of a row depend on no other row.

    Returns `texts`, without the prompt; `scores`, the sums of the log
    probabilities of their tokens; `num_tokens`, the end token included; and
    `stopped`, "end" or "length"; each `(B, R)`, where R is the largest
    `num_samples`. A row that asks for fewer has "", 0, 0 and "" behind them.
    """

    kinds: Mapping[str, OutputKind] = KINDS

    def __init__(
        self,
        model: keras.Model,
        text_inputs: Any,
        settings: GenerateSettings | None,
        make_outputs: Callable[..., ModelOutputs],
    ) -> None:
        settings = settings or GenerateSettings()
        self._positions = decoder_of(model).max_length
        self._text_inputs = text_inputs
        self._end_id = text_inputs.end_id
        generator = Generator(
            model,
            self._positions,
            end_ids=(self._end_id,),
            min_length=settings.min_length,
            repetition_penalty=settings.repetition_penalty,
        )
        taken = {
            "temperature": tf.TensorSpec([None, 1], tf.float32),
            "top_k": tf.TensorSpec([None, 1], tf.int32),
            "top_p": tf.TensorSpec([None, 1], tf.float32),
            "uniforms": tf.TensorSpec([None, None], tf.float32),
        }
        run = Writing(generator, taken, lambda x: Draws(*(x[k] for k in taken)))
        self._outputs = make_outputs(model, run=run)
        self._most_samples = settings.most_samples
        self._window = settings.window
        vocabulary_size = model.output["next_token"].shape[-1]
        self.defaults = {
            "max_length": tf.constant([settings.max_length or self._positions]),
            "temperature": tf.constant([settings.temperature], tf.float32),
            "top_k": tf.constant([settings.top_k or vocabulary_size]),
            "top_p": tf.constant([settings.top_p], tf.float32),
            "seed": tf.constant([settings.seed], tf.int32),
            "num_samples": tf.constant([settings.num_samples]),
        }

    def signature(self, texts_alone: bool = False) -> Signature:
        """Returns the signature; with `texts_alone` from the prompts alone."""
        d = self.defaults

        def generate(
            prompt,
            max_length=d["max_length"],
            temperature=d["temperature"],
            top_k=d["top_k"],
            top_p=d["top_p"],
            seed=d["seed"],
            num_samples=d["num_samples"],
        ):
            return self(
                *(prompt, max_length, temperature, top_k, top_p, seed),
                num_samples,
            )

        return text_signature(
            "prompt", self, generate, self.kinds, d, texts_alone
        )

    def __call__(
        self, prompt, max_length, temperature, top_k, top_p, seed, num_samples
    ) -> Tensors:
        prompt = tf.ensure_shape(prompt, [None])
        rows = tf.shape(prompt)[0]
        settings = of_rows(
            rows,
            max_length=max_length,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seed=seed,
            num_samples=num_samples,
        )
        # As in training: a document begins with the end token.
        ids = beginnings(
            self._text_inputs.encode(prompt), self._end_id, self._window
        )
        lengths = tf.cast(ids.row_lengths(), tf.int32)
        with tf.control_dependencies(self._checks(lengths, *settings)):
            lengths, *settings = map(tf.identity, (lengths, *settings))
        # Sample by sample: the rows of the search.
        most = tf.maximum(tf.reduce_max(settings[-1]), 1)
        ids = pad(ids, self._end_id, None)
        mask = tf.sequence_mask(lengths, tf.shape(ids)[1])
        features = {
            "token_ids": tf.repeat(ids, most, axis=0),
            "padding_mask": tf.repeat(mask, most, axis=0),
        }
        max_length, temperature, top_k, top_p, seed, num_samples = (
            tf.repeat(x, most, axis=0) for x in settings
        )
        sample = tf.tile(tf.range(most), tf.reshape(rows, [1]))
        features["max_length"] = tf.where(sample < num_samples, max_length, 0)
        features["temperature"] = temperature[:, None]
        features["top_k"] = top_k[:, None]
        features["top_p"] = top_p[:, None]
        features["uniforms"] = self._uniforms(seed, sample)
        found = self._outputs(features)
        return written(found, self._text_inputs, self._end_id, rows)

    def _uniforms(self, seed: tf.Tensor, sample: tf.Tensor) -> tf.Tensor:
        """Returns the random numbers of each row, from its own seed."""
        return tf.map_fn(
            lambda of_row: tf.random.stateless_uniform(
                [self._positions - 1], of_row
            ),
            tf.stack([seed, sample], axis=1),
            fn_output_signature=tf.TensorSpec(
                [self._positions - 1], tf.float32
            ),
        )

    def _checks(
        self, lengths, max_length, temperature, top_k, top_p, seed, num_samples
    ) -> list[Any]:
        most = self._most_samples
        return [
            refuse_lengths(max_length, self._positions),
            refuse(
                ~(
                    (temperature >= LEAST_TEMPERATURE)
                    & (temperature < float("inf"))
                ),
                "`temperature` must be above 0; `top_k` 1 takes the most "
                "probable token.",
                temperature,
            ),
            refuse(top_k < 1, "`top_k` must be at least 1.", top_k),
            refuse(
                ~((top_p > 0) & (top_p <= 1)),
                "`top_p` must be above 0 and at most 1.",
                top_p,
            ),
            refuse(
                (num_samples < 1) | (num_samples > most),
                f"`num_samples` must be from 1 to {most}.",
                num_samples,
            ),
            refuse(
                lengths >= max_length,
                "`prompt` must have fewer tokens, the start token included, "
                "than `max_length`.",
                *(lengths, max_length),
            ),
        ]
