"""Predicts results for texts, in order, in bounded memory."""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np

from keras_ctx import models
from keras_ctx.predictions.answer_lines import WindowInputs
from keras_ctx.predictions.model_rows import compiled
from keras_ctx.predictions.run_task import RunTask
from keras_ctx.text_model.asking.answers import answers_of
from keras_ctx.text_model.asking.decode import (
    Decode,
    Outputs,
    Row,
    decoder,
    tags_of,
    tokens_of,
)
from keras_ctx.text_model.asking.signature import (
    SIGNATURES,
    Ask,
    ServedVersion,
    ask_attention,
    ask_model,
)
from keras_ctx.text_model.asking.stream import Notes, form_of, streamed
from keras_ctx.text_model.results import Tokens
from keras_ctx.text_model.texts.labelled import text_kind
from keras_ctx.text_model.texts.rows import rows_of


class Asking:
    """Predictions of a model or an exported version; its graphs are kept.

    Args:
        task: The model and its task.
    """

    def __init__(self, task: RunTask) -> None:
        self._task = task
        self._served = isinstance(task.model, ServedVersion)
        self._asks: dict[str, Ask] = {}

    def results(self, texts: Any, batch_size: int | None) -> Iterator[Any]:
        """Yields the result for each text."""
        task = self._task
        rows = rows_of(texts, text_kind(task))
        if task.kind == "question_answering" and not self._served:
            return answers_of(
                *(task, self._window_inputs, self._run, rows),
                32 if batch_size is None else batch_size,
            )
        return self._asked(rows, decoder(task), batch_size)

    def tags(self, rows: Sequence[Row], batch_size: int) -> Iterator[list[str]]:
        """Yields the tags of words, without those cut off."""

        def decode(outputs: Outputs, batch: Sequence[Row]) -> list[list[str]]:
            return [tags_of(outputs, place) for place in range(len(batch))]

        return self._asked(iter(rows), decode, batch_size)

    def layers(self, texts: Any, batch_size: int) -> list[Tokens]:
        """Returns the vectors of all layers, for single texts."""
        return self._tokens("layers", texts, batch_size, 1)

    def attention(self, texts: Any, batch_size: int) -> list[Tokens]:
        """Returns the attention of all blocks, for single texts."""
        return self._tokens("attention", texts, batch_size, -1, -2)

    @functools.cached_property
    def encoder(self) -> keras.Model:
        model = self._task.model
        if "layers" in model.output:
            return model
        return models.encoder_of(model)

    @functools.cached_property
    def _window_inputs(self) -> WindowInputs:
        return WindowInputs(self._task.text_inputs)

    @functools.cached_property
    def _run(self) -> Callable[..., Any]:
        return compiled(self._task.model)

    def _asked(
        self,
        rows: Iterator[Row],
        decode: Decode,
        batch_size: int | None,
    ) -> Iterator[Any]:
        notes = Notes(self._task.text_inputs)

        def run(batch: list[Row]) -> Sequence[Any]:
            return decode(notes.seen(self._ask(form_of(batch))(batch)), batch)

        return streamed(rows, run, notes, batch_size)

    def _tokens(
        self, name: str, texts: Any, batch_size: int, *axes: int
    ) -> list[Tokens]:
        notes = Notes(self._task.text_inputs)
        ask = self._ask(name)

        def run(batch: list[Row]) -> list[Tokens]:
            return tokens_of(notes.seen(ask(batch)), name, *axes)

        rows = rows_of(texts, "text")
        return list(streamed(rows, run, notes, batch_size))

    def _ask(self, name: str) -> Ask:
        if name not in self._asks:
            self._asks[name] = self._made(name)
        return self._asks[name]

    def _made(self, name: str) -> Ask:
        task = self._task
        if self._served:
            names = {"texts": SIGNATURES[task.kind], "words": "tokens"}
            return task.model.ask(names.get(name, "embed"))
        if name == "attention":
            return ask_attention(self.encoder, task.text_inputs)
        if name == "layers":
            task = RunTask("encoder", self.encoder, task.text_inputs)
        return ask_model(task, "tokens" if name == "words" else None)


def vectors(
    rows: Iterator[np.ndarray], number: int | None, size: int
) -> np.ndarray:
    """Collects rows `(D,)` in one array, the only memory that grows."""
    array = np.empty((1024 if number is None else number, size), np.float32)
    count = 0
    for count, row in enumerate(rows, 1):
        if count > len(array):
            # In place, without a second array.
            array.resize((2 * count, size), refcheck=False)
        array[count - 1] = row
    if count < len(array):
        array.resize((count, size), refcheck=False)
    return array
