"""Answers without what pads them to the length of their neighbours."""

from typing import Any

Row = dict[str, Any]
# What says how much of an answer is not padding.
LENGTHS = ("num_masks", "num_tokens", "words")


def cut_answer(shapes: dict[str, list[int]], answer: Row) -> Row:
    """The part of an answer that is of its own row.

    Args:
        shapes: Of the outputs, the rows of the batch first; -1 is an axis of
            any size.
        answer: Outputs by name.

    Example:
        >>> shapes = {"tokens": [-1, -1], "num_tokens": [-1], "truncated": [-1]}
        >>> cut_answer(shapes, {"tokens": ["a", ""], "num_tokens": 1})
        {'tokens': ['a'], 'num_tokens': 1}
    """
    if "tags" in shapes and "words" in shapes:
        # Words that are blank stand before others only.
        there = [i for i, x in enumerate(answer["words"], 1) if x != ""]
        length = max(there, default=0)
    elif "num_tokens" in shapes and "truncated" in shapes:
        length = answer.get("num_masks", answer["num_tokens"])
    else:
        return answer
    return {x: _cut_axes(y, shapes[x][1:], length) for x, y in answer.items()}


def _cut_axes(value: Any, shape: list[int], length: int) -> Any:
    """The begin of each axis that has any size."""
    if -1 not in shape:
        return value
    if shape[0] == -1:
        value = value[:length]
    return [_cut_axes(x, shape[1:], length) for x in value]
