"""A stream of results, with what is to be said at its end, and a bar."""

import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal

import keras

from keras_ctx import text
from keras_ctx.predictions.length_order import in_length_order
from keras_ctx.text_model.asking.decode import Outputs
from keras_ctx.text_model.texts.rows import Row

Verbose = bool | int | Literal["auto"] | None
# A bar for work that is shorter would only flash.
_LONG_SECONDS = 3
# Texts that are looked at for words that the vocabulary does not know.
_LOOKED_AT = 1024


class Notes:
    """What a person must know of texts that were read.

    Args:
        text_inputs: Of the model; `None`: of an exported version.
    """

    def __init__(self, text_inputs: Any) -> None:
        self._text_inputs = text_inputs
        self._first: list[str] = []
        self._num_texts = self._num_cut = 0

    def of_rows(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The rows, counted; the first ones are kept."""
        for row in rows:
            self._num_texts += 1
            if self._num_texts <= _LOOKED_AT:
                words = row[0] if isinstance(row[0], list) else row
                self._first.append(" ".join(words))
            yield row

    def seen(self, outputs: Outputs) -> Outputs:
        """The outputs of a batch, of which some rows may be cut."""
        if "truncated" in outputs:
            self._num_cut += int(outputs["truncated"].sum())
        return outputs

    def warn(self) -> None:
        """Warn of texts that were cut, or that the vocabulary hardly knows."""
        if self._num_cut:
            warnings.warn(
                f"`texts`: {self._num_cut:,} of {self._num_texts:,} are longer "
                "than the model reads, and were cut.",
                UserWarning,
                stacklevel=2,
            )
        if self._text_inputs is not None and self._first:
            text.warn_unknown(self._text_inputs, self._first, "`texts`")


def streamed(
    rows: Iterable[Row],
    run: Callable[[list[Row]], Sequence[Any]],
    notes: Notes,
    batch_size: int,
) -> Iterator[Any]:
    """Results in the order of the rows; then the notes."""
    found = in_length_order(
        notes.of_rows(rows), run, _length, batch_size=batch_size
    )
    return _then_warn(found, notes)


def _then_warn(results: Iterator[Any], notes: Notes) -> Iterator[Any]:
    yield from results
    notes.warn()


def with_bar(
    results: Iterator[Any], number: int | None, verbose: Verbose
) -> Iterator[Any]:
    """The results; a bar moves where the work is long.

    Args:
        results: What is done one by one.
        number: How many there are, if that is known.
        verbose: Whether there is a bar; `None`, or "auto" as Keras says: on a
            terminal, after some seconds.

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


def _length(row: Row) -> int:
    return sum(len(x) if isinstance(x, str) else sum(map(len, x)) for x in row)
