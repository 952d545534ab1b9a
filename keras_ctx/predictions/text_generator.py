"""Continues texts by a causal model and its text inputs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from keras_ctx import convert, generation
from keras_ctx.convert.gpt.language_model import check_continues
from keras_ctx.generation.refusals import check_window
from keras_ctx.text import GPTInputs, ULMFiTInputs
from keras_ctx.text.ragged.beginnings import beginnings


class TextGenerator:
    """Continues texts, as `recipes/generate.py` does.

    A text begins with the end token, as a document in training does, so that
    an empty one can be continued, too.

    Args:
        model: A model of `models.causal_language_model` or
            `models.awd_lstm_language_model`.
        text_inputs: Its text inputs.
        max_length: The most tokens of a text, its beginning included; `None`:
            all positions of the model, or 1,024 for LSTMs.
        search: As of `generation.Generator`.
        window: Of a beginning with more tokens, only that many, the last
            ones, are read, and count for `max_length`; `None`: a beginning of
            `max_length` tokens or more is refused.
        **options: Other arguments of `generation.Generator`.

    Call arguments:
        texts: The beginnings.

    Returns:
        For each text a list of continuations, the best first: dicts of `text`,
        without the beginning and the end token; `score`; `num_tokens`, the
        end token included; and `stopped`, "end" or "length".

    Raises:
        ValueError: See `generation.Generator`; a beginning leaves no room
            for a token; or the model reads texts from their end.

    Example:
        >>> from keras_ctx import models
        >>> from keras_ctx.text import byte_letters
        >>> tokens = [*byte_letters(), "<|endoftext|>"]
        >>> encoder = models.gpt_encoder(257, 1, 2, 8, 16, max_length=16)
        >>> generate = TextGenerator(
        ...     models.causal_language_model(encoder),
        ...     GPTInputs(tokens, [], 16), max_length=5)
        >>> (continuations,) = generate(["ab"])
        >>> sorted(continuations[0])
        ['num_tokens', 'score', 'stopped', 'text']
    """

    def __init__(
        self,
        model: keras.Model,
        text_inputs: GPTInputs | ULMFiTInputs,
        max_length: int | None = None,
        search: generation.Sampling | generation.BeamSearch | None = None,
        window: int | None = None,
        **options: Any,
    ):
        check_continues(text_inputs, "text_inputs")
        positions = generation.decoder_of(model).max_length
        self.text_inputs = text_inputs
        self.max_length = positions if max_length is None else max_length
        check_window(window, self.max_length)
        self.window = window
        self.generator = generation.Generator(
            model,
            self.max_length,
            search,
            end_ids=(text_inputs.end_id,),
            **options,
        )

    @classmethod
    def from_folder(
        cls, folder: str | Path, *args: Any, **options: Any
    ) -> "TextGenerator":
        """Loads the model of a run, or a GPT-2.

        Args:
            folder: The folder.
            *args: Further arguments of the class.
            **options: The same by name.

        Raises:
            FileNotFoundError, ValueError: See
                `convert.load_causal_language_model`.
        """
        model, inputs = convert.load_causal_language_model(folder)
        return cls(model, inputs, *args, **options)

    def check(self, text: str) -> str | None:
        """Returns why a beginning cannot be continued, or `None`."""
        count = self._rows([text]).flat_values.shape[0]
        if count < self.max_length:
            return None
        return (
            f"it has {count} tokens, and at most {self.max_length - 1} leave "
            "room for a new one; with a `window` its last tokens are read"
        )

    def _rows(self, texts: Sequence[str]) -> Any:
        ids = self.text_inputs.encode(list(texts))
        return beginnings(ids, self.text_inputs.end_id, self.window)

    def __call__(self, texts: Sequence[str]) -> list[list[dict[str, Any]]]:
        if not texts:
            return []
        for text in texts:
            if problem := self.check(text):
                raise ValueError(
                    "`texts` must be short enough to be continued: "
                    f"{problem}. Received: {text[:80]!r}"
                )
        ids = self._rows(texts)
        found = self.generator(
            {
                "token_ids": ids.to_tensor(self.text_inputs.pad_id),
                "padding_mask": tf.sequence_mask(ids.row_lengths()),
            }
        )
        rows, returned, width = found.token_ids.shape
        ids = found.token_ids.reshape(rows * returned, width)
        real = (ids >= 0) & (ids != self.text_inputs.end_id)
        written = self.text_inputs.decode(ids, real).numpy().tolist()
        texts = [text.decode() for text in written]
        return [
            found.records(row, texts[row * returned : (row + 1) * returned])
            for row in range(rows)
        ]
