"""Continues texts by a causal model and its text inputs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from keras_ctx import convert, generation, models
from keras_ctx.text import GPTInputs


class TextGenerator:
    """Continues texts, as `recipes/generate.py` does.

    A text begins with the end token, as a document in training does, so that
    an empty one can be continued, too.

    Args:
        model: A model of `models.causal_language_model`.
        text_inputs: Its text inputs.
        max_length: The most tokens of a text, its beginning included; `None`:
            all positions of the model.
        search: As of `generation.Generator`.
        **options: Other arguments of `generation.Generator`.

    Call arguments:
        texts: The beginnings.

    Returns:
        For each text a list of continuations, the best first: dicts of `text`,
        without the beginning and the end token; `score`; `num_tokens`, the
        end token included; and `stopped`, "end" or "length".

    Raises:
        ValueError: See `generation.Generator`; or a beginning leaves no room
            for a token.

    Example:
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
        text_inputs: GPTInputs,
        max_length: int | None = None,
        search: generation.Sampling | generation.BeamSearch | None = None,
        **options: Any,
    ):
        positions = models.family_of(model).sizes(model)["positions"]
        self.text_inputs = text_inputs.with_settings(
            add_start=True, add_end=False, max_length=positions
        )
        self.max_length = positions if max_length is None else max_length
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
        """Loads the model of a run of `pretrain_gpt.py`, or a GPT-2.

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
        count = int(self.text_inputs.num_tokens([text])[0])
        if count < self.max_length:
            return None
        return (
            f"it has {count} tokens, and at most {self.max_length - 1} leave "
            "room for a new one"
        )

    def __call__(self, texts: Sequence[str]) -> list[list[dict[str, Any]]]:
        if not texts:
            return []
        for text in texts:
            if problem := self.check(text):
                raise ValueError(
                    "`texts` must be short enough to be continued: "
                    f"{problem}. Received: {text[:80]!r}"
                )
        found = self.generator(self.text_inputs(list(texts)))
        rows, returned, width = found.token_ids.shape
        ids = found.token_ids.reshape(rows * returned, width)
        real = (ids >= 0) & (ids != self.text_inputs.end_id)
        written = self.text_inputs.decode(ids, real).numpy().tolist()
        texts = [text.decode() for text in written]
        return [
            found.records(row, texts[row * returned : (row + 1) * returned])
            for row in range(rows)
        ]
