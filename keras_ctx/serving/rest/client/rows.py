"""Converts lines to the rows of a request."""

import json
from typing import Any

from keras_ctx.serving.rest.client.errors import RefusedQuery
from keras_ctx.serving.rest.client.signature import Signature
from keras_ctx.serving.text_pair import SECOND_TEXT, with_known_name

Row = dict[str, Any]


def to_row(signature: Signature, number: int, line: str, as_json: bool) -> Row:
    """Converts a line to a row: a value for each input of the signature.

    Args:
        signature: The signature to call.
        number: Number of the line, for errors.
        line: A text; with `as_json` a JSON object, in which `text_pair` is
            also read as `second_text`.
        as_json: Whether the line has a value for each input without a default.

    Raises:
        RefusedQuery: The line is not JSON, or has other keys.
    """
    inputs = list(signature.inputs)
    if not as_json and signature.takes_examples:
        return {"text": line}
    if not as_json:
        [first, *_] = [x for x in inputs if x not in signature.defaults]
        value = line.split() if inputs == ["tokens"] else line
        return {**signature.defaults, first: value}
    try:
        row = json.loads(line, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise RefusedQuery(f"Line {number} is not JSON: {error}") from error
    if isinstance(row, dict):
        known = (SECOND_TEXT,) if signature.takes_examples else inputs
        row = with_known_name({**signature.defaults, **row}, known)
    # An example may have features that the model does not look at.
    if not isinstance(row, dict) or (
        sorted(row) != inputs and not signature.takes_examples
    ):
        raise RefusedQuery(
            f"Line {number} must be an object with the keys {inputs}. "
            f"Received: {line[:80]}"
        )
    return row


def filled(rows: list[Row], width: int | None) -> list[Row]:
    """Pads rows of words to one width with "".

    Args:
        rows: Rows of a request.
        width: Words per row; `None` for those of the longest row.

    Raises:
        RefusedQuery: A row has more words than `width`.

    Example:
        >>> filled([{"tokens": ["to", "be"]}, {"tokens": ["or"]}], None)
        [{'tokens': ['to', 'be']}, {'tokens': ['or', '']}]
    """
    pairs = [pair for row in rows for pair in row.items()]
    words = [x for name, x in pairs if name.endswith("tokens")]
    longest = max((len(x) for x in words if isinstance(x, list)), default=0)
    most = width or max(longest, 1)
    if longest > most:
        raise RefusedQuery(f"A row has {longest} words, above --width {most}.")
    return [
        {
            name: x + [""] * (most - len(x))
            if name.endswith("tokens") and isinstance(x, list)
            else x
            for name, x in row.items()
        }
        for row in rows
    ]
