"""A stream of results, with warnings at its end and a progress bar."""

import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal

import keras

from keras_ctx import data, text
from keras_ctx.predictions.length_order import in_length_order
from keras_ctx.text_model.asking.decode import Outputs
from keras_ctx.text_model.texts.rows import Row

Verbose = bool | int | Literal["auto"] | None
# For shorter work, a bar would only flash.
_LONG_SECONDS = 3
# Number of texts checked for words that are not in the vocabulary.
_LOOKED_AT = 1024


class Notes:
    """Warnings about the texts that were read.

    Args:
        text_inputs: The text inputs of the model; `None` for an exported
            version.
    """

    def __init__(self, text_inputs: Any) -> None:
        self._text_inputs = text_inputs
        self._first: list[str] = []
        self._num_texts = self._num_cut = 0

    def of_rows(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yields the rows, counts them, and keeps the first ones."""
        for row in rows:
            self._num_texts += 1
            if self._num_texts <= _LOOKED_AT:
                words = row[0] if isinstance(row[0], list) else row
                self._first.append(" ".join(words))
            yield row

    @property
    def counts_tokens(self) -> bool:
        """Whether `lengths` are tokens, not characters."""
        return self._text_inputs is not None

    def lengths(self, rows: list[Row]) -> Sequence[int]:
        """Returns the lengths of rows of one form, in tokens if possible."""
        words = form_of(rows) == "words"
        if not self.counts_tokens:
            return [sum(map(len, row[0] if words else row)) for row in rows]
        if words:
            return data.word_token_counts(
                self._text_inputs, [row[0] for row in rows]
            )
        return data.token_counts(self._text_inputs, *zip(*rows, strict=True))

    def seen(self, outputs: Outputs) -> Outputs:
        """Returns the outputs of a batch, and counts the rows that were cut."""
        if "truncated" in outputs:
            self._num_cut += int(outputs["truncated"].sum())
        return outputs

    def warn(self) -> None:
        """Warns of texts that were cut, or have mostly unknown words."""
        if self._num_cut:
            warnings.warn(
                f"`texts`: {self._num_cut:,} of {self._num_texts:,} are longer "
                "than the model reads, and were cut.",
                UserWarning,
                stacklevel=2,
            )
        if self._text_inputs is not None and self._first:
            text.warn_unknown(self._text_inputs, self._first, "`texts`")


def form_of(batch: Sequence[Row]) -> str:
    """Returns whether the rows are "texts" or "words"."""
    lists = [isinstance(row[0], list) for row in batch]
    if all(lists):
        return "words"
    if any(lists):
        raise ValueError(
            "`texts` must be all texts, or all lists of words. Received: both"
        )
    return "texts"


def streamed(
    rows: Iterable[Row],
    run: Callable[[list[Row]], Sequence[Any]],
    notes: Notes,
    batch_size: int | None,
) -> Iterator[Any]:
    """Yields results in the order of the rows, then warns."""
    if batch_size is None and not notes.counts_tokens:
        batch_size = 32
    found = in_length_order(
        notes.of_rows(rows), run, notes.lengths, batch_size=batch_size
    )
    return _then_warn(found, notes)


def _then_warn(results: Iterator[Any], notes: Notes) -> Iterator[Any]:
    yield from results
    notes.warn()


def with_bar(
    results: Iterator[Any], number: int | None, verbose: Verbose
) -> Iterator[Any]:
    """Yields the results, with a progress bar for long work.

    Args:
        results: The results, computed one by one.
        number: Number of results, if known.
        verbose: Whether to show a bar. If `None`, or "auto" as in Keras, it is
            shown on a terminal after some seconds.

    Raises:
        ValueError: `verbose` is something else.
    """
    if verbose not in (None, "auto", 0, 1, 2):
        raise ValueError(
            f'`verbose` must be "auto", 0 or 1. Received: verbose={verbose!r}'
        )
    return _with_bar(results, number, None if verbose == "auto" else verbose)


def _with_bar(
    results: Iterator[Any], number: int | None, verbose: Any
) -> Iterator[Any]:
    if verbose is None:
        verbose = sys.stdout.isatty() and (
            keras.config.is_interactive_logging_enabled()
        )
        begin = time.monotonic() + _LONG_SECONDS
    else:
        begin = 0.0
    if not verbose:
        yield from results
        return
    bar = keras.utils.Progbar(number, unit_name="text")
    shown, count = False, 0
    for count, result in enumerate(results, 1):
        if shown or time.monotonic() >= begin:
            shown = True
            bar.update(count, finalize=False)
        yield result
    if shown:
        bar.update(count, finalize=True)
