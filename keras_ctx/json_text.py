"""JSON that every reader takes: without the tokens `NaN` and `Infinity`.

Python writes and reads both, but they are no JSON (RFC 8259, section 6), and
other readers refuse the whole file.
"""

import json
import math
from typing import Any

import numpy as np

_INFINITIES = {"Infinity": math.inf, "-Infinity": -math.inf}


def json_text(content: Any, indent: int | None = None) -> str:
    """`content` as JSON: NaN is null, infinities are strings.

    Args:
        content: Nested dicts, lists and tuples of what JSON knows, of NumPy
            numbers and arrays; all else is written as its `str`, such as a
            path.
        indent: As for `json.dumps`.

    Returns:
        One line or, with `indent`, more, without a line break at the end.

    Raises:
        ValueError: `content` holds itself.

    Example:
        >>> json_text({"perplexity": math.inf, "loss": [math.nan, 0.5]})
        '{"perplexity": "Infinity", "loss": [null, 0.5]}'
    """
    try:
        plain = _plain(content)
    except RecursionError:
        raise ValueError(
            "`content` must not be nested without end. Received: a value "
            "that holds itself"
        ) from None
    return json.dumps(
        plain,
        ensure_ascii=False,
        indent=indent,
        default=str,
        allow_nan=False,
    )


def read_figures(text: str) -> Any:
    """Figures that `json_text` has written, as the numbers that they were.

    Args:
        text: JSON whose leaves are numbers: every null is NaN, and the
            strings "Infinity" and "-Infinity" are infinities. The tokens
            `NaN` and `Infinity` of older files are read, too.

    Returns:
        What `json_text` was given.

    Example:
        >>> read_figures('{"perplexity": "Infinity", "loss": [null, 0.5]}')
        {'perplexity': inf, 'loss': [nan, 0.5]}
    """
    return _figures(json.loads(text))


def _plain(content: Any) -> Any:
    if isinstance(content, np.ndarray | np.generic):
        content = content.tolist()
    if isinstance(content, dict):
        return {key: _plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_plain(value) for value in content]
    if isinstance(content, float) and not math.isfinite(content):
        if math.isnan(content):
            return None
        return "Infinity" if content > 0 else "-Infinity"
    return content


def _figures(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _figures(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_figures(value) for value in content]
    if content is None:
        return math.nan
    if isinstance(content, str):
        return _INFINITIES.get(content, content)
    return content
