"""Removes the padding from the answers of a batch."""

from typing import Any

Row = dict[str, Any]
# Outputs that tell how much of an answer is not padding.
LENGTHS = ("num_masks", "num_tokens", "words", "role_starts")
_OF_SPANS = ("roles", "role_starts", "role_ends")


def cut_answer(shapes: dict[str, list[int]], answer: Row) -> Row:
    """Returns an answer without padding to the longest row of its batch.

    Args:
        shapes: Shapes of the outputs, with the batch axis first; -1 is an axis
            of any size.
        answer: Outputs by name.

    Example:
        >>> shapes = {"tokens": [-1, -1], "num_tokens": [-1], "truncated": [-1]}
        >>> cut_answer(shapes, {"tokens": ["a", ""], "num_tokens": 1})
        {'tokens': ['a'], 'num_tokens': 1}
    """
    if "tags" in shapes and "words" in shapes:
        # Blank words occur only before others.
        there = [i for i, x in enumerate(answer["words"], 1) if x != ""]
        length = max(there, default=0)
    elif "texts" in shapes:  # one number of tokens for each of them
        return answer
    elif "num_tokens" in shapes and "truncated" in shapes:
        length = answer.get("num_masks", answer["num_tokens"])
    else:
        return answer
    lengths = dict.fromkeys(answer, length)
    if "role_starts" in answer:  # a span for each role
        spans = sum(x >= 0 for x in answer["role_starts"])
        lengths |= dict.fromkeys(_OF_SPANS, spans)
    return {
        x: _cut_axes(y, shapes[x][1:], lengths[x]) for x, y in answer.items()
    }


def _cut_axes(value: Any, shape: list[int], length: int) -> Any:
    """Cuts each axis of any size to `length`."""
    if -1 not in shape:
        return value
    if shape[0] == -1:
        value = value[:length]
    return [_cut_axes(x, shape[1:], length) for x in value]
