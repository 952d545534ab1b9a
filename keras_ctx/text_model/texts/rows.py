"""Converts texts in any common form to rows, checked one by one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_ctx.files.untuned_dataset import without_autotuning
from keras_ctx.serving.text_pair import with_known_name

Row = tuple[Any, ...]

# The names of the texts in a row, by kind.
NAMES = {
    "text": ("text",),
    "pair": ("text", "text_pair"),
    "question": ("question", "context"),
    "words": ("text",),
}
_WANTED = {
    "text": "a text",
    "pair": 'a pair of texts, such as ("first", "second")',
    "question": 'a question and its context, such as ("Where?", "In Rome.")',
    "words": "a text, or the list of its words",
}


def num_texts(texts: Any) -> int | None:
    """Returns the number of texts; `None` if it is not known in advance."""
    if isinstance(texts, tf.data.Dataset):
        return None  # it may be in batches
    try:
        return len(texts)
    except TypeError:
        return None


def rows_of(texts: Any, kind: str) -> Iterator[Row]:
    """Yields each text, pair or question as a tuple of strings.

    Args:
        texts: A list or any other iterable, an array, a tensor, or a
            `tf.data.Dataset` of strings, batched or not.
        kind: "text"; "pair" for two texts per row; "question" for a question
            and its context; "words" for a text, or a list of its words.

    Returns:
        A generator. A row of words is a tuple of one list.

    Raises:
        ValueError: `texts` is of another type; from the generator, a row is not
            of `kind`, with its number.

    Example:
        >>> list(rows_of(["a", "b"], "text"))
        [('a',), ('b',)]
        >>> list(rows_of([{"question": "How?", "context": "So."}], "question"))
        [('How?', 'So.')]
        >>> list(rows_of(["a"], "pair"))
        Traceback (most recent call last):
        ValueError: `texts` must hold a pair of texts, such as ("first", ...
    """
    return (_row(row, kind, number) for number, row in enumerate(_items(texts)))


def _items(texts: Any) -> Iterable[Any]:
    if isinstance(texts, Mapping) or hasattr(texts, "columns"):
        # Iterating over a table yields the names of its columns.
        names = list(getattr(texts, "columns", texts))
        raise ValueError(
            "`texts` must be a list of texts, or another iterable, no table: "
            'give one column of it, such as table["text"], and of pairs '
            'zip(table["text"], table["text_pair"]). Received: a '
            f"{type(texts).__name__} with {str(names)[:60]}"
        )
    if isinstance(texts, str | bytes) or not _is_iterable(texts):
        raise ValueError(
            "`texts` must be a list of texts, or another iterable, an array "
            "or a tf.data.Dataset of them; put a single text into a list. "
            f"Received: texts={str(texts)[:60]!r}, a {type(texts).__name__}"
        )
    if isinstance(texts, tf.data.Dataset):
        _check_dataset(texts)
        return decoded_items(texts)
    if isinstance(texts, tf.Tensor | tf.RaggedTensor):
        return decoded_items(texts)
    if isinstance(texts, np.ndarray):
        return texts.tolist()
    return texts


def _is_iterable(texts: Any) -> bool:
    try:
        iter(texts)
    except TypeError:
        return False
    return True


def _check_dataset(dataset: Any) -> None:
    wrong = [
        x
        for x in tf.nest.flatten(dataset.element_spec)
        if getattr(x, "dtype", None) != tf.string or x.shape.rank not in (0, 1)
    ]
    if wrong:
        raise ValueError(
            "`texts` must be a dataset of strings, in batches or not. Leave "
            "labels out by `.map`. Received: a dataset of "
            f"{dataset.element_spec}"
        )


def decoded_items(values: Any) -> Iterator[Any]:
    """Yields the items of a dataset or tensor, with bytes decoded.

    Args:
        values: A tensor, a ragged tensor, or a dataset, batched or not.
    """
    if isinstance(values, tf.RaggedTensor):
        return map(_decoded, values.to_list())
    if isinstance(values, tf.Tensor):
        return map(_decoded, values.numpy().tolist())
    dataset: Any = values
    parts = tf.nest.flatten(dataset.element_spec)
    if any(x.shape.rank == 1 for x in parts):
        dataset = dataset.unbatch()
    return map(_decoded, without_autotuning(dataset).as_numpy_iterator())


def _decoded(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, dict):
        return {name: _decoded(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_decoded, value))
    return value


def _row(row: Any, kind: str, number: int) -> Row:
    names = NAMES[kind]
    if isinstance(row, dict):
        row = with_known_name(row, names)
    if isinstance(row, dict) and row.keys() == set(names):
        row = row["text"] if len(names) == 1 else tuple(map(row.get, names))
    if kind == "words" and isinstance(row, list | tuple):
        if all(isinstance(word, str) and word for word in row):
            return ([_text(word, kind, number) for word in row],)
    elif len(names) == 1 and isinstance(row, str):
        return (_text(row, kind, number),)
    elif (
        len(names) == 2
        and isinstance(row, list | tuple)
        and len(row) == 2
        and all(isinstance(each, str) for each in row)
    ):
        return tuple(_text(each, kind, number) for each in row)
    raise _wrong(row, kind, number)


def _text(value: str, kind: str, number: int) -> str:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"`texts` must be Unicode: row {number} has a lone "
            "surrogate, as of a file that was read with "
            f"errors='surrogateescape'. Received: {value[:60]!r}"
        ) from error
    return value


def _wrong(row: Any, kind: str, number: int) -> ValueError:
    parts = row if isinstance(row, list | tuple) else [row]
    advice = ""
    if any(isinstance(each, bytes) for each in parts):
        advice = ' Bytes are no text: `.decode("utf-8")` them.'
    elif any(each is None or each != each for each in _plain(parts)):
        advice = (
            " Nothing was read there, as in an empty cell of a table: leave "
            'the row out, or give "".'
        )
    elif isinstance(row, dict):
        names = ", ".join(map(repr, NAMES[kind]))
        advice = f" A dict must have the keys {names} and no others."
    elif isinstance(row, list | tuple) and kind == "text":
        advice = " The model reads single texts, no pairs and no words."
    elif isinstance(row, str):
        advice = f" The model reads {len(NAMES[kind])} texts a row."
    return ValueError(
        f"`texts` must hold {_WANTED[kind]} in each row.{advice} Received: "
        f"{str(row)[:60]!r}, a {type(row).__name__}, in row {number}"
    )


def _plain(parts: Sequence[Any]) -> list[Any]:
    return [x for x in parts if x is None or isinstance(x, float)]
