"""Names of the second text of a pair, in Python and in served models.

In Python it is `text_pair`. Signatures keep their first name for it,
`second_text`, because deployed clients send it.
"""

from collections.abc import Collection, Mapping
from typing import Any

TEXT_PAIR, SECOND_TEXT = "text_pair", "second_text"
_OTHER = {TEXT_PAIR: SECOND_TEXT, SECOND_TEXT: TEXT_PAIR}


def with_known_name(
    inputs: Mapping[str, Any], known: Collection[str]
) -> dict[str, Any]:
    """Renames the second text of a pair to the name that is known.

    Args:
        inputs: Texts by name.
        known: Known names, such as the inputs of a signature.

    Example:
        >>> with_known_name(
        ...     {"text": "a", "text_pair": "b"}, ["text", "second_text"])
        {'text': 'a', 'second_text': 'b'}
    """
    renamed = {
        name: _OTHER[name]
        for name in inputs
        if name in _OTHER
        and name not in known
        and _OTHER[name] in known
        and _OTHER[name] not in inputs
    }
    return {renamed.get(name, name): value for name, value in inputs.items()}
