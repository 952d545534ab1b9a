"""Translates texts by an encoder with a decoder."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from keras_ctx.checks import check_at_least
from keras_ctx.generation import BeamSearch, Generator
from keras_ctx.generation.decoder_of import decoder_of
from keras_ctx.serving.output_kinds.kind import Exact, OutputKind
from keras_ctx.serving.signatures.model_outputs import (
    ModelOutputs,
    Tensors,
    counts,
)
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


@dataclass(frozen=True)
class TranslateSettings:
    """The search of the signature `translate`, and what it writes with.

    Example:
        >>> TranslateSettings(width=8).num_returned
        1
        >>> TranslateSettings(width=2, num_returned=3)
        Traceback (most recent call last):
        ValueError: `width` must be at least 3. Received: ...
    """

    width: int = 4
    """Width of the beam search; 1 takes the best token each time."""
    length_penalty: float = 0.6
    """Default of the exponent of the length penalty."""
    penalty: str = "gnmt"
    """The length penalty, as of `generation.BeamSearch`."""
    max_length: int | None = None
    """Default of the most tokens of a translation, the start token included;
    `None`: all positions of the decoder."""
    num_returned: int = 1
    """Number of translations of each text."""
    target_inputs: Any = None
    """Text inputs of the translations; `None`: those of the texts."""
    start_id: int | None = None
    """The token that a translation begins with; `None`: `begin_id` of the text
    inputs of the translations."""

    def __post_init__(self) -> None:
        BeamSearch(self.width, self.length_penalty, self.penalty)
        check_at_least(1, num_returned=self.num_returned)
        check_at_least(self.num_returned, width=self.width)

    def target(self, text_inputs: Any) -> tuple[Any, int]:
        """Returns the text inputs of translations, and their start token."""
        inputs = self.target_inputs or text_inputs
        start_id = self.start_id
        if start_id is None:
            start_id = getattr(inputs, "begin_id", -1)
        if start_id < 0:
            raise ValueError(
                "`writing.start_id` must be given: the text inputs have no "
                f"token for the begin of a text. Received: {inputs}"
            )
        return inputs, start_id


class Translate:
    """Signature for translations of a text, the best first.

    Inputs: `text`, strings `(B,)`; and `length_penalty` and `max_length`, each
    `(B,)`, or `(1,)` for all rows, with defaults.

    Returns `texts`; `scores`, the sums of the log probabilities of their
    tokens by the length penalty; `num_tokens`, the end token included; and
    `stopped`, "end" or "length"; each `(B, R)`; and `truncated` `(B,)`, whether
    the text was cut. A text without a token has no translation: "", 0, 0, "".
    """

    kinds: Mapping[str, OutputKind] = {**KINDS, "truncated": Exact()}

    def __init__(
        self,
        model: keras.Model,
        text_inputs: Any,
        settings: TranslateSettings | None,
        make_outputs: Callable[..., ModelOutputs],
    ) -> None:
        settings = settings or TranslateSettings()
        self._text_inputs = text_inputs
        self._target_inputs, start_id = settings.target(text_inputs)
        self._positions = decoder_of(model).max_length
        rules = BeamSearch(
            settings.width, settings.length_penalty, settings.penalty
        )
        generator = Generator(
            model,
            self._positions,
            rules,
            end_ids=(self._target_inputs.end_id,),
            num_returned=settings.num_returned,
            start_id=start_id,
        )
        run = Writing(
            generator,
            {"alpha": tf.TensorSpec([None, 1], tf.float32)},
            lambda x: dataclasses.replace(rules, alpha=x["alpha"]),
        )
        self._outputs = make_outputs(model, run=run)
        most = settings.max_length or self._positions
        self.defaults = {
            "length_penalty": tf.constant(
                [settings.length_penalty], tf.float32
            ),
            "max_length": tf.constant([most]),
        }

    def signature(self, texts_alone: bool = False) -> Signature:
        """Returns the signature; with `texts_alone` from the texts alone."""
        d = self.defaults

        def translate(
            text,
            length_penalty=d["length_penalty"],
            max_length=d["max_length"],
        ):
            return self(text, length_penalty, max_length)

        return text_signature(
            "text", self, translate, self.kinds, d, texts_alone
        )

    def __call__(self, text, length_penalty, max_length) -> Tensors:
        text = tf.ensure_shape(text, [None])
        rows = tf.shape(text)[0]
        length_penalty, max_length = of_rows(
            rows, length_penalty=length_penalty, max_length=max_length
        )
        checks = [
            refuse_lengths(max_length, self._positions),
            refuse(
                ~tf.math.is_finite(length_penalty),
                "`length_penalty` must be a number.",
                length_penalty,
            ),
        ]
        with tf.control_dependencies(checks):
            max_length = tf.identity(max_length)
        features = dict(self._text_inputs(text))
        num_tokens = self._text_inputs.num_tokens(text)
        empty = num_tokens <= self._text_inputs.special_positions()
        features["max_length"] = tf.where(empty, 1, max_length)
        features["alpha"] = length_penalty[:, None]
        found = self._outputs(features)
        target = self._target_inputs
        answer = written(found, target, target.end_id, rows)
        answer["truncated"] = counts(self._text_inputs, text)["truncated"]
        return answer
