"""Translates texts by an encoder-decoder and its text inputs."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from keras_ctx import generation
from keras_ctx.data import length_order


class Translator:
    """Translates texts, as `recipes/translate.py` does.

    Args:
        model: A model of `models.encoder_decoder`.
        source_inputs: Text inputs of the encoder.
        target_inputs: Text inputs of the decoder, for its special tokens and
            its texts.
        start_id: The token that a translation begins with.
        search: As of `generation.Generator`.
        max_length: The most tokens of a translation, the start token included;
            `None`: all positions of the decoder.
        batch_size: Texts at once.
        **options: Other arguments of `generation.Generator`.

    Call arguments:
        texts: The texts.
        told: Is called with the number of texts that are translated.

    Returns:
        For each text a list of translations, the best first: dicts of `text`,
        `score`, `num_tokens`, the end token included, and `stopped`, "end" or
        "length".

    Example:
        >>> from keras_ctx import models
        >>> from keras_ctx.text import SentencePieceInputs, sentence_piece_model
        >>> inputs = SentencePieceInputs(
        ...     sentence_piece_model(["a cat sat on a mat"] * 9, 24), 16)
        >>> model = models.encoder_decoder(models.transformer_encoder(
        ...     inputs.vocabulary_size, 1, 2, 8, 16, max_length=16))
        >>> translate = Translator(model, inputs, inputs, 2, max_length=5)
        >>> [sorted(x) for x in translate(["a cat"])[0]]
        [['num_tokens', 'score', 'stopped', 'text']]
    """

    def __init__(
        self,
        model: keras.Model,
        source_inputs: Any,
        target_inputs: Any,
        start_id: int,
        search: generation.Sampling | generation.BeamSearch | None = None,
        max_length: int | None = None,
        batch_size: int = 32,
        **options: Any,
    ):
        self.source_inputs = source_inputs
        self.target_inputs = target_inputs
        self.batch_size = batch_size
        positions = generation.decoder_of(model).max_length
        self.generator = generation.Generator(
            model,
            positions if max_length is None else max_length,
            search,
            end_ids=(target_inputs.end_id,),
            start_id=start_id,
            **options,
        )

    def __call__(
        self,
        texts: Sequence[str],
        told: Callable[[int], None] = lambda count: None,
    ) -> list[list[dict[str, Any]]]:
        order = length_order(list(texts))
        results: list[list[dict[str, Any]]] = [[] for _ in texts]
        for start in range(0, len(order), self.batch_size):
            places = order[start : start + self.batch_size]
            found = self.generator(
                self.source_inputs([texts[i] for i in places])
            )
            for row, place in enumerate(places):
                results[place] = self._described(found, row)
            told(start + len(places))
        return results

    def best(self, texts: Sequence[str]) -> list[str]:
        """Returns the best translation of each text, and shows the progress.

        A blank text has a blank translation.
        """
        places = [place for place, text in enumerate(texts) if text.strip()]

        def told(count: int) -> None:
            end = "\n" if count == len(places) else ""
            said = f"\rTranslated: {count:,} of {len(places):,}"
            print(said, end=end, file=sys.stderr, flush=True)

        written = [""] * len(texts)
        found = self([texts[i] for i in places], told)
        for place, translations in zip(places, found, strict=True):
            written[place] = translations[0]["text"] if translations else ""
        return written

    def _described(self, found: Any, row: int) -> list[dict[str, Any]]:
        ids = found.token_ids[row]
        end = self.target_inputs.end_id
        real = (ids >= 0) & (ids != end)
        texts = self.target_inputs.decode(np.maximum(ids, 0), real).numpy()
        return found.records(row, [text.decode() for text in texts])
