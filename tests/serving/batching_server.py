"""TF Serving's batching, after its `batching_session.cc`.

Requests for the same signature are merged: inputs are concatenated along the
first axis, and the answer is split again. Errors are those of the server.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]


class Refused(Exception):
    """The server answers with an error."""


def answer_batch(
    run: Callable[[Arrays], Mapping[str, Any]],
    requests: Sequence[Mapping[str, Any]],
    max_batch_size: int = 32,
) -> list[Arrays | Refused]:
    """Returns the answers to concurrent requests for one signature.

    Args:
        run: Returns the outputs of a signature for its inputs, or raises.
        requests: Inputs by name, for each request.
        max_batch_size: Most rows.

    Returns:
        The outputs or the error of each request.

    Raises:
        TimeoutError: A request has no rows, so it is never answered.
    """
    tasks = [
        {name: np.asarray(x) for name, x in one.items()} for one in requests
    ]
    answers: list[Arrays | Refused] = [_alone(x, max_batch_size) for x in tasks]
    waiting = [i for i, x in enumerate(answers) if not isinstance(x, Refused)]
    if not waiting:
        return answers
    try:
        found = _together(run, [tasks[i] for i in waiting])
    except Refused as error:
        # All requests in the batch get the same error.
        found = [error] * len(waiting)
    for i, answer in zip(waiting, found, strict=True):
        answers[i] = answer
    return answers


def _alone(task: Arrays, max_batch_size: int) -> Arrays | Refused:
    """Refuses requests that fit into no batch."""
    sizes = {x.shape[:1] for x in task.values()}
    if () in sizes:
        return Refused(
            "Batching Run() input tensors must have at least one dim"
        )
    if len(sizes) > 1:
        return Refused(
            "Batching Run() input tensors must have equal 0th-dimension size"
        )
    [(size,)] = sizes
    if size == 0:
        raise TimeoutError("The scheduler has dropped the request.")
    if size > max_batch_size:
        return Refused(f"Task size {size} is larger than {max_batch_size}")
    return {}


def _together(run: Callable, tasks: Sequence[Arrays]) -> Sequence[Arrays]:
    for name in tasks[0]:
        if len({task[name].shape[1:] for task in tasks}) > 1:
            raise Refused(
                f"Tensors with name '{name}' from different tasks have "
                "different shapes and padding is turned off."
            )
    joined = {
        name: np.concatenate([task[name] for task in tasks])
        for name in tasks[0]
    }
    try:
        outputs = run(joined)
    except Exception as error:
        raise Refused(str(error)) from error
    sizes = [len(next(iter(task.values()))) for task in tasks]
    arrays = {name: np.asarray(x) for name, x in outputs.items()}
    for name, array in arrays.items():
        if array.ndim == 0 or len(array) != sum(sizes):
            raise Refused(
                f"{name}: Batched output tensor's 0th dimension does not equal "
                "the sum of the 0th dimension sizes of the input tensors"
            )
    borders = np.cumsum(sizes)[:-1]
    parts = {name: np.split(x, borders) for name, x in arrays.items()}
    return [
        {name: part[i] for name, part in parts.items()}
        for i in range(len(tasks))
    ]
